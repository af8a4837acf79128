use super::{AddressParseError, ConversionMode, NetworkLayerProtocol, QHostAddress};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const GOLDENS: &str = include_str!("../../tests/data/address/goldens.tsv");

fn parsed(text: &str) -> QHostAddress {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is an address"))
}

fn bits_of_modes(holds: impl Fn(ConversionMode) -> bool) -> u32 {
    let modes = (0..16).chain([255]).map(ConversionMode::from_bits_retain);
    modes.enumerate().filter(|(_, mode)| holds(*mode)).map(|(bit, _)| 1 << bit).sum()
}

fn classes(address: &QHostAddress) -> String {
    [
        ('L', address.is_loopback()),
        ('G', address.is_global()),
        ('K', address.is_link_local()),
        ('S', address.is_site_local()),
        ('U', address.is_unique_local_unicast()),
        ('M', address.is_multicast()),
        ('B', address.is_broadcast()),
    ]
    .into_iter()
    .filter_map(|(letter, holds)| holds.then_some(letter))
    .collect()
}

// ---- the table recorded from Qt ----------------------------------------------------------------

/// Returns the address that a field of the table stands for: a special one, or the parsed text.
fn address(field: &str) -> QHostAddress {
    match field {
        "@Null" => QHostAddress::Null,
        "@Broadcast" => QHostAddress::Broadcast,
        "@LocalHost" => QHostAddress::LocalHost,
        "@LocalHostIPv6" => QHostAddress::LocalHostIPv6,
        "@Any" => QHostAddress::Any,
        "@AnyIPv4" => QHostAddress::AnyIPv4,
        "@AnyIPv6" => QHostAddress::AnyIPv6,
        text => text.parse().unwrap_or_default(),
    }
}

/// Reverses Python's `unicode_escape`.
fn unescaped(field: &str) -> String {
    let mut text = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let width = match chars.next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some('t') => {
                text.push('\t');
                continue;
            }
            Some('n') => {
                text.push('\n');
                continue;
            }
            Some('r') => {
                text.push('\r');
                continue;
            }
            other => panic!("unknown escape: {other:?}"),
        };
        let code: String = chars.by_ref().take(width).collect();
        let code = u32::from_str_radix(&code, 16).expect("hexadecimal digits");
        text.push(char::from_u32(code).expect("a character"));
    }
    text
}

/// Returns this library's result for a row, in the format of the table.
fn answer(row: &str) -> String {
    let fields: Vec<&str> = row.split('\t').collect();
    match fields[..] {
        ["address", text, ..] => {
            let address = address(&unescaped(text));
            let mut again = QHostAddress::LocalHost;
            let set = again.set_address(&unescaped(text));
            if !text.starts_with('@') {
                assert_eq!(set.is_ok(), !address.is_null(), "{row}");
                assert_eq!(again, address, "{row}");
                assert_eq!(again.scope_id(), address.scope_id(), "{row}");
            }
            format!(
                "address\t{text}\t{}\t{}\t{:?}\t{}\t{}\t{:032x}\t{}",
                !address.is_null(),
                escaped(&address.to_string()),
                address.protocol(),
                escaped(address.scope_id()),
                address.to_ipv4_address().map_or("-".into(), |ip| ip.to_bits().to_string()),
                address.to_ipv6_address().to_bits(),
                classes(&address),
            )
        }
        ["equal", left, right, ..] => {
            let (a, b) = (address(left), address(right));
            let modes = bits_of_modes(|mode| a.is_equal(&b, mode));
            format!("equal\t{left}\t{right}\t{}\t{modes:x}", a == b)
        }
        ["within", text, subnet, netmask, _] => {
            // The type allows no negative prefix length; for one, Qt finds no address in the
            // subnet. A prefix length that is too long counts as the longest.
            let number = netmask.parse::<i32>().expect("a number").min(255);
            let Ok(prefix) = u8::try_from(number) else { return row.to_owned() };
            let pair = (address(subnet), prefix);
            let within = address(text).is_in_subnet(&pair.0, pair.1);
            assert_eq!(address(text).is_in_subnet_pair(&pair), within);
            format!("within\t{text}\t{subnet}\t{netmask}\t{within}")
        }
        ["subnet", text, ..] => match QHostAddress::parse_subnet(&unescaped(text)) {
            Ok((net, prefix)) => {
                format!("subnet\t{text}\t{}\t{prefix}", escaped(&net.to_string()))
            }
            Err(_) => format!("subnet\t{text}\t-\t-"),
        },
        _ => panic!("unknown row: {row}"),
    }
}

