//! The interfaces of this machine: the cases of Qt's tests, and a comparison with real Qt on this
//! machine.

use std::{collections::HashSet, net::TcpListener, process::Command};

use qnetwork::{
    DnsEligibilityStatus, InterfaceFlags, InterfaceType, NetworkLayerProtocol, QHostAddress,
    QNetworkAddressEntry, QNetworkInterface, QTcpSocket,
};

fn addresses() -> Vec<QHostAddress> {
    let addresses = QNetworkInterface::all_addresses();
    if addresses.is_empty() {
        println!("skipped: no interface of this machine is up");
    }
    addresses
}

#[test]
fn dump() {
    for interface in QNetworkInterface::all_interfaces() {
        println!("{interface}: {interface:?}");
        for entry in interface.address_entries() {
            println!("    {entry}: {entry:?}");
        }
    }
}

#[test]
fn consistency_check() {
    let (mut names, mut indexes) = (HashSet::new(), HashSet::new());
    for interface in QNetworkInterface::all_interfaces() {
        assert!(interface.is_valid());
        assert!(names.insert(interface.name().to_owned()), "{interface}");
        let index = interface.index();
        assert!(index == 0 || indexes.insert(index), "{interface}");
    }
}

#[test]
fn loopback_ipv4() {
    let addresses = addresses();
    assert!(addresses.is_empty() || addresses.contains(&QHostAddress::LocalHost));
}

#[test]
fn loopback_ipv6() {
    let is_ipv6 = |address: &QHostAddress| address.protocol() == NetworkLayerProtocol::IPv6;
    let ipv6: Vec<_> = addresses().into_iter().filter(is_ipv6).collect();
    assert!(ipv6.is_empty() || ipv6.contains(&QHostAddress::LocalHostIPv6));
}

#[test]
fn local_address() {
    let addresses = addresses();
    if addresses.is_empty() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", listener.local_addr().unwrap().port());
    socket.wait_for_connected(5000).unwrap();
    assert!(addresses.contains(&socket.local_address()));
}

#[test]
fn interface_from_xxx() {
    for interface in QNetworkInterface::all_interfaces() {
        let (name, index) = (interface.name(), interface.index());
        assert_eq!(QNetworkInterface::interface_from_name(name).unwrap().index(), index);
        assert_eq!(QNetworkInterface::interface_from_index(index).unwrap().name(), name);
        assert_eq!(
            QNetworkInterface::interface_from_name(&index.to_string()).unwrap().name(),
            name
        );
        assert_eq!(QNetworkInterface::interface_index_from_name(name), Some(index));
        assert_eq!(QNetworkInterface::interface_name_from_index(index).as_deref(), Some(name));
        for entry in interface.address_entries() {
            assert!(!entry.ip().is_null());
            let protocol = entry.ip().protocol();
            if !entry.netmask().is_null() {
                assert_eq!(entry.netmask().protocol(), protocol);
            }
            if !entry.broadcast().is_null() {
                assert_eq!(protocol, NetworkLayerProtocol::IPv4);
                assert_eq!(entry.broadcast().protocol(), protocol);
                let bits = |address: QHostAddress| address.to_ipv4_address().unwrap().to_bits();
                let last = bits(entry.ip()) | !bits(entry.netmask());
                assert_eq!(bits(entry.broadcast()), last, "{entry}");
            }
        }
    }
    for name in ["", "no such", "lo\0", "0", "-1", &"x".repeat(1000)] {
        assert_eq!(QNetworkInterface::interface_from_name(name), None);
        assert_eq!(QNetworkInterface::interface_index_from_name(name), None);
    }
    for index in [0, u32::MAX] {
        assert_eq!(QNetworkInterface::interface_from_index(index), None);
        assert_eq!(QNetworkInterface::interface_name_from_index(index), None);
    }
}

#[test]
fn copy_invalid_interface() {
    let invalid = QNetworkInterface::default();
    for interface in [invalid.clone(), invalid] {
        assert!(!interface.is_valid());
        assert_eq!((interface.index(), interface.name()), (0, ""));
        assert_eq!((interface.human_readable_name(), interface.hardware_address()), ("", ""));
        assert_eq!(interface.flags(), InterfaceFlags::empty());
        assert_eq!(interface.interface_type(), InterfaceType::Unknown);
        assert_eq!(interface.maximum_transmission_unit(), None);
        assert_eq!(interface.address_entries(), []);
    }
}

#[test]
fn plain_values() {
    fn plain<T: Clone + PartialEq + std::fmt::Debug + Default + Send + Sync>() {}
    plain::<QNetworkInterface>();
    plain::<QNetworkAddressEntry>();
    plain::<InterfaceFlags>();
    plain::<InterfaceType>();
    plain::<DnsEligibilityStatus>();
}

// ---- comparison with real Qt, if it is installed

