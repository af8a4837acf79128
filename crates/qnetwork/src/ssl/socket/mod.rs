//! Sockets that encrypt.
//!
//! A [`QSslSocket`] is two sockets and a session between them:
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
//! So it is in Qt, where that shows in the order and number of the signals. While nothing is
//! encrypted there is no session, and both ways lead straight through. `encrypting.rs` begins a
//! session and takes it through its handshake, `verifying.rs` asks what is wrong with the other end
//! and what is to come of it, `closing.rs` ends the connection, `waiting.rs` does all of this with
//! no loop, `settings.rs` and `identity.rs` are what can be set and asked.
//!
//! What is sent in answer to a certificate that has errors is not sent before these were ignored:
//! it stays in the session's output, which [`transmit`](SslSocketNode::transmit) alone takes out.

mod closing;
mod device;
mod encrypting;
mod identity;
mod inner;
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
    OpenMode, Signal, class,
    internals::{ByteQueue, DeviceInternals},
    io_device::DeviceBackend,
    object::{Handle, Life, Node, Object},
};

use self::device::SslDevice;
use super::{QSslConfiguration, QSslError, SslMode, session::Session};
use crate::{
    Host, NetworkLayerProtocol, QAbstractSocket, QTcpSocket,
    socket::{Outer, SocketClass},
};

const CLASS: &str = "QSslSocket";

