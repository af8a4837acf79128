//! A soak: thousands of connections on the loopback interface, whose ends do everything at random
//! for some minutes.
//!
//! ```sh
//! cargo run --release -p qbench -- soak --minutes 10
//! ```
//!
//! Some threads with an event loop have servers and clients of all kinds: TCP, TLS, local sockets,
//! tasks, relays, proxies, datagrams, and links that reconnect to a server with workers. A driver
//! in each thread picks ends of connections at random and lets them write, read, wait, pause, close
//! and die; the slots of the sockets do the same. Every byte follows from the number of its sender
//! and from its position, so each end checks what it receives. The rest of the checks:
//!
//! * The lines of a link come back in order, and each of its attempts ends once.
//! * An end receives no more than the other one has sent, and everything if both have closed well.
//! * Each connection emits `closed` exactly once, and no signal after it.
//! * After each round, when all connections have ended, no socket is alive, and the descriptors and
//!   the allocated memory are what they were after the first round. After the last round, the
//!   threads end, and both are what they were before the first one.
//! * A thread uses no CPU time while its connections are left alone, and while it has none.
//! * A watchdog ends the program if a thread hangs or the time is over.
//!
//! The seed determines what each thread draws, but not in which order the kernel delivers. So a
//! seed repeats a soak only roughly.

mod acts;
mod allocator;
mod certificates;
mod clients;
mod datagrams;
mod end;
mod handover;
mod links;
mod log;
mod progress;
mod random;
mod relays;
mod servers;
mod shared;
mod socket;
mod tasks;
mod vandal;
mod watchdog;
mod world;

