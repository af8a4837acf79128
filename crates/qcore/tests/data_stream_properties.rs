//! Any value comes back unchanged, in each version that can write it and in both byte orders, even
//! if it arrives in parts.

use std::collections::{BTreeMap, HashMap};

use proptest::{
    collection::{btree_map, hash_map, vec},
    prelude::*,
};
use qcore::{
    QDataStream,
    stream::{
        ByteOrder, FloatingPointPrecision, FromStream, QBitArray, QVariant, StreamErrorKind,
        StreamStatus, StreamVersion, ToStream,
    },
};

#[derive(Clone, Copy, Debug)]
struct Settings(StreamVersion, ByteOrder, FloatingPointPrecision);

impl Settings {
    fn stream(self, bytes: &[u8]) -> QDataStream {
        let mut stream = QDataStream::from_bytes(bytes);
        stream.set_version(self.0);
        stream.set_byte_order(self.1);
        stream.set_floating_point_precision(self.2);
        stream
    }
}

/// Generates settings with any version from this one on.
fn since(version: StreamVersion) -> impl Strategy<Value = Settings> {
    (i32::from(version)..=19, any::<bool>(), any::<bool>()).prop_map(|(version, little, single)| {
        let order = if little { ByteOrder::LittleEndian } else { ByteOrder::BigEndian };
        let precision = match single {
            true => FloatingPointPrecision::SinglePrecision,
            false => FloatingPointPrecision::DoublePrecision,
        };
        Settings(StreamVersion::try_from(version).unwrap(), order, precision)
    })
}

/// Generates floats that fit into single precision.
fn floats() -> impl Strategy<Value = f64> {
    any::<f32>().prop_map(f64::from)
}

fn bits() -> impl Strategy<Value = QBitArray> {
    vec(any::<bool>(), 0..30).prop_map(|bits| bits.into_iter().collect())
}

/// Generates variants. Null variants need version 4.2.
fn variants() -> impl Strategy<Value = QVariant> {
    let leaf = prop_oneof![
        Just(QVariant::Invalid),
        any::<bool>().prop_map_into(),
        any::<i8>().prop_map(QVariant::CChar),
        any::<i8>().prop_map_into(),
        any::<u8>().prop_map_into(),
        any::<i16>().prop_map_into(),
        any::<u16>().prop_map_into(),
        any::<i32>().prop_map_into(),
        any::<u32>().prop_map_into(),
        any::<i64>().prop_map_into(),
        any::<u64>().prop_map_into(),
        any::<i64>().prop_map(QVariant::Long),
        any::<u64>().prop_map(QVariant::ULong),
        any::<f32>().prop_map_into(),
        floats().prop_map_into(),
        (1u16..0xd800).prop_map(|unit| char::from_u32(unit.into()).unwrap().into()),
        any::<String>().prop_map_into(),
        vec(any::<String>(), 0..4).prop_map_into(),
        vec(any::<u8>(), 0..9).prop_map_into(),
        vec(vec(any::<u8>(), 0..9), 0..4).prop_map_into(),
        bits().prop_map_into(),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map_into(),
            btree_map(any::<String>(), inner.clone(), 0..5).prop_map_into(),
            hash_map(any::<String>(), inner, 0..5).prop_map_into(),
        ]
    })
}

/// Writes a value and reads it back.
fn back<T: ToStream + FromStream>(settings: Settings, value: &T) -> (T, StreamStatus, bool) {
    let mut stream = settings.stream(b"");
    stream.write(value);
    let value = stream.read();
    (value, stream.status(), stream.at_end())
}

macro_rules! comes_back {
    ($settings:expr, $($value:expr),*) => {
        $(
            let (value, status, at_end) = back($settings, &$value);
            prop_assert_eq!(value, $value);
            prop_assert_eq!(status, StreamStatus::Ok);
            prop_assert!(at_end);
        )*
    };
}

type Numbers = (bool, i8, u8, i16, u16, i32, u32, i64, u64);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn numbers(
        settings in since(StreamVersion::QT_1_0),
        numbers: Numbers,
        float: f32,
        double in floats(),
    ) {
        let (a, b, c, d, e, f, g, h, i) = numbers;
        comes_back!(settings, a, b, c, d, e, f, g, h, i, float, double);
    }

    #[test]
    fn text_and_bytes(
        settings in since(StreamVersion::QT_3_3),
        text: String,
        optional: Option<String>,
        bytes: Vec<u8>,
        optional_bytes: Option<Vec<u8>>,
        units: Option<Vec<u16>>,
        bits in bits(),
    ) {
        comes_back!(settings, text, optional, bytes, optional_bytes, bits);
        let mut stream = settings.stream(b"");
        stream.write_utf16(units.as_deref());
        prop_assert_eq!(stream.read_utf16(), units);
    }

    #[test]
    fn containers(
        settings in since(StreamVersion::QT_2_1),
        list: Vec<i16>,
        nested: Vec<Vec<Option<String>>>,
        map: BTreeMap<String, Vec<u8>>,
        hash: HashMap<u64, (bool, String)>,
        pairs: Vec<(u8, i64)>,
    ) {
        comes_back!(settings, list, nested, map, hash, pairs);
    }

    #[test]
    fn variants_come_back(settings in since(StreamVersion::QT_4_0), variant in variants()) {
        comes_back!(settings, variant);
    }

    #[test]
    fn in_parts(
        settings in since(StreamVersion::QT_4_0),
        variant in variants(),
        text: String,
        list: Vec<u16>,
    ) {
        let mut out = settings.stream(b"");
        out.write(&text).write(&list).write(&variant);
        let message = out.into_bytes();
        let read = |stream: &mut QDataStream| {
            (stream.read::<String>(), stream.read::<Vec<u16>>(), stream.read_qvariant())
        };
        for cut in 0..message.len() {
            let mut stream = settings.stream(&message[..cut]);
            prop_assert_eq!(stream.transaction(read).unwrap_err(), StreamErrorKind::ReadPastEnd);
            prop_assert_eq!(stream.status(), StreamStatus::ReadPastEnd);
            stream.reset_status();
            stream.write_raw_data(&message[cut..]);
            let whole = stream.transaction(read);
            prop_assert_eq!(whole, Ok((text.clone(), list.clone(), variant.clone())));
            prop_assert!(stream.at_end());
        }
    }
}
