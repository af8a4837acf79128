//! The progress display: a line that changes on a terminal, and a line every ten seconds elsewhere.

use std::{
    fmt::Write,
    fs,
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::shared::{Shared, lock};

pub(super) struct Progress {
    shared: Arc<Shared>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Progress {
    pub(super) fn start(shared: &Arc<Shared>, limit: Duration) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (its, over) = (shared.clone(), is_over.clone());
        let thread = thread::spawn(move || show(&its, &over, limit));
        Progress { shared: shared.clone(), is_over, thread }
    }

    /// Ends the display and prints a summary.
    pub(super) fn end(self, elapsed: Duration) {
        self.is_over.store(true, SeqCst);
        self.thread.thread().unpark();
        let _ = self.thread.join();
        println!("soak: {} s: {}", elapsed.as_secs(), line(&self.shared));
        let counters = &self.shared.counters;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(SeqCst);
        println!(
            "soak: {} acts, {} datagrams sent, {} received, {} connections handed over, \
             {} shutdowns of servers, {} strangers, {} lines of links",
            count(&counters.acts),
            count(&counters.datagrams),
            count(&counters.received_datagrams),
            count(&counters.handed_over),
            count(&counters.shutdowns),
            count(&counters.strangers),
            count(&counters.lines),
        );
        println!(
            "soak: both ends of {} connections were compared; {} streams had to be whole",
            count(&counters.pairs),
            count(&counters.whole),
        );
        for (reason, count) in &*lock(&counters.reasons) {
            println!("soak: ended {count:>8}  {reason}");
        }
        for (text, count) in &*lock(&counters.warnings) {
            println!("soak: warned {count:>7}  {text}");
        }
    }
}

fn show(shared: &Shared, is_over: &AtomicBool, limit: Duration) {
    let started = Instant::now();
    if std::io::stderr().is_terminal() {
        let style = "{elapsed_precise} [{bar:20}] {msg}";
        let bar = ProgressBar::new(limit.as_secs())
            .with_style(ProgressStyle::with_template(style).expect("a template"));
        while !is_over.load(SeqCst) {
            bar.set_position(started.elapsed().as_secs());
            bar.set_message(line(shared));
            thread::park_timeout(Duration::from_millis(250));
        }
        return bar.finish_and_clear();
    }
    let mut next = Duration::from_secs(10);
    while !is_over.load(SeqCst) {
        thread::park_timeout(next.saturating_sub(started.elapsed()));
        if started.elapsed() >= next {
            println!("soak: {} s: {}", next.as_secs(), line(shared));
            next += Duration::from_secs(10);
        }
    }
}

fn line(shared: &Shared) -> String {
    let counters = &shared.counters;
    let mut line = format!(
        "{:?}, {} connections made, {} ends alive, {} MB, {} MB resident, {} descriptors",
        shared.phase(),
        counters.opened.load(SeqCst),
        counters.alive.load(SeqCst),
        counters.bytes.load(SeqCst) >> 20,
        resident() >> 20,
        super::descriptors(),
    );
    let failures: Vec<_> = {
        let reasons = lock(&counters.reasons);
        let failures =
            reasons.iter().filter(|(reason, _)| *reason != "Local" && *reason != "Remote");
        failures.map(|(reason, count)| format!("{reason} {count}")).collect()
    };
    for failure in failures.iter().take(5) {
        let _ = write!(line, ", {failure}");
    }
    let violations = shared.violations();
    if violations > 0 {
        let _ = write!(line, ", {violations} COMPLAINTS");
    }
    line
}

/// Returns the resident memory of the process, in bytes; 0 if the system does not report it.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
