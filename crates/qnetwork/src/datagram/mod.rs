//! [`QNetworkDatagram`]: what a UDP socket sends and receives, with where it comes from and goes to.

use std::fmt;

use crate::address::QHostAddress;

/// The bytes of a datagram, who sent it, to whom, by which interface, and how far it may go.
///
/// A plain value, `Send` and `Sync`. In one that was received the sender and the destination are known; one that
/// is to be sent needs a destination, and its sender, if there is one, says from which address it goes out.
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
/// assert_eq!((reply.destination_port(), reply.sender_port()), (5000, 4000));
/// ```
///
/// Qt's page: [QNetworkDatagram](https://doc.qt.io/qt-5/qnetworkdatagram.html).
#[derive(Clone, PartialEq, Eq)]
pub struct QNetworkDatagram {
    data: Vec<u8>,
    sender: Endpoint,
    destination: Endpoint,
    interface_index: u32,
    hop_limit: i32,
}

/// An address with a port; without an address there is no port either.
#[derive(Clone, Default, PartialEq, Eq)]
struct Endpoint {
    address: QHostAddress,
    port: u16,
}

impl Endpoint {
    fn new(address: QHostAddress, port: u16) -> Self {
        let port = if address.is_null() { 0 } else { port };
        Endpoint { address, port }
    }

    fn port(&self) -> i32 {
        if self.address.is_null() { -1 } else { self.port.into() }
    }
}

impl QNetworkDatagram {
    /// A datagram with these bytes for this destination. [`QHostAddress::Null`] is none.
    #[must_use]
    pub fn new(data: impl Into<Vec<u8>>, destination: impl Into<QHostAddress>, port: u16) -> Self {
        QNetworkDatagram {
            data: data.into(),
            sender: Endpoint::default(),
            destination: Endpoint::new(destination.into(), port),
            interface_index: 0,
            hop_limit: -1,
        }
    }

    /// Makes the datagram one without bytes, addresses and all else.
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

    /// Whether there is neither a sender nor a destination, whatever else there is.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.sender.address.is_null() && self.destination.address.is_null()
    }

    /// Whether there is a sender, or a destination, or both: the opposite of [`is_null`](Self::is_null).
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.is_null()
    }

    /// The number of the interface by which it came or is to go; 0 if that is not known, or not important.
    #[doc(alias = "interfaceIndex")]
    #[must_use]
    pub fn interface_index(&self) -> u32 {
        self.interface_index
    }

    /// Sets the number of the interface by which it is to go; 0 leaves it to the system.
    #[doc(alias = "setInterfaceIndex")]
    pub fn set_interface_index(&mut self, index: u32) {
        self.interface_index = index;
    }

    /// The address that sent it; null if that is not known.
    #[doc(alias = "senderAddress")]
    #[must_use]
    pub fn sender_address(&self) -> QHostAddress {
        self.sender.address.clone()
    }

    /// The port that sent it; -1 if the sender is not known.
    #[doc(alias = "senderPort")]
    #[must_use]
    pub fn sender_port(&self) -> i32 {
        self.sender.port()
    }

    /// Sets the address, and the port, from which it is to go; 0 leaves the port to the system.
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkDatagram};
    ///
    /// let mut datagram = QNetworkDatagram::default();
    /// assert_eq!(datagram.sender_port(), -1);
    /// datagram.set_sender(QHostAddress::LocalHost, 0);
    /// assert_eq!(datagram.sender_port(), 0);
    /// ```
    #[doc(alias = "setSender")]
    pub fn set_sender(&mut self, address: impl Into<QHostAddress>, port: u16) {
        self.sender = Endpoint::new(address.into(), port);
    }

    /// The address that it is for; null if there is none.
    #[doc(alias = "destinationAddress")]
    #[must_use]
    pub fn destination_address(&self) -> QHostAddress {
        self.destination.address.clone()
    }

    /// The port that it is for; -1 if there is no destination.
    #[doc(alias = "destinationPort")]
    #[must_use]
    pub fn destination_port(&self) -> i32 {
        self.destination.port()
    }

    /// Sets the address and the port that it is for.
    #[doc(alias = "setDestination")]
    pub fn set_destination(&mut self, address: impl Into<QHostAddress>, port: u16) {
        self.destination = Endpoint::new(address.into(), port);
    }

    /// Over how many machines it may go, or, if it was received, still might; -1 if that is not known, and for
    /// the system's choice.
    #[doc(alias = "hopLimit")]
    #[must_use]
    pub fn hop_limit(&self) -> i32 {
        self.hop_limit
    }

    /// Sets over how many machines it may go: 1 keeps it on the link, 255 is the most there is, -1 leaves it to
    /// the system.
    #[doc(alias = "setHopLimit")]
    pub fn set_hop_limit(&mut self, count: i32) {
        self.hop_limit = count;
    }

    /// The bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Sets the bytes.
    #[doc(alias = "setData")]
    pub fn set_data(&mut self, data: impl Into<Vec<u8>>) {
        self.data = data.into();
    }

    /// A datagram with other bytes that goes back: its destination is the sender of this one, its sender the
    /// destination of this one, unless that is a group, which cannot send. It goes by the same interface. How
    /// far it may go is left to the system.
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkDatagram};
    ///
    /// let group: QHostAddress = "224.0.0.251".parse()?;
    /// let mut question = QNetworkDatagram::new("who?", group, 5353);
    /// question.set_sender("192.0.2.7".parse::<QHostAddress>()?, 5353);
    ///
    /// let answer = question.make_reply("me");
    /// assert_eq!(answer.destination_address().to_string(), "192.0.2.7");
    /// assert!(answer.sender_address().is_null());
    /// # Ok::<(), qnetwork::AddressParseError>(())
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
            hop_limit: -1,
        }
    }

    /// Sets the bytes, in the memory that there is.
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
    /// One without bytes and addresses.
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
