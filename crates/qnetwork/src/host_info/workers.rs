//! The worker threads that call the system's resolver.
//!
//! Requests for a name that a worker is looking up already share its answer: the resolver is called
//! once, and each request gets a copy of the answer. The same name in another family is another
//! question.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use super::{
    cache,
    info::QHostInfo,
    resolver::{Question, resolve},
};

/// The greatest number of worker threads.
const MAX_THREADS: usize = 8;
/// How long a worker thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

type Done = Box<dyn FnOnce(QHostInfo) + Send>;

struct Asker {
    /// Cannot be upgraded once nothing waits for the answer.
    wanted: Weak<()>,
    done: Done,
}

#[derive(Default)]
struct Pool {
    /// The questions that wait for a worker.
    questions: VecDeque<Question>,
    /// The requests for each question, waiting or being looked up.
    askers: HashMap<Question, Vec<Asker>>,
    threads: usize,
    idle: usize,
}

static WORK: Condvar = Condvar::new();

static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);

fn pool() -> MutexGuard<'static, Pool> {
    lock(&POOL)
}

fn lock(pool: &Mutex<Pool>) -> MutexGuard<'_, Pool> {
    // No code panics while it holds the lock.
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a worker answer `question` and call `done` in the worker's thread. If the look-up is no
/// longer `wanted` when its turn comes, the worker skips it.
pub(super) fn submit(
    question: Question,
    wanted: Weak<()>,
    done: impl FnOnce(QHostInfo) + Send + 'static,
) -> io::Result<()> {
    #[cfg(feature = "simulation")]
    if crate::simulation::is_simulated() {
        question.ask_simulated(done);
        return Ok(());
    }
    submit_to(&POOL, question, Asker { wanted, done: Box::new(done) }, spawn)
}

fn spawn() -> io::Result<()> {
    thread::Builder::new().name("qnetwork-lookup".to_owned()).spawn(work).map(drop)
}

fn submit_to(
    pool: &Mutex<Pool>,
    question: Question,
    asker: Asker,
    spawn: fn() -> io::Result<()>,
) -> io::Result<()> {
    let mut pool = lock(pool);
    if let Some(askers) = pool.askers.get_mut(&question) {
        askers.push(asker);
        return Ok(());
    }
    let mut failed = None;
    if pool.idle <= pool.questions.len() && pool.threads < MAX_THREADS {
        match spawn() {
            Ok(()) => pool.threads += 1,
            // The existing threads will do the work.
            Err(error) if pool.threads > 0 => failed = Some(error),
            Err(error) => return Err(error),
        }
    }
    pool.questions.push_back(question.clone());
    pool.askers.insert(question, vec![asker]);
    drop(pool);
    WORK.notify_one();
    if let Some(error) = failed {
        // Nothing is locked here: the program's message handler may look up a name.
        qcore::q_warning!("cannot start another look-up thread: {error}");
    }
    Ok(())
}

fn work() {
    let mut pool = pool();
    loop {
        if let Some(question) = pool.questions.pop_front() {
            pool = work_on(&question, pool);
            continue;
        }
        pool.idle += 1;
        let (woken, waited) = WORK.wait_timeout(pool, IDLE).unwrap_or_else(PoisonError::into_inner);
        pool = woken;
        pool.idle -= 1;
        if waited.timed_out() && pool.questions.is_empty() {
            pool.threads -= 1;
            return;
        }
    }
}

fn work_on<'a>(question: &Question, mut pool: MutexGuard<'a, Pool>) -> MutexGuard<'a, Pool> {
    let wanted = |asker: &Asker| asker.wanted.strong_count() > 0;
    if !pool.askers.get(question).is_some_and(|askers| askers.iter().any(wanted)) {
        let unwanted = pool.askers.remove(question);
        drop(pool);
        drop(unwanted);
        return self::pool();
    }
    drop(pool);
    // Another look-up may have found the name since it was requested.
    let known = cache::get(&question.name).map(|info| question.select(info));
    let info = known.unwrap_or_else(|| resolve(question));
    let askers = self::pool().askers.remove(question).unwrap_or_default();
    for asker in askers {
        (asker.done)(info.clone());
    }
    self::pool()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message handler may look up a name.
    #[test]
    fn a_warning_goes_out_with_nothing_locked() {
        static LOCKED: Mutex<Vec<bool>> = Mutex::new(Vec::new());
        let pool: &'static Mutex<Pool> = Box::leak(Box::new(Mutex::new(Pool::default())));
        lock(pool).threads = 1;
        qcore::install_message_handler(Some(Box::new(move |_, text| {
            if text.starts_with("cannot start another look-up thread") {
                LOCKED.lock().unwrap().push(pool.try_lock().is_err());
            }
        })));
        let asker = Asker { wanted: Weak::new(), done: Box::new(|_| ()) };
        submit_to(pool, Question::both("a.invalid"), asker, || Err(io::Error::other("none")))
            .unwrap();
        qcore::install_message_handler(None);
        assert_eq!(*LOCKED.lock().unwrap(), [false]);
        assert_eq!(lock(pool).questions, [Question::both("a.invalid")]);
        // Without any thread the look-up is an error, and nothing is kept.
        lock(pool).threads = 0;
        let asker = Asker { wanted: Weak::new(), done: Box::new(|_| ()) };
        let question = Question::both("b.invalid");
        assert!(submit_to(pool, question, asker, || Err(io::Error::other("none"))).is_err());
        let pool = lock(pool);
        assert_eq!((pool.questions.len(), pool.askers.len()), (1, 1));
    }
}
