//! Quitting on Ctrl-C. Each test starts this binary again as a child process.

#![cfg(all(unix, feature = "ctrl-c"))]

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    iter,
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio, exit},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use qcore::{QCoreApplication, QTimer};

const MODE: &str = "QCORE_CTRL_C_CHILD";
/// Longer than anything in these tests takes.
const LONG: Duration = Duration::from_secs(30);
/// The child's exit code if `exec()` returned 0.
const QUIT: i32 = 40;

/// Runs in the child process. It is not a test.
#[test]
fn child() {
    let Ok(mode) = env::var(MODE) else { return };
    if let Some(free) = mode.strip_prefix("free ") {
        let mut taken: Vec<_> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
        // The application's loop has no free descriptors, either.
        let app = QCoreApplication::new();
        taken.truncate(taken.len() - free.parse::<usize>().unwrap());
        let refused = app.quit_on_ctrl_c().is_err();
        println!("\n{}\nready", if refused { "refused" } else { "" });
        std::io::stdin().read_line(&mut String::new()).unwrap();
        exit(QUIT + 3);
    }
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c().unwrap();
    app.quit_on_ctrl_c().unwrap();
    let ready = || println!("\nready");
    match &*mode {
        "running" => QTimer::single_shot(0, ready),
        // The signal arrives before the loop runs.
        "before" => {
            ready();
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        // The loop is blocked by its own slot.
        _ => QTimer::single_shot(0, move || {
            ready();
            let _ = std::io::stdin().read(&mut [0]);
            exit(QUIT + 2);
        }),
    }
    // Ends the child if its parent is gone.
    QTimer::single_shot(2 * LONG, || exit(QUIT + 1));
    exit(QUIT + app.exec());
}

/// Starts the child and waits until it is ready.
fn start(mode: &str) -> (Child, BufReader<ChildStdout>) {
    let (child, out, _) = start_and_listen(mode);
    (child, out)
}

/// Starts the child, waits until it is ready, and returns the text that it printed before.
fn start_and_listen(mode: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(MODE, mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut line, mut said) = (String::new(), String::new());
    while line.trim() != "ready" {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the child has ended");
        said.push_str(&line);
    }
    (child, out, said)
}

fn kill(signal: &str, child: u32) {
    let killed = Command::new("kill").args([signal, &child.to_string()]).status().unwrap();
    assert!(killed.success());
}

/// Waits for the child and calls `again` at intervals meanwhile.
fn wait(mut child: Child, mut again: impl FnMut()) -> ExitStatus {
    let stdin = child.stdin.take();
    let (send, receive) = mpsc::channel();
    let waiter = thread::spawn(move || send.send(child.wait().unwrap()));
    let step = Duration::from_millis(20);
    for _ in 0..LONG.as_millis() / step.as_millis() {
        match receive.recv_timeout(step) {
            Ok(status) => {
                waiter.join().unwrap().unwrap();
                drop(stdin);
                return status;
            }
            Err(RecvTimeoutError::Timeout) => again(),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the child does not end");
}

#[test]
fn ctrl_c_and_termination_quit() {
    for signal in ["-INT", "-TERM"] {
        let (child, _out) = start("running");
        kill(signal, child.id());
        assert_eq!(wait(child, || ()).code(), Some(QUIT), "{signal}");
    }
}

#[test]
fn a_signal_from_before_the_loop_is_not_lost() {
    let (mut child, _out) = start("before");
    kill("-INT", child.id());
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

#[test]
fn the_second_ctrl_c_ends_a_process_whose_loop_does_not_run() {
    let (child, _out) = start("busy");
    let id = child.id();
    kill("-TERM", id);
    kill("-INT", id);
    // 130 is 128 + SIGINT. The kernel may merge two signals into one, so the test sends more.
    let again = || drop(Command::new("kill").args(["-INT", &id.to_string()]).output());
    assert_eq!(wait(child, again).code(), Some(130));
}

/// If there are too few descriptors, signals keep their default action.
#[test]
fn without_descriptors_nothing_is_changed() {
    for free in 0..20 {
        let (mut child, _out, said) = start_and_listen(&format!("free {free}"));
        if !said.contains("refused") {
            assert!(free > 0, "it needs none");
            child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
            assert_eq!(wait(child, || ()).code(), Some(QUIT + 3));
            return;
        }
        // Not SIGINT, which the process that starts the tests may have ignored.
        kill("-TERM", child.id());
        assert_eq!(wait(child, || ()).signal(), Some(15), "with {free} descriptors");
    }
    panic!("quit_on_ctrl_c never succeeds");
}
