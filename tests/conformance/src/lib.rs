//! Runs conformance scenarios on this project and prints their traces, as `FORMAT.md` says.
//!
//! From the outside in:
//!
//! * `command`: the program's arguments; `check`: a process for each scenario, and the comparison
//! * `run`: what a scenario's own process does
//! * `parse`, `lex`, `syntax`: the language
//! * `world`: the objects of a scenario, its statements, its trace
//! * `kinds`: what can be made and called, a file for each kind; `names`: the enums' names
//! * `peer`: the ends of connections that are none of this project's; `proxy`: what may stand between
//! * `value`, `ports`: what calls return, and how it is written; `diff`: two traces compared

#![allow(clippy::unit_arg, reason = "what a void function returns is written as a value, too")]

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
