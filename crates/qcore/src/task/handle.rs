//! [`spawn_local`], [`spawn_for`] and [`JoinHandle`].

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll},
};

use super::{
    error::{JoinError, JoinErrorKind},
    job::Work,
};
use crate::{
    classes::{Link, MethodId, Object, SlotList},
    event_loop::{Dispatcher, Joined, TaskKey, Tasks},
    panics,
};

/// Starts a task: the event loop of this thread runs `future`.
///
/// The task begins in the loop's next turn, not in this call. Dropping the handle does not stop the
/// task. The [`JoinHandle`] returns the task's output and can abort the task. If the thread is
/// ending and its loop has ended, the function drops the future, and the handle returns
/// [`Aborted`](JoinErrorKind::Aborted).
///
/// A future that owns an object keeps that object alive. [`spawn_for`] starts a task that uses its
/// owner without keeping it alive.
///
/// # Examples
///
/// ```
/// use qcore::{block_on, spawn_local};
///
/// let sum = block_on(async {
///     let (one, two) = (spawn_local(async { 1 }), spawn_local(async { 2 }));
///     one.await.unwrap() + two.await.unwrap()
/// });
/// assert_eq!(sum.unwrap(), 3);
/// ```
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
{
    let tasks = Dispatcher::current().tasks().clone();
    let key = tasks.spawn(Box::pin(Work::new(future)));
    JoinHandle { tasks, key, output: PhantomData }
}

/// Starts a task that belongs to an object: when `owner` dies, the task's future is dropped, like
/// the slots of the object.
///
/// `start` gets a handle of the owner and returns the future. Unlike other handles, this one does
/// not keep the owner alive, so the task may hold it for as long as it runs. Clones of it are
/// ordinary handles: a task that keeps a clone in a variable keeps its owner alive.
///
/// If `owner` is dead already, the function does not call `start`, and the handle returns
/// [`Aborted`](JoinErrorKind::Aborted).
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use qcore::{QObject, Signal, class, spawn_for, task::sleep, wait_until};
///
/// class! {
///     /// Counts while it lives.
///     pub struct Counter: QObject {
///         pub counted: Signal<u32>,
///         count: Cell<u32> = Cell::new(0),
///     }
/// }
///
/// impl Counter {
///     fn new() -> Self {
///         let this = Self::derive(QObject::new());
///         spawn_for(&this, Self::run);
///         this
///     }
///
///     async fn run(self) {
///         loop {
///             sleep(1).await;
///             self.count.set(self.count.get() + 1);
///             self.counted.emit(self.count.get());
///         }
///     }
/// }
///
/// let counter = Counter::new();
/// assert!(wait_until(5000, || counter.count.get() == 3));
/// drop(counter); // the task is dropped as well
/// ```
///
/// `start` may be a method or a closure: `spawn_for(&window, async |window| { .. })`.
pub fn spawn_for<O, F>(owner: &O, start: impl FnOnce(O) -> F) -> JoinHandle<F::Output>
where
    O: Object,
    F: Future + 'static,
{
    let life = owner.life();
    let tasks = life.dispatcher().tasks().clone();
    let key = if life.is_dead() {
        None
    } else {
        // An uncounted handle, like the one that the node of a derived class has.
        let future = start(owner.clone().into_embedded());
        // `start` may have destroyed the owner.
        if life.is_dead() { None } else { tasks.spawn(Box::pin(Work::new(future))) }
    };
    if let Some(key) = key {
        let owned: Weak<Tasks> = Rc::downgrade(&tasks);
        life.add_incoming(Link::new(owned, key.number()));
    }
    JoinHandle { tasks, key, output: PhantomData }
}

/// A task of an owner is one of the connections that are cut when the owner dies.
impl SlotList for Tasks {
    fn disconnect(&self, id: u64) -> bool {
        self.abort(TaskKey::from_number(id))
    }

    fn is_connected(&self, id: u64) -> bool {
        self.is_running(TaskKey::from_number(id))
    }

    fn disconnect_receiver(&self, _: usize) -> bool {
        false
    }

    fn disconnect_method(&self, _: &MethodId) -> bool {
        false
    }

    fn disconnect_all(&self) -> bool {
        false
    }

    fn block(&self, _: u64, _: bool) -> bool {
        false
    }
}

