//! Receiving datagrams.

use std::rc::Rc;

use super::QUdpSocket;
use crate::{
    address::QHostAddress,
    common::{SocketError, SocketErrorKind},
    datagram::QNetworkDatagram,
    engine::{Engine, Incoming},
    socket::{node::AbstractSocketNode, state::SocketState},
};

/// The most datagrams for which `receive_datagrams()` reserves room.
const SOME: usize = 32;

impl QUdpSocket {
    /// Returns whether there is a datagram to read. An empty datagram counts.
    ///
    /// A socket that is not bound has none; this causes Qt's warning.
    #[doc(alias = "hasPendingDatagrams")]
    #[must_use]
    pub fn has_pending_datagrams(&self) -> bool {
        let Ok(engine) = self.datagram_engine("hasPendingDatagrams") else { return false };
        let has = engine.datagrams().is_some_and(|one| one.has_pending());
        self.note_read_ahead(&engine);
        has
    }

    /// Returns the size of the next datagram in bytes; `None`, where Qt returns -1, if there is
    /// none.
    ///
    /// A socket that is not bound has none; this causes Qt's warning.
    #[doc(alias = "pendingDatagramSize")]
    #[must_use]
    pub fn pending_datagram_size(&self) -> Option<usize> {
        let engine = self.datagram_engine("pendingDatagramSize").ok()?;
        let size = engine.datagrams()?.pending_size();
        self.note_read_ahead(&engine);
        size
    }

