//! The values of the tests. tests/data/streams.cpp has the same values under the same names.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::CString,
    rc::Rc,
};

use super::*;

type Read = dyn Fn(&mut QDataStream, &mut QDataStream) -> bool;

/// A value, with functions to write it and to check that reading returns it.
pub(super) struct Value {
    pub(super) name: &'static str,
    pub(super) write: Box<dyn Fn(&mut QDataStream)>,
    /// Returns whether the value read is the expected one. Also writes that value to the second
    /// stream.
    pub(super) read: Box<Read>,
}

impl Value {
    fn by(
        name: &'static str,
        write: impl Fn(&mut QDataStream) + 'static,
        read: impl Fn(&mut QDataStream, &mut QDataStream) -> bool + 'static,
    ) -> Self {
        Value { name, write: Box::new(write), read: Box::new(read) }
    }
}

/// A value of a type that can be both written and read.
fn value<T: ToStream + FromStream + PartialEq + 'static>(name: &'static str, value: T) -> Value {
    compared(name, value, T::eq)
}

fn compared<T: ToStream + FromStream + 'static>(
    name: &'static str,
    value: T,
    same: fn(&T, &T) -> bool,
) -> Value {
    let value = Rc::new(value);
    let expected = value.clone();
    Value::by(
        name,
        move |out| {
            out.write(&*value);
        },
        move |input, again| {
            let value = input.read::<T>();
            again.write(&value);
            same(&value, &expected)
        },
    )
}

fn float(name: &'static str, value: f32) -> Value {
    compared(name, value, |a, b| a.to_bits() == b.to_bits())
}

fn double(name: &'static str, value: f64) -> Value {
    compared(name, value, |a, b| a.to_bits() == b.to_bits())
}

fn text(name: &'static str, text: &str) -> Value {
    value(name, text.to_owned())
}

fn variant(name: &'static str, variant: impl Into<QVariant>) -> Value {
    value(name, variant.into())
}

/// A null variant. Before Qt 4.2 the format marks no null variants. Only strings and byte arrays
/// can be null by themselves.
fn null(name: &'static str, kind: VariantType) -> Value {
    Value::by(
        name,
        move |out| out.write_qvariant(&QVariant::Null(kind)),
        move |input, again| {
            let value = input.read_qvariant();
            again.write(&value);
            let flagged = input.version() >= StreamVersion::QT_4_2;
            let own = matches!(kind, VariantType::String | VariantType::ByteArray);
            value.kind() == kind && value.is_null() == (flagged || own)
        },
    )
}

fn pairs<V, const N: usize>(pairs: [(&str, V); N]) -> Vec<(String, V)> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn strings<const N: usize>(list: [&str; N]) -> Vec<String> {
    list.map(str::to_owned).to_vec()
}

fn bits(len: usize, set: &[usize]) -> QBitArray {
    (0..len).map(|index| set.contains(&index)).collect()
}

fn map<V, const N: usize>(entries: [(&str, V); N]) -> BTreeMap<String, V> {
    pairs(entries).into_iter().collect()
}

/// Returns all values.
pub(super) fn all() -> Vec<Value> {
    [numbers(), texts(), containers(), variants()].into_iter().flatten().collect()
}

