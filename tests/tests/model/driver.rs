//! Runs random programs, one for each seed, and makes a failing one smaller.

use std::{
    any::Any,
    env,
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    process,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use qcore::wait_until;
use qnetwork::simulation::{self, Network, Simulation};

use super::{dice::Dice, memory::held};

/// How long each kind of program is tried by default, and where `CI` is set.
const BUDGET: [Duration; 2] = [Duration::from_millis(2000), Duration::from_millis(6000)];
/// How long one program may take in real time. It is far more than needed.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many lines of the network's log a failure shows.
const LINES: usize = 60;
/// How long the search for a smaller program may take.
const SEARCH: Duration = Duration::from_secs(20);

/// A random program.
pub(crate) trait Program: Clone + Debug + Send + Sync + 'static {
    /// The test that runs programs of this kind.
    const TEST: &'static str;

    fn random(dice: &mut Dice) -> Self;

    /// Runs the program in the host `main` of a network. Panics if it breaks the model.
    fn run(&self, net: &Network);

    /// Returns programs that are a little smaller, or the same.
    fn smaller(&self) -> Vec<Self>;
}

/// Tries random programs: as many as the time allows, or those that the variables `SEED` and
/// `CASES` of the environment choose.
pub(crate) fn check<P: Program>() {
    let begun = Instant::now();
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, cases) = (number("SEED"), number("CASES"));
    let budget = BUDGET[usize::from(env::var_os("CI").is_some())];
    let limited = first.is_none() && cases.is_none();
    let first = first.unwrap_or(0);
    let cases = if limited { u64::MAX } else { cases.unwrap_or(1) };
    let watchdog = Watchdog::start(P::TEST);
    let mut count = 0;
    for seed in (first..).take_while(|seed| seed - first < cases) {
        if limited && begun.elapsed() > budget {
            break;
        }
        watchdog.see(seed);
        let program = P::random(&mut Dice::new(seed));
        if let Err(failure) = attempt(seed, &program) {
            let (program, failure) = smallest(seed, program, failure, &watchdog);
            let Failure { text, log } = failure;
            panic!(
                "{log}\n{text}\nThe smallest program that breaks the model: {program:?}\n{}",
                command(seed, P::TEST)
            );
        }
        count += 1;
    }
    println!("measured: {count} programs of {} in {:?}", P::TEST, begun.elapsed());
}

/// Returns the command that runs a program again.
fn command(seed: u64, test: &str) -> String {
    format!("To repeat it: SEED={seed} cargo test -p integration --test suite {test}")
}

/// Why a program has failed, and what the network has done before.
struct Failure {
    text: String,
    log: String,
}

/// Runs a program. Returns the log of the network.
fn attempt<P: Program>(seed: u64, program: &P) -> Result<String, Failure> {
    let mut simulation = Simulation::new(seed);
    let ran = catch_unwind(AssertUnwindSafe(|| simulation.run(|net| program.run(net))));
    let log = simulation.log();
    match ran {
        Ok(()) => Ok(log.to_owned()),
        Err(panic) => {
            let first = log.lines().count().saturating_sub(LINES);
            let log = log.lines().skip(first).map(|line| format!("{line}\n")).collect();
            Err(Failure { text: text_of(&*panic), log })
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without a text".to_owned())
}

/// Makes a failing program smaller as long as it fails.
fn smallest<P: Program>(
    seed: u64,
    mut program: P,
    mut failure: Failure,
    watchdog: &Watchdog,
) -> (P, Failure) {
    let end = Instant::now() + SEARCH;
    loop {
        let text = format!("{program:?}");
        let next = program.smaller().into_iter().find_map(|smaller| {
            if Instant::now() > end || format!("{smaller:?}") == text {
                return None;
            }
            watchdog.see(seed);
            attempt(seed, &smaller).err().map(|failure| (smaller, failure))
        });
        match next {
            Some(next) => (program, failure) = next,
            None => return (program, failure),
        }
    }
}

/// Returns lists that lack some of the steps: first those that lack many.
pub(crate) fn without<T: Clone>(steps: &[T]) -> Vec<Vec<T>> {
    let mut lists = Vec::new();
    let mut size = steps.len();
    while size > 0 {
        for start in (0..steps.len()).step_by(size) {
            let end = (start + size).min(steps.len());
            lists.push([&steps[..start], &steps[end..]].concat());
        }
        size /= 2;
    }
    lists
}

/// Ends the process if one program runs for too long.
struct Watchdog(Sender<u64>);

impl Watchdog {
    fn start(test: &'static str) -> Self {
        let (sender, seeds) = mpsc::channel();
        thread::spawn(move || {
            let mut seed = 0;
            loop {
                match seeds.recv_timeout(PATIENCE) {
                    Ok(next) => seed = next,
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        eprintln!("a program hangs. {}", command(seed, test));
                        process::abort();
                    }
                }
            }
        });
        Watchdog(sender)
    }

    /// A program with this seed begins.
    fn see(&self, seed: u64) {
        let _ = self.0.send(seed);
    }
}

/// Runs the loop until the condition holds, which other programs may cause. Returns whether it
/// does.
pub(crate) fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let now = || simulation::now().unwrap_or_default();
    let end = now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if wait_until(pause, &mut condition) {
            return true;
        }
        if now() >= end {
            return false;
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Runs programs again and again. Panics if memory or descriptors are lost each time.
///
/// The process must do nothing else. Caches and pools may grow once.
pub(crate) fn expect_no_leaks<P: Program>(seeds: u64) {
    for seed in 0..seeds {
        let program = P::random(&mut Dice::new(seed));
        let mut losses = Vec::new();
        for _ in 0..8 {
            let before = (held(), integration::descriptors());
            let ran = attempt(seed, &program).map(drop);
            assert!(ran.is_ok(), "seed {seed} fails");
            drop(ran);
            let after = (held(), integration::descriptors());
            if after.0 <= before.0 && after.1 <= before.1 {
                losses.clear();
                break;
            }
            losses.push((after.0 - before.0, after.1 as isize - before.1 as isize));
        }
        assert!(
            losses.is_empty(),
            "each run loses bytes and descriptors: {losses:?}\n{program:?}\nSEED={seed} {}",
            P::TEST
        );
    }
}

/// Runs each program twice. Panics if the two runs write different logs.
pub(crate) fn expect_same_logs<P: Program>(seeds: u64) {
    for seed in 0..seeds {
        let program = P::random(&mut Dice::new(seed));
        let logs = [(); 2].map(|()| attempt(seed, &program).ok());
        assert!(logs[0].is_some(), "seed {seed} of {} fails", P::TEST);
        assert!(logs[0] == logs[1], "two runs of seed {seed} of {} differ", P::TEST);
    }
}
