//! The results of reading data that is too short or invalid.

use std::collections::{BTreeMap, HashMap};

use qcore::{
    OpenMode, QBuffer, QDataStream,
    stream::{FromStream, QBitArray, StreamStatus},
};

const MIB: usize = 1024 * 1024;

fn reading(bytes: impl AsRef<[u8]>) -> QDataStream {
    QDataStream::from_bytes(bytes.as_ref())
}

fn writing() -> QDataStream {
    QDataStream::from_bytes(Vec::new())
}

fn buffer(bytes: impl AsRef<[u8]>) -> QBuffer {
    let buffer = QBuffer::new();
    buffer.set_data(bytes.as_ref());
    buffer.open(OpenMode::READ_ONLY).unwrap();
    buffer
}

#[test]
fn too_few_bytes_are_zero() {
    fn check<T: FromStream + Default + PartialEq + std::fmt::Debug>(size: usize) {
        for there in 0..size {
            let mut input = reading(vec![0xff; there]);
            assert_eq!(input.read::<T>(), T::default());
            assert_eq!(input.status(), StreamStatus::ReadPastEnd);
            assert!(input.at_end());
        }
        let mut input = reading(vec![0x41; size]);
        assert_ne!(input.read::<T>(), T::default());
        assert_eq!(input.status(), StreamStatus::Ok);
    }
    check::<bool>(1);
    check::<i8>(1);
    check::<u8>(1);
    check::<i16>(2);
    check::<u16>(2);
    check::<char>(2);
    check::<i32>(4);
    check::<u32>(4);
    check::<i64>(8);
    check::<u64>(8);
    check::<f32>(8);
    check::<f64>(8);
}

#[test]
fn the_first_error_stays() {
    let mut input = reading(b"\0\0\0\x01a\0\0\0\x03abc");
    assert_eq!(input.read_qstring(), "");
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    input.set_status(StreamStatus::Ok);
    input.skip_raw_data(100);
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    input.reset_status();
    assert_eq!(input.status(), StreamStatus::Ok);
}

#[test]
fn an_earlier_error_stops_no_read_outside_a_transaction() {
    let mut input = reading(b"\0\x07\0\0\0\x02\0a\0\0\0\x01\0\x05\0\0\0\x02\0\x05");
    input.set_status(StreamStatus::ReadCorruptData);
    assert_eq!(input.read_int16(), 7);
    assert_eq!(input.read_qstring(), "a");
    assert_eq!(input.read::<Vec<u16>>(), [5]);
    assert!(input.read::<Vec<u16>>().is_empty()); // too short
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);

    // A later error of another kind does not replace the earlier one. Valid data is still read.
    for status in [StreamStatus::ReadPastEnd, StreamStatus::ReadCorruptData] {
        let bytes = b"\0\0\0\x01\0\x05\0\0\0\x02\0a\0\0\0\x01\0\x06\0\0\0\x01b";
        let read_both = |mut input: QDataStream| {
            input.set_status(status);
            let good = input.read::<BTreeMap<u16, String>>();
            let corrupt = input.read::<BTreeMap<u16, String>>();
            let short = input.read::<BTreeMap<u16, String>>();
            assert_eq!(input.status(), status);
            (good, corrupt, short)
        };
        let (good, corrupt, short) = read_both(reading(bytes));
        assert_eq!(good, BTreeMap::from([(5, "a".to_owned())]));
        assert_eq!((corrupt.len(), short.len()), (0, 0));
        let mut hash = reading(bytes);
        hash.set_status(status);
        assert_eq!(hash.read::<HashMap<u16, String>>(), HashMap::from([(5, "a".to_owned())]));
        assert_eq!(hash.read::<HashMap<u16, String>>(), HashMap::new());
        assert_eq!(hash.status(), status);
        let mut list = reading(b"\0\0\0\x01\0\0\0\x02\0a\0\0\0\x01\0\0\0\x01b");
        list.set_status(status);
        assert_eq!(list.read_qstringlist(), ["a"]);
        assert_eq!(list.read_qstringlist(), [""; 0]);
        assert_eq!(list.status(), status);
    }
}

