//! Datagrams in tasks.

#[cfg(feature = "futures")]
use std::pin::Pin;
use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use qcore::internals::{Until, proceed};

use super::QUdpSocket;
use crate::{
    common::{SocketError, SocketErrorKind},
    datagram::QNetworkDatagram,
    socket::SocketState,
};

impl QUdpSocket {
    /// Waits for a datagram and returns it. Returns at once if one has arrived already.
    ///
    /// If datagrams arrive faster than a task handles them, the task leaves the thread to others
    /// for a turn of the loop after every 128 datagrams.
    ///
    /// Cancel safe: the datagram comes to the next call.
    ///
    /// # Errors
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is neither bound nor connected, or
    /// is closed meanwhile. [`ConnectionRefused`](SocketErrorKind::ConnectionRefused) and
    /// [`Network`](SocketErrorKind::Network) as for
    /// [`read_datagram_into`](QUdpSocket::read_datagram_into); the socket also emits
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) for these. The next
    /// call waits for a datagram again.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::block_on;
    /// use qnetwork::{QHostAddress, QUdpSocket};
    ///
    /// let (socket, other) = (QUdpSocket::new(), QUdpSocket::new());
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// other.write_datagram("hello", QHostAddress::LocalHost, socket.local_port())?;
    /// let datagram = block_on(socket.recv()).unwrap()?;
    /// assert_eq!(datagram.data(), b"hello");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub async fn recv(&self) -> Result<QNetworkDatagram, SocketError> {
        let mut until = Until::default();
        poll_fn(|context| self.poll_recv(context, &mut until)).await
    }

    /// Returns a stream of all datagrams of the socket, for a task. The stream keeps the socket
    /// alive.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::block_on;
    /// use qnetwork::{QHostAddress, QUdpSocket};
    ///
    /// let (socket, other) = (QUdpSocket::new(), QUdpSocket::new());
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// for word in ["one", "two"] {
    ///     other.write_datagram(word, QHostAddress::LocalHost, socket.local_port())?;
    /// }
    /// let mut datagrams = socket.datagrams();
    /// let words = block_on(async {
    ///     let mut words = Vec::new();
    ///     while let Some(datagram) = datagrams.next().await {
    ///         words.push(datagram?.data().to_vec());
    ///         if words.len() == 2 {
    ///             socket.close();
    ///         }
    ///     }
    ///     Ok::<_, qnetwork::SocketError>(words)
    /// });
    /// assert_eq!(words.unwrap()?, [b"one", b"two"]);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[must_use]
    pub fn datagrams(&self) -> Datagrams {
        Datagrams { socket: self.clone(), until: Until::default() }
    }

    fn poll_recv(
        &self,
        context: &Context<'_>,
        until: &mut Until,
    ) -> Poll<Result<QNetworkDatagram, SocketError>> {
        ready!(proceed(context));
        until.poll(context, &[&self.ready_read, &self.state_changed], || {
            if !self.can_receive() {
                let text = "The socket is not bound";
                return Some(Err(SocketError::new(SocketErrorKind::Operation, text)));
            }
            self.receive_next().transpose()
        })
    }

    fn can_receive(&self) -> bool {
        matches!(self.state(), SocketState::Bound | SocketState::Connected)
    }
}

/// A stream of the datagrams of a socket, for a task. [`QUdpSocket::datagrams`] creates it.
///
/// With the feature `futures`, it implements `futures_core::Stream`.
#[derive(Debug)]
pub struct Datagrams {
    socket: QUdpSocket,
    until: Until,
}

impl Datagrams {
    /// Waits for the next datagram, as [`QUdpSocket::recv`] does. Returns `None` when the socket is
    /// neither bound nor connected.
    ///
    /// Cancel safe: the datagram comes to the next call.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](QUdpSocket::recv), except for the end of the socket. The next call waits
    /// for a datagram again.
    pub async fn next(&mut self) -> Option<Result<QNetworkDatagram, SocketError>> {
        poll_fn(|context| self.poll_datagram(context)).await
    }

    fn poll_datagram(
        &mut self,
        context: &Context<'_>,
    ) -> Poll<Option<Result<QNetworkDatagram, SocketError>>> {
        let received = ready!(self.socket.poll_recv(context, &mut self.until));
        Poll::Ready(match received {
            Err(error) if error == SocketErrorKind::Operation && !self.socket.can_receive() => None,
            received => Some(received),
        })
    }
}

#[cfg(feature = "futures")]
impl futures_core::Stream for Datagrams {
    type Item = Result<QNetworkDatagram, SocketError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_datagram(context)
    }
}
