//! Compares what real Qt writes and reads through `QTextStream` with ours.
//! data/text_stream/goldens.cpp generated the tables and describes their columns.

use std::{cell::RefCell, ffi::CString, fmt::Debug, rc::Rc};

use qcore::{
    DeviceError, OpenMode, QBuffer, QIODevice, QTextStream,
    io_device::DeviceBackend,
    text_stream::{
        FieldAlignment, FromText, Manipulator, NumberFlags, RealNumberNotation, TextCodec,
    },
};

fn table<const N: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    text.lines().map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        columns.try_into().unwrap_or_else(|columns| panic!("{columns:?}"))
    })
}

/// Escapes bytes as the generator does, without its abbreviation for repeated ones.
fn escape(bytes: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    for &byte in bytes.as_ref() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(byte.into()),
            b' ' | b'.' | b',' | b'+' | b'-' | b'_' | b'*' | b'\'' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '%' => {
                out.push(u8::from_str_radix(&rest[1..3], 16).unwrap());
                rest = &rest[3..];
            }
            '{' => {
                let (one, after) = rest[1..].split_once('}').unwrap();
                let (count, after) = after.split_once(' ').unwrap();
                out.extend(unescape(one).repeat(count.parse().unwrap()));
                rest = after;
            }
            _ => {
                out.push(first as u8);
                rest = &rest[1..];
            }
        }
    }
    out
}

fn text(escaped: &str) -> String {
    String::from_utf8(unescape(escaped)).unwrap()
}

/// Writes out the abbreviations in a column of results.
fn expand(results: &str) -> String {
    results
        .split(';')
        .map(|result| match result {
            "%null" => result.to_owned(),
            _ => escape(unescape(result)),
        })
        .collect::<Vec<_>>()
        .join(";")
}

/// Collects differences, so that a failure shows many of them.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + Debug>(&mut self, context: &str, ours: T, qts: T) {
        if ours != qts {
            self.0.push(format!("{context}\n  ours {ours:?}\n  Qt's {qts:?}"));
        }
    }
}

impl Drop for Differences {
    fn drop(&mut self) {
        if !self.0.is_empty() && !std::thread::panicking() {
            let shown = self.0.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
            panic!("{} differences:\n{shown}", self.0.len());
        }
    }
}

#[test]
fn what_qt_writes() {
    let mut differences = Differences::default();
    let (mut rows, mut two_signs) = (0, 0);
    for [settings, kind, value, expected] in table(include_str!("data/text_stream/written.tsv")) {
        let numbers: Vec<u32> = settings.split(',').map(|n| n.parse().unwrap()).collect();
        let [width, pad, alignment, base, flags, notation, precision] = numbers[..] else {
            panic!("{settings}")
        };
        let mut out = QTextStream::from_string("");
        out.set_field_width(width as usize);
        out.set_pad_char(char::from_u32(pad).unwrap());
        out.set_field_alignment(FieldAlignment::try_from(alignment as i32).unwrap());
        out.set_integer_base(base);
        out.set_number_flags(NumberFlags::from_bits(flags).unwrap());
        out.set_real_number_notation(RealNumberNotation::try_from(notation as i32).unwrap());
        out.set_real_number_precision(precision as usize);
        match kind {
            "i8" => out.write(&value.parse::<i8>().unwrap()),
            "u8" => out.write(&value.parse::<u8>().unwrap()),
            "i16" => out.write(&value.parse::<i16>().unwrap()),
            "u16" => out.write(&value.parse::<u16>().unwrap()),
            "i32" => out.write(&value.parse::<i32>().unwrap()),
            "u32" => out.write(&value.parse::<u32>().unwrap()),
            "i64" => out.write(&value.parse::<i64>().unwrap()),
            "u64" => out.write(&value.parse::<u64>().unwrap()),
            "f32" => out.write(&f32::from_bits(u32::from_str_radix(value, 16).unwrap())),
            "f64" => out.write(&f64::from_bits(u64::from_str_radix(value, 16).unwrap())),
            "str" => out.write(&text(value)),
            "char" => out.write(&text(value).chars().next().unwrap()),
            "bytes" => out.write(&unescape(value)),
            "c_string" => out.write(&CString::new(unescape(value)).unwrap()),
            "pointer" => out.write(&std::ptr::without_provenance::<u8>(value.parse().unwrap())),
            "bool" => out.write(&(value == "1")),
            "endl" => out.write(&Manipulator::Endl),
            _ => panic!("{kind}"),
        };
        let context = format!("{settings} {kind} {value}");
        // In bases other than 10, Qt writes both signs if the sign is forced.
        let is_other = !matches!(base, 0 | 10) && kind.starts_with('i') && value.starts_with('-');
        if flags & 4 != 0 && is_other {
            let one_sign = text(expected).replacen("-+", "-", 1);
            assert!(width > 0 || one_sign != text(expected), "{context}");
            if width == 0 {
                differences.compare(&context, out.into_string(), one_sign);
            }
            two_signs += 1;
        } else {
            differences.compare(&context, out.into_string(), text(expected));
        }
        rows += 1;
    }
    assert!(rows > 10_000 && two_signs > 100, "{rows} {two_signs}");
}

