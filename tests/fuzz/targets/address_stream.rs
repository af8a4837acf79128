#![no_main]

use qcore::{QDataStream, stream::StreamStatus};
use qnetwork::QHostAddress;

// Addresses in the format of QDataStream. A whole address is the same after writing and reading.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut stream = QDataStream::from_bytes(data);
    while !stream.at_end() && stream.status() == StreamStatus::Ok {
        let address = stream.read::<QHostAddress>();
        if stream.status() != StreamStatus::Ok {
            return;
        }
        let mut out = QDataStream::from_bytes([]);
        out.write(&address);
        assert_eq!(out.read::<QHostAddress>(), address);
        let _ = (address.to_string(), address.is_loopback(), address.to_ipv4_address());
    }
});
