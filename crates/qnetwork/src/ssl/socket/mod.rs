//! [`QSslSocket`].
//!
//! A [`QSslSocket`] consists of two sockets with a session between them:
//!
//! ```text
//!   your slots and calls            signals: state, errors, connected, ...   inner.rs
//!        │   ▲                     ┌─────────────────────────────────────────┐
//!        ▼   │                     ▼                                         │
//!   QSslSocket, with buffers of plain text          inner QAbstractSocket, with the connection
//!        │   ▲                                            │   ▲  by whatever engines
//!        ▼   │            transfer.rs                     ▼   │
//!     write() ──► Session::encrypt() ──► take_output() ──► its write buffer
//!     ready_read ◄── plain() ◄── Session::advance() ◄── receive() ◄── what has come
//! ```
//!
//! Qt is built in the same way, and this determines the order and number of the signals. While the
//! socket does not encrypt, there is no session, and data passes through unchanged. `encrypting.rs`
//! starts a session and runs its handshake, `handing_over.rs` hands a connection over to another
//! thread, `verifying.rs` judges the peer's certificate, `transfer.rs` moves the data, `closing.rs`
//! ends the connection, and `waiting.rs` waits without a loop. `settings.rs` and `identity.rs` have
//! the setters and getters.
//!
//! While the peer's certificate has errors that the program has not ignored, the session's answer
//! to the certificate stays in the session's output. Only [`transmit`](SslSocketNode::transmit)
//! takes data from that output.

#[cfg(feature = "tasks")]
mod awaiting;
mod closing;
mod device;
mod encrypting;
mod handing_over;
mod identity;
mod inner;
mod muted;
mod settings;
mod transfer;
mod verifying;
mod waiting;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use qcore::{
    OpenMode, Signal,
    internals::ByteQueue,
    io_device::DeviceBackend,
    library_class,
    object::{Handle, Life, Node, Object},
};

use super::{
    configuration::QSslConfiguration,
    error::QSslError,
    kinds::SslMode,
    ocsp::{QOcspResponse, Stapled},
    session::Session,
};
use crate::{
    address::{Host, NetworkLayerProtocol},
    socket::{Outer, QAbstractSocket, QTcpSocket, SocketClass, SocketType, TellsEnd},
};

const CLASS: &str = "QSslSocket";

library_class! {
    /// A TCP socket that can encrypt: TLS 1.2 and 1.3, as a client or as a server.
    ///
    /// A client calls [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted) and
    /// waits for [`encrypted`](SslSocketNode::encrypted). Data that it writes earlier is sent,
    /// encrypted, after the handshake. A server takes over a connection with
    /// [`set_socket_descriptor`](QAbstractSocket::set_socket_descriptor) and calls
    /// [`start_server_encryption`](QSslSocket::start_server_encryption);
    /// [`QSslServer`](crate::QSslServer) does both.
    /// [`start_client_encryption`](QSslSocket::start_client_encryption) encrypts an existing
    /// connection at any time. Until then the socket is a plain [`QTcpSocket`].
    ///
    /// Stands for Qt's [QSslSocket](https://doc.qt.io/qt-5/qsslsocket.html).
    ///
    /// # Verifying the peer
    ///
    /// A client verifies the server's certificates as soon as it gets them. It emits
    /// [`peer_verify_error`](SslSocketNode::peer_verify_error) for each error, and
    /// [`ssl_errors`](SslSocketNode::ssl_errors) with all of them. If no slot of `ssl_errors` calls
    /// [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors), the connection ends with
    /// [`SslHandshakeFailed`](crate::SocketErrorKind::SslHandshakeFailed). Until the errors are
    /// ignored, the client sends neither its data nor its own certificate.
    ///
    /// # The order of signals
    ///
    /// * `state_changed(Connected)`, `mode_changed`, `connected`, `encrypted`; with errors,
    ///   `peer_verify_error` for each and `ssl_errors` before `encrypted`
    /// * certificate refused: `error(SslHandshakeFailed)`, `state_changed(Closing)`,
    ///   `state_changed(Unconnected)`, `read_channel_finished`, `disconnected`
    /// * closed by the peer: `error(RemoteHostClosed)`, once for the end of TLS and once for the
    ///   end of TCP
    /// * closed by this end: `state_changed(Closing)` is emitted twice
    ///
    /// # Unsent data
    ///
    /// Written data stays in the write buffer until the loop runs again and the socket encrypts it.
    /// As with Qt, [`bytes_to_write`](qcore::QIODevice::bytes_to_write) counts only the data that
    /// is not encrypted yet, and [`bytes_written`](qcore::io_device::DeviceNode::bytes_written)
    /// reports that data was encrypted, not that it was sent. So if the peer does not read, the
    /// socket accepts all data and keeps it.
    /// [`unsent_bytes`](qcore::QIODevice::unsent_bytes) counts all of it, and
    /// [`write_flow`](qcore::QIODevice::write_flow) limits it.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::QCoreApplication;
    /// use qnetwork::{QSslSocket, SocketErrorKind};
    ///
    /// let app = QCoreApplication::new();
    /// let socket = QSslSocket::new();
    /// socket.encrypted.connect_to(&socket, |socket, ()| {
    ///     socket.write("GET / HTTP/1.0\r\n\r\n").ok();
    /// });
    /// socket.ssl_errors.connect(|errors| println!("who is that? {errors:?}"));
    /// socket.error_occurred.connect_to(&app, |app, _| app.quit());
    /// socket.connect_to_host_encrypted("127.0.0.1", 1); // nobody listens there
    /// app.exec();
    /// assert_eq!(socket.error(), SocketErrorKind::ConnectionRefused);
    /// ```
    pub struct QSslSocket(SslSocketNode): QTcpSocket = base
}

