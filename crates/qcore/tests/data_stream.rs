//! Reading and writing numbers, text, variants and user types.

use std::collections::{BTreeMap, HashMap};

use qcore::{
    OpenMode, QBuffer, QDataStream,
    stream::{
        ByteOrder, FloatingPointPrecision, FromStream, QVariant, StreamStatus, StreamVersion,
        ToStream, VariantType,
    },
};

fn reading(bytes: impl AsRef<[u8]>) -> QDataStream {
    QDataStream::from_bytes(bytes.as_ref())
}

fn writing() -> QDataStream {
    QDataStream::from_bytes(Vec::new())
}

// ---- floating point numbers

#[test]
fn precision_before_and_since_4_6() {
    use FloatingPointPrecision::{DoublePrecision, SinglePrecision};
    for (version, precision, float, double) in [
        (StreamVersion::QT_4_5, DoublePrecision, 4, 8),
        (StreamVersion::QT_4_5, SinglePrecision, 4, 8),
        (StreamVersion::QT_4_6, DoublePrecision, 8, 8),
        (StreamVersion::QT_4_6, SinglePrecision, 4, 4),
        (StreamVersion::QT_5_15, DoublePrecision, 8, 8),
        (StreamVersion::QT_5_15, SinglePrecision, 4, 4),
    ] {
        let setup = |mut stream: QDataStream| {
            stream.set_version(version);
            stream.set_floating_point_precision(precision);
            stream
        };
        let mut out = setup(writing());
        out.write_float(3.125);
        let bytes = out.into_bytes();
        let size = bytes.len();
        assert_eq!(setup(reading(bytes)).read_float(), 3.125);
        let mut out = setup(writing());
        out.write_double(3.125);
        let bytes = out.into_bytes();
        assert_eq!((size, bytes.len()), (float, double));
        assert_eq!(setup(reading(bytes)).read_double(), 3.125);
    }
}

#[test]
fn the_bits_of_nan_are_kept() {
    for order in [ByteOrder::BigEndian, ByteOrder::LittleEndian] {
        let bits = 0x7ff8_1234_5678_9abc;
        let mut stream = writing();
        stream.set_byte_order(order);
        stream.write_double(f64::from_bits(bits));
        stream.write_float(f32::from_bits(0xffc1_2345));
        assert_eq!(stream.read_double().to_bits(), bits);
        assert_eq!(stream.read_float().to_bits(), 0xffc1_2345);
    }
}

// ---- types