/// Escapes a text like Python's `unicode_escape`.
fn escaped(text: &str) -> String {
    let mut field = String::new();
    for c in text.chars() {
        match (c, u32::from(c)) {
            ('\t', _) => field.push_str("\\t"),
            ('\n', _) => field.push_str("\\n"),
            ('\r', _) => field.push_str("\\r"),
            ('\\', _) => field.push_str("\\\\"),
            (_, 0x20..=0x7e) => field.push(c),
            (_, code @ ..=0xff) => field.push_str(&format!("\\x{code:02x}")),
            (_, code @ ..=0xffff) => field.push_str(&format!("\\u{code:04x}")),
            (_, code) => field.push_str(&format!("\\U{code:08x}")),
        }
    }
    field
}

#[test]
fn answers_as_qt_does() {
    let rows: Vec<&str> = GOLDENS.lines().filter(|row| !row.starts_with('#')).collect();
    assert!(rows.len() > 1000, "the table is whole");
    let wrong: Vec<String> = rows
        .iter()
        .map(|row| (row, answer(row)))
        .filter(|(row, answer)| *row != answer)
        .map(|(row, answer)| format!("Qt:   {row}\nours: {answer}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

// ---- the cases of Qt's own tests ---------------------------------------------------------------

#[test]
fn constructor_and_set_address_from_text() {
    let good = [
        ("127.0.0.1", "127.0.0.1"),
        (" 255.3.2.1", "255.3.2.1"),
        ("255.3.2.1\r ", "255.3.2.1"),
        ("123.0.0", "123.0.0.0"),
        ("1080:0:0:0:8:0:0:0", "1080::8:0:0:0"),
        ("FEDC:BA98:7654:3210:FEDC:BA98:7654:3210", "fedc:ba98:7654:3210:fedc:ba98:7654:3210"),
        ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("::13.1.68.3", "::13.1.68.3"),
        ("::ffff:129.144.52.38", "::ffff:129.144.52.38"),
        ("1::ffff:129.144.52.38", "1::ffff:8190:3426"),
    ];
    for (text, shown) in good {
        assert_eq!(parsed(text).to_string(), shown);
    }

    let bad = ["", "123.0.0.", "1.2.3.4.5", "256.1.1.1", "-1.1.1.1", "::12345", "1::2::3", "::g"];
    for text in bad {
        assert!(text.parse::<QHostAddress>().is_err(), "{text:?}");
        let mut address = parsed("fe80::1%eth0");
        assert!(address.set_address(text).is_err(), "{text:?}");
        assert!(address.is_null());
        assert_eq!(address.protocol(), NetworkLayerProtocol::Unknown);
        assert_eq!(address.scope_id(), "");
    }
}

#[test]
fn special_addresses() {
    assert_eq!(parsed("127.0.0.1"), QHostAddress::LocalHost);
    assert_eq!(parsed("255.255.255.255"), QHostAddress::Broadcast);
    assert_eq!(parsed("::1"), QHostAddress::LocalHostIPv6);
    assert_eq!(address(""), QHostAddress::Null);
    assert_eq!(address("junk"), QHostAddress::Null);
    assert_eq!(parsed("0.0.0.0"), QHostAddress::AnyIPv4);
    assert_ne!(parsed("0.0.0.0"), QHostAddress::Any);
    assert_eq!(parsed("::"), QHostAddress::AnyIPv6);
    assert_ne!(parsed("::"), QHostAddress::Any);
    assert_eq!(QHostAddress::default(), QHostAddress::Null);
}

#[test]
fn comparison_and_hash() {
    assert_ne!(parsed("127.0.0.1"), parsed("::ffff:127.0.0.1"));
    assert_ne!(QHostAddress::AnyIPv4, QHostAddress::AnyIPv6);
    assert_eq!(parsed("1::2"), parsed("1:0:0:0:0:0:0:2"));

    let hasher = RandomState::new();
    assert_eq!(hasher.hash_one(parsed("::1%lo")), hasher.hash_one(QHostAddress::LocalHostIPv6));
    let all = ["", "0.0.0.0", "::", "@Any", "1.2.3.4", "::ffff:1.2.3.4", "::1.2.3.4", "::1"];
    let set: HashSet<QHostAddress> = all.into_iter().map(address).collect();
    assert_eq!(set.len(), all.len());
    assert!(all.into_iter().all(|text| set.contains(&address(text))));
}

#[test]
fn is_equal_converts_what_the_mode_names() {
    let both_ways = |a: &str, b: &str, mode| {
        let (a, b) = (address(a), address(b));
        let equal = a.is_equal(&b, mode);
        assert_eq!(b.is_equal(&a, mode), equal, "{a:?} {b:?} {mode:?}");
        equal
    };
    let (local, compat, mapped, unspecified) = (
        ConversionMode::CONVERT_LOCAL_HOST,
        ConversionMode::CONVERT_V4_COMPAT_TO_IPV4,
        ConversionMode::CONVERT_V4_MAPPED_TO_IPV4,
        ConversionMode::CONVERT_UNSPECIFIED_ADDRESS,
    );
    for (a, b, mode) in [
        ("127.0.0.1", "::1", local),
        ("1.2.3.4", "::1.2.3.4", compat),
        ("1.2.3.4", "::ffff:1.2.3.4", mapped),
        ("0.0.0.0", "::", unspecified),
        ("@Any", "::", unspecified),
        ("@Any", "0.0.0.0", unspecified),
    ] {
        assert!(both_ways(a, b, mode));
        assert!(both_ways(a, b, ConversionMode::TOLERANT));
        assert!(!both_ways(a, b, ConversionMode::STRICT));
        assert_eq!(
            both_ways(a, b, ConversionMode::TOLERANT.difference(mode)),
            b == "::" && a == "0.0.0.0"
        );
    }
    assert!(!both_ways("127.0.0.2", "::1", ConversionMode::TOLERANT));
    assert!(!both_ways("@Any", "", ConversionMode::TOLERANT));
}

#[test]
fn mode_bits_are_those_of_qt() {
    assert_eq!(ConversionMode::STRICT.bits(), 0);
    assert_eq!(ConversionMode::TOLERANT.bits(), 0xff);
    assert_eq!(bits_of_modes(|mode| mode.is_empty()), 1);
}

#[test]
fn assignment_from_text_and_socket_address() {
    let mut address = QHostAddress::Any;
    address.set_address("4.2.2.1").unwrap();
    assert_eq!(address, parsed("4.2.2.1"));

    let text = "4.2.2.1:80".parse().unwrap();
    assert_eq!(QHostAddress::from_socket_addr(&text, |_| None), parsed("4.2.2.1"));
    let text = "[2001:db8::1]:80".parse().unwrap();
    assert_eq!(QHostAddress::from_socket_addr(&text, |_| None), parsed("2001:db8::1"));
}

#[test]
fn scope_id() {
    let mut address = parsed("fe80::2e0:4cff:fefb:662a%eth0");
    assert_eq!(address.scope_id(), "eth0");
    assert_eq!(address.to_string(), "fe80::2e0:4cff:fefb:662a%eth0");

    let copy = address.clone();
    address.set_scope_id("eth1");
    assert_eq!(address.to_string(), "fe80::2e0:4cff:fefb:662a%eth1");
    assert_eq!(copy.scope_id(), "eth0");
    assert_eq!(copy, address);

    address.set_scope_id("");
    assert_eq!(address.to_string(), "fe80::2e0:4cff:fefb:662a");
    for mut address in [QHostAddress::Null, QHostAddress::Any, QHostAddress::LocalHost] {
        address.set_scope_id("eth0");
        assert_eq!(address.scope_id(), "");
    }
}

#[test]
fn text_round_trip() {
    for text in ["0.0.0.0", "1.2.3.4", "::", "::1", "fe80::1%eth0", "::ffff:1.2.3.4", "::1.2.3.4"] {
        let address = parsed(text);
        assert_eq!(address.to_string(), text);
        assert_eq!(parsed(&address.to_string()), address);
    }
}

#[test]
fn parse_subnet() {
    let parse =
        |text| QHostAddress::parse_subnet(text).map(|(net, prefix)| format!("{net}/{prefix}")).ok();
    for text in ["", "junk", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/255.0.255.0", "::1/255.0.0.0"]
    {
        assert_eq!(parse(text), None, "{text:?}");
    }
    for (text, network) in [
        ("10", "10.0.0.0/8"),
        ("10.", "10.0.0.0/8"),
        ("172.16", "172.16.0.0/16"),
        ("192.168.0", "192.168.0.0/24"),
        ("192.168.1.1", "192.168.1.1/32"),
        ("192.168.255.1/255.255.252.0", "192.168.252.0/22"),
        ("192.168.1.1/16", "192.168.0.0/16"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::1", "::1/128"),
    ] {
        assert_eq!(parse(text).as_deref(), Some(network));
    }
}

#[test]
fn is_in_subnet() {
    let within = |a: &str, b: &str, netmask| address(a).is_in_subnet(address(b), netmask);
    assert!(within("10.1.2.3", "10.0.0.0", 8));
    assert!(!within("11.1.2.3", "10.0.0.0", 8));
    assert!(!within("", "", 0));
    assert!(!within("", "10.0.0.0", 8));
    assert!(!within("10.0.0.1", "", 0));
    assert!(within("2001:db8::1", "::", 0));
    assert!(within("10.0.0.1", "10.0.0.1", 33));
    assert!(!within("10.0.0.1", "10.0.0.2", 255));
    assert!(within("10.0.0.1", "200.0.0.1", 0));
    assert!(!within("10.0.0.1", "::", 0));
    assert!(!within("::ffff:10.0.0.1", "10.0.0.0", 8));
    assert!(within("fe80::1", "fe80::", 10));
}

#[test]
fn classification() {
    for (text, letters) in [
        ("127.3.4.5", "L"),
        ("::1", "L"),
        ("::ffff:127.0.0.1", "L"),
        ("8.8.8.8", "G"),
        ("10.0.0.1", "G"),
        ("192.168.1.1", "G"),
        ("169.254.0.1", "K"),
        ("fe80::1", "K"),
        ("fec0::1", "GS"),
        ("fd00::1", "GU"),
        ("224.0.0.1", "M"),
        ("ff02::1", "M"),
        ("255.255.255.255", "B"),
        ("0.1.2.3", ""),
        ("@Any", ""),
        ("240.0.0.1", ""),
        ("fe00::1", ""),
        ("", ""),
    ] {
        assert_eq!(classes(&address(text)), letters, "{text:?}");
    }
}

#[test]
fn convert_between_v4_and_v6() {
    let v4 = |text| address(text).to_ipv4_address();
    for text in ["@Any", "::", "0.0.0.0"] {
        assert_eq!(v4(text), Some(Ipv4Addr::UNSPECIFIED));
    }
    assert_eq!(v4("::ffff:1.2.3.4"), Some(Ipv4Addr::new(1, 2, 3, 4)));
    for text in ["::1", "::1.2.3.4", ""] {
        assert_eq!(v4(text), None);
    }
    assert_eq!(parsed("1.2.3.4").to_ipv6_address(), Ipv4Addr::new(1, 2, 3, 4).to_ipv6_mapped());
    assert_eq!(QHostAddress::AnyIPv4.to_ipv6_address(), Ipv6Addr::UNSPECIFIED);
}

// ---- differences from Qt -----------------------------------------------------------------------

#[test]
fn nul_ends_no_text() {
    for text in ["1.2.3.4\0", "1.2.3.4\0junk", "\x001", "::1\0", "::1\0junk", "::\0"] {
        assert!(text.parse::<QHostAddress>().is_err(), "{text:?}");
    }
    // Without the NUL, the parser would not read beyond the eighth group.
    assert!("1:2:3:4:5:6:7:8:\0::".parse::<QHostAddress>().is_err());
}

#[test]
fn a_cleared_address_keeps_nothing() {
    for text in ["10.0.0.1", "2001:db8::1"] {
        let mut address = parsed(text);
        assert!(address.set_address("junk").is_err());
        assert_eq!(address.to_ipv4_address(), None);
        assert_eq!(address.to_ipv6_address(), Ipv6Addr::UNSPECIFIED);
        assert!(!address.is_global());
    }
}

#[test]
fn prefix_lengths_do_not_wrap() {
    for text in ["10/2147483648", "10/4294967295", "::1/2147483648", "::1/4294967295"] {
        assert!(QHostAddress::parse_subnet(text).is_err(), "{text}");
    }
}

#[test]
fn a_mapped_network_is_cleared_as_a_whole() {
    let (net, _) = QHostAddress::parse_subnet("::ffff:1.2.3.4/104").unwrap();
    assert_eq!(net.to_ipv4_address(), Some(Ipv4Addr::new(1, 0, 0, 0)));
}

// ---- conversions and traits of Rust ------------------------------------------------------------

#[test]
fn converts_from_and_to_ip_addr() {
    for text in ["0.0.0.0", "1.2.3.4", "::", "::1", "::ffff:1.2.3.4", "2001:db8::1"] {
        let ip: IpAddr = text.parse().unwrap();
        let address = QHostAddress::from(ip);
        assert_eq!(address, parsed(text));
        assert_eq!(address.to_ip_addr(), Some(ip));
    }
    assert_eq!(QHostAddress::from(Ipv4Addr::LOCALHOST), QHostAddress::LocalHost);
    assert_eq!(QHostAddress::from(Ipv6Addr::LOCALHOST), QHostAddress::LocalHostIPv6);
    assert_eq!(QHostAddress::Any.to_ip_addr(), Some(Ipv6Addr::UNSPECIFIED.into()));
    assert_eq!(QHostAddress::Null.to_ip_addr(), None);
    assert_eq!(parsed("fe80::1%lo").to_ip_addr(), "fe80::1".parse().ok());
}

#[test]
fn socket_addresses_carry_the_scope_id() {
    let name = |index| (index == 1).then(|| "lo".to_owned());
    let index = |name: &str| if name == "lo" { 1 } else { 0 };
    for (text, shown) in [
        ("1.2.3.4:80", "1.2.3.4"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("[fe80::1%1]:80", "fe80::1%lo"),
        ("[fe80::1%7]:80", "fe80::1%7"),
    ] {
        let socket: SocketAddr = text.parse().unwrap();
        let address = QHostAddress::from_socket_addr(&socket, name);
        assert_eq!(address.to_string(), shown);
        assert_eq!(address.to_socket_addr(80, index), Some(socket));
    }

    let any = QHostAddress::Any.to_socket_addr(0, index);
    assert_eq!(any, Some(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))));
    assert_eq!(QHostAddress::Null.to_socket_addr(80, index), None);
    let unknown = parsed("fe80::1%nowhere").to_socket_addr(80, index);
    assert_eq!(unknown, "[fe80::1]:80".parse().ok());
}

#[test]
fn shows() {
    assert_eq!(format!("[{:>10}]", parsed("1.2.3.4")), "[   1.2.3.4]");
    assert_eq!(format!("[{:<6}]", QHostAddress::Null), "[      ]");
    assert_eq!(format!("{:?}", parsed("fe80::1%lo")), "QHostAddress(fe80::1%lo)");
    assert_eq!(format!("{:?}", QHostAddress::Any), "QHostAddress(Any)");
    assert_eq!(format!("{:?}", QHostAddress::Null), "QHostAddress(Null)");
    let error: AddressParseError = "x".parse::<QHostAddress>().unwrap_err();
    let error: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    assert_eq!(error.to_string(), "invalid IP address");
}

#[test]
fn is_small_and_crosses_threads() {
    fn crosses_threads<T: Send + Sync + 'static>() {}
    crosses_threads::<QHostAddress>();
    assert_eq!(size_of::<QHostAddress>(), 24);
    assert_eq!(size_of::<Option<QHostAddress>>(), 24);

    const LIST: [QHostAddress; 2] = [QHostAddress::new(), QHostAddress::LocalHost];
    assert!(LIST[0].is_null());
}

/// No text and no function causes a panic. If a text parses, displaying the address gives a text
/// that parses to the same address.
#[test]
fn garbage_does_no_harm() {
    const PIECES: [&str; 24] = [
        "0",
        "1",
        "9",
        "f",
        "ffff",
        "255",
        "256",
        "0x",
        "::",
        ":",
        ".",
        "%",
        "/",
        " ",
        "\t",
        "+",
        "-",
        "\0",
        "é",
        "\u{2003}",
        "\u{1f600}",
        "4294967296",
        "18446744073709551616",
        "/-1",
    ];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits")
    };
    for round in 0..100_000 {
        let text = if round % 2 == 0 {
            (0..random() % 16).map(|_| PIECES[random() % PIECES.len()]).collect()
        } else {
            let bytes: Vec<u8> = (0..random() % 24).map(|_| random().to_le_bytes()[0]).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let mut address = QHostAddress::new();
        if address.set_address(&text).is_ok() {
            let again = parsed(&address.to_string());
            assert_eq!(again, address, "{text:?}");
        }
        address.set_scope_id(&text);
        let _ = (classes(&address), address.to_ipv4_address(), address.to_socket_addr(1, |_| 0));
        if let Ok(subnet) = QHostAddress::parse_subnet(&text) {
            assert!(subnet.0.is_in_subnet_pair(&subnet), "{text:?}");
            assert!((0..=128).contains(&subnet.1), "{text:?}");
        }
    }
}