fn numbers() -> Vec<Value> {
    vec![
        value("bool_false", false),
        value("bool_true", true),
        value("i8_min", i8::MIN),
        value("i8_-2", -2i8),
        value("i8_max", i8::MAX),
        value("u8_0", 0u8),
        value("u8_max", u8::MAX),
        value("i16_min", i16::MIN),
        value("i16_258", 258i16),
        value("u16_258", 258u16),
        value("u16_max", u16::MAX),
        value("i32_min", i32::MIN),
        value("i32_-2", -2i32),
        value("u32_16909060", 16_909_060u32),
        value("u32_max", u32::MAX),
        value("i64_min", i64::MIN),
        value("i64_-2", -2i64),
        value("u64_72623859790382856", 72_623_859_790_382_856u64),
        value("u64_max", u64::MAX),
        float("f32_0", 0.0),
        float("f32_-0", -0.0),
        float("f32_1.5", 1.5),
        float("f32_0.1", 0.1),
        float("f32_max", f32::MAX),
        float("f32_tiny", f32::from_bits(1)),
        float("f32_inf", f32::INFINITY),
        float("f32_-inf", f32::NEG_INFINITY),
        float("f32_nan", f32::from_bits(0x7fc0_0000)),
        float("f32_nan_payload", f32::from_bits(0xffc0_0123)),
        double("f64_0", 0.0),
        double("f64_-0", -0.0),
        double("f64_1.5", 1.5),
        double("f64_0.1", 0.1),
        double("f64_1e300", 1e300),
        double("f64_tiny", f64::from_bits(1)),
        double("f64_inf", f64::INFINITY),
        double("f64_-inf", f64::NEG_INFINITY),
        double("f64_nan", f64::from_bits(0x7ff8_0000_0000_0000)),
        double("f64_nan_payload", f64::from_bits(0xfff8_0000_2000_0000)),
    ]
}

fn texts() -> Vec<Value> {
    vec![
        value("qchar_0", '\0'),
        value("qchar_a", 'a'),
        value("qchar_euro", '€'),
        value("qstring_null", None::<String>),
        value("qstring_empty", Some(String::new())),
        text("qstring_ascii", "hello"),
        text("qstring_accents", "fünf €"),
        text("qstring_astral", "😀"),
        text("qstring_nul", "\0b"),
        Value::by(
            "qstring_lone_surrogate",
            |out| out.write_utf16(Some(&[0xd800, u16::from(b'x'), 0xdc00])),
            |input, again| {
                let units = input.read_utf16();
                again.write_utf16(units.as_deref());
                let text = units.as_deref().map(String::from_utf16_lossy);
                text.as_deref() == Some("\u{fffd}x\u{fffd}")
            },
        ),
        value("qbytearray_null", None::<Vec<u8>>),
        value("qbytearray_empty", Some(Vec::<u8>::new())),
        value("qbytearray_bytes", b"a\0\xff".to_vec()),
        value("cstring_empty", CString::default()),
        value("cstring_abc", c"abc".to_owned()),
        bytes("bytes_empty", b""),
        bytes("bytes_4", b"a\0\xff!"),
        Value::by(
            "raw_abc",
            |out| out.write_raw_data(b"abc"),
            |input, again| {
                let mut raw = [0; 3];
                let count = input.read_raw_data(&mut raw);
                again.write_raw_data(raw);
                count == 3 && raw == *b"abc"
            },
        ),
    ]
}

fn bytes(name: &'static str, bytes: &'static [u8]) -> Value {
    Value::by(
        name,
        move |out| out.write_bytes(bytes),
        move |input, again| {
            let read = input.read_bytes();
            again.write_bytes(&read);
            read == bytes
        },
    )
}

fn containers() -> Vec<Value> {
    vec![
        value("bits_0", bits(0, &[])),
        value("bits_1", bits(1, &[0])),
        value("bits_8", bits(8, &[1, 7])),
        value("bits_11", bits(11, &[0, 9])),
        value("stringlist_empty", strings([])),
        value("stringlist", strings(["a", "", "€"])),
        value("list_optional_string", vec![Some("a".to_owned()), None, Some(String::new())]),
        value("list_i32", vec![1, -1, 70_000]),
        value("list_u8", vec![1u8, 2, 255]),
        value("list_bool", vec![true, false]),
        value("list_f32", vec![1.5f32, -2.0]),
        value("list_f64", vec![1.5, 0.1]),
        value("list_bytes", vec![b"ab".to_vec(), Vec::new()]),
        value("list_list_u16", vec![vec![1u16, 2], vec![], vec![3]]),
        value("map_empty", map::<i32, 0>([])),
        value("map_string_i32", map([("a", 1), ("b", 2), ("c", 3)])),
        value("map_i32_string", BTreeMap::from([(-1, "x".to_owned()), (5, "y".to_owned())])),
        value("map_u8_list", BTreeMap::from([(1u8, vec![1i16]), (2, vec![])])),
        value("multimap", pairs([("b", 3), ("a", 1), ("a", 2)])),
        value("hash_empty", HashMap::<String, f64>::new()),
        value("hash_string_f64", HashMap::from([("k".to_owned(), 0.5)])),
        value("pair_i32_string", (7, "seven".to_owned())),
        value("pair_pair", ((true, 9u8), 2.5)),
    ]
}

