//! Servers whose connections are spread over several threads.
//!
//! A *worker* is a [`QThread`] with a loop and a server. The worker's server is the one that the
//! program would use with a single loop. The *listening server* is the one whose
//! [`set_workers`](QTcpServer::set_workers) the program has called. It accepts all connections and
//! hands each one over to a worker:
//!
//! ```text
//!   thread of the listening server            thread of a worker
//!   accept() ─► give() ─► Inbox ───────────► fetch() ─► on_handed(): new_connection ─► your slots
//!                                                                                        │
//!   resume, close, pause  ◄─ Remote::post ◄─ next_pending_connection(), close(), ... ◄───┘
//! ```
//!
//! `inbox.rs` has the connections that are on their way, and `part.rs` what runs in a worker's
//! thread.

mod error;
mod inbox;
mod part;

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering::SeqCst},
    },
    time::Duration,
};

use qcore::{QThread, Remote, ThreadResult, classes::Inherits};

pub use self::error::{WorkerError, WorkerErrorKind};
pub(super) use self::inbox::Handed;
use self::{inbox::Inbox, part::Part};
use super::{Hold, QTcpServer, ShutsDown, TcpServerNode};
use crate::{
    address::QHostAddress,
    socket::{SocketError, SocketErrorKind},
};

/// A worker gets no connections while this many more wait for it than for another worker.
const SLACK: usize = 8;

/// Makes a worker's server, in the worker's thread.
type Make = Arc<dyn Fn() -> QTcpServer + Send + Sync>;

/// What a server is, if it is not a server with a single loop.
pub(super) enum Role {
    Listening(Workers),
    Worker(Part),
}

/// The workers of a listening server.
pub(super) struct Workers {
    /// Dropped when the server dies.
    make: RefCell<Option<Make>>,
    count: usize,
    shared: Arc<Shared>,
    /// The workers that run. None of them is used while the list is borrowed, because waking a
    /// loop may log.
    list: RefCell<Vec<Rc<Worker>>>,
    /// The worker whose turn it is.
    next: Cell<usize>,
}

/// What a listening server shares with its workers.
struct Shared {
    /// Where the server listens, if it does.
    place: Mutex<Option<(QHostAddress, u16)>>,
    max_pending: AtomicI32,
    /// Whether the listening server waits until connections are taken.
    is_full: AtomicBool,
}

/// A worker, as the listening server sees it. Dropping it ends its thread and waits for that.
struct Worker {
    number: usize,
    thread: QThread,
    /// The worker's server.
    server: Remote<QTcpServer>,
    inbox: Arc<Inbox>,
    /// How many connections the worker has got.
    handed: Cell<usize>,
}

