//! What Qt's own tests of `QTextStream` pin down. text_stream_goldens.rs compares much more with
//! real Qt.

#![allow(clippy::approx_constant)] // Qt's tests use these numbers

use std::{
    env,
    ffi::CString,
    fmt::Write as _,
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use qcore::{
    DeviceError, DeviceErrorKind, OpenMode, QBuffer, QIODevice, QTextStream,
    io_device::DeviceBackend,
    text_stream::{
        FieldAlignment, Manipulator::*, NumberFlags, RealNumberNotation, TextCodec,
        TextStreamStatus, ToText,
    },
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

fn reading_text(text: &str) -> QTextStream {
    reading(text)
}

fn over_string(text: &str) -> QTextStream {
    QTextStream::from_string(text)
}

fn written(write: impl FnOnce(&mut QTextStream)) -> String {
    let mut out = QTextStream::from_string("");
    write(&mut out);
    out.into_string()
}

/// Returns what the values are when written.
fn all(values: &[&dyn ToText]) -> String {
    written(|out| values.iter().for_each(|value| value.write_to(out)))
}

fn lines(mut stream: QTextStream) -> Vec<String> {
    stream.lines().collect()
}

// ---- settings and construction

#[test]
fn get_set_check() {
    let mut stream = QTextStream::default();
    assert_eq!((stream.field_width(), stream.integer_base()), (0, 0));
    for number in [0, 1, 7, 100, i32::MAX as usize] {
        stream.set_field_width(number);
        stream.set_integer_base(number as u32);
        stream.set_real_number_precision(number);
        assert_eq!(stream.field_width(), number);
        assert_eq!(stream.integer_base(), number as u32);
        assert_eq!(stream.real_number_precision(), number);
    }
    stream.set_pad_char('…');
    stream.set_field_alignment(FieldAlignment::Center);
    stream.set_number_flags(NumberFlags::SHOW_BASE | NumberFlags::FORCE_SIGN);
    stream.set_real_number_notation(RealNumberNotation::Scientific);
    stream.set_auto_detect_unicode(false);
    assert_eq!(stream.pad_char(), '…');
    assert_eq!(stream.field_alignment(), FieldAlignment::Center);
    assert_eq!(stream.number_flags().bits(), 5);
    assert_eq!(stream.real_number_notation(), RealNumberNotation::Scientific);
    assert!(!stream.auto_detect_unicode());
    stream.set_codec(TextCodec::LATIN1);
    assert_eq!(stream.codec().name(), "ISO-8859-1");

    stream.reset();
    assert_eq!((stream.field_width(), stream.pad_char(), stream.integer_base()), (0, ' ', 0));
    assert_eq!((stream.real_number_precision(), stream.number_flags().bits()), (6, 0));
    assert_eq!(stream.real_number_notation(), RealNumberNotation::Smart);
    assert_eq!(stream.field_alignment(), FieldAlignment::Right);
    assert_eq!(stream.codec(), TextCodec::LATIN1);
}

#[test]
fn devices_that_do_not_read_or_write() {
    let closed = QBuffer::new();
    let mut stream = QTextStream::new(&closed);
    stream.write("lost");
    stream.flush();
    assert_eq!(stream.status(), TextStreamStatus::WriteFailed);
    assert!(stream.at_end());
    assert_eq!(stream.read_line(), None);

    let read_only = open("abc", OpenMode::READ_ONLY);
    let mut stream = QTextStream::new(&read_only);
    stream.write("lost");
    stream.flush();
    assert_eq!(stream.status(), TextStreamStatus::WriteFailed);
    assert_eq!(stream.read_all(), "abc");

    let write_only = open("abc", OpenMode::WRITE_ONLY);
    let mut stream = QTextStream::new(&write_only);
    assert_eq!(stream.read_all(), "");
    stream.write("x").flush();
    assert_eq!(write_only.data(), b"xbc");
}

#[test]
fn set_device() {
    let (first, second) =
        (open("one two", OpenMode::READ_WRITE), open("three", OpenMode::READ_ONLY));
    let mut stream = QTextStream::new(&first);
    assert_eq!(stream.read_word(), "one");
    stream.set_integer_base(16);
    stream.set_codec(TextCodec::UTF16);
    stream.set_device(&second);
    assert_eq!(stream.read_word(), "three");
    assert_eq!((stream.integer_base(), stream.codec()), (0, TextCodec::UTF8));

    // What has not been flushed goes to the old device.
    let (first, second) = (open("", OpenMode::WRITE_ONLY), open("", OpenMode::WRITE_ONLY));
    let mut stream = QTextStream::new(&first);
    stream.write("old");
    stream.set_device(&second);
    stream.write("new");
    stream.unset_device();
    assert_eq!((first.data(), second.data()), (b"old".to_vec(), b"new".to_vec()));
    stream.set_string("text");
    assert_eq!(stream.read_all(), "text");
}

// ---- lines

const ENDS: [(&str, &[&str]); 8] = [
    ("", &[]),
    ("\n", &[""]),
    ("a", &["a"]),
    ("ole\ndole", &["ole", "dole"]),
    ("ole\r\ndole\r\ndoffen", &["ole", "dole", "doffen"]),
    ("ole\n\ndole\n", &["ole", "", "dole"]),
    ("\r\n\r\n", &["", ""]),
    ("fünf\n€", &["fünf", "€"]),
];

#[test]
fn read_line_from_device() {
    for (text, expected) in ENDS {
        assert_eq!(lines(reading(text)), expected, "{text:?}");
        assert_eq!(lines(reading(format!("\u{feff}{text}"))), expected, "{text:?}");
        for codec in ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"] {
            let mut out = QTextStream::from_bytes(Vec::new());
            out.set_codec(TextCodec::from_name(codec).unwrap());
            out.set_generate_byte_order_mark(true);
            out.write(text);
            if !text.is_empty() {
                let mut stream = reading(out.into_bytes());
                assert_eq!(stream.lines().collect::<Vec<_>>(), expected, "{codec} {text:?}");
                assert_eq!(stream.codec().name(), codec);
            }
        }
    }
}

#[test]
fn read_line_from_string() {
    for (text, expected) in ENDS {
        assert_eq!(lines(QTextStream::from_string(text)), expected, "{text:?}");
    }
}

#[test]
fn read_line_from_text_device() {
    for (text, expected) in ENDS {
        let buffer = open(text, OpenMode::READ_ONLY | OpenMode::TEXT);
        assert_eq!(lines(QTextStream::new(&buffer)), expected, "{text:?}");
        assert!(buffer.is_text_mode_enabled());
    }
}

#[test]
fn read_line_until_null() {
    let mut stream = reading("one\n\n");
    assert_eq!(stream.read_line().as_deref(), Some("one"));
    assert_eq!(stream.read_line().as_deref(), Some(""));
    assert_eq!(stream.read_line(), None);
    assert_eq!(stream.read_line(), None);
    assert_eq!(stream.status(), TextStreamStatus::Ok);
}

#[test]
fn read_line_maxlen() {
    for make in [reading_text, over_string] {
        let mut stream = make("Hælå, Wörld\nnext");
        assert_eq!(stream.read_line_with_maxlen(5).as_deref(), Some("Hælå,"));
        assert_eq!(stream.read_line_with_maxlen(4).as_deref(), Some(" Wör"));
        assert_eq!(stream.read_line_with_maxlen(0).as_deref(), Some("ld"));
        assert_eq!(stream.read_line_with_maxlen(4).as_deref(), Some("next"));
        assert_eq!(stream.read_line_with_maxlen(4), None);
    }
    // A limit bounds the memory for a line that has no end.
    let mut stream = reading("x".repeat(100_000));
    let parts: Vec<_> = std::iter::from_fn(|| stream.read_line_with_maxlen(30_000)).collect();
    assert_eq!(parts.iter().map(String::len).collect::<Vec<_>>(), [30_000, 30_000, 30_000, 10_000]);
}

#[test]
fn read_lines_from_buffer_crcr() {
    let data = "Qt is cute!\r\r\n".repeat(10_000);
    let buffer = open(data, OpenMode::READ_ONLY | OpenMode::TEXT);
    let lines = lines(QTextStream::new(&buffer));
    assert_eq!(lines.len(), 10_000);
    assert!(lines.iter().all(|line| line == "Qt is cute!"));
}

#[test]
fn read_line_into() {
    let mut stream = reading("one\ntwo three\n");
    let mut line = String::from("old");
    assert!(stream.read_line_into(&mut line));
    assert_eq!(line, "one");
    assert!(stream.read_line_into_with_maxlen(&mut line, 3));
    assert_eq!(line, "two");
    assert!(stream.read_line_into(&mut line));
    assert_eq!(line, " three");
    assert!(!stream.read_line_into(&mut line));
    assert_eq!(line, "");
}

#[test]
fn read_line_from_string_then_change_string() {
    let mut stream = QTextStream::from_string("first");
    assert_eq!(stream.read_line().as_deref(), Some("first"));
    assert_eq!(stream.read_line(), None);
    stream.string_mut().unwrap().push_str(" and more");
    assert_eq!(stream.read_line().as_deref(), Some(" and more"));
    // A position that the new string does not have, or that is inside a character.
    *stream.string_mut().unwrap() = "é".to_owned();
    assert_eq!(stream.read_line(), None);
    stream.seek(0).unwrap();
    *stream.string_mut().unwrap() = "ab".to_owned();
    assert_eq!(stream.read(1), "a");
    *stream.string_mut().unwrap() = "éx".to_owned();
    assert_eq!(stream.read_all(), "x");
    assert_eq!(stream.pos(), Some(3));
}

#[test]
fn line_count() {
    for (text, count) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2), ("\r", 1)] {
        assert_eq!(lines(reading(text)).len(), count, "{text:?}");
    }
}

