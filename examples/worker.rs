//! Counts prime numbers in a thread of its own. The worker reports its progress to the main thread.

use std::{cell::Cell, process::ExitCode};

use examples::{parse_args, print_line};
use qcore::{
    QCoreApplication, QObject, QThread, Remote, Signal, UnixSignal, UnixSignalNotifier, class,
};

const USAGE: &str = "\
usage: worker [--below N]

Counts the prime numbers below N in a second thread, and prints each ten percent of the progress.
Ctrl-C cancels the count.

  --below N  where to end [2000000]
  --help     print this text";

class! {
    /// Counts prime numbers. It lives in the second thread.
    struct Counter: QObject {
        progress: Signal<u32>,
        done: Signal<u32>,
    }
}

impl Counter {
    fn new() -> Self {
        Self::derive(QObject::new())
    }

    fn count(&self, end: u32) {
        let thread = QThread::current_thread();
        let step = end.div_ceil(10).max(1);
        let mut count = 0;
        for number in 2..end {
            if number.is_multiple_of(1000) && thread.is_interruption_requested() {
                return thread.quit();
            }
            if number.is_multiple_of(step) {
                self.progress.emit(number / step * 10);
            }
            count += u32::from(is_prime(number));
        }
        self.done.emit(count);
    }
}

class! {
    /// Shows what the counter does. It lives in the main thread.
    struct Program: QObject {
        requested: Signal<u32>,
        end: u32,
        result: Cell<Option<u32>> = Cell::new(None),
        child thread: QThread = QThread::new(),
        counter: Remote<Counter> = thread.build(Counter::new),
    }
}

impl Program {
    fn new(end: u32) -> Self {
        let this = Self::derive(QObject::new(), end);
        this.requested.connect_slot(&this.counter, Counter::count);
        this.counter.signal(|counter| &counter.progress).connect_slot(&this, Self::on_progress);
        this.counter.signal(|counter| &counter.done).connect_slot(&this, Self::on_done);
        this
    }

    fn on_progress(&self, percent: u32) {
        print_line(&format!("{percent} %"));
    }

    fn on_done(&self, count: u32) {
        self.result.set(Some(count));
        print_line(&format!("{count} prime numbers below {}", self.end));
        self.thread.quit();
    }
}

fn main() -> ExitCode {
    let mut end = 2_000_000;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("below") => {
                end = value().parse().map_err(|_| "--below wants a number".to_owned())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(end) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("worker: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the count has come to its end.
fn run(end: u32) -> std::io::Result<bool> {
    let app = QCoreApplication::new();
    let program = Program::new(end);
    let interrupt = UnixSignalNotifier::try_new([UnixSignal::Interrupt])?;
    interrupt.activated.connect_slot(&program.thread, QThread::request_interruption);
    program.thread.finished.connect_slot(&app, QCoreApplication::quit);
    program.thread.start()?;
    program.requested.emit(end);
    app.exec();
    Ok(program.result.get().is_some())
}

fn is_prime(number: u32) -> bool {
    number >= 2
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|it| !number.is_multiple_of(it))
}
