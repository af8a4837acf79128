//! The examples that run crates of the ecosystem on our sockets.

mod client;
mod server;
mod websocket;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use super::{PATIENCE, Running};

#[test]
fn these_examples_have_a_help() {
    for name in ["httpclient", "httpserver", "websocketecho"] {
        super::has_a_help(name);
    }
}

/// Returns the path of a file among the certificates of the conformance tests.
fn certificate(name: &str) -> String {
    format!("{}/../tests/conformance/certs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Returns whether a program runs with these arguments, and prints a reason if it does not.
fn has(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let there = command.status().is_ok_and(|status| status.success());
    if !there {
        println!("skipped: `{program} {}` fails", arguments.join(" "));
    }
    there
}

/// Returns bytes in which a lost or repeated block shows.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

/// Waits until a server has no more descriptors than before: the connections since are gone.
fn wait_for_descriptors(server: &Running, before: usize) {
    let end = Instant::now() + PATIENCE;
    while descriptors(server) > before {
        assert!(Instant::now() < end, "{} descriptors, not {before}", descriptors(server));
        thread::sleep(Duration::from_millis(5));
    }
}

fn descriptors(server: &Running) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.0.id())).unwrap().count()
}

/// Returns the largest resident size of a process so far, in bytes.
fn peak_memory(server: &Running) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes * 1024
}

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("qcore-http-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