#[test]
fn performance() {
    let data = "The quick brown fox jumps over the lazy dog\n".repeat(50_000);
    let mut stream = reading(data.clone());
    assert_eq!(stream.lines().map(|line| line.len() + 1).sum::<usize>(), data.len());
    let mut words = reading(data.clone());
    let mut count = 0;
    while !words.read_word().is_empty() {
        count += 1;
    }
    assert_eq!(count, 9 * 50_000);
    assert_eq!(reading(data.clone()).read_all(), data);
}

#[test]
fn read_newlines() {
    for end in ["\n", "\r\n"] {
        for before in 16_380..16_390 {
            let data = format!("{}{end}x{end}", "y".repeat(before));
            for mode in [OpenMode::READ_ONLY, OpenMode::READ_ONLY | OpenMode::TEXT] {
                let lines = lines(QTextStream::new(&open(data.clone(), mode)));
                assert_eq!(lines.len(), 2, "{end:?} {before}");
                assert_eq!((lines[0].len(), &*lines[1]), (before, "x"), "{end:?} {before}");
            }
        }
    }
}

#[test]
fn read0d0d0a() {
    let buffer = open("one\r\r\ntwo\r\r\n", OpenMode::READ_ONLY | OpenMode::TEXT);
    let mut stream = QTextStream::new(&buffer);
    let mut lines = Vec::new();
    while !stream.at_end() {
        lines.push(stream.read_line());
    }
    assert_eq!(lines, [Some("one".to_owned()), Some("two".to_owned())]);
}

