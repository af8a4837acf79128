//! Shared parts of the benchmarks: printing a figure, and reading the thread's CPU time.

mod crossthread;
mod growth;
#[cfg(feature = "http")]
mod hello;
#[cfg(feature = "http")]
#[path = "../../../examples/common/hyper_io.rs"]
mod hyper_io;
mod tasks;
mod waits;

use std::fs;

pub use self::{
    crossthread::crossthread,
    growth::grow,
    tasks::{SLEEPERS, players, sleepers},
    waits::{blocking, burst},
};
#[cfg(feature = "http")]
pub use self::{hello::hello, hyper_io::HyperIo};

/// Prints one figure as a line of JSON. The field `peer` distinguishes it from other programs'
/// figures.
pub fn report(bench: &str, value: f64, unit: &str) {
    println!(r#"{{"bench":"{bench}","peer":"here","value":{value:.6},"unit":"{unit}"}}"#);
}

/// Returns the CPU time of this thread in seconds, in user and kernel mode; 0 if the system does
/// not report it.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|field| field.parse::<f64>().ok());
    nanos.unwrap_or(0.0) / 1e9
}