/// Prints everything that Qt knows, one value a line, in the same format as `ours`.
const SCRIPT: &str = r#"
from PySide2.QtNetwork import QNetworkInterface
def left(deadline):
    return deadline.remainingTime() // 1000
for one in QNetworkInterface.allInterfaces():
    print('interface', one.index(), one.name(), one.humanReadableName(), one.hardwareAddress(),
          int(one.flags()), str(one.type()).split('.')[-1], one.maximumTransmissionUnit(), sep='|')
    for e in one.addressEntries():
        print('entry', e.ip().toString(), e.netmask().toString(), e.broadcast().toString(),
              e.prefixLength(), int(e.dnsEligibility()), int(e.isLifetimeKnown()),
              int(e.isPermanent()), sep='|')
        print('lasts', left(e.preferredLifetime()), left(e.validityLifetime()), sep='|')
for address in QNetworkInterface.allAddresses():
    print('address', address.toString(), sep='|')
"#;

fn ours() -> Vec<String> {
    let mut lines = Vec::new();
    for one in QNetworkInterface::all_interfaces() {
        lines.push(format!(
            "interface|{}|{}|{}|{}|{}|{:?}|{}",
            one.index(),
            one.name(),
            one.human_readable_name(),
            one.hardware_address(),
            one.flags().bits(),
            one.interface_type(),
            one.maximum_transmission_unit().unwrap_or(0)
        ));
        for e in one.address_entries() {
            let dns = match e.dns_eligibility() {
                DnsEligibilityStatus::Ineligible => 0,
                DnsEligibilityStatus::Eligible => 1,
                _ => -1,
            };
            lines.push(format!(
                "entry|{}|{}|{}|{}|{dns}|{}|{}",
                e.ip(),
                e.netmask(),
                e.broadcast(),
                e.prefix_length().map_or(-1, i32::from),
                i32::from(e.is_lifetime_known()),
                i32::from(e.is_permanent())
            ));
            // Qt's milliseconds are rounded up.
            let left = |deadline: qcore::QDeadlineTimer| match deadline.remaining_time() {
                Some(left) => (left.as_nanos().div_ceil(1_000_000) / 1000) as i64,
                None => -1,
            };
            let (preferred, valid) = (left(e.preferred_lifetime()), left(e.validity_lifetime()));
            lines.push(format!("lasts|{preferred}|{valid}"));
        }
    }
    let addresses = QNetworkInterface::all_addresses();
    lines.extend(addresses.iter().map(|address| format!("address|{address}")));
    lines
}

fn agree(qt: &str, ours: &str) -> bool {
    let seconds = |line: &str| -> Option<[i64; 2]> {
        let (preferred, valid) = line.strip_prefix("lasts|")?.split_once('|')?;
        Some([preferred.parse().ok()?, valid.parse().ok()?])
    };
    match (seconds(qt), seconds(ours)) {
        // Some time passes between the two, and Qt has only 32 bits for milliseconds.
        (Some(qt), Some(ours)) => qt.iter().zip(ours).all(|(&qt, ours)| {
            let wrapped = ours.rem_euclid((1 << 32) / 1000);
            ours == -1 && qt == -1
                || ours != -1 && qt != -1 && ((qt - ours).abs() < 20 || (qt - wrapped).abs() < 20)
        }),
        _ => qt == ours,
    }
}

#[test]
fn qt_says_the_same() {
    if !cfg!(target_os = "linux") {
        return println!("skipped: some values are known on Linux only");
    }
    if !QNetworkInterface::all_interfaces().iter().all(|one| one.name().is_ascii()) {
        return println!("skipped: Qt decodes interface names as Latin-1, and this one is UTF-8");
    }
    let python = || Command::new("/usr/bin/python3").args(["-c", SCRIPT]).output();
    let mut before = ours();
    // If something changes meanwhile, both are asked again.
    for _ in 0..5 {
        let qt = match python() {
            Ok(output) if output.status.success() => {
                String::from_utf8_lossy(&output.stdout).into_owned()
            }
            Ok(output) if String::from_utf8_lossy(&output.stderr).contains("No module named") => {
                return println!("skipped: PySide2.QtNetwork is not installed");
            }
            Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => return println!("skipped: no /usr/bin/python3: {error}"),
        };
        let qt: Vec<&str> = qt.lines().collect();
        let same = |ours: &[String]| {
            qt.len() == ours.len() && qt.iter().zip(ours).all(|(qt, ours)| agree(qt, ours))
        };
        let after = ours();
        if same(&before) || same(&after) {
            return;
        }
        let changed = before.len() != after.len()
            || before.iter().zip(&after).any(|(before, after)| !agree(before, after));
        assert!(changed, "Qt: {qt:#?}\nours: {after:#?}");
        before = after;
    }
    panic!("the interfaces of this machine keep changing");
}