/// Reads a value and returns it as the generator writes it.
fn read_one(kind: &str, stream: &mut QTextStream) -> String {
    fn integer<T: FromText + ToString>(stream: &mut QTextStream) -> String {
        stream.read_value::<T>().to_string()
    }
    match kind {
        "i16" => integer::<i16>(stream),
        "u16" => integer::<u16>(stream),
        "i32" => integer::<i32>(stream),
        "u32" => integer::<u32>(stream),
        "i64" => integer::<i64>(stream),
        "u64" => integer::<u64>(stream),
        "f32" => match stream.read_float() {
            value if value.is_nan() => "nan".to_owned(),
            value => format!("{:x}", value.to_bits()),
        },
        "f64" => match stream.read_double() {
            value if value.is_nan() => "nan".to_owned(),
            value => format!("{:x}", value.to_bits()),
        },
        "char" => escape(stream.read_char().to_string()),
        "latin1" => escape([u8::try_from(stream.read_char()).unwrap_or(0)]),
        "word" => escape(stream.read_word()),
        "bytes" => escape(stream.read_value::<Vec<u8>>()),
        "c_string" => escape(stream.read_value::<CString>().to_bytes()),
        _ => panic!("{kind}"),
    }
}

#[test]
fn what_qt_reads() {
    let mut differences = Differences::default();
    let mut rows = 0;
    for columns in table::<10>(include_str!("data/text_stream/read.tsv")) {
        let [reader, base, input, results @ .., left] = columns;
        // Where Qt consumes a character that does not fit, it consumes half of an emoji.
        let is_halved = input.contains("%f0") && !matches!(base, "0" | "10");
        // Qt reads the first 124 or so characters of a number.
        let is_long = reader.starts_with('f') && input.contains('{');
        if is_halved || is_long {
            continue;
        }
        let (kind, over) = match reader.split_once('/') {
            Some((kind, "string")) => (kind, &["string"][..]),
            _ => (reader, &["string", "buffer"][..]),
        };
        for &over in over {
            let mut stream = match over {
                "string" => QTextStream::from_string(text(input)),
                _ => QTextStream::from_bytes(unescape(input)),
            };
            stream.set_integer_base(base.parse().unwrap());
            let mut ours = Vec::new();
            for _ in 0..3 {
                ours.push(read_one(kind, &mut stream));
                ours.push((stream.status() as i32).to_string());
                stream.reset_status();
            }
            ours.push(escape(stream.read_all()));
            let mut expected: Vec<_> = results.iter().map(|&column| expand(column)).collect();
            expected.push(expand(left));
            let context = format!("{reader} {base} {input} over {over}");
            differences.compare(&context, ours, expected);
        }
        rows += 1;
    }
    assert!(rows > 5_000, "{rows}");
}

