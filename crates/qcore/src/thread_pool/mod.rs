//! [`QThreadPool`]: runs blocking work on a few threads beside the event loop.

mod error;
mod task;
mod workers;

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

#[cfg(feature = "tasks")]
use self::workers::Waiter;
use self::workers::{Settings, Workers};
pub use self::{
    error::{ThreadPoolError, ThreadPoolErrorKind},
    task::{ThreadPoolTask, ThreadPoolTaskNode},
};
use crate::time::{Interval, QDeadlineTimer};

/// A pool of threads for work that blocks: computations, file systems, libraries that wait.
///
/// [`run`](QThreadPool::run) runs a closure on a thread of the pool and gives its result to the
/// event loop of the calling thread, as a signal or as a value to `await`.
/// [`global_instance`](QThreadPool::global_instance) is the pool that a program normally uses. A
/// `QThreadPool` is a handle: a clone is the same pool. Every thread may use it. Stands for Qt's
/// [QThreadPool](https://doc.qt.io/qt-5/qthreadpool.html). A closure takes the place of a
/// `QRunnable`.
///
/// The pool starts a thread when a task waits and no thread is idle, up to
/// [`max_thread_count`](QThreadPool::max_thread_count). Further tasks wait in a queue: those with a
/// higher priority first, equal ones in the order in which they were started.
///
/// # The end
///
/// When the last handle of a pool is dropped, the drop waits until all tasks are done, those in the
/// queue as well, as Qt's destructor does. The library keeps a handle of the global pool, so it has
/// no last one. Instead, the drop of the process's application waits for its tasks. If `main`
/// returns without an application, or if the program calls `std::process::exit`, the process ends
/// in the middle of the tasks.
///
/// The loop of the waiting thread does not run meanwhile. So a
/// [`Remote::call`](crate::Remote::call) of a task into that thread fails with
/// [`LoopEnded`](crate::CallErrorKind::LoopEnded).
///
/// # Examples
///
/// A slot calls a library that blocks. Meanwhile the loop runs, and a method gets the result:
///
/// ```
/// use std::{thread, time::Duration};
/// use qcore::{QCoreApplication, QObject, QThreadPool, ThreadPoolError, class};
///
/// /// Blocks for a while.
/// fn query(sql: &str) -> Vec<String> {
///     thread::sleep(Duration::from_millis(10));
///     vec![sql.to_uppercase()]
/// }
///
/// class! {
///     /// Shows rows of a database.
///     pub struct Table: QObject {}
/// }
///
/// impl Table {
///     fn refresh(&self) {
///         let task = QThreadPool::global_instance().run(|| query("select"));
///         task.finished.connect_slot(self, Self::show);
///     }
///
///     fn show(&self, rows: &Result<Vec<String>, ThreadPoolError>) {
///         assert_eq!(rows.as_deref().unwrap(), ["SELECT"]);
///         QCoreApplication::instance().quit();
///     }
/// }
///
/// let app = QCoreApplication::new();
/// let table = Table::derive(QObject::new());
/// table.refresh();
/// app.exec();
/// ```
#[derive(Clone)]
pub struct QThreadPool {
    owner: Arc<Owner>,
}

/// Shared by the handles of a pool, but not by its threads.
struct Owner {
    workers: Arc<Workers>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A task may own the last handle. It cannot wait for itself.
        if !self.workers.is_current() {
            self.workers.wait_at_end();
        }
        self.workers.close();
    }
}

static GLOBAL: OnceLock<QThreadPool> = OnceLock::new();

/// The default of [`QThreadPool::expiry_timeout`].
const EXPIRY: Duration = Duration::from_secs(30);

impl QThreadPool {
    /// Creates a pool without threads. It starts them when there are tasks.
    #[must_use]
    #[allow(clippy::new_without_default)] // a default pool is the global one
    pub fn new() -> Self {
        let max_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = Arc::new(Workers::new(Settings { max_threads, expiry: Some(EXPIRY) }));
        QThreadPool { owner: Arc::new(Owner { workers }) }
    }

    /// Returns the pool of the process.
    #[doc(alias = "globalInstance")]
    #[must_use]
    pub fn global_instance() -> Self {
        GLOBAL.get_or_init(Self::new).clone()
    }

    // ---- tasks

    /// Runs `work` on a thread of the pool, and gives its result to the event loop of the calling
    /// thread. Qt's `QtConcurrent::run` does the same.
    ///
    /// Connect to [`finished`](ThreadPoolTaskNode::finished) of the returned task, or `await` the
    /// task. Dropping it changes nothing: the work runs, and connected slots are called. If the
    /// thread of the caller ends first, the pool drops the result.
    ///
    /// If `work` panics, the result is an `Err` with the text of the panic. If the pool could not
    /// run `work`, the result is an `Err` as well.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QThreadPool, ThreadPoolErrorKind};
    ///
    /// let app = QCoreApplication::new();
    /// let task = QThreadPool::global_instance().run(|| "12x".parse::<i32>().unwrap());
    /// task.finished.connect_to(&app, |app, result| {
    ///     let error = result.as_ref().unwrap_err();
    ///     assert_eq!(*error, ThreadPoolErrorKind::Panicked);
    ///     app.quit();
    /// });
    /// app.exec();
    /// ```
    #[doc(alias = "QtConcurrent::run")]
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> ThreadPoolTask<T> {
        let (task, reply) = task::new();
        if let Some(reply) = reply
            && let Err(error) = self.start(move || reply.send(task::catch(work)))
        {
            task.refuse(&error);
        }
        task
    }