    /// Reads a datagram. Returns at most `max_size` of its bytes, and the address and port of the
    /// sender. The rest of a longer datagram is lost.
    ///
    /// If the socket is bound to [`QHostAddress::Any`], an IPv4 sender has the form
    /// `::ffff:a.b.c.d`, as in Qt. [`to_ipv4_address`](QHostAddress::to_ipv4_address) and
    /// [`is_equal`](QHostAddress::is_equal) understand this form.
    ///
    /// # Errors
    ///
    /// Those of [`read_datagram_into`](QUdpSocket::read_datagram_into).
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QUdpSocket};
    ///
    /// let socket = QUdpSocket::new();
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// socket.write_datagram("to myself", QHostAddress::LocalHost, socket.local_port())?;
    /// assert_eq!(socket.pending_datagram_size(), Some(9));
    /// let (data, sender, port) = socket.read_datagram(2)?;
    /// assert_eq!(data, b"to");
    /// assert_eq!((sender, port), (QHostAddress::LocalHost, socket.local_port()));
    /// assert!(!socket.has_pending_datagrams());
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "readDatagram")]
    pub fn read_datagram(
        &self,
        max_size: usize,
    ) -> Result<(Vec<u8>, QHostAddress, u16), SocketError> {
        let (mut bytes, mut sender) = (Vec::new(), Default::default());
        self.read_one(&mut |incoming| {
            bytes = incoming.data[..incoming.data.len().min(max_size)].to_vec();
            sender = incoming.sender();
        })?;
        Ok((bytes, sender.0, sender.1))
    }

    /// Reads a datagram into `data`. Returns how many bytes were read, and the address and port of
    /// the sender. The part that does not fit is lost.
    ///
    /// This allocates nothing.
    ///
    /// # Errors
    ///
    /// The socket also emits [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred)
    /// for all of them but the last.
    ///
    /// * [`Temporary`](SocketErrorKind::Temporary) if there is no datagram
    /// * [`ConnectionRefused`](SocketErrorKind::ConnectionRefused) if nobody listens at the
    ///   destination of the last datagram; only for a connected socket
    /// * [`Network`](SocketErrorKind::Network) for any other error of the system. As in Qt, a
    ///   socket reports its first such error for all later ones.
    /// * [`Operation`](SocketErrorKind::Operation), with Qt's warning, if the socket is not bound
    #[doc(alias = "readDatagram")]
    pub fn read_datagram_into(
        &self,
        data: &mut [u8],
    ) -> Result<(usize, QHostAddress, u16), SocketError> {
        let (mut count, mut sender) = (0, Default::default());
        self.read_one(&mut |incoming| {
            count = incoming.data.len().min(data.len());
            data[..count].copy_from_slice(&incoming.data[..count]);
            sender = incoming.sender();
        })?;
        Ok((count, sender.0, sender.1))
    }

    /// Reads a whole datagram with its sender, its destination, the interface on which it arrived,
    /// and its remaining hops.
    ///
    /// The address of the destination shows whether a datagram was multicast, broadcast or for this
    /// machine alone. It is known on Linux only, and not for a socket that was [taken
    /// over](crate::QAbstractSocket::set_socket_descriptor). As in Qt, the scope of an IPv6
    /// destination is the number of the interface.
    ///
    /// # Errors
    ///
    /// * [`Temporary`](SocketErrorKind::Temporary) if there is no datagram
    /// * [`Operation`](SocketErrorKind::Operation), with Qt's warning, if the socket is not bound.
    ///   As in Qt, no signal reports this.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QUdpSocket};
    ///
    /// let socket = QUdpSocket::new();
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// socket.write_datagram("question", QHostAddress::LocalHost, socket.local_port())?;
    /// let question = socket.receive_datagram()?;
    /// socket.write_network_datagram(&question.make_reply("answer"))?;
    /// assert_eq!(socket.receive_datagram()?.data(), b"answer");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "receiveDatagram")]
    pub fn receive_datagram(&self) -> Result<QNetworkDatagram, SocketError> {
        let engine = self.datagram_engine("receiveDatagram")?;
        let pending = engine.datagrams().and_then(|one| one.pending_size());
        let Some(size) = pending else { return Err(none_to_read()) };
        self.receive_datagram_with_max_size(size)
    }

    /// Receives a datagram like [`receive_datagram`](QUdpSocket::receive_datagram), but keeps only
    /// its first `max_size` bytes.
    ///
    /// # Errors
    ///
    /// Those of [`read_datagram_into`](QUdpSocket::read_datagram_into). If there is no datagram,
    /// the signal does not carry the error that this function returns. As in Qt, it carries the
    /// socket's first error, or [`Unknown`](SocketErrorKind::Unknown) if there was none.
    #[doc(alias = "receiveDatagram")]
    pub fn receive_datagram_with_max_size(
        &self,
        max_size: usize,
    ) -> Result<QNetworkDatagram, SocketError> {
        let engine = self.datagram_engine("receiveDatagram")?;
        let mut datagram = QNetworkDatagram::default();
        let mut take = |incoming: &Incoming<'_>| incoming.write_to(&mut datagram, max_size);
        match self.take_datagram(&engine, &mut take) {
            Ok(true) => Ok(datagram),
            Ok(false) => {
                self.report(engine.error());
                Err(none_to_read())
            }
            Err(error) => Err(self.report(error)),
        }
    }

    /// Reads all datagrams that have arrived, at most `max_count`. None is cut short. If there are
    /// none, or after an error, the result is empty, and the socket emits no signal.
    ///
    /// One system call reads many datagrams, and the socket makes no further call only to learn
    /// that there are no more. A slot of [`ready_read`](qcore::io_device::DeviceNode::ready_read)
    /// may call this function until the result is empty, but need not. In a slot, the result may be
    /// empty although a datagram has just arrived: the socket does not ask the system if it expects
    /// none. The socket announces such a datagram in the next turn.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QUdpSocket};
    ///
    /// let socket = QUdpSocket::new();
    /// socket.ready_read.connect_to(&socket, |socket, ()| {
    ///     let mut datagrams = socket.receive_datagrams(100);
    ///     for datagram in &mut datagrams {
    ///         *datagram = datagram.make_reply(datagram.data());
    ///     }
    ///     socket.write_datagrams(&datagrams).ok();
    /// });
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[must_use = "the datagrams are lost if the result is not used"]
    pub fn receive_datagrams(&self, max_count: usize) -> Vec<QNetworkDatagram> {
        let mut datagrams = Vec::with_capacity(max_count.min(SOME));
        self.receive_many(max_count, &mut |incoming| {
            let mut datagram = QNetworkDatagram::default();
            incoming.write_to(&mut datagram, usize::MAX);
            datagrams.push(datagram);
        });
        datagrams
    }

    /// Receives datagrams like [`receive_datagrams`](QUdpSocket::receive_datagrams), but reuses the
    /// memory of existing ones. Returns how many were received; the other elements are unchanged.
    #[must_use = "only the result tells how many datagrams were received"]
    pub fn receive_datagrams_into(&self, datagrams: &mut [QNetworkDatagram]) -> usize {
        let max_count = datagrams.len();
        let mut room = datagrams.iter_mut();
        self.receive_many(max_count, &mut |incoming| {
            if let Some(datagram) = room.next() {
                incoming.write_to(datagram, usize::MAX);
            }
        })
    }
}