// ---- all, parts, words, characters

#[test]
fn read_all_from_device() {
    let mut stream = reading("one\r\ntwo\n");
    assert_eq!(stream.read_line().as_deref(), Some("one"));
    assert_eq!(stream.read_all(), "two\n");
    assert_eq!(stream.read_all(), "");
}

#[test]
fn read_all_from_string() {
    let mut stream = QTextStream::from_string("one\r\ntwo\n");
    assert_eq!(stream.read(3), "one");
    assert_eq!(stream.read_all(), "\r\ntwo\n");
}

#[test]
fn read() {
    let text = "αβγ".repeat(20_000);
    for size in [1, 3, 16_383, 16_384, 16_385, 60_000, 99_999] {
        let mut stream = reading(text.clone());
        let mut all = String::new();
        loop {
            let part = stream.read(size);
            if part.is_empty() {
                break;
            }
            assert!(part.chars().count() == size || stream.at_end());
            all.push_str(&part);
        }
        assert!(all == text, "{size}");
    }
}

#[test]
fn qchar_operators_from_device() {
    let mut stream = reading("a\n €");
    let read: Vec<char> = (0..4).map(|_| stream.read_char()).collect();
    assert_eq!(read, ['a', '\n', ' ', '€']);
    assert_eq!((stream.status(), stream.read_value::<char>()), (TextStreamStatus::Ok, '\0'));
    assert_eq!(stream.status(), TextStreamStatus::ReadPastEnd);
    let mut stream = reading(*b"\xff\xfe\xac\x20=\xd8\0\xde");
    assert_eq!((stream.read_char(), stream.read_char()), ('€', '😀'));
}

