#![no_main]

use qnetwork::QHostAddress;

// An address, a space, a network.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (address, network) = text.split_once(' ').unwrap_or(("", text));
    let Ok((net, prefix)) = QHostAddress::parse_subnet(network) else { return };
    let (bits, any) = if net.to_string().contains(':') { (128, "::1") } else { (32, "192.0.2.1") };
    assert!((0..=bits).contains(&prefix), "{network}: {prefix}");
    // A network contains its own address, its text parses to the same network, and a network of no
    // bits contains every address.
    assert!(net.is_in_subnet(&net, prefix));
    let written = format!("{net}/{prefix}");
    assert_eq!(QHostAddress::parse_subnet(&written), Ok((net.clone(), prefix)), "{written}");
    let any: QHostAddress = any.parse().expect("an address");
    assert_eq!(any.is_in_subnet_pair(&(net.clone(), 0)), true);
    if let Ok(address) = address.parse::<QHostAddress>() {
        // An address in a network is also in each larger one.
        let mut was_in = false;
        for prefix in (0..=prefix).rev() {
            let is_in = address.is_in_subnet(&net, prefix);
            assert!(is_in || !was_in, "{address} {net}/{prefix}");
            was_in = is_in;
        }
    }
});