/// # Several threads
impl QTcpServer {
    /// Spreads the connections over `count` threads, the workers.
    ///
    /// `make` runs in each worker's thread. It returns the server that the program would use with a
    /// single loop, with its slots. Each connection appears at one of these servers and stays in
    /// its thread, so the code for a connection is the same as without workers. This server listens
    /// and accepts, and the workers' servers emit
    /// [`new_connection`](TcpServerNode::new_connection).
    ///
    /// Call this function before [`listen`](QTcpServer::listen), which starts the threads. Later
    /// calls only log a warning. With a `count` of 0, the server has no workers and handles its
    /// connections itself.
    ///
    /// # How connections are spread
    ///
    /// The workers take turns, so that each gets the same number of connections. If a worker is
    /// stuck in a slot, its connections wait for it. While eight more connections wait for one
    /// worker than for another, the server gives that worker no new ones. If the
    /// [limit](QTcpServer::set_max_pending_connections) for all workers is low, it stops earlier.
    /// The other workers continue.
    ///
    /// # The workers' servers
    ///
    /// `make` may return any class derived from `QTcpServer`: a `QSslServer`, whose handshakes then
    /// run in the workers, or a class of your own. A [handler](QTcpServer::set_incoming_connection)
    /// gets its descriptors in the worker.
    ///
    /// A worker's server behaves as if it were listening:
    ///
    /// * [`is_listening`](QTcpServer::is_listening), [`server_address`](QTcpServer::server_address)
    ///   and [`server_port`](QTcpServer::server_port) return the values of the listening server.
    /// * [`close`](QTcpServer::close), [`pause_accepting`](QTcpServer::pause_accepting),
    ///   [`resume_accepting`](QTcpServer::resume_accepting) and
    ///   [`set_max_pending_connections`](QTcpServer::set_max_pending_connections) act on the
    ///   listening server, and so on all workers. They take effect shortly after the call, when the
    ///   loop of the listening server handles it.
    /// * `listen`, `set_socket_descriptor` and `wait_for_new_connection` fail with
    ///   [`Operation`](SocketErrorKind::Operation). `set_proxy` has no effect.
    ///
    /// # What applies to all workers together
    ///
    /// * The [limit](QTcpServer::set_max_pending_connections) of pending connections counts those
    ///   of all workers. If `make` sets the limit, each worker sets this one limit again: with four
    ///   workers that set 50, it is 50.
    /// * [`pause_accepting`](QTcpServer::pause_accepting). With workers, the pause lasts until
    ///   `resume_accepting`, even if a worker takes a connection.
    /// * [`close`](QTcpServer::close) stops listening and closes the connections that no worker has
    ///   taken. As with a single loop, the others continue. The workers stay for the next `listen`.
    /// * [`accept_error`](TcpServerNode::accept_error) is emitted by the listening server.
    ///
    /// # How workers end
    ///
    /// When the listening server dies, it tells the workers to end. Each worker deletes its server
    /// and its connections in its own thread. The destructor waits for that, up to 5 seconds for
    /// each worker. If a worker still runs then, the library logs a warning, and the thread
    /// continues.
    ///
    /// If a slot panics in a worker, that worker and its connections end. The other workers
    /// continue, and the listening server emits [`worker_failed`](TcpServerNode::worker_failed).
    /// Connections that the worker has not fetched yet go to other workers. The next `listen`
    /// starts the worker again. If no worker is left, the listening server closes. To keep a worker
    /// running after a panic, use [`PanicPolicy::Report`](qcore::PanicPolicy::Report).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{io::{Read, Write}, net::TcpStream};
    /// use qnetwork::{QHostAddress, QTcpServer};
    ///
    /// /// What a program with a single loop uses.
    /// fn echo_server() -> QTcpServer {
    ///     let server = QTcpServer::new();
    ///     server.new_connection.connect_to(&server, |server, ()| {
    ///         while let Some(socket) = server.next_pending_connection() {
    ///             socket.ready_read.connect_to(&socket, |socket, ()| {
    ///                 socket.write(socket.read_all()).ok();
    ///             });
    ///             socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
    ///         }
    ///     });
    ///     server
    /// }
    ///
    /// let server = QTcpServer::new();
    /// server.set_workers(2, echo_server);
    /// server.listen(QHostAddress::LocalHost, 0)?;
    ///
    /// let port = server.server_port();
    /// let client = std::thread::spawn(move || {
    ///     let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    ///     stream.write_all(b"hello").unwrap();
    ///     let mut answer = [0; 5];
    ///     stream.read_exact(&mut answer).unwrap();
    ///     answer
    /// });
    /// assert!(qcore::wait_until(5000, || client.is_finished()));
    /// assert_eq!(&client.join().unwrap(), b"hello");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn set_workers<S: Inherits<QTcpServer>>(
        &self,
        count: usize,
        make: impl Fn() -> S + Send + Sync + 'static,
    ) {
        if self.is_deleted() || count == 0 && self.0.role.get().is_none() {
            return;
        }
        let workers = Workers {
            make: RefCell::new(Some(Arc::new(move || make().as_base().clone()))),
            count,
            shared: Arc::new(Shared {
                place: Mutex::default(),
                max_pending: AtomicI32::new(self.state.max_pending()),
                is_full: AtomicBool::new(false),
            }),
            list: RefCell::default(),
            next: Cell::new(0),
        };
        let is_late = self.is_listening();
        if is_late || self.0.role.set(Box::new(Role::Listening(workers))).is_err() {
            qcore::q_warning!("QTcpServer::setWorkers() called again, or while listening");
        }
    }

    /// Returns how many workers run: 0 before the first [`listen`](QTcpServer::listen), and for a
    /// server with a single loop.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.0.workers().map_or(0, |workers| workers.list.borrow().len())
    }
}

