//! Text streams over devices: positions, codecs, byte order marks and the status. The tests are
//! those of Qt's own; text_stream_goldens.rs compares much more with real Qt.

use std::{
    cell::{Cell, RefCell},
    fmt::Write as _,
    rc::Rc,
};

use proptest::prelude::*;
use qcore::{
    DeviceError, DeviceErrorKind, OpenMode, QBuffer, QIODevice, QTextStream,
    io_device::DeviceBackend,
    text_stream::{Manipulator::*, NumberFlags, TextCodec, TextStreamStatus},
};

fn open(data: impl Into<Vec<u8>>, mode: OpenMode) -> QBuffer {
    let buffer = QBuffer::new();
    buffer.set_data(data);
    buffer.open(mode).unwrap();
    buffer
}

fn reading(data: impl Into<Vec<u8>>) -> QTextStream {
    QTextStream::new(&open(data, OpenMode::READ_ONLY))
}

// ---- position

#[test]
fn seek_and_pos() {
    let mut stream = reading("αβγ one\r\ntwo");
    assert_eq!(stream.pos(), Some(0));
    assert_eq!(stream.read_char(), 'α');
    assert_eq!(stream.pos(), Some(2));
    assert_eq!(stream.read_line().as_deref(), Some("βγ one"));
    assert_eq!(stream.pos(), Some(12));
    assert_eq!(stream.read_all(), "two");
    assert_eq!(stream.pos(), Some(15));
    stream.seek(0).unwrap();
    assert_eq!(stream.read_all(), "αβγ one\r\ntwo");
    assert_eq!(stream.seek(-1).unwrap_err(), DeviceErrorKind::InvalidArgument);

    let mut stream = QTextStream::from_string("äb");
    assert_eq!((stream.read(1), stream.pos()), ("ä".to_owned(), Some(2)));
    stream.seek(0).unwrap();
    for wrong in [-1, 1, 4, i64::MAX] {
        assert_eq!(stream.seek(wrong).unwrap_err(), DeviceErrorKind::InvalidArgument, "{wrong}");
    }
    assert_eq!(stream.read_all(), "äb");
}

/// Checks the position after each character, and reading on from there.
fn check_positions(codec: TextCodec, mode: OpenMode, text: &str) {
    let encoded = |text: &str| {
        let mut out = QTextStream::from_bytes(Vec::new());
        out.set_codec(codec);
        out.write(text);
        out.into_bytes()
    };
    let is_text = mode.contains(OpenMode::TEXT);
    let expected: String = text.chars().filter(|&c| !is_text || c != '\r').collect();
    let step = 1 + text.len() / 50;
    let make = || {
        let mut stream = QTextStream::new(&open(encoded(text), OpenMode::READ_ONLY | mode));
        stream.set_codec(codec);
        stream
    };
    let mut one = make();
    let mut read = String::new();
    while !one.at_end() {
        read.push_str(&one.read(step));
        let position = one.pos().unwrap();
        assert_eq!(one.device().unwrap().pos(), position);
        // Without asking for it on the way, the position is the same.
        let mut other = make();
        assert_eq!(other.read(read.chars().count()), read);
        assert_eq!(other.pos(), Some(position), "{codec:?} {mode:?} {}", read.len());
        other.seek(position).unwrap();
        assert_eq!(read.clone() + &other.read_all(), expected);
        if !is_text {
            assert_eq!(position, encoded(&read).len() as i64, "{codec:?}");
        }
    }
    assert_eq!(read, expected);
}

#[test]
fn positions_in_every_codec() {
    let text = "aé漢😀\r\nb漢\r\r\nかな x\n";
    for codec in [TextCodec::UTF8, TextCodec::UTF16, TextCodec::UTF16_BE, TextCodec::UTF32_LE] {
        for mode in [OpenMode::empty(), OpenMode::TEXT] {
            check_positions(codec, mode, text);
            // Across the edge of the read buffer.
            for more in [4_090, 8_188, 16_375, 16_381, 16_383] {
                check_positions(codec, mode, &("x".repeat(more) + text + "rest"));
            }
        }
    }
    check_positions(TextCodec::LATIN1, OpenMode::TEXT, "aéü\r\nb\r\r\n\n");
    #[cfg(feature = "codecs")]
    for name in ["Shift_JIS", "EUC-JP", "GB18030", "Big5", "windows-1252"] {
        let codec = TextCodec::from_name(name).unwrap();
        let text = if name == "windows-1252" { "aéü€\r\n" } else { "a漢字\r\n漢b\r\r\n" };
        check_positions(codec, OpenMode::TEXT, text);
        check_positions(codec, OpenMode::empty(), &("x".repeat(16_383) + text + "rest"));
    }
}

