//! How the system's answers become interfaces, and the rules for entries. The expected results are
//! those of Qt 5.15.8.

use std::net::{IpAddr, Ipv6Addr};

use qcore::QDeadlineTimer;

use super::*;
use crate::sys::LinkAddress;

fn ip(text: &str) -> QHostAddress {
    if text.is_empty() { QHostAddress::Null } else { text.parse().unwrap() }
}

/// Returns an entry's address, netmask and prefix length; -1 stands for none.
fn state(entry: &QNetworkAddressEntry) -> (String, String, i32) {
    let length = entry.prefix_length().map_or(-1, i32::from);
    (entry.ip().to_string(), entry.netmask().to_string(), length)
}

#[test]
fn prefix_lengths_that_fit() {
    for (address, length, netmask, known) in [
        ("10.1.2.3", 8, "255.0.0.0", 8),
        ("10.1.2.3", 33, "", -1),
        ("10.1.2.3", -1, "", -1),
        ("10.1.2.3", 255, "", -1),
        ("10.1.2.3", 0, "0.0.0.0", 0),
        ("10.1.2.3", 32, "255.255.255.255", 32),
        ("", 8, "", -1),
        ("fe80::1", 64, "ffff:ffff:ffff:ffff::", 64),
        ("fe80::1", 129, "", -1),
        ("fe80::1", 128, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128),
        ("0.0.0.0", 8, "255.0.0.0", 8),
        ("::ffff:1.2.3.4", 8, "ff00::", 8),
    ] {
        let mut entry = QNetworkAddressEntry::new();
        entry.set_ip(ip(address));
        entry.set_prefix_length(u8::try_from(length).ok());
        assert_eq!(state(&entry), (address.to_owned(), netmask.to_owned(), known));
    }
    let mut entry = QNetworkAddressEntry::new();
    entry.set_ip(QHostAddress::Any);
    entry.set_prefix_length(Some(8));
    assert_eq!(entry.prefix_length(), None);
}

#[test]
fn netmasks_that_fit() {
    for (address, netmask, seen, length) in [
        ("10.1.2.3", "255.255.0.0", "255.255.0.0", 16),
        ("10.1.2.3", "255.254.0.0", "255.254.0.0", 15),
        ("10.1.2.3", "255.0.255.0", "", -1),
        ("10.1.2.3", "0.0.0.1", "", -1),
        ("10.1.2.3", "0.0.0.0", "0.0.0.0", 0),
        ("10.1.2.3", "ffff::", "", -1),
        ("10.1.2.3", "", "", -1),
        ("", "255.0.0.0", "", -1),
        ("", "", "", -1),
        ("fe80::1", "ffff:ffff::", "ffff:ffff::", 32),
        ("fe80::1", "ffff:0:ffff::", "", -1),
        ("fe80::1", "255.0.0.0", "", -1),
        ("fe80::1", "::", "::", 0),
    ] {
        let mut entry = QNetworkAddressEntry::new();
        entry.set_ip(ip(address));
        // The old value is gone even if the new one does not fit.
        entry.set_prefix_length(Some(9));
        entry.set_netmask(ip(netmask));
        assert_eq!(state(&entry), (address.to_owned(), seen.to_owned(), length), "{netmask}");
    }
}

#[test]
fn text_that_is_no_address_is_null() {
    let mut entry = QNetworkAddressEntry::new();
    entry.set_ip("10.0.0.1");
    entry.set_netmask("255.0.0.0");
    entry.set_broadcast("10.255.255.255");
    assert_eq!(state(&entry), ("10.0.0.1".to_owned(), "255.0.0.0".to_owned(), 8));
    assert_eq!(entry.broadcast().to_string(), "10.255.255.255");
    entry.set_netmask("localhost");
    entry.set_broadcast("localhost");
    assert_eq!(state(&entry), ("10.0.0.1".to_owned(), String::new(), -1));
    assert!(entry.broadcast().is_null());
    entry.set_ip("localhost");
    assert!(entry.ip().is_null());
}

#[test]
fn the_prefix_length_outlives_its_address() {
    let mut entry = QNetworkAddressEntry::new();
    entry.set_ip(ip("10.0.0.1"));
    entry.set_prefix_length(Some(8));
    entry.set_ip(ip("fe80::1"));
    assert_eq!(state(&entry), ("fe80::1".to_owned(), "ff00::".to_owned(), 8));
    entry.set_ip(QHostAddress::Null);
    assert_eq!(state(&entry), (String::new(), String::new(), 8));
    entry.set_ip(ip("fe80::1"));
    entry.set_prefix_length(Some(64));
    entry.set_ip(ip("10.0.0.1"));
    assert_eq!(state(&entry), ("10.0.0.1".to_owned(), "255.255.255.255".to_owned(), 64));
}

#[test]
fn lifetimes() {
    let forever = QDeadlineTimer::forever();
    for (preferred, valid, permanent) in [(-1, -1, true), (1000, -1, true), (-1, 1000, false)] {
        let mut entry = QNetworkAddressEntry::new();
        assert!(!entry.is_lifetime_known() && entry.is_permanent());
        entry.set_address_lifetime(preferred, valid);
        assert!(entry.is_lifetime_known());
        assert_eq!((entry.is_permanent(), entry.is_temporary()), (permanent, !permanent));
        assert_eq!(entry.preferred_lifetime() == forever, preferred == -1);
        entry.clear_address_lifetime();
        assert!(!entry.is_lifetime_known() && entry.is_permanent());
        assert_eq!(entry.preferred_lifetime(), forever);
    }
}