/// The signals of a [`QSslSocket`].
pub struct SslSocketNode {
    /// The handshake has succeeded: from now on all data is encrypted.
    pub encrypted: Signal<()>,
    /// Encryption starts. The socket is now a client or a server.
    #[doc(alias = "modeChanged")]
    pub mode_changed: Signal<SslMode>,
    /// The peer's certificate has an error. Emitted once for each error, before
    /// [`ssl_errors`](Self::ssl_errors).
    #[doc(alias = "peerVerifyError")]
    pub peer_verify_error: Signal<QSslError>,
    /// All errors of the peer's certificate. A slot may call
    /// [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors).
    #[doc(alias = "sslErrors")]
    pub ssl_errors: Signal<Vec<QSslError>>,
    /// The operating system has accepted this many encrypted bytes.
    #[doc(alias = "encryptedBytesWritten")]
    pub encrypted_bytes_written: Signal<usize>,
    /// A server has sent a session ticket. The socket emits this only with TLS 1.3, and only if the
    /// configuration does not have the option
    /// [`DISABLE_SESSION_PERSISTENCE`](crate::SslOptions::DISABLE_SESSION_PERSISTENCE), which is
    /// set by default. Sockets of the same program resume sessions in both cases.
    #[doc(alias = "newSessionTicketReceived")]
    pub new_session_ticket_received: Signal<()>,
    base: QTcpSocket,
    this: Weak<SslSocketNode>,
    /// Keeps the backend alive, because the device refers to it weakly.
    device: Rc<SslDevice>,
    /// The socket that has the connection.
    inner: QAbstractSocket,
    configuration: RefCell<QSslConfiguration>,
    mode: Cell<SslMode>,
    session: RefCell<Option<Box<Session>>>,
    /// Changes with each session. By this number callers see whether a slot has replaced the
    /// session.
    session_number: Cell<u32>,
    /// Plain text that is not encrypted yet.
    write_buffer: RefCell<ByteQueue>,
    /// The name to verify instead of the host's.
    verify_name: RefCell<String>,
    errors: RefCell<Vec<QSslError>>,
    /// Errors that the program ignores.
    ignored: RefCell<Vec<QSslError>>,
    /// The server's OCSP response, if the socket has asked for it.
    stapled: RefCell<Option<Stapled>>,
    ocsp_responses: RefCell<Vec<QOcspResponse>>,
    /// How often `ready_read` was emitted.
    ready_reads: Cell<u32>,
    tickets: Cell<u32>,
    flags: Flags,
}

/// The device's backend. It is a type of its own, because functions of the node would hide those of
/// the device.
struct SslDevice {
    node: Weak<SslSocketNode>,
}

