//! Groups.

use super::QUdpSocket;
use crate::{address::QHostAddress, common::SocketError, interface::QNetworkInterface};

impl QUdpSocket {
    /// Joins a group: what is sent to its address is received from now on, by an interface that the system
    /// chooses.
    ///
    /// A group of IPv4 needs a socket that is bound to an address of IPv4, as
    /// [`QHostAddress::AnyIPv4`]; one bound to [`QHostAddress::Any`] does not do, as with Qt. Others that
    /// want the same group's port on this machine bind with
    /// [`SHARE_ADDRESS`](crate::BindMode::SHARE_ADDRESS). How far what is sent to groups goes, and whether it
    /// comes back, say [`MulticastTtl`](crate::SocketOption::MulticastTtl) and
    /// [`MulticastLoopback`](crate::SocketOption::MulticastLoopback).
    ///
    /// # Errors
    ///
    /// No signal tells of them, and [`error`](crate::QAbstractSocket::error) stays as it is.
    ///
    /// * [`Operation`](crate::SocketErrorKind::Operation) if the socket is not bound, or is connected, with Qt's
    ///   warning
    /// * [`UnsupportedSocketOperation`](crate::SocketErrorKind::UnsupportedSocketOperation) for a group of
    ///   IPv4 at a socket of IPv6, with Qt's warning, and for a null address
    /// * [`Network`](crate::SocketErrorKind::Network) if the interface has no address of IPv4
    /// * [`SocketAddressNotAvailable`](crate::SocketErrorKind::SocketAddressNotAvailable) and
    ///   [`Unknown`](crate::SocketErrorKind::Unknown) for what the system refuses: what is no group, one that was
    ///   joined already
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{BindMode, QHostAddress, QUdpSocket, SocketErrorKind};
    ///
    /// let group: QHostAddress = "239.255.43.21".parse()?;
    /// let socket = QUdpSocket::new();
    /// assert_eq!(socket.join_multicast_group(group.clone()).unwrap_err(), SocketErrorKind::Operation);
    ///
    /// socket.bind_with(QHostAddress::AnyIPv4, 0, BindMode::SHARE_ADDRESS)?;
    /// if let Err(error) = socket.join_multicast_group(group) {
    ///     println!("no multicast on this machine: {error}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "joinMulticastGroup")]
    pub fn join_multicast_group(&self, group: impl Into<QHostAddress>) -> Result<(), SocketError> {
        self.join_multicast_group_with(group, &QNetworkInterface::default())
    }

    /// [`join_multicast_group`](QUdpSocket::join_multicast_group), by one interface.
    ///
    /// # Errors
    ///
    /// As [`join_multicast_group`](QUdpSocket::join_multicast_group).
    #[doc(alias = "joinMulticastGroup")]
    pub fn join_multicast_group_with(
        &self,
        group: impl Into<QHostAddress>,
        interface: &QNetworkInterface,
    ) -> Result<(), SocketError> {
        let engine = self.datagram_engine("joinMulticastGroup")?;
        let group = group.into();
        engine.datagrams().map_or(Ok(()), |one| one.join(&group, interface))
    }

    /// Leaves a group that was joined by an interface of the system's choice.
    ///
    /// # Errors
    ///
    /// As [`join_multicast_group`](QUdpSocket::join_multicast_group); also for a group that was not joined.
    #[doc(alias = "leaveMulticastGroup")]
    pub fn leave_multicast_group(&self, group: impl Into<QHostAddress>) -> Result<(), SocketError> {
        self.leave_multicast_group_with(group, &QNetworkInterface::default())
    }

    /// Leaves a group that was joined by one interface.
    ///
    /// # Errors
    ///
    /// As [`leave_multicast_group`](QUdpSocket::leave_multicast_group).
    #[doc(alias = "leaveMulticastGroup")]
    pub fn leave_multicast_group_with(
        &self,
        group: impl Into<QHostAddress>,
        interface: &QNetworkInterface,
    ) -> Result<(), SocketError> {
        let engine = self.datagram_engine("leaveMulticastGroup")?;
        let group = group.into();
        engine.datagrams().map_or(Ok(()), |one| one.leave(&group, interface))
    }

    /// The interface by which datagrams for groups are sent; one that is not
    /// [valid](QNetworkInterface::is_valid) if the system chooses it, which is the default, and if the
    /// socket is not bound, which is worth Qt's warning.
    #[doc(alias = "multicastInterface")]
    #[must_use]
    pub fn multicast_interface(&self) -> QNetworkInterface {
        let engine = self.datagram_engine("multicastInterface").ok();
        let interface =
            engine.as_ref().and_then(|engine| Some(engine.datagrams()?.multicast_interface()));
        interface.unwrap_or_default()
    }

    /// Sets the interface by which datagrams for groups are sent; one that is not valid leaves it to the system.
    ///
    /// # Errors
    ///
    /// [`Operation`](crate::SocketErrorKind::Operation) if the socket is not bound, with Qt's warning; else what
    /// keeps the system from it. Qt does not tell. No signal does.
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
    /// socket.set_multicast_interface(&loopback)?;
    /// assert_eq!(socket.multicast_interface().index(), loopback.index());
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "setMulticastInterface")]
    pub fn set_multicast_interface(
        &self,
        interface: &QNetworkInterface,
    ) -> Result<(), SocketError> {
        let engine = self.datagram_engine("setMulticastInterface")?;
        engine.datagrams().map_or(Ok(()), |one| one.set_multicast_interface(interface))
    }
}