class! {
    /// A TCP socket that can encrypt what it sends: TLS 1.2 and 1.3, as a client and as a server.
    ///
    /// A client calls [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted), and
    /// waits for [`encrypted`](SslSocketNode::encrypted). What it writes before goes out then; what
    /// it reads was decrypted. A server takes over a connection by
    /// [`set_socket_descriptor`](QAbstractSocket::set_socket_descriptor) and calls
    /// [`start_server_encryption`](QSslSocket::start_server_encryption);
    /// [`QSslServer`](crate::QSslServer) does that by itself. A connection that is not encrypted
    /// can become so at any time, by
    /// [`start_client_encryption`](QSslSocket::start_client_encryption). A socket that was never
    /// told to encrypt is a [`QTcpSocket`].
    ///
    /// Stands for Qt's [QSslSocket](https://doc.qt.io/qt-5/qsslsocket.html).
    ///
    /// # Who the other end is
    ///
    /// When a client knows the server's certificates it looks for what is wrong with them, and
    /// tells each error by [`peer_verify_error`](SslSocketNode::peer_verify_error) and all by
    /// [`ssl_errors`](SslSocketNode::ssl_errors). If no slot of that calls
    /// [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors), the connection ends with
    /// [`SslHandshakeFailed`](crate::SocketErrorKind::SslHandshakeFailed). Nothing is sent to the
    /// server between: neither what was written nor the client's own certificate.
    ///
    /// # The order of signals
    ///
    /// * `state_changed(Connected)`, `mode_changed`, `connected`, `encrypted`; with errors,
    ///   `peer_verify_error` for each and `ssl_errors` before `encrypted`
    /// * refused: `error(SslHandshakeFailed)`, `state_changed(Closing)`,
    ///   `state_changed(Unconnected)`, `read_channel_finished`, `disconnected`
    /// * closed by the other end: `error(RemoteHostClosed)`, once when TLS says so and once when
    ///   TCP does
    /// * closed by this end: `state_changed(Closing)` comes twice
    ///
    /// # What waits to be sent
    ///
    /// What is written is plain text until the loop runs again and the socket encrypts it. As with
    /// Qt, [`bytes_to_write`](qcore::QIODevice::bytes_to_write) counts the plain text alone, and
    /// [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) tells that it was encrypted,
    /// not that it was sent. So a socket whose other end does not read seems to send all that it is
    /// given, and keeps it. A program that limits what waits asks
    /// [`unsent_bytes`](QAbstractSocket::unsent_bytes), and goes on in slots of `bytes_written` and
    /// of [`encrypted_bytes_written`](SslSocketNode::encrypted_bytes_written):
    ///
    /// ```
    /// use qnetwork::QSslSocket;
    ///
    /// /// Writes more of a file, say, as long as less than 256 KiB wait.
    /// fn send_more(socket: &QSslSocket, chunks: &mut dyn Iterator<Item = Vec<u8>>) {
    ///     while socket.unsent_bytes() < 256 * 1024 {
    ///         let Some(chunk) = chunks.next() else { return };
    ///         socket.write(&chunk).ok();
    ///     }
    /// }
    ///
    /// let socket = QSslSocket::new();
    /// socket.connect_to_host_encrypted("127.0.0.1", 4433);
    /// send_more(&socket, &mut std::iter::repeat_with(|| vec![0; 65536]));
    /// assert_eq!(socket.unsent_bytes(), 256 * 1024);
    /// ```
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
    /// What is sent from now on is encrypted.
    pub encrypted: Signal<()>,
    /// Encryption begins: the socket is a client or a server now.
    #[doc(alias = "modeChanged")]
    pub mode_changed: Signal<SslMode>,
    /// Something is wrong with the other end's certificate. Emitted once for each error, before
    /// [`ssl_errors`](Self::ssl_errors).
    #[doc(alias = "peerVerifyError")]
    pub peer_verify_error: Signal<QSslError>,
    /// All that is wrong with the other end's certificate. A slot may call
    /// [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors).
    #[doc(alias = "sslErrors")]
    pub ssl_errors: Signal<Vec<QSslError>>,
    /// So many encrypted bytes have been handed to the operating system.
    #[doc(alias = "encryptedBytesWritten")]
    pub encrypted_bytes_written: Signal<i64>,
    /// A server has sent what a session can be resumed by. Told by TLS 1.3 alone, and only while
    /// the configuration has the option
    /// [`DISABLE_SESSION_PERSISTENCE`](crate::SslOptions::DISABLE_SESSION_PERSISTENCE) off; it is
    /// on by default. Sessions are resumed within the program either way.
    #[doc(alias = "newSessionTicketReceived")]
    pub new_session_ticket_received: Signal<()>,
    base: QTcpSocket,
    this: Weak<SslSocketNode>,
    /// Kept here, as the device refers to it weakly.
    device: Rc<SslDevice>,
    /// What the bytes go through.
    inner: QAbstractSocket,
    configuration: RefCell<QSslConfiguration>,
    mode: Cell<SslMode>,
    session: RefCell<Option<Box<Session>>>,
    /// Another one for each session: who was called away knows by this whether it is still the
    /// same.
    session_number: Cell<u32>,
    /// Plain text that waits to be encrypted.
    write_buffer: RefCell<ByteQueue>,
    /// The name to be verified in place of the host's.
    verify_name: RefCell<String>,
    errors: RefCell<Vec<QSslError>>,
    /// Errors that do not count.
    ignored: RefCell<Vec<QSslError>>,
    /// How often `ready_read` was emitted.
    ready_reads: Cell<u32>,
    tickets: Cell<u32>,
    flags: Flags,
}

#[derive(Default)]
struct Flags {
    /// The connection is to be encrypted as soon as there is one.
    auto_start: Cell<bool>,
    encrypted: Cell<bool>,
    /// No errors count.
    ignore_all: Cell<bool>,
    /// The number of the session whose peer's errors are being told: it sends nothing meanwhile.
    judging: Cell<Option<u32>>,
    /// Errors were told, and the program wants to think about them.
    paused: Cell<bool>,
    /// To be closed once everything was encrypted.
    pending_close: Cell<bool>,
    /// Somebody has said already that no more will be sent: this end, or the other one.
    shut_down: Cell<bool>,
    /// The loop will call for what is to be encrypted.
    flush_posted: Cell<bool>,
    in_bytes_written: Cell<bool>,
    /// The number of the session that has failed, while slots are told: it moves nothing meanwhile.
    failing: Cell<Option<u32>>,
    /// What a server sends beyond the handshake, tickets, waits to go out with the first data.
    tickets_wait: Cell<bool>,
    /// The session is about to be made: what comes is for it.
    starting: Cell<bool>,
    /// `init` was called for the connection that is about to begin.
    initialized: Cell<bool>,
}

