//! Multicast groups.

use super::QUdpSocket;
use crate::{address::Host, common::SocketError, interface::QNetworkInterface};

impl QUdpSocket {
    /// Joins a multicast group, on an interface that the system chooses. From now on the socket
    /// receives datagrams that are sent to the group's address.
    ///
    /// To join an IPv4 group, bind the socket to an IPv4 address such as
    /// [`QHostAddress::AnyIPv4`](crate::QHostAddress::AnyIPv4). As in Qt, a socket that is bound to
    /// [`QHostAddress::Any`](crate::QHostAddress::Any) cannot join one. If several sockets of this
    /// machine use the same group and port, bind them with
    /// [`SHARE_ADDRESS`](crate::BindMode::SHARE_ADDRESS). The option
    /// [`MulticastTtl`](crate::SocketOption::MulticastTtl) sets how many hops multicast datagrams
    /// may take, and [`MulticastLoopback`](crate::SocketOption::MulticastLoopback) whether this
    /// machine receives its own.
    ///
    /// # Errors
    ///
    /// The socket emits no signal for these errors, and
    /// [`error`](crate::QAbstractSocket::error) does not change.
    ///
    /// * [`Operation`](crate::SocketErrorKind::Operation), with Qt's warning, if the socket is not
    ///   bound or is connected
    /// * [`UnsupportedSocketOperation`](crate::SocketErrorKind::UnsupportedSocketOperation) for an
    ///   IPv4 group and an IPv6 socket, with Qt's warning, and for a null address
    /// * [`Network`](crate::SocketErrorKind::Network) if the interface has no IPv4 address
    /// * [`SocketAddressNotAvailable`](crate::SocketErrorKind::SocketAddressNotAvailable) or
    ///   [`Unknown`](crate::SocketErrorKind::Unknown) if the system refuses: the address is not
    ///   that of a group, or the socket has joined the group already
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{BindMode, QHostAddress, QUdpSocket, SocketErrorKind};
    ///
    /// let group: QHostAddress = "239.255.43.21".parse()?;
    /// let socket = QUdpSocket::new();
    /// let error = socket.join_multicast_group(group.clone()).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::Operation); // it is not bound
    ///
    /// socket.bind_with_mode(QHostAddress::AnyIPv4, 0, BindMode::SHARE_ADDRESS)?;
    /// if let Err(error) = socket.join_multicast_group(group) {
    ///     println!("no multicast on this machine: {error}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "joinMulticastGroup")]
    pub fn join_multicast_group<'a>(&self, group: impl Into<Host<'a>>) -> Result<(), SocketError> {
        self.join_multicast_group_on(group, &QNetworkInterface::default())
    }

    /// Joins a multicast group like [`join_multicast_group`](QUdpSocket::join_multicast_group), on
    /// a given interface.
    ///
    /// # Errors
    ///
    /// Those of [`join_multicast_group`](QUdpSocket::join_multicast_group).
    #[doc(alias = "joinMulticastGroup")]
    pub fn join_multicast_group_on<'a>(
        &self,
        group: impl Into<Host<'a>>,
        interface: &QNetworkInterface,
    ) -> Result<(), SocketError> {
        let engine = self.datagram_engine("joinMulticastGroup")?;
        let group = group.into().into_address()?;
        engine.datagrams().map_or(Ok(()), |one| one.join(&group, interface))
    }

    /// Leaves a group that the socket joined on an interface of the system's choice.
    ///
    /// # Errors
    ///
    /// Those of [`join_multicast_group`](QUdpSocket::join_multicast_group); also if the socket has
    /// not joined the group.
    #[doc(alias = "leaveMulticastGroup")]
    pub fn leave_multicast_group<'a>(&self, group: impl Into<Host<'a>>) -> Result<(), SocketError> {
        self.leave_multicast_group_on(group, &QNetworkInterface::default())
    }

    /// Leaves a group that the socket joined on a given interface.
    ///
    /// # Errors
    ///
    /// Those of [`leave_multicast_group`](QUdpSocket::leave_multicast_group).
    #[doc(alias = "leaveMulticastGroup")]
    pub fn leave_multicast_group_on<'a>(
        &self,
        group: impl Into<Host<'a>>,
        interface: &QNetworkInterface,
    ) -> Result<(), SocketError> {
        let engine = self.datagram_engine("leaveMulticastGroup")?;
        let group = group.into().into_address()?;
        engine.datagrams().map_or(Ok(()), |one| one.leave(&group, interface))
    }

    /// Returns the interface on which the socket sends multicast datagrams.
    ///
    /// `None`, where Qt returns an invalid interface, means that the system chooses it, which is
    /// the default. A socket that is not bound logs Qt's warning and returns `None`.
    #[doc(alias = "multicastInterface")]
    #[must_use]
    pub fn multicast_interface(&self) -> Option<QNetworkInterface> {
        let engine = self.datagram_engine("multicastInterface").ok()?;
        engine.datagrams()?.multicast_interface()
    }

    /// Sets the interface on which the socket sends multicast datagrams. With `None`, or an
    /// interface that is not [valid](QNetworkInterface::is_valid), the system chooses it.
    ///
    /// # Errors
    ///
    /// [`Operation`](crate::SocketErrorKind::Operation), with Qt's warning, if the socket is not
    /// bound, or the system's error. Qt reports neither. The socket emits no signal.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{InterfaceFlags, QHostAddress, QNetworkInterface, QUdpSocket};
    ///
    /// let loops = |one: &QNetworkInterface| one.flags().contains(InterfaceFlags::IS_LOOP_BACK);
    /// let loopback = QNetworkInterface::all_interfaces().into_iter().find(loops).unwrap();
    ///
    /// let socket = QUdpSocket::new();
    /// socket.bind(QHostAddress::AnyIPv4, 0)?;
    /// socket.set_multicast_interface(Some(&loopback))?;
    /// assert_eq!(socket.multicast_interface().unwrap().index(), loopback.index());
    /// socket.set_multicast_interface(None)?;
    /// assert_eq!(socket.multicast_interface(), None);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "setMulticastInterface")]
    pub fn set_multicast_interface(
        &self,
        interface: Option<&QNetworkInterface>,
    ) -> Result<(), SocketError> {
        let engine = self.datagram_engine("setMulticastInterface")?;
        engine.datagrams().map_or(Ok(()), |one| one.set_multicast_interface(interface))
    }
}