#[test]
fn words() {
    for make in [reading_text, over_string] {
        let mut stream = make("\r\n one\ttwo\u{a0}thrée  ");
        assert_eq!(stream.read_value::<String>(), "one");
        assert_eq!(stream.read_value::<CString>(), CString::from(c"two"));
        assert_eq!(stream.read_value::<Vec<u8>>(), b"thr\xe9e");
        assert_eq!(
            (stream.read_word(), stream.status()),
            (String::new(), TextStreamStatus::ReadPastEnd)
        );
        assert_eq!(make("").read_word(), "");
    }
    assert_eq!(reading(*b"\xef\xbb\xbf").read_word(), ""); // a lone mark is nothing
    let mut latin1 = reading(*b"\xef\xbb");
    latin1.set_codec(TextCodec::LATIN1);
    assert_eq!(latin1.read_word(), "ï»"); // half a mark is data
}

#[test]
fn skip_white_space() {
    let mut stream = reading(" \t\r\n\u{3000}x  ");
    stream.skip_white_space();
    assert_eq!(stream.read(1), "x");
    stream.write(&Ws);
    assert!(stream.at_end());
    stream.skip_white_space();
    assert_eq!(stream.status(), TextStreamStatus::Ok);
}

// ---- numbers

#[test]
fn integers_are_read() {
    let mut stream = reading("\r\n 0xdeadbeefZzzz");
    assert_eq!((stream.read_uint32(), stream.read_all().as_str()), (0xdead_beef, "Zzzz"));
    for (text, value) in [
        ("01419999", 97),
        ("0b1010102345", 42),
        ("18446744073709551617", 1),
        ("0X1F", 31),
        ("-12", 0u64.wrapping_sub(12)),
        ("0x", 0),
        ("a", 0),
        ("", 0),
    ] {
        assert_eq!(reading(text).read_uint64(), value, "{text}");
        assert_eq!(QTextStream::from_string(text).read_int16(), value as i16, "{text}");
        assert_eq!(reading(text).read_uint16(), value as u16, "{text}");
        assert_eq!(reading(text).read_int32(), value as i32, "{text}");
        assert_eq!(reading(text).read_int64(), value as i64, "{text}");
        assert_eq!(reading(text).read_value::<usize>(), value as usize, "{text}");
        assert_eq!(reading(text).read_value::<isize>(), value as isize, "{text}");
    }
    assert_eq!(reading(*b"\xff\xfe1\x002\0").read_int32(), 12);
}

#[test]
fn integers_are_written() {
    assert_eq!(all(&[&i16::MIN, &' ', &u16::MAX]), "-32768 65535");
    assert_eq!(all(&[&i32::MIN, &u32::MAX]), "-21474836484294967295");
    assert_eq!(all(&[&i64::MIN]), "-9223372036854775808");
    assert_eq!(all(&[&u64::MAX]), "18446744073709551615");
    assert_eq!(all(&[&usize::MAX]), usize::MAX.to_string());
    assert_eq!(all(&[&1_234_567, &isize::MIN]), format!("1234567{}", isize::MIN));
    assert_eq!(all(&[&-5i8, &200u8]), "-5200");
    assert_eq!(all(&[&true, &false]), "10");
}

#[test]
fn int_read_and_write_in_the_c_locale() {
    let mut stream = reading("12,345");
    assert_eq!((stream.read_int32(), stream.read_all().as_str()), (12, ",345"));
    assert_eq!(reading(".12345").read_int32(), 0);
    assert_eq!(all(&[&12345]), "12345");
}

