//! What the benchmarks share: printing a figure, and the time that the process has had.

use std::fs;

/// Prints one figure as a line of JSON. `peer` tells it from those of others.
pub fn report(bench: &str, value: f64, unit: &str) {
    println!(r#"{{"bench":"{bench}","peer":"here","value":{value:.6},"unit":"{unit}"}}"#);
}

/// The seconds for which this thread has run, in user and kernel mode; 0 where the system does not tell.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|field| field.parse::<f64>().ok());
    nanos.unwrap_or(0.0) / 1e9
}
