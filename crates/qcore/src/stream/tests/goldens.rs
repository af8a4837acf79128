//! Compares the bytes that real Qt writes, and the values that it reads, with ours.
//! tests/data/streams.cpp generated the tables.

use std::{collections::BTreeMap, fmt::Debug};

use super::{values::all, *};

const WRITTEN: &str = include_str!("../../../tests/data/streams-written.tsv");
const READ: &str = include_str!("../../../tests/data/streams-read.tsv");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn columns<const N: usize>(table: &str) -> impl Iterator<Item = [&str; N]> {
    table.lines().map(|line| line.split('\t').collect::<Vec<_>>().try_into().expect("columns"))
}

fn order(name: &str) -> ByteOrder {
    match name {
        "big" => ByteOrder::BigEndian,
        "little" => ByteOrder::LittleEndian,
        _ => panic!("{name}"),
    }
}

#[test]
fn what_qt_writes() {
    let values = all();
    for value in &values {
        assert!(columns(WRITTEN).any(|[name, _, _, _, _]| name == value.name), "{}", value.name);
    }
    let mut checked = 0;
    for [name, precision, byte_order, range, bytes] in columns(WRITTEN) {
        let value = values.iter().find(|value| value.name == name).expect(name);
        let precisions = match precision {
            "double" => &[FloatingPointPrecision::DoublePrecision][..],
            "single" => &[FloatingPointPrecision::SinglePrecision],
            "any" => {
                &[FloatingPointPrecision::DoublePrecision, FloatingPointPrecision::SinglePrecision]
            }
            _ => panic!("{precision}"),
        };
        let (from, to) = range.split_once('-').unwrap();
        for number in from.parse::<i32>().unwrap()..=to.parse().unwrap() {
            for &precision in precisions {
                let setup = |mut stream: QDataStream| {
                    stream.set_version(StreamVersion::try_from(number).unwrap());
                    stream.set_byte_order(order(byte_order));
                    stream.set_floating_point_precision(precision);
                    stream
                };
                let context = format!("{name} {number} {byte_order} {precision:?}");
                let mut out = setup(writing());
                (value.write)(&mut out);
                assert_eq!(hex(&out.into_bytes()), bytes, "writing {context}");

                let mut input = setup(reading(&unhex(bytes)));
                let mut again = setup(writing());
                let same = (value.read)(&mut input, &mut again);
                assert_eq!(input.status(), StreamStatus::Ok, "{context}");
                assert!(input.at_end(), "{context}");
                // Single precision rounds a double.
                let rounded = precision == FloatingPointPrecision::SinglePrecision && number >= 12;
                match is_lost(name, number) {
                    true => assert!(!same, "reading {context}"),
                    false => assert!(same || rounded, "reading {context}"),
                }
                let cut = name == "qstring_nul" && number < 2;
                if !cut && (!name.ends_with("unflagged_null") || number < 13) {
                    assert_eq!(hex(&again.into_bytes()), bytes, "{context}");
                }
                checked += 1;
            }
        }
    }
    assert_eq!(checked, values.len() * 19 * 2 * 2);
}

/// Returns whether this version cannot represent the value.
fn is_lost(name: &str, version: i32) -> bool {
    // A NUL is in this list too: in Latin-1 text it ends the string.
    const NOT_LATIN_1: [&str; 5] = [
        "qstring_accents",
        "qstring_astral",
        "qstring_lone_surrogate",
        "qstring_nul",
        "stringlist",
    ];
    const NULL_TEXT: [&str; 4] =
        ["qstring_null", "list_optional_string", "null_string", "variant_string_unflagged_null"];
    const NULL_BYTES: [&str; 3] =
        ["qbytearray_null", "null_bytearray", "variant_bytearray_unflagged_null"];
    let no_number = || {
        let kind = name.strip_prefix("variant_").or_else(|| name.strip_prefix("null_"));
        let kinds = "char hash long short cchar ulong ushort uchar float schar bytearraylist";
        kind.is_some_and(|kind| kinds.split(' ').any(|other| kind == other))
    };
    version < 2 && NOT_LATIN_1.contains(&name)
        || version < 3 && NULL_TEXT.contains(&name)
        || version < 6 && NULL_BYTES.contains(&name)
        || version < 7 && no_number()
}

/// Reads a value of this type and writes it again.
fn reread(kind: &str, input: &mut QDataStream, again: &mut QDataStream) {
    fn pass<T: FromStream + ToStream + Debug>(input: &mut QDataStream, again: &mut QDataStream) {
        again.write(&input.read::<T>());
    }
    match kind {
        "bool" => pass::<bool>(input, again),
        "i8" => pass::<i8>(input, again),
        "i16" => pass::<i16>(input, again),
        "i32" => pass::<i32>(input, again),
        "i64" => pass::<i64>(input, again),
        "f32" => pass::<f32>(input, again),
        "f64" => pass::<f64>(input, again),
        "qchar" => pass::<char>(input, again),
        "qstring" => again.write_utf16(input.read_utf16().as_deref()),
        "qbytearray" => pass::<Option<Vec<u8>>>(input, again),
        "bytes" => again.write_bytes(input.read_bytes()),
        "bits" => pass::<QBitArray>(input, again),
        "stringlist" => pass::<Vec<Option<String>>>(input, again),
        "list_i32" => pass::<Vec<i32>>(input, again),
        "list_list_u16" => pass::<Vec<Vec<u16>>>(input, again),
        "map_string_i32" => pass::<BTreeMap<String, i32>>(input, again),
        "pair_i32_string" => pass::<(i32, Option<String>)>(input, again),
        "qvariant" => pass::<QVariant>(input, again),
        _ => panic!("{kind}"),
    }
}

#[test]
fn what_qt_reads() {
    for [kind, version, byte_order, bytes, status, left, value] in columns(READ) {
        let context = format!("{kind} {version} {byte_order} {bytes}");
        let mut input = reading(&unhex(bytes));
        input.set_version(StreamVersion::try_from(version.parse::<i32>().unwrap()).unwrap());
        input.set_byte_order(order(byte_order));
        let mut again = writing();
        reread(kind, &mut input, &mut again);
        let again = hex(&again.into_bytes());

        let status = match status {
            "0" => StreamStatus::Ok,
            "1" => StreamStatus::ReadPastEnd,
            "2" => StreamStatus::ReadCorruptData,
            _ => panic!("{status}"),
        };
        // Qt swaps the two halves, even of values that it has written itself.
        if kind == "i64" && input.version() < StreamVersion::QT_3_3 {
            let whole = status == StreamStatus::Ok;
            assert_eq!(again, if whole { "fffffffffffffffe" } else { "0000000000000000" });
            assert_eq!((input.status(), input.medium.available()), (status, 0), "{context}");
            continue;
        }
        // After an unknown type, Qt reads on as if it had read a value.
        if status != input.status() && input.status() == StreamStatus::ReadCorruptData {
            assert_eq!((kind, value), ("qvariant", "0000000001"), "{context}");
            assert_eq!(again, value, "{context}");
            continue;
        }
        assert_eq!(input.status(), status, "{context}");
        // For a type that cannot be read, Qt still returns a value.
        if status != StreamStatus::ReadCorruptData || kind != "qvariant" {
            assert_eq!(again, value, "{context}");
            let left: usize = left.parse().unwrap();
            assert_eq!(input.medium.available(), left, "{context}");
        }
    }
}
