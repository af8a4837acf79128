//! No input makes a stream panic, and the memory allocated is in proportion to the bytes that are
//! there.

#[path = "common/peak.rs"]
mod peak;

use std::{
    collections::{BTreeMap, HashMap},
    ffi::CString,
    hint::black_box,
};

use peak::peak;
use proptest::{collection::vec, prelude::*};
use qcore::{
    QBuffer, QDataStream,
    io_device::OpenMode,
    stream::{ByteOrder, FromStream, QBitArray, QVariant, StreamStatus, StreamVersion},
};

/// The most bytes allocated for each byte of input. A map with one entry needs the most.
const MULTIPLE: usize = 48;
/// The bytes that are allowed even without input.
const AT_LEAST: usize = 16 * 1024;

type Read = fn(&mut QDataStream);

fn of<T: FromStream>(stream: &mut QDataStream) {
    black_box(stream.read::<T>());
}

const READS: [(&str, Read); 17] = [
    ("string", of::<String>),
    ("optional string", of::<Option<String>>),
    ("utf-16", |stream| _ = black_box(stream.read_utf16())),
    ("bytes", of::<Vec<u8>>),
    ("c string", of::<CString>),
    ("bits", of::<QBitArray>),
    ("bools", of::<Vec<bool>>),
    ("longs", of::<Vec<u64>>),
    ("strings", of::<Vec<String>>),
    ("byte arrays", of::<Vec<Option<Vec<u8>>>>),
    ("lists of lists", of::<Vec<Vec<Vec<u16>>>>),
    ("pairs", of::<Vec<(u8, String)>>),
    ("map", of::<BTreeMap<String, Vec<u8>>>),
    ("map of bytes", of::<BTreeMap<u8, bool>>),
    ("hash", of::<HashMap<String, String>>),
    ("hash of numbers", of::<HashMap<u16, u8>>),
    ("variant", of::<QVariant>),
];

/// Reads `input` as each type, from bytes and from a device.
fn read_all(input: &[u8], version: StreamVersion, order: ByteOrder) {
    for (name, read) in READS {
        for device in [false, true] {
            let buffer = QBuffer::new();
            buffer.set_data(input);
            buffer.open(OpenMode::READ_ONLY).unwrap();
            let mut stream = match device {
                true => QDataStream::new(&buffer),
                false => QDataStream::from_bytes(input),
            };
            stream.set_version(version);
            stream.set_byte_order(order);
            for transaction in [false, true] {
                let taken = peak(|| {
                    if transaction {
                        stream.start_transaction();
                    }
                    for _ in 0..4 {
                        read(&mut stream);
                    }
                    if transaction {
                        stream.rollback_transaction();
                    }
                });
                let most = MULTIPLE * input.len() + AT_LEAST;
                assert!(taken <= most, "{name}: {taken} bytes for {}", input.len());
                stream.reset_status();
            }
        }
    }
}

fn silence() {
    qcore::install_message_handler(Some(Box::new(|_, _| ())));
}

fn orders() -> impl Strategy<Value = ByteOrder> {
    prop_oneof![Just(ByteOrder::BigEndian), Just(ByteOrder::LittleEndian)]
}

fn versions() -> impl Strategy<Value = StreamVersion> {
    (1..=19).prop_map(|number| StreamVersion::try_from(number).unwrap())
}

/// Generates parts of real messages, so that the stream often understands them.
fn piece(order: ByteOrder) -> impl Strategy<Value = Vec<u8>> {
    let number = move |number: u32| match order {
        ByteOrder::BigEndian => number.to_be_bytes().to_vec(),
        ByteOrder::LittleEndian => number.to_le_bytes().to_vec(),
    };
    prop_oneof![
        4 => (0u32..50).prop_map(number),
        2 => (8u32..13).prop_map(number),
        1 => any::<u32>().prop_map(number),
        1 => (0xffff_fff0u32..=0xffff_ffff).prop_map(number),
        1 => (120u32..150).prop_map(number),
        4 => Just(vec![0]),
        1 => vec(any::<u8>(), 0..20),
    ]
}

fn message() -> impl Strategy<Value = (ByteOrder, Vec<u8>)> {
    orders().prop_flat_map(|order| {
        vec(piece(order), 0..40).prop_map(move |pieces| (order, pieces.concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_bytes(bytes: Vec<u8>, order in orders(), version in versions()) {
        silence();
        read_all(&bytes, version, order);
    }

    #[test]
    fn what_looks_like_a_message((order, bytes) in message(), version in versions()) {
        silence();
        read_all(&bytes, version, order);
    }
}

#[test]
fn what_takes_most() {
    silence();
    let number = |number: u32| number.to_be_bytes().to_vec();
    let many = |piece: &[u8]| [number(8), vec![0], number(1), piece.to_vec()].concat();
    let list = |items: usize, item: &[u8]| {
        [number(9), vec![0], number(items as u32), item.repeat(items)].concat()
    };
    let invalid = [0; 5];
    let map = many(&[number(0), invalid.to_vec()].concat());
    let hash = [number(28), map[4..].to_vec()].concat();
    let inputs = [
        list(2000, &invalid),
        list(2000, &map),
        list(2000, &hash),
        list(2000, &list(1, &invalid)),
        list(2000, &list(0, &[])),
        list(2000, &[number(10), vec![0], number(2), vec![0xff; 2]].concat()),
        // Counts and lengths with nothing behind them.
        number(0xffff_fffe),
        number(0x7fff_fffe),
        [number(0xffff_fff0), vec![0; 1000]].concat(),
        [number(9), vec![0], number(0xffff_ffff), vec![0; 999]].concat(),
        // Each of these claims all the bytes that are there.
        [number(1000), number(4000).repeat(1000)].concat(),
        [number(9), vec![0], number(2000)].concat().repeat(1000),
        [number(8), vec![0], number(2000), number(0)].concat().repeat(1000),
        [number(1024), vec![0], number(5000), vec![0xff; 5000]].concat(),
    ];
    for input in inputs {
        read_all(&input, StreamVersion::QT_5_15, ByteOrder::BigEndian);
    }
}

#[test]
fn lists_in_lists_end_before_the_stack_does() {
    silence();
    let bomb = b"\0\0\0\x09\0\0\0\0\x01".repeat(1_000_000);
    let run = move || {
        let mut stream = QDataStream::from_bytes(bomb);
        stream.start_transaction();
        assert_eq!(stream.read_qvariant(), QVariant::List(Vec::new()));
        assert_eq!(stream.status(), StreamStatus::ReadCorruptData);
        assert!(stream.commit_transaction().is_err());
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
}
