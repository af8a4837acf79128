//! No input makes a text stream panic, and the memory allocated is in proportion to the bytes that
//! are there.

#[path = "common/peak.rs"]
mod peak;

use std::hint::black_box;

use proptest::{collection::vec, prelude::*};
use qcore::{
    DeviceError, OpenMode, QBuffer, QIODevice, QTextStream,
    io_device::DeviceBackend,
    text_stream::{Manipulator, TextCodec, TextStreamStatus},
};

/// The most bytes allocated for each byte of input. A byte of Latin-1 may be two of UTF-8, and
/// text, source and result exist at the same time; all of them may just have grown.
const MULTIPLE: usize = 24;
/// The bytes that are allowed even without input: the buffers for reading.
const AT_LEAST: usize = 128 * 1024;

const CODECS: [TextCodec; 8] = [
    TextCodec::UTF8,
    TextCodec::LATIN1,
    TextCodec::UTF16,
    TextCodec::UTF16_BE,
    TextCodec::UTF16_LE,
    TextCodec::UTF32,
    TextCodec::UTF32_BE,
    TextCodec::UTF32_LE,
];

fn codec(number: u8) -> TextCodec {
    #[cfg(feature = "codecs")]
    if number >= 128 {
        let names = ["Shift_JIS", "EUC-JP", "ISO-2022-JP", "GB18030", "Big5", "EUC-KR", "KOI8-R"];
        return TextCodec::from_name(names[usize::from(number) % names.len()]).unwrap();
    }
    CODECS[usize::from(number) % CODECS.len()]
}

/// Takes one step of any kind.
fn step(stream: &mut QTextStream, kind: u8, size: u8) {
    let length = usize::from(size);
    match kind % 18 {
        0 => drop(black_box(stream.read_line_with_maxlen(length))),
        1 => drop(black_box(stream.read(length * 100))),
        2 => drop(black_box(stream.read_word())),
        3 => drop(black_box(stream.read_char())),
        4 => drop(black_box(stream.read_double())),
        5 | 6 => {
            stream.set_integer_base([0, 2, 8, 10, 16, 36][length % 6]);
            black_box(stream.read_int64());
        }
        7 => stream.skip_white_space(),
        8 | 9 => {
            if let Some(position) = stream.pos() {
                stream.seek(position).unwrap();
            }
        }
        10 => drop(stream.seek(i64::from(size) * 7)),
        11 => stream.set_codec(codec(size)),
        12 => stream.reset_status(),
        13 => drop(black_box(stream.at_end())),
        14 => stream.set_auto_detect_unicode(true),
        15 => drop(black_box(stream.read_line())),
        16 => stream.set_real_number_precision(length),
        _ => {
            stream.write(&Manipulator::FieldWidth(length % 9)).write("é").write(&1.25).flush();
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(
        data in prop_oneof![
            vec(any::<u8>(), 0..3000),
            "[ -~\\n\\r\\t€é]{0,2000}".prop_map(String::into_bytes),
            "([0-9]{1,400}|0x|0b|[-+.eE]|nan|inf|[ \\r\\n]){0,200}".prop_map(String::into_bytes),
        ],
        repeat in 1usize..12,
        steps in vec((any::<u8>(), any::<u8>()), 0..60),
        first_codec in any::<u8>(),
        over in 0..3,
    ) {
        let data = data.repeat(repeat);
        let length = data.len();
        let peak = peak::peak(|| {
            let mut stream = match over {
                0 => QTextStream::from_string(String::from_utf8_lossy(&data)),
                _ => {
                    let buffer = QBuffer::new();
                    buffer.set_data(data.clone());
                    let text = if over == 1 { OpenMode::empty() } else { OpenMode::TEXT };
                    buffer.open(OpenMode::READ_WRITE | text).unwrap();
                    QTextStream::new(&buffer)
                }
            };
            stream.set_codec(codec(first_codec));
            for &(kind, size) in &steps {
                step(&mut stream, kind, size);
            }
            drop(black_box(stream.read_all()));
        });
        // A seek may have made the buffer longer.
        prop_assert!(peak <= MULTIPLE * (length + 2000) + AT_LEAST, "{} of {}", peak, length);
    }

    #[test]
    fn reals_are_those_of_the_standard_library(bits in any::<u64>(), precision in 0usize..16) {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            let mut stream = QTextStream::from_string("");
            stream.write(&Manipulator::Scientific);
            stream.write(&Manipulator::RealNumberPrecision(precision)).write(&value);
            let text = stream.string().unwrap().to_owned();
            // At a tie the stream rounds away from zero, the standard library to the even digit.
            let expected = match tie_away_from_zero(value, precision) {
                Some(text) => text.parse::<f64>().unwrap(),
                None => format!("{value:.precision$e}").parse::<f64>().unwrap(),
            };
            prop_assert_eq!(text.parse::<f64>().unwrap(), expected, "{}", text);
            // Rounding up may leave the range of doubles, which Qt reads as 0.
            let read = if expected.is_finite() { expected } else { 0.0 };
            prop_assert_eq!(stream.read_double(), read);
        }
    }
}

/// `value` rounded away from zero in scientific notation, if it lies exactly between two results.
fn tie_away_from_zero(value: f64, precision: usize) -> Option<String> {
    // Every double is exact with 767 significant digits.
    let exact = format!("{value:.770e}");
    let (mantissa, exponent) = exact.split_once('e').unwrap();
    let (kept, rest) = mantissa.split_at(mantissa.find('.').unwrap() + 1 + precision);
    let is_tie = rest.starts_with('5') && rest[1..].bytes().all(|digit| digit == b'0');
    is_tie.then(|| {
        let digits: i128 = kept.replace('.', "").parse().unwrap();
        let scale = exponent.parse::<i32>().unwrap() - precision as i32;
        format!("{}e{scale}", digits + digits.signum())
    })
}

/// A peer that sends one line without end.
struct Endless;

impl DeviceBackend for Endless {
    fn class_name(&self) -> &'static str {
        "Endless"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        data.fill(b'7');
        Ok(data.len())
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        Ok(data.len())
    }
}

#[test]
fn a_line_without_end_takes_no_more_than_its_limit() {
    let device = QIODevice::new(Endless);
    device.open(OpenMode::READ_WRITE).unwrap();
    let peak = peak::peak(|| {
        let mut stream = QTextStream::new(&device);
        for _ in 0..1000 {
            let part = stream.read_line_with_maxlen(10_000);
            assert_eq!(part.map(|part| part.len()), Some(10_000));
        }
    });
    assert!(peak < MULTIPLE * 10_000 + AT_LEAST, "{peak}");
}

#[test]
fn a_real_out_of_range_is_read_as_qt_reads_it() {
    for text in ["-2e+308", "1e999", "2e-400"] {
        let mut stream = QTextStream::from_string(text);
        assert_eq!(stream.read_double(), 0.0);
        assert_eq!(stream.status(), TextStreamStatus::ReadPastEnd);
    }
}

#[test]
fn a_tie_is_rounded_away_from_zero() {
    let value = -2_416_835_344_753_420.5;
    let mut stream = QTextStream::from_string("");
    stream.write(&Manipulator::Scientific);
    stream.write(&Manipulator::RealNumberPrecision(15)).write(&value);
    assert_eq!(stream.string().unwrap(), "-2.416835344753421e+15");
    assert_eq!(tie_away_from_zero(value, 15).unwrap(), "-2416835344753421e0");
    assert_eq!(tie_away_from_zero(1.25, 2), None);
}
