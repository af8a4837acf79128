//! Reading and setting the options of the operating system's socket.

use super::QAbstractSocket;
use crate::common::SocketOption;

impl QAbstractSocket {
    /// Sets an option of the operating system's socket.
    ///
    /// There has to be one: the socket is connected, connecting or bound. Before that the call does
    /// nothing, as Qt's, and nothing is kept for later. A value that the system refuses changes
    /// nothing; [`socket_option`](QAbstractSocket::socket_option) tells what holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpSocket, SocketOption};
    ///
    /// let socket = QTcpSocket::new();
    /// socket.set_socket_option(SocketOption::LowDelay, 1); // too early
    /// assert_eq!(socket.socket_option(SocketOption::LowDelay), None);
    ///
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// socket.set_socket_option(SocketOption::LowDelay, 1);
    /// assert_eq!(socket.socket_option(SocketOption::LowDelay), Some(1));
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "setSocketOption")]
    pub fn set_socket_option(&self, option: SocketOption, value: i32) {
        if let Some(class) = self.class() {
            class.set_socket_option(option, value);
        } else if let Some(engine) = self.engine() {
            engine.set_option(option, value);
        }
    }

    /// The value of an option of the operating system's socket; `None`, which is Qt's invalid
    /// `QVariant`, if there is no socket or the system does not know the option for sockets like
    /// this.
    #[doc(alias = "socketOption")]
    #[must_use]
    pub fn socket_option(&self, option: SocketOption) -> Option<i32> {
        match self.class() {
            Some(class) => class.socket_option(option),
            None => self.engine()?.option(option),
        }
    }
}