#[derive(Default)]
struct Flags {
    /// Encryption starts as soon as the socket is connected.
    auto_start: Cell<bool>,
    encrypted: Cell<bool>,
    /// The program ignores all errors.
    ignore_all: Cell<bool>,
    /// The number of the session that moves no data while slots for its errors run.
    muted: Cell<Option<u32>>,
    /// The program has paused the socket to decide about errors.
    paused: Cell<bool>,
    /// The socket closes once all data is encrypted.
    pending_close: Cell<bool>,
    /// The socket closes once rustls has finished its work on the session.
    close_missed: Cell<bool>,
    /// This end has sent TLS's closing message.
    shut_down: Cell<bool>,
    /// The other end has sent TLS's closing message.
    peer_closed: Cell<bool>,
    /// A stream has kept the connection for sending, and `read_channel_finished` was emitted.
    told_end: Cell<bool>,
    /// The handshake could not start.
    start_failed: Cell<bool>,
    /// Written data was dropped before it was encrypted.
    has_lost: Cell<bool>,
    /// Whether rustls is working on the session.
    work: Cell<Work>,
    /// A call that encrypts the write buffer is queued in the loop.
    flush_posted: Cell<bool>,
    in_bytes_written: Cell<bool>,
    /// A slot of `ready_read` is running, and data has come meanwhile.
    in_ready_read: Cell<bool>,
    missed_ready_read: Cell<bool>,
    /// A server's session tickets wait to be sent with its first data.
    tickets_wait: Cell<bool>,
    /// A session is about to start, and gets the data that arrives.
    starting: Cell<bool>,
    /// `init` was called for the next connection.
    initialized: Cell<bool>,
    /// The socket has taken over a connection with decrypted data, and has not emitted `ready_read`
    /// for it yet.
    inherited: Cell<bool>,
}

/// Whether rustls is working on the session, so that the socket does not have it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Work {
    #[default]
    Idle,
    Running,
    /// Something was to be done meanwhile, and has to be done afterwards.
    Missed,
}

impl Node for SslSocketNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        let held = self.base.hold_closed();
        self.inner.destroy();
        self.drop_session();
        self.drop_unsent();
        self.base.destroy();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        drop(held);
        self.base.tell_closed_now();
    }
}