#[test]
fn what_is_compared() {
    let mut first = QNetworkAddressEntry::new();
    let mut second = QNetworkAddressEntry::default();
    assert_eq!(first, second);
    first.set_address_lifetime(0, 0);
    first.set_dns_eligibility(DnsEligibilityStatus::Eligible);
    assert_eq!(first, second);
    first.set_ip(ip("fe80::1%a"));
    assert_ne!(first, second);
    second.set_ip(ip("fe80::1%b"));
    assert_eq!(first, second);
    first.set_prefix_length(Some(64));
    assert_ne!(first, second);
    second.set_prefix_length(Some(64));
    first.set_broadcast(ip("1.2.3.4"));
    assert_ne!(first, second);
    first.swap(&mut second);
    assert_eq!((first.broadcast(), second.broadcast()), (QHostAddress::Null, ip("1.2.3.4")));
}

fn address(ip: &str, prefix_length: u8) -> LinkAddress {
    LinkAddress {
        ip: ip.parse().unwrap(),
        broadcast: None,
        prefix_length: Some(prefix_length),
        lifetimes: None,
    }
}

fn link(flags: InterfaceFlags, addresses: Vec<LinkAddress>) -> QNetworkInterface {
    let name = "eth0".to_owned();
    QNetworkInterface::of(Link { index: 4, name, flags, addresses, ..Link::default() })
}

#[test]
fn broadcast_addresses_that_the_system_does_not_tell() {
    let mut told = address("10.0.0.1", 31);
    told.broadcast = Some(IpAddr::from([10, 9, 9, 9]));
    let addresses = vec![
        told,
        address("127.0.0.1", 8),
        address("10.0.0.8", 31),
        address("10.0.0.1", 32),
        address("fd00::1", 64),
    ];
    let interface = link(InterfaceFlags::IS_UP, addresses);
    let broadcasts = interface.address_entries().iter().map(|entry| entry.broadcast().to_string());
    let expected = ["10.9.9.9", "127.255.255.255", "10.0.0.9", "10.0.0.1", ""];
    assert_eq!(broadcasts.collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_for_the_dns() {
    let addresses: Vec<_> =
        ["127.0.0.1", "::1", "169.254.1.2", "fe80::1", "10.0.0.1", "8.8.8.8", "fd00::1"]
            .map(|ip| address(ip, 8))
            .to_vec();
    let eligible = |flags| -> Vec<String> {
        let interface = link(flags, addresses.clone());
        let entries = interface.address_entries().iter();
        entries
            .filter(|entry| entry.dns_eligibility() == DnsEligibilityStatus::Eligible)
            .map(|entry| entry.ip().to_string())
            .collect()
    };
    assert_eq!(eligible(InterfaceFlags::IS_UP), ["10.0.0.1", "8.8.8.8", "fd00::1"]);
    assert_eq!(eligible(InterfaceFlags::all() - InterfaceFlags::IS_UP), [""; 0]);
}

#[test]
fn link_local_addresses_name_their_interface() {
    let addresses =
        vec![address("fe80::1", 64), address("fd00::1", 64), address("169.254.1.2", 16)];
    let interface = link(InterfaceFlags::IS_UP, addresses);
    let texts = interface.address_entries().iter().map(ToString::to_string);
    assert_eq!(texts.collect::<Vec<_>>(), ["fe80::1%eth0/64", "fd00::1/64", "169.254.1.2/16"]);
}

#[test]
fn lifetimes_are_seconds_from_now() {
    let mut entries = vec![address("10.0.0.1", 8); 2];
    entries[0].lifetimes = Some((Some(50), None));
    // The milliseconds may need more than 32 bits.
    entries[1].lifetimes = Some((Some(0), Some(5_000_000)));
    let interface = link(InterfaceFlags::IS_UP, entries);
    let [first, second] = interface.address_entries() else { panic!("{interface:?}") };
    assert!(first.is_lifetime_known() && first.is_permanent());
    let left = |deadline: QDeadlineTimer| deadline.remaining_time().unwrap().as_secs();
    assert!((45..=50).contains(&left(first.preferred_lifetime())));
    assert!(second.preferred_lifetime().has_expired() && second.is_temporary());
    assert!((4_999_990..=5_000_000).contains(&left(second.validity_lifetime())));
}

#[test]
fn texts() {
    assert_eq!(hexadecimal(&[]), "");
    assert_eq!(hexadecimal(&[0, 0x2f, 0xff]), "00:2F:FF");
    let interface = link(InterfaceFlags::empty(), Vec::new());
    assert_eq!(format!("{interface} {interface:>6}|"), "eth0   eth0|");
    let mut entry = QNetworkAddressEntry::new();
    assert_eq!(entry.to_string(), "");
    entry.set_ip(Ipv6Addr::LOCALHOST);
    assert_eq!(entry.to_string(), "::1");
    entry.set_prefix_length(Some(128));
    assert_eq!(format!("{entry:>9}"), "  ::1/128");
}

/// Interface names that are numbers, as Qt reads them.
#[test]
fn numbers() {
    for (text, expected) in [
        (" 4", Some(4)),
        ("+4", Some(4)),
        ("04", Some(4)),
        ("4 ", Some(4)),
        ("99", Some(99)),
        ("4294967295", Some(u32::MAX)),
        ("0", Some(0)),
        ("-1", None),
        ("4294967296", None),
        ("0x4", None),
        ("４", None),
        ("", None),
    ] {
        assert_eq!(number(text), expected, "{text:?}");
    }
}
