//! Reading and setting the options of the operating system's socket.

use super::node::QAbstractSocket;
use crate::common::SocketOption;

impl QAbstractSocket {
    /// Sets an option of the operating system's socket.
    ///
    /// The operating system's socket exists while this socket is connected, connecting or bound.
    /// At other times the call does nothing, as in Qt, and the value is not kept for later. A value
    /// that the system refuses changes nothing; [`socket_option`](QAbstractSocket::socket_option)
    /// returns the value in force.
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
        if let Some(class) = self.layers.class() {
            class.set_socket_option(option, value);
        } else if let Some(engine) = self.engine() {
            engine.set_option(option, value);
        }
    }

    /// Returns the value of an option of the operating system's socket.
    ///
    /// Returns `None`, where Qt returns an invalid `QVariant`, if the operating system's socket
    /// does not exist, or if the system does not have the option for sockets of this type.
    #[doc(alias = "socketOption")]
    #[must_use]
    pub fn socket_option(&self, option: SocketOption) -> Option<i32> {
        match self.layers.class() {
            Some(class) => class.socket_option(option),
            None => self.engine()?.option(option),
        }
    }
}