impl AbstractSocketNode {
    /// Reads when the loop reports that there may be datagrams.
    pub(in crate::socket) fn on_datagrams(&self, engine: &Rc<dyn Engine>) {
        let over = matches!(self.current_state(), SocketState::Unconnected | SocketState::Closing);
        if !over && let Some(error) = engine.broken() {
            self.on_relay_lost(&error);
            return;
        }
        if !over && engine.is_readable() && !self.is_paused() {
            self.announce_unread(engine);
        }
        if let Some(datagrams) = engine.datagrams() {
            datagrams.settle();
        }
    }

    /// Takes a datagram as Qt's `readDatagram()` does.
    fn read_one(&self, take: &mut dyn FnMut(&Incoming<'_>)) -> Result<(), SocketError> {
        let engine = self.datagram_engine("readDatagram")?;
        match self.take_datagram(&engine, take) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.report(none_to_read())),
            Err(error) => Err(self.report(error)),
        }
    }

    /// Takes a whole datagram, if there is one.
    #[cfg(feature = "tasks")]
    pub(super) fn receive_next(&self) -> Result<Option<QNetworkDatagram>, SocketError> {
        let engine = self.datagram_engine("receiveDatagram")?;
        let mut datagram = QNetworkDatagram::default();
        let mut take = |incoming: &Incoming<'_>| incoming.write_to(&mut datagram, usize::MAX);
        match self.take_datagram(&engine, &mut take) {
            Ok(true) => Ok(Some(datagram)),
            Ok(false) => Ok(None),
            Err(error) => Err(self.report(error)),
        }
    }

    /// Takes a datagram, if there is one. In any case, the next one will be announced.
    fn take_datagram(
        &self,
        engine: &Rc<dyn Engine>,
        take: &mut dyn FnMut(&Incoming<'_>),
    ) -> Result<bool, SocketError> {
        let taken = engine.datagrams().map_or(Ok(false), |one| one.receive(take));
        self.reading.set_read();
        self.read_again(engine);
        taken
    }

    /// Takes at most `max_count` datagrams and returns how many there were.
    fn receive_many(&self, max_count: usize, take: &mut dyn FnMut(&Incoming<'_>)) -> usize {
        let Ok(engine) = self.datagram_engine("receiveDatagram") else { return 0 };
        let Some(datagrams) = engine.datagrams() else { return 0 };
        if self.reading.ready_read().is_running() && !datagrams.may_have_more() {
            self.read_again(&engine);
            return 0;
        }
        let mut count = 0;
        while count < max_count {
            // The first system call has read all datagrams, unless it had no room for more.
            if count > 0 && !engine.is_readable() {
                break;
            }
            match datagrams.receive(take) {
                Ok(true) => count += 1,
                Ok(false) => break,
                Err(error) => {
                    self.set_error(&error);
                    break;
                }
            }
        }
        self.reading.set_read();
        self.read_again(&engine);
        count
    }

    /// Makes the loop report datagrams that were read ahead when the program asked for one. The
    /// poll will not report them again.
    fn note_read_ahead(&self, engine: &Rc<dyn Engine>) {
        if !self.reading.is_announced() {
            self.read_again(engine);
        }
    }
}

fn none_to_read() -> SocketError {
    SocketError::new(SocketErrorKind::Temporary, "No datagram available for reading")
}