impl Node for SslSocketNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.inner.destroy();
        self.drop_session();
        self.write_buffer.borrow_mut().clear(self.base.pool());
        self.base.destroy();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
    }
}

impl QSslSocket {
    /// A socket that is not connected, with the
    /// [default configuration](QSslConfiguration::default_configuration).
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
            inner: QAbstractSocket::make(crate::SocketType::Tcp, "QTcpSocket"),
            configuration: RefCell::new(QSslConfiguration::default_configuration()),
            mode: Cell::default(),
            session: RefCell::default(),
            session_number: Cell::new(0),
            write_buffer: RefCell::default(),
            verify_name: RefCell::default(),
            errors: RefCell::default(),
            ignored: RefCell::default(),
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

    /// Connects to a host, and encrypts as soon as there is a connection, as a client.
    ///
    /// Returns at once; [`encrypted`](SslSocketNode::encrypted) or
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) tells how it went.
    /// What is written meanwhile goes out encrypted. Errors of the certificate that were ignored
    /// for an earlier connection, without a list, count again.
    ///
    /// Where the [protocol](QSslSocket::set_protocol) is none that is spoken the socket stays
    /// unconnected: [`SslInvalidUserData`](crate::SocketErrorKind::SslInvalidUserData) is the error
    /// then. A socket that is connected, or about to be, stays as it is; a warning says so.
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
    pub fn connect_to_host_encrypted(&self, host: impl Into<Host>, port: u16) {
        let mode = OpenMode::READ_WRITE;
        self.connect_to_host_encrypted_with(host, port, "", mode, NetworkLayerProtocol::AnyIP);
    }

    /// [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted), verifying the
    /// certificate for another name than the host's (if one is given), opening the socket in some
    /// `mode` and using only addresses of one `protocol`.
    #[doc(alias = "connectToHostEncrypted")]
    pub fn connect_to_host_encrypted_with(
        &self,
        host: impl Into<Host>,
        port: u16,
        peer_name: &str,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        let host_name = host.into().into_name();
        self.node().connect_encrypted(host_name, port, peer_name, mode, protocol);
    }

    /// Encrypts a connection that there is, as a client. Returns at once;
    /// [`encrypted`](SslSocketNode::encrypted) tells.
    ///
    /// What was received and not read is taken for a part of the handshake, and never handed out as
    /// if it had come encrypted. (In Qt it can still be read.) Without a connection, and where the
    /// socket encrypts already, nothing happens but a warning.
    #[doc(alias = "startClientEncryption")]
    pub fn start_client_encryption(&self) {
        self.node().start_encryption(SslMode::Client);
    }

    /// Encrypts a connection that there is, as a server. It needs a certificate and its key.
    ///
    /// Else as [`start_client_encryption`](QSslSocket::start_client_encryption).
    #[doc(alias = "startServerEncryption")]
    pub fn start_server_encryption(&self) {
        self.node().start_encryption(SslMode::Server);
    }

    /// Whether the socket encrypts, or is about to; and as which end. It stays so when the
    /// connection is over.
    #[must_use]
    pub fn mode(&self) -> SslMode {
        self.mode.get()
    }

    /// Whether the handshake is over. It stays so when the connection is over, until the next one
    /// begins.
    #[doc(alias = "isEncrypted")]
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.flags.encrypted.get()
    }

    /// How many encrypted bytes have come and were not decrypted. They wait for room in the read
    /// buffer, or for the rest of a message.
    #[doc(alias = "encryptedBytesAvailable")]
    #[must_use]
    pub fn encrypted_bytes_available(&self) -> usize {
        self.session.borrow().as_ref().map_or(0, |session| session.held())
    }

    /// How many encrypted bytes are not yet with the operating system. What is not encrypted yet is
    /// not in it: [`unsent_bytes`](QAbstractSocket::unsent_bytes) counts both.
    #[doc(alias = "encryptedBytesToWrite")]
    #[must_use]
    pub fn encrypted_bytes_to_write(&self) -> usize {
        if self.mode.get() == SslMode::Unencrypted { 0 } else { self.inner.bytes_to_write() }
    }

    /// The node, kept while a slot may drop the last handle.
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