use std::{
    fs,
    process::ExitCode,
    sync::{Arc, Barrier, Mutex, atomic::Ordering::SeqCst},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use lexopt::ValueExt;

use self::{
    certificates::Certificates,
    progress::Progress,
    shared::{Phase, Shared, lock},
};
use super::{or_usage, read_options};

const USAGE: &str = "\
usage: qbench soak [--minutes N] [--seed S] [--connections N] [--threads N]

Opens connections of all kinds on the loopback interface, does everything with them at random, and
checks all bytes and signals. Exits with 1 if anything is wrong.

  --minutes N      how long it lasts, at least 0.7; 1 if it is not given. On a busy machine it
                   lasts up to a minute longer
  --seed S         what the random numbers follow from; it is printed
  --connections N  how many connections there are at most; by default as many as the limit of
                   descriptors allows
  --threads N      how many threads have an event loop; 2 if it is not given
  --help           prints this text";

/// How many descriptors are left to everything but connections, or half of all if that is less.
const RESERVED: usize = 300;
/// How many descriptors the soak needs.
const NEEDED: usize = 200;
/// How many blocks of memory may be left that are not the soak's own: the caches of the process.
const BLOCKS: isize = 300;
/// How many more blocks each thread may have after a round than after the first one. A thread keeps
/// 1,024 wakers of finished tasks, and its queues have other sizes in each round.
const BLOCKS_OF_A_THREAD: isize = 1500;
/// The same in bytes: buffers for reuse, and tables that double their size.
const BYTES_OF_A_THREAD: isize = 4 << 20;
/// How many bytes may be left that are not the soak's own.
const BYTES: isize = 2 << 20;
/// How long a round takes in which the threads are never busy, on a machine that has much to do.
const ROUND: Duration = Duration::from_secs(15);
/// How long the threads may take for a phase, and the whole soak longer than it should.
const PATIENCE: Duration = Duration::from_secs(60);

struct Options {
    minutes: f64,
    seed: u64,
    connections: Option<usize>,
    threads: usize,
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = now.as_millis() as u64 % 1_000_000;
    let options = Options { minutes: 1.0, seed, connections: None, threads: 2 };
    read_options(2, options, |options, name, parser| {
        match name {
            "minutes" => {
                options.minutes = parser.value()?.parse()?;
                if !(0.7..10_000.0).contains(&options.minutes) {
                    return Err("--minutes takes a number from 0.7".into());
                }
            }
            "seed" => options.seed = parser.value()?.parse()?,
            "connections" => options.connections = Some(parser.value()?.parse()?),
            "threads" => {
                options.threads = parser.value()?.parse()?;
                if !(1..=64).contains(&options.threads) {
                    return Err("--threads takes a number from 1 to 64".into());
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Runs the command `soak`.
pub(super) fn main() -> ExitCode {
    let options = match or_usage(options(), USAGE) {
        Ok(options) => options,
        Err(code) => return code,
    };
    match soak(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(count) => {
            println!("soak: failed, with {count} complaints; the seed is {}", options.seed);
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("qbench: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Returns how much is wrong.
fn soak(options: &Options) -> Result<usize, String> {
    let started = Instant::now();
    let limit = Duration::from_secs_f64(options.minutes * 60.0);
    let certificates = Arc::new(Certificates::read()?);
    let limit_of_descriptors = most_descriptors()?;
    if limit_of_descriptors < NEEDED {
        return Err(format!("the soak needs {NEEDED} descriptors; `ulimit -n` sets their limit"));
    }
    let most = limit_of_descriptors - RESERVED.min(limit_of_descriptors / 2);
    // Each third connection or so has four descriptors.
    let room = options.connections.map_or(most, |count| (count * 5 / 2).min(most));
    let shared = Arc::new(Shared::new(options.seed, options.threads, room));
    println!(
        "soak: {} minutes, seed {}, {} threads, up to {} connections ({room} descriptors)",
        options.minutes,
        options.seed,
        options.threads,
        room * 2 / 5
    );
    let handler = shared.clone();
    qcore::install_message_handler(Some(Box::new(move |kind, text| handler.warn(kind, text))));
    watchdog::start(&shared, started + limit + PATIENCE);
    let progress = Progress::start(&shared, limit);

    // What is made once in a process is made in a short soak of its own.
    shared.set_room(room.min(400));
    campaign(&shared, &certificates, 1, Instant::now() + ROUND);
    let before = Usage::now();

    shared.set_room(room);
    // The memory after the first round is what the other rounds are compared with.
    let rounds = (limit.as_secs() / 45).clamp(2, 20) as u32;
    campaign(&shared, &certificates, rounds, started + limit);
    before.compare(&shared, Usage::now(), 0, "after the threads have ended");
    let counters = &shared.counters;
    let (strangers, disturbances) =
        (counters.strangers.load(SeqCst), counters.disturbances.load(SeqCst));
    if strangers > disturbances {
        shared.complain(format!("{strangers} headers are wrong, and {disturbances} may be"));
    }
    progress.end(started.elapsed());
    Ok(shared.violations())
}

/// Starts threads, runs rounds in them, and ends them, such that all is over before `end`.
fn campaign(shared: &Arc<Shared>, certificates: &Arc<Certificates>, rounds: u32, end: Instant) {
    let count = shared.pulses.len();
    shared.set_phase(Phase::Empty);
    let posters = Arc::new(Mutex::new(Vec::new()));
    let barrier = Arc::new(Barrier::new(count));
    let mut threads: Vec<_> = (0..count)
        .map(|index| {
            let (shared, certificates) = (shared.clone(), certificates.clone());
            let (posters, barrier) = (posters.clone(), barrier.clone());
            thread::spawn(move || {
                world::run(&shared, index, &certificates, |poster| {
                    lock(&posters).push(poster);
                    barrier.wait();
                    lock(&posters).clone()
                });
            })
        })
        .collect();
    let vandal = shared.clone();
    threads.push(thread::spawn(move || vandal::run(&vandal)));
    wait_for(shared, Phase::Empty);
    let mut first = None;
    for number in 1..=rounds {
        let left = end.saturating_duration_since(Instant::now()) / (rounds + 1 - number);
        shared.set_phase(Phase::Busy);
        thread::sleep(left.saturating_sub(ROUND).max(Duration::from_secs(1)));
        for phase in [Phase::Still, Phase::Draining, Phase::Empty] {
            shared.set_phase(phase);
            wait_for(shared, phase);
        }
        shared.forget_reports();
        let usage = Usage::now();
        let first = first.get_or_insert(usage);
        first.compare(shared, usage, count, &format!("after round {number} of {rounds}"));
    }
    shared.set_phase(Phase::Over);
    for thread in threads {
        if thread.join().is_err() {
            shared.complain("a thread has panicked".to_owned());
        }
    }
    shared.targets().clear();
    drop(posters);
}

/// Waits until all threads have finished a phase.
fn wait_for(shared: &Shared, phase: Phase) {
    let started = Instant::now();
    while !shared.pulses.iter().all(|pulse| pulse.done.load(SeqCst) == phase as u8) {
        if started.elapsed() > PATIENCE {
            return shared.complain(format!("the threads do not finish the phase {phase:?}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// What the process uses.
#[derive(Clone, Copy, Debug)]
struct Usage {
    descriptors: usize,
    blocks: isize,
    bytes: isize,
}

impl Usage {
    fn now() -> Self {
        let (blocks, bytes) = allocator::allocated();
        Usage { descriptors: descriptors(), blocks, bytes }
    }

    /// Complains if `now` is more than this, except for what as many threads may keep.
    fn compare(self, shared: &Shared, now: Usage, threads: usize, when: &str) {
        println!("soak: {when}: {now:?}");
        if now.descriptors > self.descriptors {
            let (now, before) = (now.descriptors, self.descriptors);
            shared
                .complain(format!("{when}, {now} descriptors are open, and {before} were before"));
        }
        let (blocks, bytes) = (now.blocks - self.blocks, now.bytes - self.bytes);
        let threads = threads as isize;
        let most_blocks = BLOCKS + threads * BLOCKS_OF_A_THREAD;
        if blocks > most_blocks || bytes > BYTES + threads * BYTES_OF_A_THREAD {
            shared.complain(format!("{when}, {bytes} bytes in {blocks} blocks more are allocated"));
        }
    }
}

/// Returns how many descriptors are open.
fn descriptors() -> usize {
    // One of them reads the folder.
    fs::read_dir("/proc/self/fd").map_or(0, |folder| folder.count().saturating_sub(1))
}

/// Returns the limit of descriptors of this process.
fn most_descriptors() -> Result<usize, String> {
    let path = "/proc/self/limits";
    let limits = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.and_then(|soft| soft.parse().ok()).ok_or(format!("{path} has no limit of descriptors"))
}
