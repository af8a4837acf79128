//! [`QNetworkDatagram`]: a UDP datagram with its sender and destination.

use std::fmt;

use crate::address::{Host, QHostAddress};

/// The bytes of a datagram with its sender, destination, interface and hop limit.
///
/// It is a plain value, `Send` and `Sync`. A received datagram has a sender and a destination. A
/// datagram to be sent needs a destination. If it also has a sender, that is the source address to
/// send from.
///
/// # Examples
///
/// ```
/// use qnetwork::{QHostAddress, QNetworkDatagram};
///
/// let mut datagram = QNetworkDatagram::new("ping", QHostAddress::LocalHost, 4000);
/// datagram.set_sender(QHostAddress::LocalHost, 5000);
/// assert_eq!(datagram.data(), b"ping");
///
/// let reply = datagram.make_reply("pong");
/// assert_eq!((reply.destination_port(), reply.sender_port()), (Some(5000), Some(4000)));
/// ```
///
/// Qt's page: [QNetworkDatagram](https://doc.qt.io/qt-5/qnetworkdatagram.html).
#[derive(Clone, PartialEq, Eq)]
pub struct QNetworkDatagram {
    data: Vec<u8>,
    sender: Endpoint,
    destination: Endpoint,
    interface_index: u32,
    hop_limit: Option<u8>,
}

/// An address with a port. Without an address there is no port.
#[derive(Clone, Default, PartialEq, Eq)]
struct Endpoint {
    address: QHostAddress,
    port: u16,
}

impl Endpoint {
    fn new(address: Host<'_>, port: u16) -> Self {
        let address = address.into_address_or_null();
        let port = if address.is_null() { 0 } else { port };
        Endpoint { address, port }
    }

    fn port(&self) -> Option<u16> {
        (!self.address.is_null()).then_some(self.port)
    }
}

