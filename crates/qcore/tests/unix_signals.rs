//! Signals of the operating system. Each test starts this binary again as a child process, and
//! sends signals to the child.

#![cfg(all(unix, feature = "unix-signals"))]

use std::{
    cell::{Cell, RefCell},
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    iter,
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio, exit},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use qcore::{QCoreApplication, QTimer, UnixSignal, UnixSignalNotifier, wait_until};

const MODE: &str = "QCORE_UNIX_SIGNALS_CHILD";
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
    // Ends the child if its parent is gone.
    QTimer::single_shot(2 * LONG, || exit(QUIT + 1));
    if let Some(case) = mode.strip_prefix("notifier ") {
        notifier(case);
    }
    app.quit_on_ctrl_c().unwrap();
    app.quit_on_ctrl_c().unwrap();
    match &*mode {
        "running" => QTimer::single_shot(0, ready),
        // The signal arrives before the loop runs.
        "before" => wait_for_parent(),
        // The application has died, and with it the effect of `quit_on_ctrl_c`.
        "dead" => {
            drop(app);
            wait_for_parent();
            exit(QUIT + 4);
        }
        // The loop is blocked by its own slot.
        _ => QTimer::single_shot(0, move || {
            wait_for_parent();
            exit(QUIT + 2);
        }),
    }
    exit(QUIT + app.exec());
}

/// Tells the parent that the child is ready.
fn ready() {
    println!("\nready");
}