    /// Runs `work` on a thread of the pool.
    ///
    /// If `work` panics, the program's panic hook reports the panic, and the thread of the pool
    /// continues with the next task.
    ///
    /// # Errors
    ///
    /// The error of the operating system if the pool has no thread and cannot start one. The pool
    /// drops `work` then. If the pool has at least one thread, that thread will run `work`.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.start_with_priority(work, 0)
    }

    /// Runs `work` as [`start`](QThreadPool::start) does, before all waiting tasks with a lower
    /// priority. The default priority is 0.
    ///
    /// # Errors
    ///
    /// As for [`start`](QThreadPool::start).
    #[doc(alias = "start")]
    pub fn start_with_priority(
        &self,
        work: impl FnOnce() + Send + 'static,
        priority: i32,
    ) -> io::Result<()> {
        Workers::submit(&self.owner.workers, priority, Box::new(work))
    }

    /// Runs `work` if a thread of the pool is idle or can be started now.
    ///
    /// # Errors
    ///
    /// Returns `work` if all threads of the pool are busy.
    #[doc(alias = "tryStart")]
    pub fn try_start<F: FnOnce() + Send + 'static>(&self, work: F) -> Result<(), F> {
        Workers::try_submit(&self.owner.workers, work)
    }

    /// Drops the tasks that no thread has begun. The result of a task of
    /// [`run`](QThreadPool::run) is then the error [`ThreadPoolErrorKind::Cancelled`].
    pub fn clear(&self) {
        self.owner.workers.clear();
    }

    /// Waits until all tasks are done, or until the deadline passes. Returns whether all are done.
    ///
    /// The deadline is given in milliseconds, where -1 means for ever, or as a `Duration`. The loop
    /// does not run meanwhile, so the results of [`run`](QThreadPool::run) come later, and a task
    /// that waits for a [`call`](crate::Remote::call) into the calling thread never ends.
    ///
    /// In a task of the same pool the function logs a warning and returns `false` at once. In Qt it
    /// would wait for itself.
    #[doc(alias = "waitForDone")]
    pub fn wait_for_done(&self, deadline: impl Into<QDeadlineTimer>) -> bool {
        if self.owner.workers.is_current() {
            crate::q_warning!("QThreadPool::waitForDone: A task tried to wait for its own pool");
            return false;
        }
        let deadline = deadline.into();
        let end = deadline.remaining_time().map(|left| Instant::now() + left);
        self.owner.workers.wait_for_done(end)
    }

    /// Waits until all tasks are done, and returns `true`. This is
    /// [`wait_for_done`](QThreadPool::wait_for_done) for tasks: the loop runs meanwhile. Cancel
    /// safe.
    ///
    /// In a thread of the same pool the future logs a warning and returns `false` at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use qcore::{QThreadPool, block_on};
    ///
    /// static SUM: AtomicU32 = AtomicU32::new(0);
    ///
    /// let pool = QThreadPool::new();
    /// for number in 1..=4 {
    ///     pool.start(move || {
    ///         SUM.fetch_add(number, Ordering::Relaxed);
    ///     })?;
    /// }
    /// assert!(block_on(pool.done()).unwrap());
    /// assert_eq!(SUM.load(Ordering::Relaxed), 10);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "tasks")]
    pub async fn done(&self) -> bool {
        if self.owner.workers.is_current() {
            crate::q_warning!("QThreadPool::done: A task tried to wait for its own pool");
            return false;
        }
        let mut waiter = Waiter::new(&self.owner.workers);
        std::future::poll_fn(|context| waiter.poll(context)).await;
        true
    }

    // ---- settings

    /// Returns the number of threads that may run tasks at the same time. The default is the number
    /// of processors.
    #[doc(alias = "maxThreadCount")]
    #[must_use]
    pub fn max_thread_count(&self) -> usize {
        self.owner.workers.settings().max_threads
    }

    /// Sets the number of threads that may run tasks at the same time. With 0 there is one thread,
    /// as in Qt. If the pool has more threads, they end when they have done their tasks.
    ///
    /// Raise it for tasks that wait most of their time.
    #[doc(alias = "setMaxThreadCount")]
    pub fn set_max_thread_count(&self, count: usize) {
        Workers::set_max_threads(&self.owner.workers, count);
    }

    /// Returns the number of threads that are running a task.
    #[doc(alias = "activeThreadCount")]
    #[must_use]
    pub fn active_thread_count(&self) -> usize {
        self.owner.workers.active_threads()
    }

    /// Returns how long a thread without a task stays. The default is 30 seconds. A negative
    /// interval means for ever.
    #[doc(alias = "expiryTimeout")]
    #[must_use]
    pub fn expiry_timeout(&self) -> Interval {
        self.owner.workers.settings().expiry.map_or(Interval::from(-1), Interval::from)
    }

    /// Sets how long a thread without a task stays, in milliseconds or as a `Duration`. A negative
    /// interval means for ever.
    #[doc(alias = "setExpiryTimeout")]
    pub fn set_expiry_timeout(&self, timeout: impl Into<Interval>) {
        self.owner.workers.set_expiry(timeout.into().as_duration());
    }
}

/// Waits for the tasks of the global pool, if there is one.
pub(crate) fn wait_for_global() {
    if let Some(pool) = GLOBAL.get()
        && !pool.owner.workers.is_current()
    {
        pool.owner.workers.wait_at_end();
    }
}

impl fmt::Debug for QThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QThreadPool")
            .field("max_thread_count", &self.max_thread_count())
            .field("active_thread_count", &self.active_thread_count())
            .finish_non_exhaustive()
    }
}