impl QNetworkDatagram {
    /// Creates a datagram with these bytes and this destination. [`QHostAddress::Null`] means no
    /// destination. A text that is not an address also gives none.
    #[must_use]
    pub fn new<'a>(data: impl Into<Vec<u8>>, destination: impl Into<Host<'a>>, port: u16) -> Self {
        QNetworkDatagram {
            data: data.into(),
            sender: Endpoint::default(),
            destination: Endpoint::new(destination.into(), port),
            interface_index: 0,
            hop_limit: None,
        }
    }

    /// Removes the bytes, the addresses and everything else.
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkDatagram};
    ///
    /// let mut datagram = QNetworkDatagram::new("ping", QHostAddress::LocalHost, 4000);
    /// datagram.clear();
    /// assert_eq!(datagram, QNetworkDatagram::default());
    /// ```
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns whether the datagram has neither a sender nor a destination, regardless of its
    /// bytes.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.sender.address.is_null() && self.destination.address.is_null()
    }

    /// Returns whether the datagram has a sender or a destination: the opposite of
    /// [`is_null`](Self::is_null).
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.is_null()
    }

    /// Returns the index of the interface on which the datagram arrived or will be sent; 0 if it is
    /// not known or not set.
    #[doc(alias = "interfaceIndex")]
    #[must_use]
    pub fn interface_index(&self) -> u32 {
        self.interface_index
    }

    /// Sets the index of the interface to send on; with 0 the system chooses.
    #[doc(alias = "setInterfaceIndex")]
    pub fn set_interface_index(&mut self, index: u32) {
        self.interface_index = index;
    }

    /// Returns the sender's address; null if it is not known.
    #[doc(alias = "senderAddress")]
    #[must_use]
    pub fn sender_address(&self) -> QHostAddress {
        self.sender.address.clone()
    }

    /// Returns the sender's port; `None` if the sender is not known, where Qt returns -1.
    #[doc(alias = "senderPort")]
    #[must_use]
    pub fn sender_port(&self) -> Option<u16> {
        self.sender.port()
    }

    /// Sets the source address and port to send from; with port 0 the system chooses the port. A
    /// text that is not an address removes the sender.
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkDatagram};
    ///
    /// let mut datagram = QNetworkDatagram::default();
    /// assert_eq!(datagram.sender_port(), None);
    /// datagram.set_sender(QHostAddress::LocalHost, 0);
    /// assert_eq!(datagram.sender_port(), Some(0));
    /// ```
    #[doc(alias = "setSender")]
    pub fn set_sender<'a>(&mut self, address: impl Into<Host<'a>>, port: u16) {
        self.sender = Endpoint::new(address.into(), port);
    }

    /// Returns the destination address; null if there is none.
    #[doc(alias = "destinationAddress")]
    #[must_use]
    pub fn destination_address(&self) -> QHostAddress {
        self.destination.address.clone()
    }

    /// Returns the destination port; `None` if there is no destination, where Qt returns -1.
    #[doc(alias = "destinationPort")]
    #[must_use]
    pub fn destination_port(&self) -> Option<u16> {
        self.destination.port()
    }

    /// Sets the destination address and port. A text that is not an address removes the
    /// destination.
    #[doc(alias = "setDestination")]
    pub fn set_destination<'a>(&mut self, address: impl Into<Host<'a>>, port: u16) {
        self.destination = Endpoint::new(address.into(), port);
    }

    /// Returns the hop limit: how many routers the datagram may pass. A received datagram has the
    /// hops that are left. `None`, where Qt returns -1, means that the limit is not known, or that
    /// the system chooses it. The default.
    #[doc(alias = "hopLimit")]
    #[must_use]
    pub fn hop_limit(&self) -> Option<u8> {
        self.hop_limit
    }

    /// Sets the hop limit: with 1 the datagram stays on the link, 255 is the maximum, and with
    /// `None` the system chooses.
    #[doc(alias = "setHopLimit")]
    pub fn set_hop_limit(&mut self, count: Option<u8>) {
        self.hop_limit = count;
    }

    /// Returns the bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns the bytes without a copy.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Replaces the bytes.
    #[doc(alias = "setData")]
    pub fn set_data(&mut self, data: impl Into<Vec<u8>>) {
        self.data = data.into();
    }

    /// Creates a reply to this datagram with other bytes. The reply's destination is this
    /// datagram's sender, and its sender is this datagram's destination. If the destination is a
    /// multicast group, the reply has no sender, because a group cannot send. The interface stays
    /// the same. The system chooses the hop limit.
    ///
    /// ```
    /// use qnetwork::QNetworkDatagram;
    ///
    /// let mut question = QNetworkDatagram::new("who?", "224.0.0.251", 5353);
    /// question.set_sender("192.0.2.7", 5353);
    ///
    /// let answer = question.make_reply("me");
    /// assert_eq!(answer.destination_address().to_string(), "192.0.2.7");
    /// assert!(answer.sender_address().is_null());
    /// ```
    #[doc(alias = "makeReply")]
    #[must_use]
    pub fn make_reply(&self, payload: impl Into<Vec<u8>>) -> QNetworkDatagram {
        let sender = match self.destination.address.is_multicast() {
            true => Endpoint::default(),
            false => self.destination.clone(),
        };
        QNetworkDatagram {
            data: payload.into(),
            sender,
            destination: self.sender.clone(),
            interface_index: self.interface_index,
            hop_limit: None,
        }
    }

    /// Replaces the bytes and reuses the memory.
    pub(crate) fn refill(&mut self, data: &[u8]) {
        self.data.clear();
        self.data.extend_from_slice(data);
    }

    pub(crate) fn sender(&self) -> &QHostAddress {
        &self.sender.address
    }

    pub(crate) fn destination(&self) -> &QHostAddress {
        &self.destination.address
    }

    /// Swaps two datagrams.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}

impl Default for QNetworkDatagram {
    /// Creates a datagram without bytes and addresses.
    fn default() -> Self {
        Self::new(Vec::new(), QHostAddress::Null, 0)
    }
}

impl fmt::Debug for QNetworkDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QNetworkDatagram")
            .field("data", &format_args!("b\"{}\"", self.data.escape_ascii()))
            .field("sender", &self.sender)
            .field("destination", &self.destination)
            .field("interface_index", &self.interface_index)
            .field("hop_limit", &self.hop_limit)
            .finish()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.is_null() {
            true => f.write_str("None"),
            false => write!(f, "{:?}:{}", self.address, self.port),
        }
    }
}

#[cfg(test)]
mod tests;