#[test]
fn an_error_stops_all_reads_in_a_transaction() {
    for mut input in [reading(b"abcdef"), QDataStream::new(&buffer(b"abcdef"))] {
        input.start_transaction();
        input.read_int8();
        input.set_status(StreamStatus::ReadPastEnd);
        assert_eq!(input.read_int8(), 0);
        assert_eq!(input.read_raw_data(&mut [0]), 0);
        assert_eq!(input.skip_raw_data(1), 0);
        assert_eq!(input.read::<Vec<u8>>(), b"");
        assert!(input.commit_transaction().is_err());
        assert_eq!(input.read_int8(), b'a' as i8);
    }
}

/// Sizes at which reading in steps could go wrong.
fn sizes() -> impl Iterator<Item = usize> {
    let small = [0, 1, 2, 63, 64, 65, 65_535, 65_536];
    let large = [MIB - 2, MIB - 1, MIB, MIB + 1, MIB + 2, 3 * MIB - 1, 3 * MIB, 3 * MIB + 1];
    small.into_iter().chain(large)
}

#[test]
fn byte_arrays_and_their_lengths() {
    for size in sizes() {
        let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
        let mut out = writing();
        out.write_qbytearray(&bytes);
        let message = out.into_bytes();
        let whole = |mut input: QDataStream| {
            assert_eq!(input.read_qbytearray(), bytes);
            assert_eq!(input.status(), StreamStatus::Ok);
        };
        whole(reading(&message));
        whole(QDataStream::new(&buffer(&message)));
        // As a char* they have the same format.
        let mut input = QDataStream::new(&buffer(&message));
        assert_eq!(input.read_bytes(), bytes);
        assert_eq!(input.status(), StreamStatus::Ok);
        if size > 0 {
            let short = &message[..message.len() - 1];
            for mut input in [reading(short), QDataStream::new(&buffer(short))] {
                assert_eq!(input.read_optional_qbytearray(), None);
                assert_eq!(input.status(), StreamStatus::ReadPastEnd);
                assert!(input.at_end());
            }
            let mut input = reading(short);
            assert_eq!(input.read_bytes(), b"");
            assert_eq!(input.status(), StreamStatus::ReadPastEnd);
        }
    }
    let mut input = reading(b"\xff\xff\xff\xff");
    assert_eq!(input.read_optional_qbytearray(), None);
    assert_eq!(input.status(), StreamStatus::Ok);
    let mut input = reading(b"\xff\xff\xff\xff");
    assert_eq!(input.read_bytes(), b"");
    assert_eq!(input.status(), StreamStatus::ReadPastEnd);
    let mut input = reading(b"\xff\xff\xff\xfe");
    assert_eq!(input.read_qbytearray(), b"");
    assert_eq!(input.status(), StreamStatus::ReadPastEnd);
}

#[test]
fn strings_and_their_lengths() {
    for size in sizes() {
        let text: String = ('a'..='z').cycle().take(size / 2).collect();
        let mut out = writing();
        out.write_qstring(&text);
        let message = out.into_bytes();
        assert_eq!(message.len(), 4 + size / 2 * 2);
        assert_eq!(reading(&message).read_qstring(), text);
        if size > 1 {
            let mut input = reading(&message[..message.len() - 1]);
            assert_eq!(input.read_qstring(), "");
            assert_eq!(input.status(), StreamStatus::ReadPastEnd);
        }
    }
    for (message, status) in [
        (&b"\xff\xff\xff\xfeab"[..], StreamStatus::ReadPastEnd),
        (b"\x7f\xff\xff\xfeab", StreamStatus::ReadPastEnd),
        (b"\xff\xff\xff\xfdab", StreamStatus::ReadCorruptData),
        (b"yyyyy", StreamStatus::ReadCorruptData),
        (b"\0\0\0\x03abc", StreamStatus::ReadCorruptData),
        (b"\xff\xff\xff\xffab", StreamStatus::Ok),
    ] {
        let mut input = reading(message);
        assert_eq!(input.read_qstring(), "");
        assert_eq!(input.status(), status, "{message:?}");
    }
}

