//! Runs conformance scenarios on this project and prints their traces, as `FORMAT.md` describes.
//!
//! From the outside in:
//!
//! * `command`: the program's arguments; `check`: a process for each scenario, and the comparison
//! * `run`: the work of a scenario's own process
//! * `parse`, `lex`, `syntax`: the language
//! * `world`: the objects of a scenario, its statements, its trace
//! * `kinds`: the kinds of objects, a file for each; `names`: the enumerators' names
//! * `peer`: peers that do not use this project; `proxy`: proxies between them and a scenario
//! * `value`, `ports`: the results of calls, and their form in a trace; `diff`: the comparison of
//!   traces

#![allow(clippy::unit_arg, reason = "the result of a void function becomes a value, too")]

mod args;
mod check;
mod command;
mod diff;
mod error;
mod kinds;
mod lex;
mod names;
mod parse;
mod peer;
mod ports;
mod proxy;
mod run;
mod syntax;
mod value;
mod world;

pub use self::command::main;
