//! [`close_all`]: closes servers and sockets, waits until they are closed, and tells the program.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use qcore::{Dispatcher, Interval, internals::handed_over};

#[cfg(feature = "_tls")]
use crate::ssl::{QSslServer, QSslSocket};
use crate::{
    local::{LocalSocketState, QLocalServer, QLocalSocket},
    server::QTcpServer,
    socket::{CloseReason, QAbstractSocket, QTcpSocket, SocketState},
};

/// Closes servers and sockets, lets them send what was written, and calls `then` when all of them
/// are closed. So a program ends without cutting off its peers.
///
/// * A server [shuts down](QTcpServer::shutdown): it stops listening, tells or disconnects its
///   connections, and aborts those that are left when the time is over.
/// * A socket [disconnects](QAbstractSocket::disconnect_from_host_with_timeout), and aborts when
///   the time is over.
///
/// `timeout` is the time for all of this, in milliseconds or as a `Duration`. A negative number is
/// no limit. The event loop calls `then` exactly once, with the number of connections that were cut
/// off: those that were aborted when the time was over, and sockets that have failed meanwhile. A
/// server or socket that dies counts as closed, and so does a connection that is
/// [handed over](QTcpSocket::detach).
///
/// The servers and sockets emit their signals within the call, or later from the event loop.
///
/// # Examples
///
/// A program with a server and a connection of its own. Programs usually call this in a slot of a
/// `UnixSignalNotifier`:
///
/// ```
/// use qcore::QCoreApplication;
/// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, close_all};
///
/// let app = QCoreApplication::new();
/// let (server, upstream) = (QTcpServer::new(), QTcpSocket::new());
/// server.listen(QHostAddress::LocalHost, 0)?;
/// # let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// # let port = other.local_addr().unwrap().port();
/// upstream.connect_to_host("127.0.0.1", port);
///
/// close_all([(&server).into(), (&upstream).into()], 5000, |cut| {
///     QCoreApplication::instance().exit(if cut == 0 { 0 } else { 3 });
/// });
/// assert_eq!(app.exec(), 0);
/// # Ok::<(), qnetwork::SocketError>(())
/// ```
pub fn close_all(
    all: impl IntoIterator<Item = Closable>,
    timeout: impl Into<Interval>,
    then: impl FnOnce(usize) + 'static,
) {
    let all: Vec<_> = all.into_iter().filter(|one| !one.is_dead()).collect();
    let rest = Rc::new(Rest {
        dispatcher: Dispatcher::current(),
        open: Cell::new(all.len() + 1),
        cut: Cell::new(0),
        then: RefCell::new(Some(Box::new(then))),
    });
    let timeout = timeout.into();
    // First all slots, because closing the one may close the other.
    let leaving: Vec<_> = all.iter().map(|one| one.watch(&rest)).collect();
    for (one, leave) in all.iter().zip(leaving) {
        one.close(timeout, &leave);
    }
    rest.leave(0);
}

/// A server or a socket for [`close_all`]. It is made from a reference: `(&server).into()`.
///
/// A class that is derived from a server or a socket is passed as its base class:
/// `Closable::from(&*daemon)`.
#[derive(Clone)]
pub struct Closable(Kind);

#[derive(Clone)]
enum Kind {
    Server(QTcpServer),
    LocalServer(QLocalServer),
    Socket(QAbstractSocket),
    LocalSocket(QLocalSocket),
}

/// What is still to be closed.
struct Rest {
    dispatcher: Rc<Dispatcher>,
    /// How many servers and sockets are not closed, and 1 while they are being told.
    open: Cell<usize>,
    cut: Cell<usize>,
    then: RefCell<Option<Then>>,
}

type Then = Box<dyn FnOnce(usize)>;
/// Notes that a server or socket is closed, and how many connections were cut off.
type Leave = Rc<dyn Fn(usize)>;

impl Rest {
    fn leave(&self, cut: usize) {
        self.cut.set(self.cut.get() + cut);
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0
            && let Some(then) = self.then.take()
        {
            let cut = self.cut.get();
            self.dispatcher.post(move || then(cut));
        }
    }
}

impl Closable {
    fn is_dead(&self) -> bool {
        match &self.0 {
            Kind::Server(server) => server.is_deleted(),
            Kind::LocalServer(server) => server.is_deleted(),
            Kind::Socket(socket) => socket.is_deleted(),
            Kind::LocalSocket(socket) => socket.is_deleted(),
        }
    }

    /// Connects the slots that hear of the end.
    fn watch(&self, rest: &Rc<Rest>) -> Leave {
        let (rest, has_left) = (rest.clone(), Cell::new(false));
        let leave: Leave = Rc::new(move |cut| {
            if !has_left.replace(true) {
                rest.leave(cut);
            }
        });
        let (ends, leaves, dies) = (leave.clone(), leave.clone(), leave.clone());
        let on_closed = move |reason: &CloseReason| ends(usize::from(is_cut(reason)));
        match &self.0 {
            Kind::Server(server) => {
                server.shutdown_finished.connect(move |cut| leaves(*cut));
                server.destroyed.connect(move |_| dies(0));
            }
            Kind::LocalServer(server) => {
                server.shutdown_finished.connect(move |cut| leaves(*cut));
                server.destroyed.connect(move |_| dies(0));
            }
            Kind::Socket(socket) => {
                socket.closed.connect(on_closed);
                handed_over(socket).connect(move |()| leaves(0));
                socket.destroyed.connect(move |_| dies(0));
            }
            Kind::LocalSocket(socket) => {
                socket.closed.connect(on_closed);
                handed_over(socket).connect(move |()| leaves(0));
                socket.destroyed.connect(move |_| dies(0));
            }
        }
        leave
    }

    fn close(&self, timeout: Interval, leave: &Leave) {
        match &self.0 {
            Kind::Server(server) => server.shutdown(timeout),
            Kind::LocalServer(server) => server.shutdown(timeout),
            Kind::Socket(socket) => {
                // A socket without a connection does not tell its end.
                let is_idle =
                    matches!(socket.state(), SocketState::Unconnected | SocketState::Bound);
                socket.disconnect_from_host_with_timeout(timeout);
                if is_idle {
                    leave(0);
                }
            }
            Kind::LocalSocket(socket) => {
                let is_idle = socket.state() == LocalSocketState::Unconnected;
                socket.disconnect_from_server_with_timeout(timeout);
                if is_idle {
                    leave(0);
                }
            }
        }
    }
}

/// Returns whether bytes that were written may not have arrived.
fn is_cut(reason: &CloseReason) -> bool {
    !matches!(reason, CloseReason::Local | CloseReason::Remote)
}

macro_rules! closable {
    ($($class:ty => $kind:ident),* $(,)?) => {$(
        impl From<&$class> for Closable {
            fn from(one: &$class) -> Self {
                Closable(Kind::$kind(one.clone().into()))
            }
        }
    )*};
}

closable! {
    QTcpServer => Server,
    QLocalServer => LocalServer,
    QAbstractSocket => Socket,
    QTcpSocket => Socket,
    QLocalSocket => LocalSocket,
}

#[cfg(feature = "_tls")]
closable! {
    QSslServer => Server,
    QSslSocket => Socket,
}

impl fmt::Debug for Closable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Server(server) => server.fmt(f),
            Kind::LocalServer(server) => server.fmt(f),
            Kind::Socket(socket) => socket.fmt(f),
            Kind::LocalSocket(socket) => socket.fmt(f),
        }
    }
}
