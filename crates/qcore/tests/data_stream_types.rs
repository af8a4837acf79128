//! Qt's tests of QDataStream for each type. A value comes back unchanged from bytes, from a device
//! that can seek and from a sequential one, in both byte orders.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use qcore::{
    OpenMode, QBuffer, QDataStream, QIODevice,
    io_device::DeviceBackend,
    stream::{
        ByteOrder, FromStream, QBitArray, QVariant, StreamStatus, StreamVersion, ToStream,
        VariantType,
    },
};

fn reading(bytes: impl AsRef<[u8]>) -> QDataStream {
    QDataStream::from_bytes(bytes.as_ref())
}

fn writing() -> QDataStream {
    QDataStream::from_bytes(Vec::new())
}

/// A sequential device with these bytes.
struct Sequential(QBuffer);

impl DeviceBackend for Sequential {
    fn class_name(&self) -> &'static str {
        "Sequential"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn bytes_available(&self) -> usize {
        self.0.bytes_available()
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, qcore::DeviceError> {
        self.0.read_into(data)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, qcore::DeviceError> {
        self.0.write(data)
    }
}

/// Returns streams that read `bytes`: from memory, from a buffer, and from a sequential device.
fn streams(bytes: &[u8]) -> [QDataStream; 3] {
    let buffer = || {
        let buffer = QBuffer::new();
        buffer.set_data(bytes);
        buffer.open(OpenMode::READ_ONLY).unwrap();
        buffer
    };
    let sequential = QIODevice::new(Sequential(buffer()));
    sequential.open(OpenMode::READ_ONLY).unwrap();
    [QDataStream::from_bytes(bytes), QDataStream::new(&buffer()), QDataStream::new(&sequential)]
}

/// Checks that each value comes back in every way of writing and reading it.
#[track_caller]
fn come_back<T: FromStream + ToStream + PartialEq + Debug>(values: impl IntoIterator<Item = T>) {
    for value in values {
        for order in [ByteOrder::BigEndian, ByteOrder::LittleEndian] {
            let mut out = writing();
            out.set_byte_order(order);
            out.write(&value);
            assert_eq!(out.status(), StreamStatus::Ok);
            let buffer = QBuffer::new();
            buffer.open(OpenMode::WRITE_ONLY).unwrap();
            let mut to_device = QDataStream::new(&buffer);
            to_device.set_byte_order(order);
            to_device.write(&value);
            let bytes = out.into_bytes();
            assert_eq!(buffer.data(), bytes);

            for mut input in streams(&bytes) {
                input.set_byte_order(order);
                assert_eq!(input.read::<T>(), value);
                assert_eq!(input.status(), StreamStatus::Ok);
                assert!(input.at_end());
            }
        }
    }
}

#[test]
fn stream_bool() {
    come_back([true, false]);
    assert!(reading(b"\x02").read_bool());
}

#[test]
fn stream_qint64() {
    come_back([0i64, 1, -1, 4096, -(1 << 31), 1 << 40, -(1 << 40), i64::MIN, i64::MAX]);
    come_back([0u64, 1, 1 << 63, u64::MAX]);
}

#[test]
fn stream_qbitarray() {
    let bits = |text: &str| text.chars().map(|c| c == '1').collect::<QBitArray>();
    come_back(["", "0", "1", "11", "0100110", "11001101", "000000001"].map(bits));
}

#[test]
fn stream_qbytearray() {
    // A null array comes back null, an empty one empty.
    come_back([None, Some(Vec::new()), Some(b"\0\xff".to_vec()), Some(vec![7; 70_000])]);
}

#[test]
fn stream_qstring() {
    let texts = [None, Some(""), Some("hello"), Some("\u{feff}grüße\0"), Some("日本語 😀")];
    come_back(texts.map(|text| text.map(str::to_owned)));
}

#[test]
fn stream_map() {
    let maps = [vec![], vec![("a", 1)], vec![("a", 1), ("b", -2), ("", 3)]];
    let maps = maps.map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)));
    come_back(maps.clone().map(|map| map.collect::<BTreeMap<String, i32>>()));
    come_back(maps.map(|map| QVariant::Map(map.map(|(key, i)| (key, i.into())).collect())));
}

#[test]
fn stream_multi_map() {
    // A list of pairs keeps the order in which a QMultiMap writes the values of a key.
    let pairs = [(2u8, "c"), (1, "a"), (1, "b"), (1, "a")];
    come_back([pairs.map(|(key, value)| (key, value.to_owned())).to_vec(), Vec::new()]);
}

#[test]
fn stream_hash() {
    let hash: HashMap<u16, String> = (0..50).map(|i| (i, format!("{i}"))).collect();
    come_back([hash, HashMap::new()]);
}

#[test]
fn stream_multi_hash() {
    // A map has one value for each key: the one that value() of a QHash returns in Qt after reading
    // the same data.
    let mut out = writing();
    out.write(&vec![("k".to_owned(), 1), ("l".to_owned(), 2), ("k".to_owned(), 3)]);
    let hash = reading(out.into_bytes()).read::<HashMap<String, i32>>();
    assert_eq!(hash, HashMap::from([("k".to_owned(), 3), ("l".to_owned(), 2)]));
}