#[test]
fn bits_past_the_end_are_corrupt() {
    let read = |bytes: &[u8]| {
        let mut input = reading(bytes);
        (input.read::<QBitArray>(), input.status())
    };
    let none = QBitArray::default();
    assert_eq!(read(b"\0\0\0\x07\x80"), (none.clone(), StreamStatus::ReadCorruptData));
    assert_eq!(read(b"\0\0\0\x09\x80\x02"), (none.clone(), StreamStatus::ReadCorruptData));
    assert_eq!(read(b"\0\0\0\x09\x80"), (none.clone(), StreamStatus::ReadPastEnd));
    assert_eq!(read(b"\xff\xff\xff\xff\x80"), (none.clone(), StreamStatus::ReadPastEnd));
    assert_eq!(read(b"\0\0\0\0"), (none, StreamStatus::Ok));
    let (bits, status) = read(b"\0\0\0\x09\x81\x01");
    assert_eq!(status, StreamStatus::Ok);
    assert_eq!(format!("{bits:?}"), "QBitArray(100000011)");
    assert_eq!(bits.len(), 9);
    assert!(bits.test_bit(8) && !bits.test_bit(9));
}

#[test]
fn containers_are_whole_or_empty() {
    fn check<T: FromStream + Default + PartialEq + std::fmt::Debug>(bytes: &[u8], whole: T) {
        let mut input = reading(bytes);
        assert_eq!(input.read::<T>(), whole);
        assert_eq!(input.status(), StreamStatus::Ok);
        for cut in 0..bytes.len() {
            let mut input = reading(&bytes[..cut]);
            assert_eq!(input.read::<T>(), T::default());
            assert_eq!(input.status(), StreamStatus::ReadPastEnd);
        }
    }
    let one = b"\0\0\0\x02\0\0\0\x02\0a\0\0\0\x02\0b";
    check(one, vec!["a".to_owned(), "b".to_owned()]);
    let two = b"\0\0\0\x02\0\x01\0\0\0\x02\0a\0\x02\0\0\0\x02\0b";
    check(two, BTreeMap::from([(1u16, "a".to_owned()), (2, "b".to_owned())]));
    check(two, HashMap::from([(1u16, "a".to_owned()), (2, "b".to_owned())]));
    check(two, vec![(1u16, "a".to_owned()), (2, "b".to_owned())]);

    let mut corrupt = reading(b"\0\0\0\x02\0\0\0\x02\0a\0\0\0\x01b");
    assert_eq!(corrupt.read_qstringlist(), [""; 0]);
    assert_eq!(corrupt.status(), StreamStatus::ReadCorruptData);
    let bytes = b"\0\0\0\x02\0\x01\0\0\0\x02\0a\0\x02\0\0\0\x01b";
    let mut corrupt = reading(bytes);
    assert_eq!(corrupt.read::<BTreeMap<u16, String>>(), BTreeMap::new());
    assert_eq!(corrupt.status(), StreamStatus::ReadCorruptData);
    let mut corrupt = reading(bytes);
    assert_eq!(corrupt.read::<HashMap<u16, String>>(), HashMap::new());
    assert_eq!(corrupt.status(), StreamStatus::ReadCorruptData);

    let mut twice = reading(b"\0\0\0\x02\x05\0\x05\x01");
    assert_eq!(twice.read::<BTreeMap<u8, bool>>(), BTreeMap::from([(5, true)]));
}

#[test]
fn items_that_take_no_bytes_cannot_be_many() {
    #[derive(Debug, PartialEq)]
    struct Nothing;

    impl FromStream for Nothing {
        fn read_from(_: &mut QDataStream) -> Self {
            Nothing
        }
    }

    let mut input = reading(b"\xff\xff\xff\xfe");
    assert_eq!(input.read::<Vec<Nothing>>(), []);
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);
}
