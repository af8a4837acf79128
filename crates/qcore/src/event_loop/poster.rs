//! [`Poster`]: posts calls from other threads.

use std::{fmt, io, sync::Arc};

use super::{inbox::Inbox, parcel::Values, posted::Deliver};
use crate::id::ObjectId;

/// Posts calls to one thread's event loop from any other thread.
///
/// Create it in the thread of the loop with [`Dispatcher::poster`](super::Dispatcher::poster),
/// clone it, and send the clones to other threads. A post wakes the loop if it is waiting. All
/// posts before the loop takes the calls cause a single wake-up.
///
/// # Examples
///
/// ```
/// use qcore::{Dispatcher, QCoreApplication};
///
/// let app = QCoreApplication::new();
/// let poster = Dispatcher::current().poster()?;
/// let worker = std::thread::spawn(move || {
///     let answer = 6 * 7;
///     poster.post(move || QCoreApplication::instance().exit(answer))
/// });
/// assert_eq!(app.exec(), 42);
/// worker.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Poster {
    inbox: Arc<Inbox>,
}

/// The kind of a [`PostError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PostErrorKind {
    /// The thread of the loop has ended, and its loop with it.
    LoopEnded,
    /// The receiver of the call is dead.
    TargetDied,
}

/// The error of [`Poster::post`] and [`Remote::post`](crate::Remote::post): the reason why the call
/// could not be posted. The call was dropped.
///
/// # Examples
///
/// ```
/// use qcore::{Dispatcher, event_loop::PostErrorKind};
///
/// let thread = std::thread::spawn(|| Dispatcher::current().poster().unwrap());
/// let poster = thread.join().unwrap();
/// let error = poster.post(|| ()).unwrap_err();
/// assert_eq!(error, PostErrorKind::LoopEnded);
/// assert_eq!(error.to_string(), "the event loop has ended");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostError {
    kind: PostErrorKind,
}

impl PostError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> PostErrorKind {
        self.kind
    }
}

impl From<PostErrorKind> for PostError {
    fn from(kind: PostErrorKind) -> Self {
        PostError { kind }
    }
}

impl PartialEq<PostErrorKind> for PostError {
    fn eq(&self, kind: &PostErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            PostErrorKind::LoopEnded => "the event loop has ended",
            PostErrorKind::TargetDied => "the receiver is dead",
        })
    }
}

impl std::error::Error for PostError {}

impl From<PostError> for io::Error {
    fn from(error: PostError) -> Self {
        let kind = match error.kind {
            PostErrorKind::LoopEnded | PostErrorKind::TargetDied => io::ErrorKind::BrokenPipe,
        };
        io::Error::new(kind, error)
    }
}

impl Poster {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Poster { inbox }
    }

    /// Posts `call` to the loop, which runs it in its own thread.
    ///
    /// `Ok` means that the loop has accepted the call, not that the call has run. While no loop
    /// runs in the thread, the call waits, like a posted event in Qt: it runs in the first turn of
    /// the next `exec()` or `process_events()`. If the thread ends first, the call is dropped. To
    /// detect that, let the call own a value whose drop is visible to the caller, such as the
    /// sending half of a channel.
    ///
    /// # Errors
    ///
    /// [`PostErrorKind::LoopEnded`] if the loop's thread has ended.
    pub fn post(&self, call: impl FnOnce() + Send + 'static) -> Result<(), PostError> {
        // Even in the loop's own thread the call goes through the queue, so that it wakes the loop.
        self.inbox.push_value(
            call,
            |posting: &mut Posting<_>, call| posting.0.add(call),
            |call| Posting(Values::new(call)),
        )
    }

    /// Returns whether both post to the same loop.
    pub(crate) fn is_for_loop_of(&self, other: &Poster) -> bool {
        Arc::ptr_eq(&self.inbox, &other.inbox)
    }

    /// Whether the loop still takes calls.
    pub(crate) fn is_open(&self) -> bool {
        self.inbox.is_open()
    }

    /// Wakes the loop: if it is waiting, it runs one turn.
    #[doc(alias = "wakeUp")]
    pub fn wake_up(&self) {
        self.inbox.wake();
    }
}

/// Calls that [`Poster::post`] has sent.
struct Posting<F>(Values<F>);

impl<F: FnOnce() + 'static> Deliver for Posting<F> {
    fn deliver(&self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }

    fn is_last(&self) -> bool {
        self.0.is_last()
    }

    fn is_selectable(&self) -> bool {
        false
    }

    fn receiver(&self) -> ObjectId {
        ObjectId::NONE
    }

    fn kind(&self) -> u16 {
        0
    }
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}