#[cfg(feature = "codecs")]
#[test]
fn positions_with_a_shift_state() {
    let codec = TextCodec::from_name("ISO-2022-JP").unwrap();
    let mut out = QTextStream::from_bytes(Vec::new());
    out.set_codec(codec);
    out.write(&"漢字".repeat(10_000)).write("a");
    let mut stream = QTextStream::from_bytes(out.into_bytes());
    stream.set_codec(codec);
    assert_eq!(stream.read(15_001).chars().last(), Some('漢'));
    let position = stream.pos().unwrap();
    assert_eq!(position, 3 + 2 * 15_001);
    assert_eq!(stream.read(1), "字"); // the shift state is kept
    assert!(stream.read_all().ends_with("字a"));
}

#[test]
fn reading_and_writing_in_turns() {
    let buffer = open("name=???;rest", OpenMode::READ_WRITE);
    let mut stream = QTextStream::new(&buffer);
    assert_eq!(stream.read(5), "name=");
    assert_eq!(stream.pos(), Some(5));
    stream.write("Ada");
    stream.flush();
    assert_eq!(stream.read_all(), ";rest");
    stream.write("+");
    stream.seek(0).unwrap();
    assert_eq!(stream.read_line().as_deref(), Some("name=Ada;rest+"));
}

#[test]
fn utf8_incomplete_at_buffer_boundary() {
    for before in 16_380..16_390 {
        let text = format!("{}€\n€", "x".repeat(before));
        assert_eq!(reading(text.clone()).read_all(), text);
        let mut stream = reading(text.clone());
        assert_eq!(stream.read(before), "x".repeat(before));
        assert_eq!(stream.pos(), Some(before as i64)); // half a character does not count
        assert_eq!(stream.read_all(), "€\n€");
    }
}

#[test]
fn text_mode_on_empty_read() {
    let buffer = open("", OpenMode::READ_ONLY | OpenMode::TEXT);
    let mut stream = QTextStream::new(&buffer);
    assert_eq!(stream.read_line(), None);
    assert!(buffer.is_text_mode_enabled());
}

// ---- codecs and marks

#[test]
fn write_seek_write_no_bom() {
    for name in ["UTF-16", "UTF-8", "UTF-32BE"] {
        let buffer = open("", OpenMode::READ_WRITE);
        let mut out = QTextStream::new(&buffer);
        out.set_codec(TextCodec::from_name(name).unwrap());
        out.set_generate_byte_order_mark(true);
        out.write("abc").flush();
        let first = buffer.data();
        out.seek(first.len() as i64).unwrap();
        out.write("def").flush();
        let mut input = reading(buffer.data());
        assert_eq!(input.read_all(), "abcdef", "{name}");
        assert!(!out.generate_byte_order_mark());
    }
}

#[test]
fn generate_bom() {
    for mark in [false, true] {
        let mut out = QTextStream::from_bytes(Vec::new());
        out.set_codec(TextCodec::UTF16_LE);
        if mark {
            out.write(&Bom);
        }
        out.write("Hi");
        out.set_generate_byte_order_mark(true); // too late
        let expected: &[u8] = if mark { b"\xff\xfeH\0i\0" } else { b"H\0i\0" };
        assert_eq!(out.into_bytes(), expected);
    }
}

#[test]
fn read_bom_seek_back_read_bom_again() {
    for (data, codec) in [
        (&b"\xef\xbb\xbfab"[..], TextCodec::UTF8),
        (b"\xff\xfea\0b\0", TextCodec::UTF16_LE),
        (b"\xfe\xff\0a\0b", TextCodec::UTF16_BE),
    ] {
        let mut stream = reading(data);
        for _ in 0..3 {
            assert_eq!(stream.read_all(), "ab");
            assert_eq!(stream.codec(), codec);
            stream.seek(0).unwrap();
            assert_eq!(stream.pos(), Some(0));
        }
    }
}

#[test]
fn set_codec() {
    let mut stream = reading(*b"f\xfc\nf\xc3\xbc\nf\xfc");
    stream.set_codec(TextCodec::LATIN1);
    assert_eq!(stream.read_line().as_deref(), Some("fü"));
    stream.set_codec(TextCodec::UTF8);
    assert_eq!(stream.read_line().as_deref(), Some("fü"));
    stream.set_codec(TextCodec::LATIN1);
    assert_eq!(stream.read_line().as_deref(), Some("fü"));
}