#[test]
fn types_of_ones_own() {
    #[derive(Clone, Debug, PartialEq)]
    struct Tree {
        color: Color,
        children: Vec<Tree>,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Color {
        Red,
        Green,
    }

    impl ToStream for Color {
        fn write_to(&self, stream: &mut QDataStream) {
            stream.write_int32(*self as i32);
        }
    }

    impl FromStream for Color {
        fn read_from(stream: &mut QDataStream) -> Self {
            match stream.read_int32() {
                0 => Color::Red,
                1 => Color::Green,
                _ => {
                    stream.set_status(StreamStatus::ReadCorruptData);
                    Color::Red
                }
            }
        }
    }

    impl ToStream for Tree {
        fn write_to(&self, stream: &mut QDataStream) {
            stream.write(&self.color).write(&self.children);
        }
    }

    impl FromStream for Tree {
        fn read_from(stream: &mut QDataStream) -> Self {
            Tree { color: stream.read(), children: stream.read() }
        }
    }

    let leaf = Tree { color: Color::Green, children: Vec::new() };
    let tree = Tree { color: Color::Red, children: vec![leaf.clone(), leaf] };
    let mut stream = writing();
    stream.write(&tree);
    assert_eq!(stream.read::<Tree>(), tree);
    assert_eq!(stream.into_bytes(), b"\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0");

    let mut corrupt = reading(b"\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0\x07\0\0\0\0");
    assert_eq!(corrupt.read::<Tree>(), Tree { color: Color::Red, children: Vec::new() });
    assert_eq!(corrupt.status(), StreamStatus::ReadCorruptData);

    // A tree of unlimited depth.
    let mut deep = reading(b"\0\0\0\0\0\0\0\x01".repeat(100_000));
    deep.read::<Tree>();
    assert_eq!(deep.status(), StreamStatus::ReadCorruptData);
}

#[test]
fn what_is_borrowed_can_be_written() {
    let mut stream = writing();
    let list: [&str; 2] = ["a", "b"];
    stream.write(&list[..]).write(&("key", &5u8)).write(&Some("x")).write(&None::<&str>);
    stream.write(c"c").write(&BTreeMap::from([("k", 1i8)]));
    assert_eq!(stream.read_qstringlist(), list);
    assert_eq!(stream.read::<(String, u8)>(), ("key".to_owned(), 5));
    assert_eq!(stream.read::<Option<String>>().as_deref(), Some("x"));
    assert_eq!(stream.read::<Option<String>>(), None);
    assert_eq!(stream.read_c_string().as_c_str(), c"c");
    assert_eq!(stream.read::<HashMap<String, i8>>(), HashMap::from([("k".to_owned(), 1)]));
    assert!(stream.at_end());
}

#[test]
fn a_character_beyond_16_bits_is_no_qchar() {
    let mut out = writing();
    out.write_qchar('😀');
    assert_eq!(out.status(), StreamStatus::WriteFailed);
    assert_eq!(out.into_bytes(), b"");
    assert_eq!(reading(b"\xd8\0").read_qchar(), '\u{fffd}');
}

#[test]
fn pyside_calls_a_qstring_a_string() {
    // PySide2's QDataStream.writeString("aé") writes these bytes.
    let mut out = writing();
    out.write_string("aé");
    let bytes = out.into_bytes();
    assert_eq!(bytes, b"\0\0\0\x04\0a\0\xe9");
    assert_eq!(reading(bytes).read_string(), "aé");
}

#[test]
fn lists_in_lists_are_not_written_deeper_than_they_are_read() {
    let nest =
        |depth: usize| (0..depth).fold(QVariant::Int(1), |inner, _| QVariant::List(vec![inner]));
    let mut stream = writing();
    stream.write_qvariant(&nest(128));
    assert_eq!(stream.status(), StreamStatus::Ok);
    assert_eq!(stream.read_qvariant(), nest(128));
    assert_eq!(stream.status(), StreamStatus::Ok);
    stream.write_qvariant(&nest(129));
    assert_eq!(stream.status(), StreamStatus::WriteFailed);
}

#[test]
fn variants_tell_what_they_are() {
    assert!(!QVariant::default().is_valid());
    assert!(QVariant::Invalid.is_null());
    let null = QVariant::Null(VariantType::Int);
    assert!(null.is_valid() && null.is_null());
    assert_eq!(null.kind(), VariantType::Int);
    assert_eq!(QVariant::from("a").kind().name(), "QString");
    assert_eq!(QVariant::from("a").as_str(), Some("a"));
    assert_eq!(QVariant::from(1.5f32).as_f64(), Some(1.5));
    assert_eq!(QVariant::from(-5i16).as_i64(), Some(-5));
    assert_eq!(QVariant::from(1).as_bool(), None);
    for id in 0..2000 {
        if let Ok(kind) = VariantType::try_from(id) {
            assert_eq!(i32::from(kind), id);
        }
    }
}

#[test]
fn variants_of_types_that_are_not_known_are_corrupt() {
    qcore::install_message_handler(Some(Box::new(|_, _| ())));
    for (bytes, version) in [
        (&b"\0\0\0\x0e\0\0\0\0\0"[..], StreamVersion::QT_5_15), // a QDate
        (b"\0\0\x13\x88\0", StreamVersion::QT_5_15),
        (b"\0\0\x04\0\0\0\0\0\x02A\0", StreamVersion::QT_5_15),
        (b"\0\0\0\x7f\0\0\0\0\x02A\0", StreamVersion::QT_4_8),
    ] {
        let mut input = reading(bytes);
        input.set_version(version);
        assert_eq!(input.read_qvariant(), QVariant::Invalid);
        assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    }
}

#[test]
fn everything_in_one_stream() {
    for order in [ByteOrder::BigEndian, ByteOrder::LittleEndian] {
        for device in [false, true] {
            let buffer = QBuffer::new();
            buffer.open(OpenMode::READ_WRITE).unwrap();
            let mut stream = if device { QDataStream::new(&buffer) } else { writing() };
            stream.set_byte_order(order);
            stream.write_int8(-1);
            stream.write_qstring("grüße");
            stream.write_float(1.5);
            stream.write(&vec![1u16, 2, 3]);
            stream.write(&BTreeMap::from([("k".to_owned(), QVariant::from("v"))]));
            stream.write_c_string(c"c");
            stream.write_raw_data(b"raw");
            stream.write_optional_qstring(None);
            stream.write_optional_qbytearray(None);
            stream.write_optional_qbytearray(Some(b""));
            if device {
                assert!(stream.at_end());
                buffer.seek(0).unwrap();
            }
            assert_eq!(stream.read_int8(), -1);
            assert_eq!(stream.read_qstring(), "grüße");
            assert_eq!(stream.read_float(), 1.5);
            assert_eq!(stream.read::<Vec<u16>>(), [1, 2, 3]);
            let map = stream.read::<BTreeMap<String, QVariant>>();
            assert_eq!(map["k"], QVariant::from("v"));
            assert_eq!(stream.read_c_string().as_c_str(), c"c");
            assert_eq!(stream.skip_raw_data(3), 3);
            assert_eq!(stream.read_optional_qstring(), None);
            assert_eq!(stream.read_optional_qbytearray(), None);
            assert_eq!(stream.read_optional_qbytearray(), Some(Vec::new()));
            assert_eq!(stream.status(), StreamStatus::Ok);
            assert!(stream.at_end());
        }
    }
}