/// A device that returns at most `size` bytes at once and has no positions.
struct Pipe {
    input: RefCell<Vec<u8>>,
    output: Rc<RefCell<Vec<u8>>>,
    size: usize,
}

impl DeviceBackend for Pipe {
    fn class_name(&self) -> &'static str {
        "Pipe"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn bytes_available(&self) -> usize {
        self.input.borrow().len()
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        let mut input = self.input.borrow_mut();
        let count = data.len().min(self.size).min(input.len());
        data[..count].copy_from_slice(&input[..count]);
        input.drain(..count);
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.output.borrow_mut().extend_from_slice(data);
        Ok(data.len())
    }
}

fn pipe(input: Vec<u8>, size: usize) -> (QIODevice, Rc<RefCell<Vec<u8>>>) {
    let output = Rc::<RefCell<Vec<u8>>>::default();
    let device = QIODevice::new(Pipe { input: input.into(), output: output.clone(), size });
    device.open(OpenMode::READ_WRITE | OpenMode::UNBUFFERED).unwrap();
    (device, output)
}

/// Runs a script. The generator's `run` has the meaning of the steps.
fn run(stream: &mut QTextStream, script: &str) -> String {
    let mut results = Vec::new();
    for step in script.split(' ') {
        let (letter, argument) = step.split_at(1);
        let number: usize = argument.parse().unwrap_or(0);
        let null = "%null".to_owned();
        let truth = |is: bool| is.to_string();
        results.push(match letter {
            "L" => stream.read_line().map_or(null, escape),
            "l" => stream.read_line_with_maxlen(number).map_or(null, escape),
            "r" => escape(stream.read(number)),
            "A" => escape(stream.read_all()),
            "W" => read_one("word", stream),
            "i" => read_one("i32", stream),
            "f" => read_one("f64", stream),
            "c" => read_one("char", stream),
            "p" => stream.pos().unwrap_or(-1).to_string(),
            "d" => stream.device().map_or("none".to_owned(), |device| device.pos().to_string()),
            "D" => truth(stream.device().is_some_and(|device| device.seek(number as i64).is_ok())),
            "k" => truth(stream.seek(number as i64).is_ok()),
            "e" => truth(stream.at_end()),
            "S" => {
                let status = stream.status() as i32;
                stream.reset_status();
                status.to_string()
            }
            "b" => {
                stream.set_generate_byte_order_mark(true);
                truth(stream.generate_byte_order_mark())
            }
            _ => {
                match letter {
                    "s" => stream.skip_white_space(),
                    "w" => drop(stream.write(&text(argument))),
                    "F" => stream.flush(),
                    "u" => stream.set_codec(TextCodec::from_name(argument).unwrap()),
                    "a" => stream.set_auto_detect_unicode(number != 0),
                    "t" => {
                        if let Some(device) = stream.device() {
                            device.set_text_mode_enabled(number != 0);
                        }
                    }
                    _ => panic!("{step}"),
                }
                "-".to_owned()
            }
        });
    }
    results.join(";")
}

