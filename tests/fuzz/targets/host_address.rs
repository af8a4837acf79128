#![no_main]

use qnetwork::QHostAddress;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(address) = text.parse::<QHostAddress>() {
        // What it is written as is the same address.
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    let _ = QHostAddress::parse_subnet(text);
});