#[test]
fn reals_are_read() {
    let mut stream = reading("  314e-02 314E+02\n-.5 nan -INF");
    assert_eq!((stream.read_double(), stream.read_float()), (3.14, 31400.0));
    assert_eq!(stream.read_value::<f64>(), -0.5);
    assert!(stream.read_value::<f32>().is_nan());
    assert_eq!(stream.read_double(), f64::NEG_INFINITY);
    assert_eq!((reading("").read_double(), reading("a").read_float()), (0.0, 0.0));
    // Unlike in Qt, every digit counts.
    assert_eq!(reading("1".repeat(300)).read_double(), "1".repeat(300).parse::<f64>().unwrap());
}

#[test]
fn double_write() {
    let with = |flags, notation, value: f64| {
        written(|out| {
            out.set_number_flags(flags);
            out.set_real_number_notation(notation);
            out.write(&value);
        })
    };
    use RealNumberNotation::{Scientific, Smart};
    assert_eq!(with(NumberFlags::empty(), Smart, 3.14159265), "3.14159");
    assert_eq!(all(&[&1.5f32]), "1.5");
    assert_eq!(with(NumberFlags::FORCE_SIGN, Smart, 1.23), "+1.23");
    let upper = NumberFlags::UPPERCASE_DIGITS;
    assert_eq!(with(NumberFlags::UPPERCASE_BASE, Smart, f64::INFINITY), "inf");
    assert_eq!(with(upper, Smart, f64::NEG_INFINITY), "-INF");
    assert_eq!(with(upper, Smart, f64::NAN), "NAN");
    assert_eq!(with(NumberFlags::empty(), Scientific, 123.4567), "1.234567e+02");
    assert_eq!(with(upper, Scientific, 123.4567), "1.234567E+02");

    for (precision, text) in
        [(0, "3"), (1, "3"), (2, "3.1"), (5, "3.1416"), (6, "3.14159"), (10, "3.14159")]
    {
        let precise = |out: &mut QTextStream| {
            out.write(&RealNumberPrecision(precision)).write(&3.14159);
        };
        assert_eq!(written(precise), text);
    }
    // More digits than there are cost no more memory than they take.
    let long = all(&[&Fixed, &RealNumberPrecision(70_000), &0.5]);
    assert_eq!(long, format!("0.5{}", "0".repeat(69_999)));
}

#[test]
fn hex_test() {
    let hex = |flags: &[_]| {
        written(|out| {
            out.write(&Hex);
            for flag in flags {
                out.write(flag);
            }
            out.write(&31);
        })
    };
    assert_eq!(hex(&[]), "1f");
    assert_eq!(hex(&[ShowBase]), "0x1f");
    assert_eq!(hex(&[ShowBase, UppercaseBase]), "0X1f");
    assert_eq!(hex(&[ShowBase, UppercaseDigits]), "0x1F");
    assert_eq!(hex(&[ShowBase, UppercaseDigits, NoShowBase, LowercaseDigits]), "1f");
    assert_eq!(all(&[&Hex, &-5]), "-5");
}

#[test]
fn bin_and_oct_test() {
    assert_eq!(all(&[&ShowBase, &Bin, &3]), "0b11");
    assert_eq!(all(&[&ShowBase, &UppercaseBase, &Bin, &3]), "0B11");
    assert_eq!(all(&[&ShowBase, &Oct, &31, &Dec, &7]), "0377");
}

#[test]
fn force_point_and_sign() {
    assert_eq!(all(&[&ForcePoint, &1.0, &' ', &1, &' ', &0, &' ', &-1]), "1.00000 1 0 -1");
    assert_eq!(all(&[&ForcePoint, &Fixed, &1.0, &NoForcePoint]), "1.000000");
    assert_eq!(all(&[&ForcePoint, &Scientific, &1.0]), "1.000000e+00");
    assert_eq!(
        all(&[&ForceSign, &1.2, &' ', &-1.2, &' ', &0.0, &NoForceSign, &1]),
        "+1.2 -1.2 +01"
    );
    // Qt writes both signs here.
    assert_eq!(all(&[&ForceSign, &Hex, &-5]), "-5");
}