#[test]
fn names_of_codecs() {
    for (name, expected) in [
        ("utf8", Some("UTF-8")),
        ("Latin1", Some("ISO-8859-1")),
        ("utf-16_le", Some("UTF-16LE")),
        ("unicode-1-1-utf-8", cfg!(feature = "codecs").then_some("UTF-8")),
        ("CP1252", cfg!(feature = "codecs").then_some("windows-1252")),
        ("sjis", cfg!(feature = "codecs").then_some("Shift_JIS")),
        ("x-user-defined", None),
        ("replacement", None),
        ("", None),
        ("no such", None),
    ] {
        assert_eq!(TextCodec::from_name(name).map(TextCodec::name), expected, "{name}");
    }
    for name in ["ISO-8859-1", "UTF-8", "UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF-32BE"] {
        assert_eq!(TextCodec::from_name(name).unwrap().name(), name);
    }
}

// ---- status

#[test]
fn status_of_reads() {
    use TextStreamStatus::{Ok, ReadCorruptData, ReadPastEnd};
    let mut stream = reading("123 abc   ");
    assert_eq!((stream.read_int32(), stream.status()), (123, Ok));
    assert_eq!((stream.read_int32(), stream.status()), (0, ReadCorruptData));
    stream.set_status(ReadPastEnd);
    assert_eq!(stream.status(), ReadCorruptData); // the first one stays
    stream.reset_status();
    assert_eq!((stream.read_word(), stream.status()), ("abc".to_owned(), Ok));
    assert_eq!((stream.read_int32(), stream.status()), (0, ReadPastEnd));
    stream.reset_status();
    assert_eq!((stream.read_word(), stream.status()), (String::new(), ReadPastEnd));

    let mut stream = reading("1.23 abc   ");
    assert_eq!((stream.read_double(), stream.status()), (1.23, Ok));
    assert_eq!((stream.read_double(), stream.status()), (0.0, ReadCorruptData));
    stream.reset_status();
    assert_eq!((stream.read_word(), stream.status()), ("abc".to_owned(), Ok));
    assert_eq!((stream.read_double(), stream.status()), (0.0, ReadPastEnd));
}

/// A device that takes a number of bytes and then no more.
#[derive(Default)]
struct Limited {
    room: Cell<usize>,
    data: RefCell<Vec<u8>>,
}

struct LimitedBackend(Rc<Limited>);

impl DeviceBackend for LimitedBackend {
    fn class_name(&self) -> &'static str {
        "Limited"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
        Ok(0)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        let count = data.len().min(self.0.room.get());
        self.0.room.set(self.0.room.get() - count);
        self.0.data.borrow_mut().extend_from_slice(&data[..count]);
        Ok(count)
    }
}

#[test]
fn status_write_error() {
    let limited = Rc::new(Limited::default());
    let device = QIODevice::new(LimitedBackend(limited.clone()));
    device.open(OpenMode::WRITE_ONLY).unwrap();
    let mut out = QTextStream::new(&device);
    out.write("hello");
    assert_eq!(out.status(), TextStreamStatus::Ok);
    out.flush();
    assert_eq!(out.status(), TextStreamStatus::WriteFailed);
    assert!(write!(out, "more").is_err());
    limited.room.set(100);
    out.write("more").flush();
    drop(out);
    assert_eq!(*limited.data.borrow(), b"");

    limited.room.set(3);
    let mut out = QTextStream::new(&device);
    out.write("hello").flush();
    assert_eq!(out.status(), TextStreamStatus::WriteFailed);
    assert_eq!(*limited.data.borrow(), b"hel");
}

#[test]
fn after_a_read_error_nothing_is_written() {
    let buffer = open("x", OpenMode::READ_WRITE);
    let mut stream = QTextStream::new(&buffer);
    stream.read_int32();
    stream.write("y").flush();
    assert_eq!(buffer.data(), b"x");
    stream.reset_status();
    stream.seek(1).unwrap();
    assert_eq!(buffer.data(), b"xy");
}

#[test]
fn what_is_kept_before_the_device() {
    let buffer = open("", OpenMode::WRITE_ONLY);
    let mut out = QTextStream::new(&buffer);
    out.write(&"x".repeat(16_384));
    assert_eq!(buffer.data().len(), 0);
    out.write("y");
    assert_eq!(buffer.data().len(), 16_385);
    out.write(&Endl);
    assert_eq!(buffer.data().len(), 16_386);
}

#[test]
fn still_open_when_at_end() {
    let buffer = open("one\ntwo", OpenMode::READ_ONLY);
    let mut stream = QTextStream::new(&buffer);
    while !stream.at_end() {
        stream.read_line();
    }
    assert!(buffer.is_open());
    assert!(format!("{stream:?}").contains("UTF-8"));
}

/// A device that panics when it is read.
struct Panics;