fn variants() -> Vec<Value> {
    use VariantType as T;
    let list = vec![
        1.into(),
        "two".into(),
        QVariant::Invalid,
        4.5.into(),
        vec![QVariant::Bool(true)].into(),
    ];
    // The variant's null flag is not set, but its value is null.
    let unflagged = |name, kind| {
        Value::by(
            name,
            move |out| {
                let mut flagged = writing();
                flagged.set_version(out.version());
                flagged.set_byte_order(out.byte_order());
                flagged.write_qvariant(&QVariant::Null(kind));
                let mut bytes = flagged.into_bytes();
                if out.version() >= StreamVersion::QT_4_2 {
                    assert_eq!(std::mem::take(&mut bytes[4]), 1);
                }
                out.write_raw_data(&bytes);
            },
            move |input, again| {
                let value = input.read_qvariant();
                if input.version() < StreamVersion::QT_4_0 {
                    again.write_qvariant(&value);
                } else {
                    again.write_uint32(kind as u32);
                    if input.version() >= StreamVersion::QT_4_2 {
                        again.write_bool(false);
                    }
                    again.write_optional_qstring(None);
                }
                value == QVariant::Null(kind)
            },
        )
    };
    vec![
        variant("variant_invalid", QVariant::Invalid),
        variant("variant_bool", true),
        variant("variant_int", -5),
        variant("variant_uint", 5u32),
        variant("variant_longlong", -5_000_000_000i64),
        variant("variant_ulonglong", 5_000_000_000u64),
        variant("variant_double", 0.1),
        variant("variant_char", '€'),
        variant("variant_map", map([("a", QVariant::from(1)), ("b", "x".into())])),
        variant("variant_map_empty", BTreeMap::new()),
        variant("variant_list", list),
        variant("variant_list_empty", Vec::<QVariant>::new()),
        variant("variant_string", "text"),
        variant("variant_string_empty", ""),
        unflagged("variant_string_unflagged_null", T::String),
        variant("variant_stringlist", strings(["a", "b"])),
        variant("variant_bytearray", &b"\0\x01"[..]),
        variant("variant_bytearray_empty", &b""[..]),
        unflagged("variant_bytearray_unflagged_null", T::ByteArray),
        variant("variant_bits", bits(3, &[1])),
        variant("variant_hash", HashMap::from([("k".to_owned(), QVariant::from(1))])),
        variant("variant_long", QVariant::Long(-6)),
        variant("variant_short", -7i16),
        variant("variant_cchar", QVariant::CChar(b'c' as i8)),
        variant("variant_ulong", QVariant::ULong(6)),
        variant("variant_ushort", 7u16),
        variant("variant_uchar", 200u8),
        variant("variant_float", 0.1f32),
        variant("variant_schar", -8i8),
        variant("variant_bytearraylist", vec![b"a".to_vec(), Vec::new()]),
        null("null_bool", T::Bool),
        null("null_int", T::Int),
        null("null_uint", T::UInt),
        null("null_longlong", T::LongLong),
        null("null_ulonglong", T::ULongLong),
        null("null_double", T::Double),
        null("null_char", T::Char),
        null("null_map", T::Map),
        null("null_list", T::List),
        null("null_string", T::String),
        null("null_stringlist", T::StringList),
        null("null_bytearray", T::ByteArray),
        null("null_bits", T::BitArray),
        null("null_hash", T::Hash),
        null("null_long", T::Long),
        null("null_short", T::Short),
        null("null_cchar", T::CChar),
        null("null_ulong", T::ULong),
        null("null_ushort", T::UShort),
        null("null_uchar", T::UChar),
        null("null_float", T::Float),
        null("null_schar", T::SChar),
        null("null_bytearraylist", T::ByteArrayList),
    ]
}
