//! Settings and figures of the system's TCP.

use std::time::Duration;

use qcore::Interval;

use super::node::QAbstractSocket;
use crate::{
    common::{KeepAlive, SocketError, SocketErrorKind, TcpInfo},
    sys::{Socket, tcp},
};

/// # Settings and figures of TCP
///
/// These settings belong to the operating system's socket, which exists only while this socket is
/// connected, connecting or bound. So set them for each connection, in a slot of
/// [`connected`](super::AbstractSocketNode::connected). With a proxy they apply to the connection
/// to the proxy. Qt has only [`KeepAlive`](super::SocketOption::KeepAlive), which is on or off.
///
/// # Errors
///
/// All of these functions fail with
///
/// * [`Operation`](SocketErrorKind::Operation) if the operating system's socket does not exist at
///   the moment
/// * [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) if it is not a TCP
///   socket, if the value is out of the system's range, and on systems other than Linux and Android
impl QAbstractSocket {
    /// Makes the operating system send probes when nothing arrives. If the other end answers none
    /// of the probes, the connection ends with the error [`Network`](SocketErrorKind::Network).
    /// `None`, the default, switches the probes off.
    ///
    /// The system sends probes only while all sent bytes are acknowledged.
    /// [`set_user_timeout`](QAbstractSocket::set_user_timeout) is for bytes that stay
    /// unacknowledged.
    ///
    /// # Errors
    ///
    /// Those of all [settings of TCP](#settings-and-figures-of-tcp). An error changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use qnetwork::{KeepAlive, QTcpSocket};
    ///
    /// let socket = QTcpSocket::new();
    /// socket.connected.connect_to(&socket, |socket, ()| {
    ///     // Ends the connection after about two minutes without a sign of life.
    ///     let keep_alive = KeepAlive {
    ///         idle: Duration::from_secs(60),
    ///         interval: Duration::from_secs(15),
    ///         count: 4,
    ///     };
    ///     if let Err(error) = socket.set_keep_alive(Some(keep_alive)) {
    ///         eprintln!("no keep-alive: {error}");
    ///     }
    /// });
    /// ```
    pub fn set_keep_alive(&self, keep_alive: Option<KeepAlive>) -> Result<(), SocketError> {
        self.with_system(|socket| tcp::set_keep_alive(socket, keep_alive))
    }

    /// Returns when the system sends probes; `None` if it sends none.
    ///
    /// # Errors
    ///
    /// Those of all [settings of TCP](#settings-and-figures-of-tcp).
    pub fn keep_alive(&self) -> Result<Option<KeepAlive>, SocketError> {
        self.with_system(tcp::keep_alive)
    }

    /// Sets how long sent bytes may stay unacknowledged, in milliseconds or as a `Duration`
    /// (`TCP_USER_TIMEOUT`). After this time the connection ends with the error
    /// [`Network`](SocketErrorKind::Network). With a negative number, the default, the system
    /// chooses the time; on Linux it is about 15 minutes.
    ///
    /// # Errors
    ///
    /// Those of all [settings of TCP](#settings-and-figures-of-tcp). 0 and times of more than 24.8
    /// days are out of the system's range.
    pub fn set_user_timeout(&self, timeout: impl Into<Interval>) -> Result<(), SocketError> {
        let timeout = timeout.into().as_duration();
        self.with_system(|socket| tcp::set_user_timeout(socket, timeout))
    }

    /// Returns how long sent bytes may stay unacknowledged; `None` if the system chooses the time.
    ///
    /// # Errors
    ///
    /// Those of all [settings of TCP](#settings-and-figures-of-tcp).
    pub fn user_timeout(&self) -> Result<Option<Duration>, SocketError> {
        self.with_system(tcp::user_timeout)
    }

    /// Returns the system's figures about the connection (`TCP_INFO`): the round-trip time, the
    /// number of unacknowledged and of lost segments, and others.
    ///
    /// # Errors
    ///
    /// Those of all [settings of TCP](#settings-and-figures-of-tcp).
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, SocketErrorKind};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let socket = QTcpSocket::new();
    /// assert_eq!(socket.tcp_info().unwrap_err(), SocketErrorKind::Operation);
    /// socket.connect_to_host("127.0.0.1", server.server_port());
    /// socket.wait_for_connected(5000)?;
    /// if cfg!(target_os = "linux") {
    ///     println!("{:?} for a round trip", socket.tcp_info()?.round_trip_time);
    /// }
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn tcp_info(&self) -> Result<TcpInfo, SocketError> {
        self.with_system(tcp::tcp_info)
    }

    /// Calls `call` with the operating system's socket.
    fn with_system<T>(
        &self,
        call: impl Fn(&Socket) -> Result<T, SocketError>,
    ) -> Result<T, SocketError> {
        let engine = match self.layers.class() {
            Some(class) => class.carrier().engine(),
            None => self.engine(),
        };
        let mut result = None;
        if let Some(engine) = engine {
            engine.with_socket(&mut |socket| result = Some(call(socket)));
        }
        result.unwrap_or_else(|| {
            let text = "The socket is not connected";
            Err(SocketError::new(SocketErrorKind::Operation, text))
        })
    }
}
