//! Model tests: random programs in the simulated network, compared with a reference model.
//!
//! A random program is data: a seed determines it, and the same seed determines the faults of the
//! network that it runs in. The model is small. It knows what each end of a connection has sent and
//! received, in which order a socket may emit its signals, and which ends are allowed:
//!
//! * What arrives is a prefix of what was sent, and all of it if both ends close well.
//! * `closed` comes once for each connection, and after it nothing.
//! * Nobody panics. Every wait ends, in virtual and in real time.
//! * Afterwards no object is alive, no socket is open, and no memory is lost.
//!
//! If a program breaks the model, the test looks for a smaller one that does so, too. It prints
//! that program, the seed and the command that repeats it.
//!
//! ```text
//! SEED=17 cargo test -p integration --test suite model::streams::tcp      # one program
//! CASES=100000 cargo test -p integration --test suite model::streams::tcp # so many
//! ```

mod conn;
mod datagrams;
mod dice;
mod driver;
mod end;
mod ends_in_slots;
mod frames;
mod leaks;
mod links;
mod memory;
mod net;
mod order;
mod proxy;
mod run;
mod servers;
mod streams;
mod tasks;
