#![no_main]

use qnetwork::QHostAddress;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(address) = text.parse::<QHostAddress>() {
        // The displayed text parses to the same address.
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    let _ = QHostAddress::parse_subnet(text);
});