// ---- fields

#[test]
fn manipulators() {
    let in_ten = |value: &dyn ToText| {
        written(|out| {
            out.write(&FieldWidth(10));
            value.write_to(out);
        })
    };
    assert_eq!(in_ten(&"text"), "      text");
    assert_eq!(in_ten(&5), "         5");
    assert_eq!(in_ten(&-1.5), "      -1.5");
    assert_eq!(in_ten(&'c'), "         c");
    assert_eq!(in_ten(&format_args!("{}-{}", 1, 2)), "       1-2");
    let all = written(|out| {
        out.write(&Left)
            .write(&FieldWidth(4))
            .write(&PadChar('.'))
            .write("a")
            .write(&Right)
            .write(&1);
        out.write(&Center).write("b").write(&Reset).write(&Endl);
        out.write(&Hex).write(&ShowBase).write(&-5);
    });
    assert_eq!(all, "a......1.b..\n-0x5");
    // What the standard library formats has no field.
    assert_eq!(
        written(|out| {
            out.set_field_width(9);
            write!(out, "{}", 5).unwrap();
        }),
        "5"
    );
}

#[test]
fn align_accounting_style() {
    let accounting = |width, value: &dyn ToText| {
        written(|out| {
            out.set_field_alignment(FieldAlignment::AccountingStyle);
            out.write(&PadChar('0')).write(&FieldWidth(width));
            value.write_to(out);
        })
    };
    assert_eq!(accounting(4, &-1), "-001");
    assert_eq!(accounting(6, &-1.2), "-001.2");
    assert_eq!(accounting(4, &"-1"), "00-1");
}

#[test]
fn a_wide_field_needs_little_memory() {
    let buffer = open("", OpenMode::WRITE_ONLY);
    let mut out = QTextStream::new(&buffer);
    out.write(&FieldWidth(1_000_000)).write("x");
    out.flush();
    let data = buffer.data();
    assert_eq!((data.len(), data.last()), (1_000_000, Some(&b'x')));
}

// ---- text and bytes written

#[test]
fn strings_are_written() {
    for (codec, bytes) in [
        ("ISO-8859-1", &b"f\xfc?"[..]),
        ("UTF-8", b"f\xc3\xbc\xe2\x82\xac"),
        ("UTF-16BE", b"\0f\0\xfc\x20\xac"),
    ] {
        let mut out = QTextStream::from_bytes(Vec::new());
        out.set_codec(TextCodec::from_name(codec).unwrap());
        out.write("fü").write(&String::from("€"));
        assert_eq!(out.into_bytes(), bytes, "{codec}");
    }
    assert_eq!(all(&[b"\xc3\xbc", &c"\xfc"]), "üü");
}

#[test]
fn zero_termination() {
    let buffer = open("", OpenMode::WRITE_ONLY);
    let mut out = QTextStream::new(&buffer);
    out.write("abc").write(&'\0');
    drop(out); // flushes
    assert_eq!(buffer.data(), b"abc\0");
}

#[test]
fn use_cases() {
    let buffer = open("", OpenMode::READ_WRITE);
    let mut stream = QTextStream::new(&buffer);
    stream.write(&4.15).write(&' ').write(&3).write(" abc üø");
    stream.seek(0).unwrap();
    assert_eq!((stream.read_double(), stream.read_int32()), (4.15, 3));
    assert_eq!((stream.read_word(), stream.read_word()), ("abc".to_owned(), "üø".to_owned()));
    assert!(stream.at_end());

    let mut stream = QTextStream::from_string("");
    writeln!(stream, "{} {}", 4.15, 3).unwrap();
    assert_eq!((stream.read_double(), stream.read_int32()), (4.15, 3));
}

// ---- standard input

/// A device over standard input.
struct Stdin;

impl DeviceBackend for Stdin {
    fn class_name(&self) -> &'static str {
        "Stdin"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        match std::io::stdin().read(data) {
            Ok(0) => Err(DeviceErrorKind::Closed.into()),
            Ok(count) => Ok(count),
            Err(error) => Err(DeviceError::new(DeviceErrorKind::Device, error.to_string())),
        }
    }

    fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::NotWritable.into())
    }
}

