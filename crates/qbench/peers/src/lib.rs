//! Shared parts of the peers: printing a figure, and reading CPU times.

#[path = "../../src/hello.rs"]
mod hello;
#[path = "../../src/tasks.rs"]
mod tasks;

use std::{
    fs,
    time::{Duration, Instant},
};

pub use self::{
    hello::hello,
    tasks::{SLEEPERS, players, sleepers},
};

/// Prints one figure as a line of JSON.
pub fn report(bench: &str, value: f64, unit: &str) {
    println!(r#"{{"bench":"{bench}","peer":"here","value":{value:.6},"unit":"{unit}"}}"#);
}

/// Prints the nanoseconds that each of `count` operations took since `start`.
pub fn report_each(bench: &str, start: Instant, count: impl Into<f64>, unit: &str) {
    report(bench, start.elapsed().as_secs_f64() * 1e9 / count.into(), unit);
}

/// Returns the CPU time of this thread in seconds, in user and kernel mode.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|field| field.parse::<f64>().ok());
    nanos.unwrap_or(0.0) / 1e9
}

/// Returns the argument at a position, as a number of seconds.
#[must_use]
pub fn seconds(position: usize) -> f64 {
    std::env::args().nth(position).and_then(|text| text.parse().ok()).unwrap_or(1.0)
}

/// Returns `count` delays below a second, in random order. They are the same in each run.
#[must_use]
pub fn delays(count: usize) -> Vec<Duration> {
    let mut random = 12345u64;
    (0..count)
        .map(|_| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            Duration::from_millis((random >> 33) % 1000)
        })
        .collect()
}

/// Times round trips of an echo: some to warm up, then as many as fit into the time.
pub struct Trips {
    seconds: f64,
    began: Instant,
    warm: bool,
    count: u32,
}

impl Trips {
    #[must_use]
    pub fn new(seconds: f64) -> Self {
        Trips { seconds, began: Instant::now(), warm: false, count: 0 }
    }

    /// Counts a trip. Returns true, and prints the rate, after the last one.
    pub fn done(&mut self) -> bool {
        self.count += 1;
        let passed = self.began.elapsed().as_secs_f64();
        if !self.warm && passed > self.seconds / 5.0 {
            *self = Trips { warm: true, ..Trips::new(self.seconds) };
            return false;
        }
        if !self.warm || passed < self.seconds {
            return false;
        }
        report("echo_inproc", f64::from(self.count) / passed, "rt/s");
        true
    }
}