impl DeviceBackend for Panics {
    fn class_name(&self) -> &'static str {
        "Panics"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
        panic!("the device is broken");
    }

    fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::NotWritable.into())
    }
}

#[test]
fn a_device_that_panics_keeps_its_text_mode() {
    let device = QIODevice::new(Panics);
    device.open(OpenMode::READ_ONLY | OpenMode::TEXT).unwrap();
    let mut stream = QTextStream::new(&device);
    let read = std::panic::AssertUnwindSafe(|| stream.read_line());
    assert!(std::panic::catch_unwind(read).is_err());
    assert!(device.is_text_mode_enabled());
}

/// A device that gives a few bytes at once, so that the stream meets the edge of what it has read
/// everywhere.
struct Pieces {
    left: RefCell<Vec<u8>>,
    size: usize,
}

impl DeviceBackend for Pieces {
    fn class_name(&self) -> &'static str {
        "Pieces"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, out: &mut [u8]) -> Result<usize, DeviceError> {
        let mut left = self.left.borrow_mut();
        let count = self.size.min(out.len()).min(left.len());
        out[..count].copy_from_slice(&left[..count]);
        left.drain(..count);
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::NotWritable.into())
    }
}

/// Reads a value of one kind and describes it, the status and the position in the text.
fn describe(stream: &mut QTextStream, kind: u8) -> String {
    let value = match kind {
        0 => format!("{:?}", stream.read_int64()),
        1 => format!("{:?}", stream.read_uint16()),
        2 => format!("{:?}", stream.read_double().to_bits()),
        3 => format!("{:?}", stream.read_word()),
        4 | 5 => format!("{:?}", stream.read(3)),
        6 => {
            stream.set_integer_base(if stream.integer_base() == 0 { 10 } else { 0 });
            String::new()
        }
        _ => format!("{:?}", stream.read_line()),
    };
    let status = stream.status();
    stream.reset_status();
    format!("{kind}: {value} {status:?}")
}

proptest! {
    /// What is read does not depend on how much of it the stream has.
    #[test]
    fn reading_in_pieces(
        parts in prop::collection::vec(
            prop_oneof![
                "[ \\t\\n]{1,2}",
                "[-+]?[0-9]{1,22}",
                "[-+]?[0-9]{0,9}[.][0-9]{0,9}",
                "[-+]?[0-9]{1,16}[.][0-9]{1,20}[eE]?[-+]?[0-9]{0,2}",
                "0[xXbB0]?[0-9a-f]{0,4}",
                "[a-zé漢\u{a0}\u{661}.]{1,3}",
                Just("\r\n".to_owned()),
            ],
            0..30,
        ),
        kinds in prop::collection::vec(0u8..8, 1..30),
        size in 1usize..4,
    ) {
        // The text ends with a space, where reading a line looks for more.
        let text = parts.concat() + " ";
        let device = QIODevice::new(Pieces { left: RefCell::new(text.clone().into()), size });
        device.open(OpenMode::READ_ONLY).unwrap();
        let mut pieces = QTextStream::new(&device);
        let mut whole = QTextStream::from_bytes(text.clone());
        let mut string = QTextStream::from_string(text);
        for kind in kinds {
            let expected = describe(&mut pieces, kind);
            prop_assert_eq!(&describe(&mut whole, kind), &expected);
            prop_assert_eq!(&describe(&mut string, kind), &expected);
        }
        let rest = pieces.read_all();
        prop_assert_eq!(&whole.read_all(), &rest);
        prop_assert_eq!(&string.read_all(), &rest);
    }

    /// A number is the same in a string, over a device, and in a field.
    #[test]
    fn numbers_in_every_medium(
        real in prop_oneof![any::<f64>(), (0i64..1 << 40).prop_map(|n| n as f64 * 0.005)],
        integer in any::<i64>(),
        shift in 0u32..64,
        precision in 0usize..20,
        notation in 0u8..3,
        flags in 0u32..32,
    ) {
        let write = |mut stream: QTextStream| {
            stream.write(&[Reset, Fixed, Scientific][usize::from(notation)]);
            stream.write(&RealNumberPrecision(precision));
            stream.set_number_flags(NumberFlags::from_bits_truncate(flags));
            stream.write(&real).write(&' ').write(&(integer >> shift)).write(&'é');
            stream
        };
        let text = write(QTextStream::from_string("")).into_string();
        let bytes = write(QTextStream::from_bytes(Vec::new())).into_bytes();
        prop_assert_eq!(text.as_bytes(), &bytes);
        let mut field = QTextStream::from_bytes(Vec::new());
        field.set_field_width(1);
        prop_assert_eq!(text.as_bytes(), &write(field).into_bytes());
    }
}