/// The handle of a task. Awaiting it waits for the task's end.
///
/// The result is the output of the task's future, or a [`JoinError`] if the task has panicked or
/// was aborted.
///
/// Dropping the handle does not stop the task, just as dropping a [`Connection`](crate::Connection)
/// does not disconnect it. [`scoped`](JoinHandle::scoped) returns a handle that aborts the task
/// when it is dropped.
///
/// # Examples
///
/// ```
/// use qcore::{block_on, spawn_local, task::{JoinErrorKind, sleep}};
///
/// block_on(async {
///     let failing = spawn_local(async { panic!("out of tea") });
///     let error = failing.await.unwrap_err();
///     assert_eq!(error, JoinErrorKind::Panicked);
///     assert_eq!(error.to_string(), "the task panicked: out of tea");
///
///     let endless = spawn_local(sleep(-1));
///     assert!(endless.abort());
///     assert_eq!(endless.await.unwrap_err(), JoinErrorKind::Aborted);
/// })
/// .unwrap();
/// ```
pub struct JoinHandle<T> {
    tasks: Rc<Tasks>,
    /// `None` if the task could not be started, or the output was taken.
    key: Option<TaskKey>,
    output: PhantomData<fn() -> T>,
}

impl<T> JoinHandle<T> {
    /// Aborts the task: it is never polled again, and its future is dropped. Returns whether the
    /// task was running.
    ///
    /// The future is dropped in this call. If a task aborts itself, its future is dropped when the
    /// task next awaits something.
    pub fn abort(&self) -> bool {
        self.key.is_some_and(|key| self.tasks.abort(key))
    }

    /// Returns whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.key.is_some_and(|key| self.tasks.is_running(key))
    }

    /// Drops the handle and leaves the task running, as dropping the handle does. A call of this
    /// function shows the intention.
    pub fn detach(self) {
        drop(self);
    }

    /// Returns a handle that aborts the task when it is dropped.
    pub fn scoped(self) -> ScopedTask<T> {
        ScopedTask(self)
    }
}

impl<T: 'static> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// A handle that has returned the result returns [`Aborted`](JoinErrorKind::Aborted) if it is
    /// polled again.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(key) = self.key else { return Poll::Ready(Err(JoinErrorKind::Aborted.into())) };
        let mut output: Option<T> = None;
        let joined = self.tasks.join(key, context.waker(), &mut output);
        if !matches!(joined, Joined::Pending) {
            self.key = None;
        }
        Poll::Ready(match joined {
            Joined::Pending => return Poll::Pending,
            Joined::Output => output.ok_or_else(|| JoinErrorKind::Aborted.into()),
            Joined::Panicked(payload) => Err(JoinError::panicked(payload)),
            Joined::Aborted => Err(JoinErrorKind::Aborted.into()),
        })
    }
}

impl<T> Drop for JoinHandle<T> {
    /// Leaves the task running. If the task has panicked and nobody has seen that, logs it.
    fn drop(&mut self) {
        if let Some(key) = self.key.take()
            && let Some(payload) = self.tasks.let_go(key)
        {
            panics::report(&"a task whose handle was dropped", payload);
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

/// A handle that aborts its task when it is dropped. [`JoinHandle::scoped`] creates it.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{QCoreApplication, spawn_local};
///
/// let ran = Rc::new(Cell::new(false));
/// let flag = ran.clone();
/// let task = spawn_local(async move { flag.set(true) }).scoped();
/// drop(task);
/// QCoreApplication::instance().process_events();
/// assert!(!ran.get());
/// ```
#[must_use = "the task is aborted at once if the handle is dropped"]
pub struct ScopedTask<T>(JoinHandle<T>);

impl<T> ScopedTask<T> {
    /// Returns the handle.
    #[must_use]
    pub fn handle(&self) -> &JoinHandle<T> {
        &self.0
    }

    /// Releases the task and returns its ordinary handle.
    #[must_use]
    pub fn release(mut self) -> JoinHandle<T> {
        let (tasks, key) = (self.0.tasks.clone(), self.0.key.take());
        JoinHandle { tasks, key, output: PhantomData }
    }
}

impl<T: 'static> Future for ScopedTask<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for ScopedTask<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> fmt::Debug for ScopedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedTask").field(&self.0).finish()
    }
}
