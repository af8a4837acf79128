//! [`pipe()`] and [`pipe_both()`]: move all bytes from one device to another.

mod ends;
mod error;
mod moving;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use qcore::{
    JoinHandle, QIODevice, QObject, Signal, library_class,
    object::{Handle, Life, Node, Object},
    spawn_local,
};

pub use self::error::{PipeError, PipeErrorKind};
use self::{
    ends::{Limited, cut},
    moving::{both, connected, one_way},
};

/// Moves all bytes that `from` receives to `to`, until the end of the stream of `from`.
///
/// The event loop runs the pipe, from the loop's next turn on. The pipe needs no handle: it lives
/// until it has finished, and keeps both devices alive until then. The devices may be of any class,
/// including sockets with TLS. A socket may still be connecting: the pipe waits for it. All other
/// devices have to be open.
///
/// When the stream of `from` ends, the pipe waits until `to` has sent all bytes, and then closes
/// the sending half of `to`. So the peer of `to` learns of the end, and can still send. If a device
/// fails, the pipe finishes with an error and leaves both devices as they are.
///
/// While the pipe runs, no other slot or task should read from `from`. Other slots and tasks may
/// write to `to`: the bytes of one write stay together.
///
/// # Memory
///
/// The pipe stops reading when the unsent bytes of `to` reach the high mark of its
/// [`write_flow`](QIODevice::write_flow), or 64 KiB if it has no mark. If `from` is a TCP or local
/// socket without a limit for its read buffer, the limit is 128 KiB while the pipe runs. So if the
/// peer of `to` does not read, the pipe holds about 256 KiB in this process, and then the peer of
/// `from` has to wait.
///
/// # Cost
///
/// Between two TCP or local sockets without TLS and without proxies, Linux moves large amounts of
/// data within the kernel (`splice`), without copying the bytes to this process. The sockets do not
/// emit `ready_read` and `bytes_written` for these bytes. All other bytes go from the read buffer
/// to the write buffer in chunks. Large chunks are not copied.
///
/// # Examples
///
/// ```
/// use qcore::{OpenMode, QBuffer, block_on};
/// use qnetwork::pipe::pipe;
///
/// let (from, to) = (QBuffer::new(), QBuffer::new());
/// from.set_data("all of this");
/// from.open(OpenMode::READ_ONLY)?;
/// to.open(OpenMode::WRITE_ONLY)?;
/// let pipe = pipe(&from, &to);
/// block_on(pipe.finished()).unwrap()?;
/// assert_eq!((to.data(), pipe.bytes_forward()), (b"all of this".to_vec(), 11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pipe(from: &QIODevice, to: &QIODevice) -> Pipe {
    let (pipe, from, to) = (Pipe::new(), from.clone(), to.clone());
    let limited = Limited::new(&from);
    // With streams, the sockets tell the end of what they receive from the end of the connection.
    let (reader, writer) = (from.stream().split().0, to.stream().split().1);
    let this = pipe.clone();
    pipe.run(async move {
        let moved = async {
            connected(&from).await.map_err(PipeError::first)?;
            connected(&to).await.map_err(PipeError::second)?;
            one_way(reader, writer, &this.forth).await
        };
        let result = moved.await;
        drop(limited);
        this.finish(result);
    });
    pipe
}

/// Moves all bytes that one of two devices receives to the other one, in both directions, until
/// both streams have ended.
///
/// Each direction works like a [`pipe()`], and the directions end independently: a peer that has
/// closed its sending half still receives what the other peer sends. The pipe has finished when
/// both directions have ended. TCP sockets are then disconnected.
///
/// If one of the devices fails, the pipe aborts both devices, so that their peers see that the
/// connection is broken. Then it finishes with the error.
///
/// # Examples
///
/// A relay:
///
/// ```
/// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, pipe::pipe_both};
///
/// let relay = QTcpServer::new();
/// relay.new_connection.connect_to(&relay, |relay, ()| {
///     while let Some(client) = relay.next_pending_connection() {
///         let upstream = QTcpSocket::new();
///         upstream.connect_to_host("127.0.0.1", 8080);
///         let pipe = pipe_both(&client, &upstream);
///         pipe.finished.connect(move |result| {
///             if let Err(error) = result {
///                 eprintln!("{}: {error}", client.peer_address());
///             }
///             client.delete_later();
///         });
///     }
/// });
/// relay.listen(QHostAddress::LocalHost, 0)?;
/// # Ok::<(), qnetwork::SocketError>(())
/// ```
pub fn pipe_both(first: &QIODevice, second: &QIODevice) -> Pipe {
    let (pipe, first, second) = (Pipe::new(), first.clone(), second.clone());
    let limited = [Limited::new(&first), Limited::new(&second)];
    let (from_first, to_first) = first.stream().split();
    let (from_second, to_second) = second.stream().split();
    let this = pipe.clone();
    pipe.run(async move {
        let moved = async {
            connected(&first).await.map_err(PipeError::first)?;
            connected(&second).await.map_err(PipeError::second)?;
            let forth = one_way(from_first, to_second, &this.forth);
            let back = one_way(from_second, to_first, &this.back);
            both(forth, async { back.await.map_err(PipeError::mirrored) }).await
        };
        let result = moved.await;
        drop(limited);
        if result.is_err() {
            cut(&first);
            cut(&second);
        }
        this.finish(result);
    });
    pipe
}