#[test]
fn what_scripts_return() {
    let mut differences = Differences::default();
    let (mut rows, mut skipped) = (0, 0);
    for [kind, content, script, results, after] in
        table(include_str!("data/text_stream/scripts.tsv"))
    {
        let bytes = unescape(content);
        let (ours, left) = if kind == "string" {
            let mut stream = QTextStream::from_string(text(content));
            (run(&mut stream, script), stream.into_string().into_bytes())
        } else if let Some(size) = kind.strip_prefix("pipe") {
            let (device, output) = pipe(bytes, size.parse().unwrap());
            let ours = run(&mut QTextStream::new(&device), script);
            (ours, output.take())
        } else {
            let buffer = QBuffer::new();
            buffer.set_data(bytes);
            let mode = match kind {
                "buffer" => OpenMode::READ_WRITE,
                "text" => OpenMode::READ_WRITE | OpenMode::TEXT,
                "append" => OpenMode::READ_WRITE | OpenMode::APPEND,
                _ => panic!("{kind}"),
            };
            buffer.open(mode).unwrap();
            let ours = run(&mut QTextStream::new(&buffer), script);
            (ours, buffer.data())
        };
        // Where we differ on purpose: half a character does not count for the position, and is
        // kept for another codec; UTF-32 that is no text; a device moved behind Qt's back.
        let switches = script.contains(" p") || script.contains("uUTF-8");
        let halves = script.contains("uUTF-16") && switches;
        let no_text = content.contains("%fe%00%00") || content.starts_with("%00%00%fe%ff");
        let moved = kind == "append" && script.contains("D2") && script.contains(" p");
        let is_allowed = halves || moved || no_text && ours.contains("%ef%bf%bd");
        let is_same = ours == expand(results) && escape(&left) == expand(after);
        if is_allowed && !is_same {
            skipped += 1;
            continue;
        }
        let short = |text: &str| text.replace(&"xxxx".repeat(10), "").replace("xxxx", "...");
        let context = format!("{kind} {content} [{script}]");
        differences.compare(&context, short(&ours), short(&expand(results)));
        differences.compare(&context, short(&escape(left)), short(&expand(after)));
        rows += 1;
    }
    assert!(rows > 3_000 && skipped < 25, "{rows} {skipped}");
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn decode(codec: &str, detects: bool, bytes: &[u8], split: usize) -> String {
    let (device, _) = pipe(bytes.to_vec(), split.max(1));
    let mut stream = QTextStream::new(&device);
    stream.set_codec(TextCodec::from_name(codec).unwrap());
    stream.set_auto_detect_unicode(detects);
    stream.read_all()
}

#[test]
fn what_codecs_make_of_bytes_and_text() {
    let mut differences = Differences::default();
    for row in include_str!("data/text_stream/codecs.tsv").lines() {
        let columns: Vec<_> = row.split('\t').collect();
        if !cfg!(feature = "codecs") && TextCodec::from_name(columns[1]).is_none() {
            continue;
        }
        match columns[..] {
            ["decode", codec, detects, bytes, expected, _splits] => {
                let bytes = unhex(bytes);
                let units = unhex(expected);
                let units = units.chunks(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
                let mut units: Vec<_> = units.collect();
                let ours = decode(codec, detects == "1", &bytes, bytes.len());
                let context = format!("{codec} {detects} {bytes:02x?}");
                // Splitting the bytes changes nothing, once a byte order mark has been seen.
                for split in 1..bytes.len() {
                    if detects == "0" || split >= 4 {
                        let parts = decode(codec, detects == "1", &bytes, split);
                        assert_eq!(parts, ours, "{context} {split}");
                    }
                }
                // In Qt, IBM866 has a control character elsewhere.
                if codec == "IBM866" && bytes.contains(&0x7f) {
                    continue;
                }
                if codec.starts_with("UTF-32") && ours.contains('\u{fffd}') {
                    // Qt makes two characters of a number that is none.
                    continue;
                }
                // The other half may come: Qt returns the first one.
                if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
                    units.pop();
                }
                let expected: String = char::decode_utf16(units)
                    .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect();
                differences.compare(&context, ours, expected);
            }
            ["encode", codec, mark, input, expected] => {
                // Qt does not encode an emoji right in UTF-32 if its halves come separately, and
                // the codecs of the Encoding Standard are not quite those of Qt.
                let is_different = match codec {
                    "EUC-JP" => input.starts_with("%c3") || input.starts_with("%c4"),
                    "Big5" => input.starts_with("%d0") || input.starts_with("%e3"),
                    "ISO-2022-JP" => input.starts_with("%ef"),
                    _ => codec.starts_with("UTF-32") && input.contains("%f0"),
                };
                if is_different {
                    continue;
                }
                let mut out = QTextStream::from_bytes(Vec::new());
                out.set_codec(TextCodec::from_name(codec).unwrap());
                out.set_generate_byte_order_mark(mark == "1");
                out.write(&text(input));
                let context = format!("{codec} {mark} {input}");
                differences.compare(&context, out.into_bytes(), unhex(expected));
            }
            _ => panic!("{row}"),
        }
    }
}
