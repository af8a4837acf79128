#![no_main]

use std::{
    collections::{BTreeMap, HashMap},
    ffi::CString,
};

use qcore::{
    QDataStream, QVariant,
    stream::{
        ByteOrder, FloatingPointPrecision, FromStream, QBitArray, StreamStatus, StreamVersion,
        ToStream,
    },
};

// The first byte selects the version, the second the settings. After that each step is a byte that
// selects a type, followed by a value to read. The stream reads both the steps and the values.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [version, settings, data @ ..] = data else { return };
    let new = |bytes: &[u8]| {
        let mut stream = QDataStream::from_bytes(bytes);
        if let Ok(version) = StreamVersion::try_from(i32::from(version % 20)) {
            stream.set_version(version);
        }
        if settings & 1 == 1 {
            stream.set_byte_order(ByteOrder::LittleEndian);
        }
        if settings & 2 == 2 {
            stream.set_floating_point_precision(FloatingPointPrecision::SinglePrecision);
        }
        stream
    };
    let mut stream = new(data);
    let mut open = 0;
    for _ in 0..200 {
        if stream.at_end() {
            break;
        }
        let step = stream.read_uint8() % 48;
        match step {
            40 => {
                stream.start_transaction();
                open += 1;
            }
            41..=43 if open > 0 => {
                open -= 1;
                match step {
                    41 => _ = stream.commit_transaction(),
                    42 => stream.rollback_transaction(),
                    _ => stream.abort_transaction(),
                }
                // Bytes that were put back would be read again for ever.
                if open == 0 && stream.status() == StreamStatus::ReadPastEnd {
                    break;
                }
            }
            44 => stream.reset_status(),
            45 => drop(stream.skip_raw_data(3)),
            46 => drop(stream.read_raw_data(&mut [0; 5])),
            _ => read(&mut stream, step, &new),
        }
    }
});

fn read(stream: &mut QDataStream, step: u8, new: &dyn Fn(&[u8]) -> QDataStream) {
    match step {
        0 => again::<bool>(stream, new),
        1 => again::<i8>(stream, new),
        2 => again::<u8>(stream, new),
        3 => again::<i16>(stream, new),
        4 => again::<u16>(stream, new),
        5 => again::<i32>(stream, new),
        6 => again::<u32>(stream, new),
        7 => again::<i64>(stream, new),
        8 => again::<u64>(stream, new),
        9 => drop(stream.read::<f32>()),
        10 => drop(stream.read::<f64>()),
        11 => again::<char>(stream, new),
        12 => again::<String>(stream, new),
        // In formats before that of Qt 4.0 a null string or array can be read but not written.
        13 | 15 if stream.version() < StreamVersion::QT_4_0 => {
            drop((stream.read::<Option<String>>(), stream.read::<Option<Vec<u8>>>()));
        }
        13 => again::<Option<String>>(stream, new),
        14 => again::<Vec<u8>>(stream, new),
        15 => again::<Option<Vec<u8>>>(stream, new),
        16 => again::<QBitArray>(stream, new),
        17 => again::<CString>(stream, new),
        18 => again::<Vec<String>>(stream, new),
        19 => again::<Vec<Vec<u8>>>(stream, new),
        20 => again::<Vec<Vec<Vec<u16>>>>(stream, new),
        21 => again::<BTreeMap<String, i32>>(stream, new),
        22 => again::<BTreeMap<u8, Vec<u8>>>(stream, new),
        23 => again::<HashMap<String, Vec<String>>>(stream, new),
        24 => again::<HashMap<i64, BTreeMap<u16, bool>>>(stream, new),
        25 => again::<Vec<(u64, String)>>(stream, new),
        26 => again::<(String, (u8, Vec<i16>))>(stream, new),
        27 => again::<Vec<BTreeMap<String, QBitArray>>>(stream, new),
        28 => drop(stream.read::<Vec<QVariant>>()),
        29 => drop(stream.read::<BTreeMap<String, QVariant>>()),
        30 => drop(stream.read::<Vec<(u64, f64)>>()),
        31 => drop(stream.read_utf16()),
        32 => drop(stream.read_string()),
        33 => drop(stream.read_bytes()),
        34 => _ = stream.transaction(|stream| stream.read::<(String, Vec<u32>)>()),
        _ => drop(stream.read::<QVariant>()),
    }
}

/// Reads a value. If the value was complete, writing and reading it gives the same value.
fn again<T>(stream: &mut QDataStream, new: &dyn Fn(&[u8]) -> QDataStream)
where
    T: FromStream + ToStream + PartialEq + std::fmt::Debug,
{
    let value: T = stream.read();
    if stream.status() != StreamStatus::Ok {
        return;
    }
    let mut out = new(&[]);
    out.write(&value);
    assert_eq!(out.status(), StreamStatus::Ok);
    let mut input = new(&out.into_bytes());
    let same: T = input.read();
    assert_eq!((&same, input.status()), (&value, StreamStatus::Ok));
    assert!(input.at_end());
}
