//! TCP sockets.

#[cfg(feature = "_tls")]
use std::rc::Rc;

use qcore::library_class;
#[cfg(feature = "_tls")]
use qcore::object::Life;

use super::node::QAbstractSocket;
use crate::common::SocketType;

library_class! {
    /// A TCP socket: a stream of bytes to another program.
    ///
    /// If the socket may be one that encrypts, [`cast`](QObject::cast) returns a handle of
    /// `QSslSocket`. Stands for Qt's [QTcpSocket](https://doc.qt.io/qt-5/qtcpsocket.html).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::QCoreApplication;
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// let app = QCoreApplication::new();
    /// let server = QTcpServer::new();
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     let socket = server.next_pending_connection().unwrap();
    ///     socket.write("hello").unwrap();
    ///     socket.disconnect_from_host();
    /// });
    /// server.listen(QHostAddress::LocalHost, 0)?;
    ///
    /// let client = QTcpSocket::new();
    /// client.disconnected.connect_to(&app, |app, ()| app.quit());
    /// client.connect_to_host("127.0.0.1", server.server_port());
    /// app.exec();
    /// assert_eq!(client.read_all(), b"hello");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub struct QTcpSocket(QAbstractSocket);
}

impl QTcpSocket {
    /// Creates an unconnected socket.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        QTcpSocket::derive(QAbstractSocket::make(SocketType::Tcp, "QTcpSocket"))
    }

    /// Creates the TCP socket in a new object of a derived class.
    #[cfg(feature = "_tls")]
    pub(crate) fn embed(life: &Rc<Life>, class_name: &'static str) -> Self {
        QTcpSocket(QAbstractSocket::embed(life, class_name))
    }
}
