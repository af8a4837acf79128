//! The flags and types of interfaces.

bitflags::bitflags! {
    /// The state and the capabilities of a network interface.
    ///
    /// Stands for [`QNetworkInterface::InterfaceFlags`][qt].
    ///
    /// [`bits`](Self::bits) returns Qt's number for the set, and [`from_bits`](Self::from_bits)
    /// returns the set for a number.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{InterfaceFlags, QNetworkInterface};
    ///
    /// let usable = InterfaceFlags::IS_UP | InterfaceFlags::CAN_MULTICAST;
    /// for interface in QNetworkInterface::all_interfaces() {
    ///     if interface.flags().contains(usable) {
    ///         println!("{interface}");
    ///     }
    /// }
    /// ```
    ///
    /// [qt]: https://doc.qt.io/qt-5/qnetworkinterface.html#InterfaceFlag-enum
    #[doc(alias = "InterfaceFlag")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct InterfaceFlags: u32 {
        /// The interface is up: enabled and, as far as the system knows, with a carrier.
        #[doc(alias = "IsUp")]
        const IS_UP = 0x1;
        /// The interface has the resources that it needs.
        #[doc(alias = "IsRunning")]
        const IS_RUNNING = 0x2;
        /// The interface has a broadcast address that reaches all hosts on the link.
        #[doc(alias = "CanBroadcast")]
        const CAN_BROADCAST = 0x4;
        /// The interface is a loopback interface: its packets stay in the machine.
        #[doc(alias = "IsLoopBack")]
        const IS_LOOP_BACK = 0x8;
        /// The interface has exactly one host at its other end.
        #[doc(alias = "IsPointToPoint")]
        const IS_POINT_TO_POINT = 0x10;
        /// The interface supports multicast.
        #[doc(alias = "CanMulticast")]
        const CAN_MULTICAST = 0x20;
    }
}

qcore::numbered! {
    /// The hardware type of a network interface.
    ///
    /// Stands for [`QNetworkInterface::InterfaceType`][qt]. A device that is connected to the
    /// machine by Ethernet is Ethernet, whatever it uses on its other side.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{InterfaceType, QNetworkInterface};
    ///
    /// let loopback = QNetworkInterface::all_interfaces()
    ///     .into_iter()
    ///     .find(|interface| interface.interface_type() == InterfaceType::Loopback);
    /// if let Some(loopback) = loopback {
    ///     assert!(loopback.index() > 0);
    /// }
    /// assert_eq!(InterfaceType::default(), InterfaceType::Unknown);
    /// ```
    ///
    /// [qt]: https://doc.qt.io/qt-5/qnetworkinterface.html#InterfaceType-enum
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum InterfaceType {
        /// Not known. The default.
        #[default]
        Unknown = 0,
        /// A loopback interface, whose packets stay in the machine: `lo`.
        Loopback = 1,
        /// An interface that a program or the kernel made, for example a tunnel.
        Virtual = 2,
        /// Ethernet, including Ethernet over other links and interfaces that emulate it.
        Ethernet = 3,
        /// SLIP: IP over a serial line.
        Slip = 4,
        /// A CAN bus.
        CanBus = 5,
        /// PPP, over a serial line, Ethernet or another link.
        Ppp = 6,
        /// FDDI, a fibre-optic ring.
        Fddi = 7,
        /// IEEE 802.11, wireless LAN.
        Wifi = 8,
        /// A phone's modem, with the Phonet protocol.
        Phonet = 9,
        /// IEEE 802.15.4, low-power wireless.
        Ieee802154 = 10,
        /// IPv6 over IEEE 802.15.4.
        SixLoWPAN = 11,
        /// IEEE 802.16, WiMAX.
        Ieee80216 = 12,
        /// IEEE 1394, FireWire.
        Ieee1394 = 13,
    }
}

#[allow(non_upper_case_globals, reason = "it is Qt's enumerator, and is written as in Qt")]
impl InterfaceType {
    /// The same as [`Wifi`](Self::Wifi).
    pub const Ieee80211: Self = Self::Wifi;
}
