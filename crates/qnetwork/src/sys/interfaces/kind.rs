//! What an interface can do, and what it is.

bitflags::bitflags! {
    /// What a network interface can do, and how it is.
    ///
    /// Stands for [`QNetworkInterface::InterfaceFlags`][qt].
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
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
        /// It is in use: switched on and, as far as the system knows, with a carrier.
        #[doc(alias = "IsUp")]
        const IS_UP = 0x1;
        /// It has what it needs to work.
        #[doc(alias = "IsRunning")]
        const IS_RUNNING = 0x2;
        /// What is sent to its broadcast address reaches all on the link.
        #[doc(alias = "CanBroadcast")]
        const CAN_BROADCAST = 0x4;
        /// What is sent to it stays in the machine.
        #[doc(alias = "IsLoopBack")]
        const IS_LOOP_BACK = 0x8;
        /// There is just one machine at its other end.
        #[doc(alias = "IsPointToPoint")]
        const IS_POINT_TO_POINT = 0x10;
        /// It can send to groups.
        #[doc(alias = "CanMulticast")]
        const CAN_MULTICAST = 0x20;
    }
}

qcore::numbered! {
    /// What kind of hardware a network interface is, if it is any.
    ///
    /// Stands for [`QNetworkInterface::InterfaceType`][qt]. What is connected by Ethernet to the
    /// machine and by something else to the world is Ethernet.
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
        /// None that is known. The default.
        #[default]
        Unknown = 0,
        /// What is sent to it stays in the machine: `lo`.
        Loopback = 1,
        /// Made by a program or by the kernel, a tunnel for example.
        Virtual = 2,
        /// Ethernet, also over something else, and what is made to look like it.
        Ethernet = 3,
        /// IP over a serial line.
        Slip = 4,
        /// A CAN bus.
        CanBus = 5,
        /// PPP, over a serial line, over Ethernet or otherwise.
        Ppp = 6,
        /// FDDI, a ring of glass fibre.
        Fddi = 7,
        /// IEEE 802.11, wireless.
        Wifi = 8,
        /// A telephone's modem, by the protocol Phonet.
        Phonet = 9,
        /// IEEE 802.15.4, wireless for what has little power.
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