impl Shared {
    fn place(&self) -> Option<(QHostAddress, u16)> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_place(&self, place: Option<(QHostAddress, u16)>) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

impl Worker {
    /// Returns how many of its connections wait to be taken.
    fn waiting(&self) -> usize {
        self.handed.get().saturating_sub(self.inbox.left())
    }

    /// Calls `f` with the worker's server, in its thread. Does nothing if it has died.
    fn tell(&self, f: impl FnOnce(&TcpServerNode) + Send + 'static) {
        let _ = self.server.post(move |server| f(server.0.node()));
    }

    fn give(&self, connection: Handed) {
        self.handed.set(self.handed.get() + 1);
        if let Some(round) = self.inbox.push(connection) {
            // If the worker has just ended, `on_worker_ended` takes the connection back.
            self.tell(move |server| server.fetch(round));
        }
    }
}

impl Workers {
    /// Returns how many connections wait to be taken, of all workers together.
    pub(super) fn waiting(&self) -> usize {
        self.list.borrow().iter().map(|worker| worker.waiting()).sum()
    }

    /// Records that the listening server waits for room. A worker that makes room calls
    /// [`resume_if_full`](TcpServerNode::resume_if_full).
    pub(super) fn set_full(&self, is_full: bool) {
        self.shared.is_full.store(is_full, SeqCst);
    }

    pub(super) fn set_max_pending(&self, count: i32) {
        self.shared.max_pending.store(count, SeqCst);
    }

    /// Gives a connection to the worker whose turn it is, or the next one that is not behind.
    pub(super) fn give(&self, connection: Handed) {
        if let Some(worker) = self.next_worker() {
            self.next.set((worker.number + 1) % self.count);
            worker.give(connection);
        }
    }

    fn next_worker(&self) -> Option<Rc<Worker>> {
        let list = self.list.borrow();
        let next = self.next.get();
        let least = list.iter().map(|worker| worker.waiting()).min().unwrap_or(0);
        // Together, workers that are stuck must not use up the limit.
        let limit = usize::try_from(self.shared.max_pending.load(SeqCst)).unwrap_or(0);
        let slack = (limit / (2 * self.count)).min(SLACK);
        let order = |worker: &&Rc<Worker>| {
            let is_behind = worker.waiting() > least + slack;
            (is_behind, (worker.number + self.count - next) % self.count)
        };
        list.iter().min_by_key(order).cloned()
    }

    /// Starts the workers that do not run.
    fn start(&self, server: &QTcpServer) -> io::Result<()> {
        for number in 0..self.count {
            if self.list.borrow().iter().any(|worker| worker.number == number) {
                continue;
            }
            let worker = self.spawn(number, server)?;
            self.list.borrow_mut().push(Rc::new(worker));
        }
        Ok(())
    }

    fn spawn(&self, number: usize, server: &QTcpServer) -> io::Result<Worker> {
        let make = self.make.borrow().clone();
        let make = make.ok_or_else(|| io::Error::other("the server has died"))?;
        let inbox = Arc::new(Inbox::default());
        let thread = QThread::new();
        thread.set_object_name(format!("QTcpServer {number}"));
        let workers_server = {
            let (shared, home, inbox) = (self.shared.clone(), Remote::of(server), inbox.clone());
            thread.build(move || {
                let part = Part { shared, home, inbox, number, fetched: Cell::new(0) };
                part::make_server(&*make, part)
            })
        };
        // In the worker's thread: the server dies, whoever holds it.
        thread.finished.connect_to(&workers_server, |server, _| server.delete_later());
        thread.finished.connect_to(server, move |server, result| {
            server.0.on_worker_ended(number, result);
        });
        thread.start()?;
        Ok(Worker { number, thread, server: workers_server, inbox, handed: Cell::new(0) })
    }

    /// Closes the connections that were not taken.
    fn close(&self) {
        self.shared.set_place(None);
        let workers = self.list.borrow().clone();
        for worker in workers {
            let connections = worker.inbox.take_all();
            worker.handed.set(worker.handed.get() - connections.len());
            drop(connections);
            worker.tell(TcpServerNode::close_untaken);
        }
        self.set_full(false);
    }

