//! The threads that wait for the resolver.

use std::{
    collections::VecDeque,
    io,
    net::ToSocketAddrs,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use super::{Lookup, QHostInfo, cache};
use crate::engine::named;

/// How many wait at the same time.
const MAX_THREADS: usize = 8;
/// How long one that has nothing to do stays.
const IDLE: Duration = Duration::from_secs(10);

type Done = Box<dyn FnOnce(QHostInfo) + Send>;

struct Job {
    name: String,
    /// Empty once nobody waits for it.
    wanted: Weak<()>,
    done: Done,
}

struct Pool {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { jobs: VecDeque::new(), threads: 0, idle: 0 });
static WORK: Condvar = Condvar::new();

fn pool() -> MutexGuard<'static, Pool> {
    // Nothing panics while it is locked.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has `name` resolved; `done` is called in another thread, if the look-up is still `wanted` when its
/// turn comes.
pub(super) fn submit(
    name: String,
    wanted: Weak<()>,
    done: impl FnOnce(QHostInfo) + Send + 'static,
) -> io::Result<()> {
    let mut pool = pool();
    if pool.idle <= pool.jobs.len() && pool.threads < MAX_THREADS {
        let spawned = thread::Builder::new().name("qnetwork-lookup".to_owned()).spawn(work);
        match spawned {
            Ok(_) => pool.threads += 1,
            // The threads there are will do it.
            Err(error) if pool.threads > 0 => {
                qcore::q_warning!("no further look-up thread: {error}")
            }
            Err(error) => return Err(error),
        }
    }
    pool.jobs.push_back(Job { name, wanted, done: Box::new(done) });
    drop(pool);
    WORK.notify_one();
    Ok(())
}

fn work() {
    let mut pool = pool();
    loop {
        if let Some(job) = pool.jobs.pop_front() {
            drop(pool);
            work_on(job);
            pool = self::pool();
            continue;
        }
        pool.idle += 1;
        let (woken, waited) = WORK.wait_timeout(pool, IDLE).unwrap_or_else(PoisonError::into_inner);
        pool = woken;
        pool.idle -= 1;
        if waited.timed_out() && pool.jobs.is_empty() {
            pool.threads -= 1;
            return;
        }
    }
}

fn work_on(job: Job) {
    if job.wanted.strong_count() == 0 {
        return;
    }
    // Another look-up of the same name may have found it meanwhile.
    let info = match Lookup::begin(&job.name) {
        Lookup::Answer(info) => info,
        Lookup::Ask => resolve(&job.name),
    };
    (job.done)(info);
}

/// Asks the system's resolver, and waits.
pub(super) fn resolve(name: &str) -> QHostInfo {
    let mut addresses = Vec::new();
    match (name, 0).to_socket_addrs() {
        Ok(found) => {
            for address in found {
                let (address, _) = named(&address);
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        Err(error) => log::debug!("cannot look up {name:?}: {error}"),
    }
    if addresses.is_empty() {
        return QHostInfo::not_found(name);
    }
    cache::put(name, &addresses);
    QHostInfo::found(name, addresses)
}