impl QSslSocket {
    /// Creates a socket that is not connected, with the [default
    /// configuration](QSslConfiguration::default_configuration).
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        let base = QTcpSocket::embed(&life, CLASS);
        let node = Rc::new_cyclic(|this: &Weak<SslSocketNode>| SslSocketNode {
            encrypted: Signal::in_life(&life),
            mode_changed: Signal::in_life(&life),
            peer_verify_error: Signal::in_life(&life),
            ssl_errors: Signal::in_life(&life),
            encrypted_bytes_written: Signal::in_life(&life),
            new_session_ticket_received: Signal::in_life(&life),
            base,
            this: this.clone(),
            device: Rc::new(SslDevice { node: this.clone() }),
            inner: QAbstractSocket::make(SocketType::Tcp, "QTcpSocket"),
            configuration: RefCell::new(QSslConfiguration::default_configuration()),
            mode: Cell::default(),
            session: RefCell::default(),
            session_number: Cell::new(0),
            write_buffer: RefCell::default(),
            verify_name: RefCell::default(),
            errors: RefCell::default(),
            ignored: RefCell::default(),
            stapled: RefCell::default(),
            ocsp_responses: RefCell::default(),
            ready_reads: Cell::new(0),
            tickets: Cell::new(0),
            flags: Flags::default(),
        });
        let device: Rc<dyn DeviceBackend> = node.device.clone();
        node.base.set_backend(Rc::downgrade(&device));
        let class: Rc<dyn SocketClass> = node.clone();
        node.base.set_class(Rc::downgrade(&class));
        let outer: Rc<dyn Outer> = node.clone();
        node.inner.set_outer(Rc::downgrade(&outer));
        node.listen_to_inner();
        QSslSocket(Handle::new(node))
    }

    /// Connects to a host as a client, and encrypts as soon as the connection is made.
    ///
    /// Returns immediately. The socket emits [`encrypted`](SslSocketNode::encrypted) or
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) later. Data that is
    /// written meanwhile is sent encrypted. [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors)
    /// for an earlier connection no longer applies.
    ///
    /// If the [protocol](QSslSocket::set_protocol) is not supported, the socket stays unconnected,
    /// and the error is [`SslInvalidUserData`](crate::SocketErrorKind::SslInvalidUserData). If the
    /// socket is already connected or connecting, the function only logs a warning.
    ///
    /// Emits [`state_changed`](crate::socket::AbstractSocketNode::state_changed) before it returns,
    /// and [`host_found`](crate::socket::AbstractSocketNode::host_found) or
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) in the cases in which
    /// [`connect_to_host`](crate::QAbstractSocket::connect_to_host) does. If connecting fails at
    /// once, it also emits [`closed`](crate::socket::AbstractSocketNode::closed).
    ///
    /// ```
    /// use qnetwork::{QSslSocket, SocketErrorKind};
    ///
    /// let socket = QSslSocket::new();
    /// socket.connect_to_host_encrypted("127.0.0.1", 1); // nobody listens there
    /// let error = socket.wait_for_encrypted(5000).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::ConnectionRefused);
    /// ```
    #[doc(alias = "connectToHostEncrypted")]
    pub fn connect_to_host_encrypted<'a>(&self, host: impl Into<Host<'a>>, port: u16) {
        let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::AnyIP);
        self.connect_to_host_encrypted_with_mode(host, port, mode, protocol);
    }

    /// Does the same as [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted), but
    /// opens the socket in `mode` and uses only addresses of `protocol`.
    ///
    /// Emits the same signals before it returns:
    /// [`state_changed`](crate::socket::AbstractSocketNode::state_changed), and in some cases
    /// [`host_found`](crate::socket::AbstractSocketNode::host_found),
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) and
    /// [`closed`](crate::socket::AbstractSocketNode::closed).
    #[doc(alias = "connectToHostEncrypted")]
    pub fn connect_to_host_encrypted_with_mode<'a>(
        &self,
        host: impl Into<Host<'a>>,
        port: u16,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        self.connect_to_host_encrypted_with_peer_name(host, port, "", mode, protocol);
    }

    /// Does the same as
    /// [`connect_to_host_encrypted_with_mode`](QSslSocket::connect_to_host_encrypted_with_mode),
    /// but verifies the certificate for `peer_name` instead of the host's name. An empty
    /// `peer_name` means the host's name.
    ///
    /// Emits the same signals before it returns:
    /// [`state_changed`](crate::socket::AbstractSocketNode::state_changed), and in some cases
    /// [`host_found`](crate::socket::AbstractSocketNode::host_found),
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) and
    /// [`closed`](crate::socket::AbstractSocketNode::closed).
    #[doc(alias = "connectToHostEncrypted")]
    pub fn connect_to_host_encrypted_with_peer_name<'a>(
        &self,
        host: impl Into<Host<'a>>,
        port: u16,
        peer_name: impl Into<String>,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        let host_name = host.into().into_name();
        self.node().connect_encrypted(host_name, port, peer_name.into(), mode, protocol);
    }

    /// Encrypts an existing connection as a client. Returns immediately; the socket emits
    /// [`encrypted`](SslSocketNode::encrypted) later.
    ///
    /// Data that was received but not read is treated as part of the handshake. The socket never
    /// returns it as if it had been encrypted. (In Qt such data can still be read.) If there is no
    /// connection, or the socket encrypts already, the function only logs a warning.
    ///
    /// Emits [`mode_changed`](SslSocketNode::mode_changed) before it returns, or
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) if the protocol,
    /// certificate or key cannot be used.
    #[doc(alias = "startClientEncryption")]
    pub fn start_client_encryption(&self) {
        self.node().start_encryption(SslMode::Client);
    }

    /// Encrypts an existing connection as a server. The server needs a certificate and its key.
    ///
    /// In all other respects it does the same as
    /// [`start_client_encryption`](QSslSocket::start_client_encryption).
    ///
    /// Emits [`mode_changed`](SslSocketNode::mode_changed) before it returns, or
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) if the protocol,
    /// certificate or key cannot be used.
    #[doc(alias = "startServerEncryption")]
    pub fn start_server_encryption(&self) {
        self.node().start_encryption(SslMode::Server);
    }

    /// Returns the role of the socket once it encrypts or is about to. The role stays after the
    /// connection has ended.
    #[must_use]
    pub fn mode(&self) -> SslMode {
        self.mode.get()
    }

    /// Returns whether the handshake has succeeded. This stays true after the connection has ended,
    /// until the next one begins.
    #[doc(alias = "isEncrypted")]
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.flags.encrypted.get()
    }

    /// Returns how many encrypted bytes have arrived but were not decrypted. They wait for room in
    /// the read buffer or for the rest of a message.
    #[doc(alias = "encryptedBytesAvailable")]
    #[must_use]
    pub fn encrypted_bytes_available(&self) -> usize {
        self.session.borrow().as_ref().map_or(0, |session| session.held())
    }

    /// Returns how many encrypted bytes the operating system has not accepted yet.
    /// [`unsent_bytes`](qcore::QIODevice::unsent_bytes) also counts data that is not encrypted yet.
    #[doc(alias = "encryptedBytesToWrite")]
    #[must_use]
    pub fn encrypted_bytes_to_write(&self) -> usize {
        if self.mode.get() == SslMode::Unencrypted { 0 } else { self.inner.bytes_to_write() }
    }

    /// Returns the node as an `Rc`, because a slot may drop the last handle.
    fn node(&self) -> Rc<SslSocketNode> {
        self.this.upgrade().expect("a handle keeps its node")
    }
}

impl fmt::Debug for SslSocketNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SslSocketNode")
            .field("mode", &self.mode.get())
            .field("encrypted", &self.flags.encrypted.get())
            .finish_non_exhaustive()
    }
}
