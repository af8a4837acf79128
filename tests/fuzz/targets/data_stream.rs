#![no_main]

use qcore::{QDataStream, QVariant, stream::StreamVersion};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // The first byte says what is read, and in which version.
    let [how, data @ ..] = data else { return };
    let mut stream = QDataStream::from_bytes(data);
    if let Some(version) = StreamVersion::from_number(how / 4) {
        stream.set_version(version);
    }
    match how % 4 {
        0 => drop(stream.read::<QVariant>()),
        1 => drop(stream.read::<Vec<String>>()),
        2 => drop(stream.read::<Vec<Vec<u8>>>()),
        _ => drop(stream.read::<Vec<(u64, f64)>>()),
    }
});
