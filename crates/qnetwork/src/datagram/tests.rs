//! The expected results are those of Qt 5.15.8.

use super::*;

fn ip(text: &str) -> QHostAddress {
    if text.is_empty() { QHostAddress::Null } else { text.parse().unwrap() }
}

/// Returns the addresses and ports of sender and destination.
fn ends(datagram: &QNetworkDatagram) -> (String, Option<u16>, String, Option<u16>) {
    (
        datagram.sender_address().to_string(),
        datagram.sender_port(),
        datagram.destination_address().to_string(),
        datagram.destination_port(),
    )
}

/// Returns expected values in the form of `ends`, with -1 for no port.
fn text(
    sender: &str,
    port: i32,
    destination: &str,
    to: i32,
) -> (String, Option<u16>, String, Option<u16>) {
    let port_of = |number| u16::try_from(number).ok();
    (sender.to_owned(), port_of(port), destination.to_owned(), port_of(to))
}

#[test]
fn get_set_check() {
    let mut datagram = QNetworkDatagram::default();
    assert!(datagram.is_null() && !datagram.is_valid());
    assert_eq!(ends(&datagram), text("", -1, "", -1));
    assert_eq!((datagram.hop_limit(), datagram.interface_index()), (None, 0));
    assert_eq!(datagram.data(), b"");

    // Bytes, hop limit and interface alone do not make a datagram valid.
    datagram.set_data("x");
    datagram.set_hop_limit(Some(255));
    datagram.set_interface_index(u32::MAX);
    assert!(datagram.is_null());
    assert_eq!((datagram.hop_limit(), datagram.interface_index()), (Some(255), u32::MAX));
    datagram.set_hop_limit(None);
    assert_eq!(datagram.hop_limit(), None);

    datagram.set_sender(QHostAddress::LocalHost, 0);
    assert!(datagram.is_valid());
    assert_eq!(ends(&datagram), text("127.0.0.1", 0, "", -1));
    datagram.set_sender(QHostAddress::Null, 5);
    assert!(datagram.is_null());
    assert_eq!(ends(&datagram), text("", -1, "", -1));
    datagram.set_destination(QHostAddress::Any, 5);
    assert!(datagram.is_valid());
    assert_eq!(ends(&datagram), text("", -1, "0.0.0.0", 5));
    datagram.set_sender(ip("::1"), 65535);
    assert_eq!(ends(&datagram), text("::1", 65535, "0.0.0.0", 5));

    let copy = datagram.clone();
    assert_eq!(copy, datagram);
    datagram.set_data("other");
    assert_ne!(copy, datagram);
    assert_eq!(copy.data(), b"x");

    datagram.clear();
    assert_eq!(datagram, QNetworkDatagram::default());
    assert!(datagram.is_null());
    assert_eq!(copy.into_data(), b"x");
}

#[test]
fn without_an_address_there_is_no_port() {
    let datagram = QNetworkDatagram::new("x", QHostAddress::Null, 5);
    assert!(datagram.is_null());
    assert_eq!(datagram.destination_port(), None);
    assert_eq!(datagram, QNetworkDatagram::new("x", QHostAddress::Null, 6));
    assert_eq!(QNetworkDatagram::new("x", QHostAddress::LocalHost, 0).destination_port(), Some(0));
}

#[test]
fn text_that_is_no_address_is_null() {
    let mut datagram = QNetworkDatagram::new("x", "127.1", 5);
    assert_eq!(datagram.destination_address(), QHostAddress::LocalHost);
    datagram.set_destination("localhost", 5);
    datagram.set_sender(String::new(), 5);
    assert!(datagram.is_null());
    assert_eq!(ends(&datagram), text("", -1, "", -1));
}

#[test]
fn make_reply() {
    for (sender, port, destination, to, from) in [
        ("1.2.3.4", 5, "5.6.7.8", 9, "5.6.7.8"),
        // A multicast group cannot be a sender.
        ("1.2.3.4", 5, "224.0.0.1", 9, ""),
        ("1.2.3.4", 5, "::ffff:224.0.0.1", 9, ""),
        ("1.2.3.4", 5, "ff02::1", 9, ""),
        ("fe80::9%lo", 5, "ff05::1", 9, ""),
        // Every other address is passed on to the system.
        ("1.2.3.4", 5, "255.255.255.255", 9, "255.255.255.255"),
        ("1.2.3.4", 5, "::ffff:255.255.255.255", 9, "::ffff:255.255.255.255"),
        ("1.2.3.4", 5, "10.0.0.255", 9, "10.0.0.255"),
        ("1.2.3.4", 5, "0.0.0.0", 9, "0.0.0.0"),
        ("fe80::9", 5, "fe80::8%eth0", 9, "fe80::8%eth0"),
        ("1.2.3.4", 0, "5.6.7.8", 0, "5.6.7.8"),
        ("224.0.0.1", 5, "1.2.3.4", 6, "1.2.3.4"),
        ("", 0, "5.6.7.8", 9, "5.6.7.8"),
        ("1.2.3.4", 5, "", 0, ""),
        ("", 0, "", 0, ""),
    ] {
        let mut datagram = QNetworkDatagram::new("in", ip(destination), to);
        datagram.set_sender(ip(sender), port);
        datagram.set_hop_limit(Some(9));
        datagram.set_interface_index(4);
        let before = datagram.clone();
        let reply = datagram.make_reply("out");
        assert_eq!(datagram, before);
        assert_eq!(reply.data(), b"out");
        let from_port = if from.is_empty() { -1 } else { i32::from(to) };
        let to_port = if sender.is_empty() { -1 } else { i32::from(port) };
        assert_eq!(ends(&reply), text(from, from_port, sender, to_port), "{destination}");
        assert_eq!((reply.interface_index(), reply.hop_limit()), (4, None));
    }
    let mut datagram = QNetworkDatagram::new("in", QHostAddress::Any, 6);
    datagram.set_sender(QHostAddress::Any, 5);
    assert_eq!(datagram.make_reply("").sender_address(), QHostAddress::Any);
}

#[test]
fn swap() {
    let mut first = QNetworkDatagram::new("a", QHostAddress::Null, 0);
    let mut second = QNetworkDatagram::new("b", QHostAddress::LocalHost, 4);
    first.swap(&mut second);
    assert_eq!((first.data(), first.destination_port()), (&b"b"[..], Some(4)));
    assert_eq!((second.data(), second.destination_port()), (&b"a"[..], None));
}

#[test]
fn plain_values() {
    fn plain<T: Clone + PartialEq + fmt::Debug + Default + Send + Sync>() {}
    plain::<QNetworkDatagram>();
    assert_eq!(
        format!("{:?}", QNetworkDatagram::new("a\n", QHostAddress::LocalHost, 4)),
        "QNetworkDatagram { data: b\"a\\n\", sender: None, destination: QHostAddress(127.0.0.1):4, \
         interface_index: 0, hop_limit: None }"
    );
}