library_class! {
    /// Moves bytes between two devices. [`pipe()`] and [`pipe_both()`] create it.
    ///
    /// Dropping the handle does not stop the pipe; [`stop`](Pipe::stop) does, and so does the death
    /// of its parent, if it has one.
    pub struct Pipe(PipeNode): QObject = base
}

/// The signals of a [`Pipe`].
pub struct PipeNode {
    /// Emitted once, when the pipe has ended: the streams of its devices have ended, one of the
    /// devices has failed, or the program has stopped the pipe.
    pub finished: Signal<Result<(), PipeError>>,
    base: QObject,
    result: RefCell<Option<Result<(), PipeError>>>,
    forth: Cell<u64>,
    back: Cell<u64>,
    /// The task that moves the bytes. The task has a handle of the pipe.
    task: RefCell<Option<JoinHandle<()>>>,
}

impl Node for PipeNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.abort();
    }
}

impl Pipe {
    fn new() -> Self {
        let life = Life::new();
        Pipe(Handle::new(Rc::new(PipeNode {
            finished: Signal::in_life(&life),
            base: QObject::embed(&life),
            result: RefCell::default(),
            forth: Cell::new(0),
            back: Cell::new(0),
            task: RefCell::default(),
        })))
    }

    fn run(&self, task: impl Future<Output = ()> + 'static) {
        let task = spawn_local(task);
        self.task.replace(Some(task));
    }

    /// Waits until the pipe has finished. Returns at once if it has. Cancel safe: the pipe
    /// continues.
    ///
    /// # Errors
    ///
    /// The error of the device that has failed; [`Stopped`](PipeErrorKind::Stopped) if the program
    /// has stopped or deleted the pipe.
    pub async fn finished(&self) -> Result<(), PipeError> {
        loop {
            let result = self.result.borrow().clone();
            if let Some(result) = result {
                return result;
            }
            // The slot may have been disconnected by `disconnect_all`.
            if self.finished.next().await.is_err() && self.is_deleted() {
                return Err(PipeErrorKind::Stopped.into());
            }
        }
    }

    /// Returns whether the pipe has finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.result.borrow().is_some()
    }

    /// Returns how many bytes have gone from the first device to the second one.
    #[must_use]
    #[doc(alias = "bytes")]
    pub fn bytes_forward(&self) -> u64 {
        self.forth.get()
    }

    /// Returns how many bytes have gone from the second device to the first one. It is 0 in a pipe
    /// with one direction.
    #[must_use]
    pub fn bytes_backward(&self) -> u64 {
        self.back.get()
    }

    /// Stops the pipe. The devices stay open, but bytes that the pipe has read and not written yet
    /// are lost.
    ///
    /// Emits [`finished`](PipeNode::finished) with the error [`Stopped`](PipeErrorKind::Stopped)
    /// before it returns, unless the pipe has finished.
    pub fn stop(&self) {
        self.abort();
        self.finish(Err(PipeErrorKind::Stopped.into()));
    }

    fn finish(&self, result: Result<(), PipeError>) {
        if !self.is_finished() {
            self.result.replace(Some(result.clone()));
            self.finished.emit(result);
        }
    }
}

impl PipeNode {
    fn abort(&self) {
        let task = self.task.take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl fmt::Debug for PipeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeNode")
            .field("bytes", &self.forth.get())
            .field("bytes_backward", &self.back.get())
            .field("result", &self.result.borrow())
            .finish_non_exhaustive()
    }
}