#[test]
fn stream_qbytearray2() {
    let mut out = writing();
    out.write_qbytearray(b"hallo");
    let bytes = out.into_bytes();
    assert_eq!(bytes, b"\0\0\0\x05hallo");
    assert_eq!(reading(&bytes).read_qbytearray(), b"hallo");

    // Written bytes are appended after the existing ones.
    let mut both = reading(&bytes);
    both.write_qbytearray(b"!");
    assert_eq!(
        (both.read_qbytearray(), both.read_qbytearray()),
        (b"hallo".to_vec(), b"!".to_vec())
    );
    assert!(both.at_end());

    let closed = QBuffer::new();
    closed.set_data(&bytes[..]);
    let mut input = QDataStream::new(&closed);
    assert_eq!(input.read_optional_qbytearray(), Some(Vec::new()));
    assert_eq!(input.status(), StreamStatus::ReadPastEnd);
    closed.open(OpenMode::READ_ONLY).unwrap();
    input.reset_status();
    assert_eq!(input.read_qbytearray(), b"hallo");
}

#[test]
fn status_charptr_qbytearray() {
    for (bytes, as_array, as_text, c_status) in [
        (&b"\0\0\0\0"[..], StreamStatus::Ok, &b""[..], StreamStatus::Ok),
        (b"\0\0\0\x02a\0", StreamStatus::Ok, b"a", StreamStatus::Ok),
        (b"\0\0\0\x03a\0", StreamStatus::ReadPastEnd, b"", StreamStatus::ReadPastEnd),
        (b"\xff\xff\xff\xffab", StreamStatus::Ok, b"", StreamStatus::ReadPastEnd),
        (b"\xff\xff\xff\xfeab", StreamStatus::ReadPastEnd, b"", StreamStatus::ReadPastEnd),
    ] {
        for mut input in streams(bytes) {
            input.read_qbytearray();
            assert_eq!(input.status(), as_array, "{bytes:?}");
        }
        for mut input in streams(bytes) {
            assert_eq!(input.read_c_string().as_bytes(), as_text, "{bytes:?}");
            assert_eq!(input.status(), c_status, "{bytes:?}");
        }
    }
}

// ---- old versions

#[test]
fn compatibility_qt2() {
    let version = |mut stream: QDataStream, version| {
        stream.set_version(version);
        stream
    };
    // The first versions write Latin-1, without null strings and with few characters.
    let mut out = version(writing(), StreamVersion::QT_1_0);
    out.write_qstring("fünf €");
    out.write_optional_qstring(None);
    let bytes = out.into_bytes();
    assert_eq!(bytes, b"\0\0\0\x06f\xfcnf ?\0\0\0\0");
    let mut input = version(reading(bytes), StreamVersion::QT_1_0);
    assert_eq!(input.read_qstring(), "fünf ?");
    assert_eq!(input.read_optional_qstring().as_deref(), Some(""));

    let mut out = version(writing(), StreamVersion::QT_2_0);
    out.write_optional_qstring(None);
    out.write_qstring("€");
    assert_eq!(out.into_bytes(), b"\0\0\0\0\0\0\0\x02\x20\xac");
    let mut out = version(writing(), StreamVersion::QT_2_1);
    out.write_optional_qstring(None);
    out.write_optional_qbytearray(None);
    assert_eq!(out.into_bytes(), b"\xff\xff\xff\xff\0\0\0\0");
}

#[test]
fn compatibility_qt3() {
    let mut stream = writing();
    stream.set_version(StreamVersion::QT_3_3);
    stream.write_qvariant(&b"hello"[..].into());
    assert_eq!(stream.read_uint32(), 29, "a QByteArray in Qt 3");
    assert_eq!(stream.read_qbytearray(), b"hello");

    // Types that Qt 3 did not have are written as an invalid variant.
    stream.write_qvariant(&QVariant::Null(VariantType::Char));
    stream.write_qvariant(&QVariant::from(1.5f32));
    stream.write_qvariant(&5.into());
    assert_eq!(stream.read_qvariant(), QVariant::Invalid);
    assert_eq!(stream.read_qvariant(), QVariant::Invalid);
    assert_eq!(stream.read_qvariant(), QVariant::Int(5));
    assert_eq!(stream.status(), StreamStatus::Ok);

    qcore::install_message_handler(Some(Box::new(|_, _| ())));
    for unknown in [10u32, 36, 43, 1024, u32::MAX] {
        let mut input = reading(unknown.to_be_bytes());
        input.set_version(StreamVersion::QT_3_3);
        assert_eq!(input.read_qvariant(), QVariant::Invalid);
        assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    }
}

#[test]
fn sixty_four_bits_in_two_halves() {
    for (order, old) in [
        (ByteOrder::BigEndian, b"\x01\x02\x03\x04\x05\x06\x07\x08"),
        (ByteOrder::LittleEndian, b"\x04\x03\x02\x01\x08\x07\x06\x05"),
    ] {
        let mut stream = writing();
        stream.set_byte_order(order);
        stream.set_version(StreamVersion::QT_3_1);
        stream.write_int64(0x0102_0304_0506_0708);
        // Qt reads this as 0x0506070801020304.
        assert_eq!(stream.read_uint64(), 0x0102_0304_0506_0708);
        assert_eq!(stream.into_bytes(), old);
    }
}