/// Not a test of its own: the child process of the next one.
#[test]
fn child_that_reads_stdin() {
    let Ok(what) = env::var("READ_STDIN") else { return };
    let stdin = QIODevice::new(Stdin);
    stdin.open(OpenMode::READ_ONLY).unwrap();
    let mut stream = QTextStream::new(&stdin);
    let result = match what.as_str() {
        "numbers" => {
            format!("{:?}", [stream.read_int32(), stream.read_int32(), stream.read_int32()])
        }
        "all" => format!("{:?}", stream.read_all()),
        _ => format!("{:?}", stream.lines().collect::<Vec<_>>()),
    };
    std::fs::write(env::var("RESULT").unwrap(), result).unwrap();
}

#[test]
fn read_stdin() {
    for (what, input, expected) in [
        ("numbers", "1\n2\n3\n", "[1, 2, 3]"),
        ("all", "hello\nworld\n", "\"hello\\nworld\\n\""),
        ("lines", "abc\r\ndef\n", "[\"abc\", \"def\"]"),
    ] {
        let result = env::temp_dir().join(format!("text_stream_{what}_{}", std::process::id()));
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "text_stream::child_that_reads_stdin", "--nocapture"])
            .env("READ_STDIN", what)
            .env("RESULT", &result)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(std::fs::read_to_string(&result).unwrap(), expected, "{what}");
        std::fs::remove_file(&result).unwrap();
    }
}

/// Small reads from a long string take time in proportion to what they read, not to the rest.
#[test]
fn small_reads_from_a_long_string() {
    const LENGTH: usize = 4 << 20;
    let mut stream = QTextStream::from_string("x".repeat(LENGTH));
    let mut count = 0;
    while let Some(part) = stream.read_line_with_maxlen(16) {
        count += part.len();
    }
    assert_eq!(count, LENGTH);
    stream.seek(0).unwrap();
    for _ in 0..LENGTH / 16 {
        assert_eq!(stream.read(16).len(), 16);
    }
    assert!(stream.at_end());
}

#[test]
fn huge_field_widths_and_precisions_are_limited() {
    const MAX: usize = 1_000_000;
    for huge in [MAX + 1, i32::MAX as usize, isize::MAX as usize, usize::MAX] {
        let mut out = QTextStream::from_string("");
        out.write(&FieldWidth(huge)).write("x").write(&1.5);
        assert_eq!((out.field_width(), out.string().unwrap().len()), (huge, 2 * MAX));

        // Over a device, the text does not gather in the stream.
        let mut out = QTextStream::from_bytes(Vec::new());
        out.set_field_width(huge);
        out.set_pad_char('🙂');
        out.set_field_alignment(FieldAlignment::Center);
        out.write("x");
        assert_eq!(out.into_bytes().len(), 4 * (MAX - 1) + 1);

        for (notation, around) in [
            (RealNumberNotation::Fixed, "1.".len()),
            (RealNumberNotation::Scientific, "1.e+00".len()),
            (RealNumberNotation::Smart, ".".len()),
        ] {
            for value in [1.5, 1e300, 1e-300, 0.0, f64::MAX, f64::MIN_POSITIVE] {
                let mut out = QTextStream::from_string("");
                out.set_number_flags(NumberFlags::FORCE_POINT);
                out.set_real_number_notation(notation);
                out.set_real_number_precision(huge);
                out.write(&value);
                assert_eq!(out.real_number_precision(), huge);
                let length = out.string().unwrap().len();
                assert!((MAX + around..MAX + around + 310).contains(&length), "{value} {length}");
            }
        }
    }
}

#[test]
fn huge_limits_of_reads() {
    let mut input = QTextStream::from_string("one\ntwo");
    assert_eq!(input.read_line_with_maxlen(usize::MAX).as_deref(), Some("one"));
    assert_eq!(input.read(usize::MAX), "two");
    let mut input = QTextStream::from_bytes("one\ntwo");
    assert_eq!(input.read_line_with_maxlen(usize::MAX).as_deref(), Some("one"));
    assert_eq!(input.read(usize::MAX), "two");
}