    /// Ends the workers and waits for their threads.
    fn end(&self) {
        let workers = self.list.take();
        for worker in &workers {
            worker.thread.quit();
        }
        drop(workers);
        let make = self.make.take();
        drop(make);
    }
}

impl TcpServerNode {
    /// Returns the workers, if this is a listening server that has workers.
    pub(super) fn workers(&self) -> Option<&Workers> {
        match &**self.role.get()? {
            Role::Listening(workers) => Some(workers).filter(|workers| workers.count > 0),
            Role::Worker(_) => None,
        }
    }

    /// Returns what a worker's server knows of the whole, if this is one.
    pub(super) fn part(&self) -> Option<&Part> {
        match &**self.role.get()? {
            Role::Listening(_) => None,
            Role::Worker(part) => Some(part),
        }
    }

    /// Starts the workers, as the server begins to listen.
    pub(super) fn start_workers(&self, place: (QHostAddress, u16)) -> Result<(), SocketError> {
        let Some(workers) = self.workers() else { return Ok(()) };
        let Some(node) = self.this.upgrade() else { return Ok(()) };
        workers.start(&QTcpServer::from_node(node)).map_err(|error| {
            let text = format!("Cannot start a worker: {error}");
            SocketError::new(SocketErrorKind::SocketResource, text)
        })?;
        workers.shared.set_place(Some(place));
        Ok(())
    }

    pub(super) fn close_workers(&self) {
        if let Some(workers) = self.workers() {
            workers.close();
        }
    }

    /// Ends the workers as the server dies. If it is a worker's server, ends this worker.
    pub(super) fn end_workers(&self) {
        if let Some(workers) = self.workers() {
            workers.end();
        }
        if let Some(part) = self.part() {
            part.end();
        }
    }

    pub(super) fn worker_numbers(&self) -> Vec<usize> {
        let Some(workers) = self.workers() else { return Vec::new() };
        workers.list.borrow().iter().map(|worker| worker.number).collect()
    }

    /// Makes a worker's server shut down. Does nothing if the worker has ended.
    pub(super) fn shut_down_worker(&self, number: usize, limit: Option<Duration>) {
        let Some(workers) = self.workers() else { return };
        let worker = workers.list.borrow().iter().find(|one| one.number == number).cloned();
        if let Some(worker) = worker {
            worker.tell(move |server| server.begin_shutdown(limit));
        }
    }

    /// A worker's connections have ended in a shutdown, or the worker itself has ended.
    fn on_worker_shut_down(&self, number: usize, cut: usize) {
        if let Some(shutdown) = self.state.shutdown() {
            shutdown.worker_done(number, cut);
            self.check_shutdown(&shutdown);
        }
    }

    /// Accepts connections again if it was waiting for room.
    fn resume_if_full(&self) {
        if self.hold.get() == Hold::Full {
            self.resume();
        }
    }

    /// Continues without a worker.
    fn on_worker_ended(&self, number: usize, result: &ThreadResult) {
        let Some(workers) = self.workers() else { return };
        let ended = {
            let mut list = workers.list.borrow_mut();
            let at = list.iter().position(|worker| worker.number == number);
            at.map(|at| list.swap_remove(at))
        };
        let Some(ended) = ended else { return };
        let error = match result {
            Err(panic) => WorkerError::panicked(number, panic.message()),
            Ok(_) => {
                let kind = ended.inbox.end().unwrap_or(WorkerErrorKind::LoopEnded);
                WorkerError::new(kind, number)
            }
        };
        let unfetched = ended.inbox.take_all();
        // Waits until the worker's connections have died.
        drop(ended);
        for connection in unfetched {
            workers.give(connection);
        }
        qcore::q_warning!("QTcpServer: {error}");
        self.on_worker_shut_down(number, 0);
        self.resume_if_full();
        self.worker_failed.emit(error);
        if workers.list.borrow().is_empty() && self.listener.borrow().is_some() {
            self.close();
            let text = "All workers have ended";
            self.report(SocketError::new(SocketErrorKind::SocketResource, text));
        }
    }
}