/// Tells the parent that the child is ready, and waits for a line from the parent.
fn wait_for_parent() {
    ready();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// A notifier that stores the signals that it emits.
fn recorder(signals: &[UnixSignal]) -> (UnixSignalNotifier, Rc<RefCell<Vec<UnixSignal>>>) {
    let notifier = UnixSignalNotifier::try_new(signals.iter().copied()).unwrap();
    let got = Rc::<RefCell<Vec<_>>>::default();
    notifier.activated.connect_to(&got, |got, signal| got.borrow_mut().push(*signal));
    (notifier, got)
}

/// The part of the child that uses notifiers. It ends the process.
fn notifier(case: &str) -> ! {
    use UnixSignal::{Hangup, Interrupt, Quit, Terminate, User1, User2};
    match case {
        "order" => {
            let (_notifier, got) = recorder(&[User1, Hangup, User2, Quit, User1]);
            wait_for_parent();
            // The system may let any thread handle a signal, and on a busy machine that thread runs
            // after the sender has returned.
            thread::sleep(Duration::from_millis(200));
            assert!(wait_until(LONG, || got.borrow().len() >= 3));
            QCoreApplication::instance().process_events();
            assert_eq!(*got.borrow(), [User1, Hangup, User2]);
            // Later signals are emitted anew.
            got.borrow_mut().clear();
            wait_for_parent();
            assert!(wait_until(LONG, || !got.borrow().is_empty()));
            assert_eq!(*got.borrow(), [User1]);
        }
        "dropped" => {
            drop(recorder(&[Terminate, Interrupt]));
            wait_for_parent();
        }
        "two" => {
            let (first, dropped) = recorder(&[Terminate]);
            let (_second, got) = recorder(&[Terminate]);
            let elsewhere = thread::spawn(|| {
                let (_notifier, got) = recorder(&[Terminate]);
                ready();
                assert!(wait_until(LONG, || got.borrow().len() == 1));
            });
            drop(first);
            assert!(wait_until(LONG, || !got.borrow().is_empty()));
            elsewhere.join().unwrap();
            assert_eq!((dropped.borrow().len(), got.borrow().len()), (0, 1));
        }
        "in its slot" => {
            let (notifier, got) = recorder(&[Terminate, Hangup]);
            let notifier = Rc::new(Cell::new(Some(notifier)));
            let slot = notifier.clone();
            let inner = notifier.take().unwrap();
            inner.activated.connect(move |_| drop(slot.take()));
            notifier.set(Some(inner));
            wait_for_parent();
            assert!(wait_until(LONG, || !got.borrow().is_empty()));
            QCoreApplication::instance().process_events();
            // The slot of the first signal has destroyed the notifier. The kernel may run the two
            // handlers in two threads, so either signal may be the first.
            assert_eq!(got.borrow().len(), 1);
            wait_for_parent();
        }
        "again" => {
            drop(recorder(&[Terminate]));
            let (_notifier, got) = recorder(&[Terminate]);
            wait_for_parent();
            assert!(wait_until(LONG, || !got.borrow().is_empty()));
        }
        "second" => {
            let (notifier, got) = recorder(&[Interrupt, Terminate]);
            notifier.end_on_second(Interrupt).unwrap();
            notifier.end_on_second(Interrupt).unwrap();
            // It does not watch this one.
            notifier.end_on_second(Hangup).unwrap();
            ready();
            assert!(wait_until(LONG, || got.borrow().len() >= 2));
            ready();
            assert!(wait_until(LONG, || got.borrow().contains(&Interrupt)));
            wait_for_parent();
        }
        "ignored" => {
            let (notifier, got) = recorder(&[Interrupt, Hangup, Terminate]);
            notifier.end_on_second(Interrupt).unwrap();
            ready();
            assert!(wait_until(LONG, || !got.borrow().is_empty()));
            assert_eq!(*got.borrow(), [Terminate]);
        }
        "handler" => {
            let own = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(User1.number(), own.clone()).unwrap();
            let (notifier, got) = recorder(&[User1]);
            ready();
            assert!(wait_until(LONG, || !got.borrow().is_empty()));
            assert!(own.swap(false, Ordering::AcqRel));
            drop(notifier);
            wait_for_parent();
            // Another thread may run the handler, and need not have done so yet.
            assert!(wait_until(LONG, || own.load(Ordering::Acquire)));
        }
        "descriptors" => {
            let open = || fs::read_dir("/proc/self/fd").map(|open| open.count()).unwrap_or(0);
            drop(recorder(&[Hangup, User1]));
            let before = open();
            for _ in 0..100 {
                drop(recorder(&[Hangup, User1]));
            }
            assert_eq!(open(), before);
            ready();
        }
        _ => panic!("there is no case {case:?}"),
    }
    exit(QUIT);
}

/// Starts the child and waits until it is ready.
fn start(mode: &str) -> (Child, BufReader<ChildStdout>) {
    let (child, out, _) = start_and_listen(mode);
    (child, out)
}

/// Starts the child, waits until it is ready, and returns the text that it printed before.
fn start_and_listen(mode: &str) -> (Child, BufReader<ChildStdout>, String) {
    start_by(mode, "ulimit -n 64 && exec \"$0\" \"$@\"")
}

/// Starts the child by a script of the shell.
fn start_by(mode: &str, script: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(MODE, mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let said = until_ready(&mut out);
    (child, out, said)
}

/// Waits until the child is ready, and returns the text that it printed before.
fn until_ready(out: &mut BufReader<ChildStdout>) -> String {
    let (mut line, mut said) = (String::new(), String::new());
    while line.trim() != "ready" {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the child has ended");
        said.push_str(&line);
    }
    said
}

/// Makes the child's `wait_for_parent` return.
fn go_on(child: &mut Child) {
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
}

fn kill(signal: &str, child: u32) {
    let killed = Command::new("kill").args([signal, &child.to_string()]).status().unwrap();
    assert!(killed.success());
}

/// Returns whether children get SIGINT. Otherwise prints that the test is skipped: what this
/// process ignores, its children ignore as well.
fn can_interrupt() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let can = ignored & 1 << (UnixSignal::Interrupt.number() - 1) == 0;
    if !can {
        println!("skipped: SIGINT is ignored, as for a background job");
    }
    can
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
    if !can_interrupt() {
        return;
    }
    for signal in ["-INT", "-TERM"] {
        let (child, _out) = start("running");
        kill(signal, child.id());
        assert_eq!(wait(child, || ()).code(), Some(QUIT), "{signal}");
    }
}

#[test]
fn a_signal_from_before_the_loop_is_not_lost() {
    if !can_interrupt() {
        return;
    }
    let (mut child, _out) = start("before");
    kill("-INT", child.id());
    go_on(&mut child);
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

#[test]
fn the_second_ctrl_c_ends_a_process_whose_loop_does_not_run() {
    if !can_interrupt() {
        return;
    }
    let (child, _out) = start("busy");
    let id = child.id();
    kill("-TERM", id);
    kill("-INT", id);
    // The kernel may merge two signals into one, so the test sends more.
    let again = || drop(Command::new("kill").args(["-INT", &id.to_string()]).output());
    // A shell that waits for the process must see that Ctrl-C has ended it.
    assert_eq!(wait(child, again).signal(), Some(2));
}

#[test]
fn ctrl_c_ends_the_process_again_after_the_death_of_the_application() {
    if !can_interrupt() {
        return;
    }
    let (child, _out) = start("dead");
    kill("-INT", child.id());
    assert_eq!(wait(child, || ()).signal(), Some(2));
}

#[test]
fn signals_are_merged_and_come_in_the_order_of_the_list() {
    let (mut child, mut out) = start("notifier order");
    for signal in ["-USR2", "-HUP", "-USR1", "-USR1", "-HUP"] {
        kill(signal, child.id());
    }
    go_on(&mut child);
    until_ready(&mut out);
    kill("-USR1", child.id());
    go_on(&mut child);
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

#[test]
fn a_signal_has_its_earlier_effect_after_the_last_notifier() {
    let (child, _out) = start("notifier dropped");
    kill("-TERM", child.id());
    assert_eq!(wait(child, || ()).signal(), Some(15));
}

#[test]
fn every_notifier_gets_the_signal() {
    let (child, _out) = start("notifier two");
    kill("-TERM", child.id());
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

#[test]
fn a_slot_may_destroy_its_notifier() {
    let (mut child, mut out) = start("notifier in its slot");
    kill("-HUP", child.id());
    kill("-TERM", child.id());
    go_on(&mut child);
    until_ready(&mut out);
    kill("-TERM", child.id());
    assert_eq!(wait(child, || ()).signal(), Some(15));
}

#[test]
fn a_signal_can_be_watched_again() {
    let (mut child, _out) = start("notifier again");
    kill("-TERM", child.id());
    go_on(&mut child);
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

#[test]
fn only_the_chosen_signal_ends_at_the_second_time() {
    if !can_interrupt() {
        return;
    }
    let (child, mut out) = start("notifier second");
    let id = child.id();
    // The loop has to handle each one, or the two are merged.
    thread::scope(|scope| {
        let told = Arc::new(AtomicBool::new(false));
        let stop = told.clone();
        scope.spawn(move || {
            while !stop.load(Ordering::Acquire) {
                kill("-TERM", id);
            }
        });
        until_ready(&mut out);
        told.store(true, Ordering::Release);
    });
    kill("-INT", id);
    until_ready(&mut out);
    kill("-INT", id);
    assert_eq!(wait(child, || ()).signal(), Some(2));
}

#[test]
fn ignored_signals_stay_ignored() {
    if !std::path::Path::new("/proc/self/status").exists() {
        eprintln!("skipped: there is no /proc, so the library cannot see what is ignored");
        return;
    }
    // As `nohup` and background jobs do it.
    let (child, _out, _) = start_by("notifier ignored", "trap '' INT HUP; exec \"$0\" \"$@\"");
    for signal in ["-INT", "-HUP", "-INT", "-HUP", "-TERM"] {
        kill(signal, child.id());
    }
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

#[test]
fn the_handler_of_the_program_is_called_too() {
    let (mut child, mut out) = start("notifier handler");
    kill("-USR1", child.id());
    until_ready(&mut out);
    kill("-USR1", child.id());
    go_on(&mut child);
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

#[test]
fn a_dropped_notifier_leaves_no_descriptor_open() {
    let (child, _out) = start("notifier descriptors");
    assert_eq!(wait(child, || ()).code(), Some(QUIT));
}

/// If there are too few descriptors, signals keep their default action.
#[test]
fn without_descriptors_nothing_is_changed() {
    for free in 0..20 {
        let (mut child, _out, said) = start_and_listen(&format!("free {free}"));
        if !said.contains("refused") {
            assert!(free > 0, "it needs none");
            go_on(&mut child);
            assert_eq!(wait(child, || ()).code(), Some(QUIT + 3));
            return;
        }
        // Not SIGINT, which the process that starts the tests may have ignored.
        kill("-TERM", child.id());
        assert_eq!(wait(child, || ()).signal(), Some(15), "with {free} descriptors");
    }
    panic!("quit_on_ctrl_c never succeeds");
}
