//! From the system to a slot.

use std::rc::Rc;

use super::QUdpSocket;
use crate::{
    address::QHostAddress,
    common::{SocketError, SocketErrorKind},
    datagram::QNetworkDatagram,
    engine::{Engine, Incoming},
    socket::{node::AbstractSocketNode, state::SocketState},
};

/// How many datagrams are received together for one who does not say.
const SOME: usize = 32;

impl QUdpSocket {
    /// Whether there is a datagram to be read; one without bytes is one, too.
    ///
    /// A socket that is not bound has none, and gets Qt's warning.
    #[doc(alias = "hasPendingDatagrams")]
    #[must_use]
    pub fn has_pending_datagrams(&self) -> bool {
        let Ok(engine) = self.datagram_engine("hasPendingDatagrams") else { return false };
        let has = engine.datagrams().is_some_and(|one| one.has_pending());
        self.note_read_ahead(&engine);
        has
    }

    /// How many bytes the first datagram has that is to be read; `None`, where Qt has -1, if there is none.
    ///
    /// A socket that is not bound has none, and gets Qt's warning.
    #[doc(alias = "pendingDatagramSize")]
    #[must_use]
    pub fn pending_datagram_size(&self) -> Option<usize> {
        let engine = self.datagram_engine("pendingDatagramSize").ok()?;
        let size = engine.datagrams()?.pending_size();
        self.note_read_ahead(&engine);
        size
    }

    /// Takes a datagram, at most `max_size` bytes of it: these, and the address and port that sent it. What is
    /// longer is lost.
    ///
    /// At a socket that is bound to [`QHostAddress::Any`] senders of IPv4 are shown as `::ffff:a.b.c.d`, as
    /// with Qt; [`to_ipv4_address`](QHostAddress::to_ipv4_address) and
    /// [`is_equal`](QHostAddress::is_equal) know them.
    ///
    /// # Errors
    ///
    /// As [`read_datagram_into`](QUdpSocket::read_datagram_into).
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
    /// assert_eq!((&*data, sender, port), (&b"to"[..], QHostAddress::LocalHost, socket.local_port()));
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

    /// Takes a datagram, as much of it as there is room for in `data`: how many bytes that are, and the address
    /// and port that sent it. What is longer is lost.
    ///
    /// Nothing is allocated.
    ///
    /// # Errors
    ///
    /// All of them are told by [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred), too, but the
    /// last one.
    ///
    /// * [`Temporary`](SocketErrorKind::Temporary) if there is none
    /// * [`ConnectionRefused`](SocketErrorKind::ConnectionRefused) if nobody listens where the last datagram
    ///   went; of a connected socket alone
    /// * [`Network`](SocketErrorKind::Network) for whatever else the system says. As Qt's, a socket
    ///   keeps the first of these for all others.
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is not bound, with Qt's warning
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

    /// Takes a datagram, whole, with all that the system tells of it: sender and destination, the interface by
    /// which it came, and how many hops it might still go.
    ///
    /// The destination's address tells a datagram for a group, or for all, from one for this machine alone. It is
    /// known on Linux, and not at a socket that was
    /// [taken over](crate::QAbstractSocket::set_socket_descriptor). One of IPv6 has the interface's
    /// number for its scope id, as with Qt.
    ///
    /// # Errors
    ///
    /// [`Temporary`](SocketErrorKind::Temporary) if there is none;
    /// [`Operation`](SocketErrorKind::Operation) if the socket is not bound, with Qt's warning. As with Qt, no
    /// signal tells of that.
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
        self.receive_datagram_with(size)
    }

    /// [`receive_datagram`](QUdpSocket::receive_datagram), of which at most `max_size` bytes are kept.
    ///
    /// # Errors
    ///
    /// As [`read_datagram_into`](QUdpSocket::read_datagram_into). If there is none the signal tells of
    /// [`Unknown`](SocketErrorKind::Unknown), as Qt's does, or of the socket's first error.
    #[doc(alias = "receiveDatagram")]
    pub fn receive_datagram_with(&self, max_size: usize) -> Result<QNetworkDatagram, SocketError> {
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

    /// Takes all the datagrams there are now, at most `max_count`, each whole. With none there, or something
    /// wrong, there are none; no signal tells of that.
    ///
    /// The system is asked for many at once, and not once more to learn that these were all. A slot of
    /// [`ready_read`](qcore::io_device::DeviceNode::ready_read) may ask until there are none, and need not: if there
    /// is reason to think that no more have come it is told so without asking the system, and those that have
    /// come all the same are told of in the next turn.
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
    #[must_use = "what was received is lost"]
    pub fn receive_datagrams(&self, max_count: usize) -> Vec<QNetworkDatagram> {
        let mut datagrams = Vec::with_capacity(max_count.min(SOME));
        self.receive_many(max_count, &mut |incoming| {
            let mut datagram = QNetworkDatagram::default();
            incoming.write_to(&mut datagram, usize::MAX);
            datagrams.push(datagram);
        });
        datagrams
    }

    /// [`receive_datagrams`](QUdpSocket::receive_datagrams) into datagrams that there are, whose memory is used
    /// again; how many were received. The others stay as they are.
    #[must_use = "how many there are cannot be seen otherwise"]
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
    /// The loop says that there may be datagrams.
    pub(in crate::socket) fn on_datagrams(&self, engine: &Rc<dyn Engine>) {
        let over = matches!(self.current_state(), SocketState::Unconnected | SocketState::Closing);
        if !over && let Some(error) = engine.broken() {
            self.on_relay_lost(&error);
            return;
        }
        if !over && engine.is_readable() {
            self.announce_unread(engine);
        }
        if let Some(datagrams) = engine.datagrams() {
            datagrams.settle();
        }
    }

    /// Takes a datagram, for `readDatagram()`.
    fn read_one(&self, take: &mut dyn FnMut(&Incoming<'_>)) -> Result<(), SocketError> {
        let engine = self.datagram_engine("readDatagram")?;
        match self.take_datagram(&engine, take) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.report(none_to_read())),
            Err(error) => Err(self.report(error)),
        }
    }

    /// Takes a datagram, if there is one. Whatever there was, the next one is told of.
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

    /// Takes at most so many datagrams; how many there were.
    fn receive_many(&self, max_count: usize, take: &mut dyn FnMut(&Incoming<'_>)) -> usize {
        let Ok(engine) = self.datagram_engine("receiveDatagram") else { return 0 };
        let Some(datagrams) = engine.datagrams() else { return 0 };
        if self.reading.ready_read().is_running() && !datagrams.may_have_more() {
            self.read_again(&engine);
            return 0;
        }
        let mut count = 0;
        while count < max_count {
            // What the first call of the system has found is all there is, unless it could not hold more.
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

    /// Who asked has had datagrams read ahead. The poll will not tell of them any more.
    fn note_read_ahead(&self, engine: &Rc<dyn Engine>) {
        if !self.reading.is_announced() {
            self.read_again(engine);
        }
    }
}

fn none_to_read() -> SocketError {
    SocketError::new(SocketErrorKind::Temporary, "No datagram available for reading")
}
