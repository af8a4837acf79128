//! Any bytes as text, read in any way, with any codec. The first bytes select the codec, the device
//! and the readers; the rest is the input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use qcore::{
    OpenMode, QBuffer, QTextStream,
    text_stream::{Manipulator, TextCodec},
};

const CODECS: [&str; 16] = [
    "UTF-8",
    "UTF-16",
    "UTF-16BE",
    "UTF-16LE",
    "UTF-32",
    "UTF-32BE",
    "UTF-32LE",
    "ISO-8859-1",
    "Shift_JIS",
    "EUC-JP",
    "ISO-2022-JP",
    "GB18030",
    "Big5",
    "EUC-KR",
    "windows-1252",
    "KOI8-R",
];

fuzz_target!(|data: &[u8]| {
    let Some((head, input)) = data.split_first_chunk::<8>() else { return };
    let mut stream = if head[0] & 1 == 0 {
        QTextStream::from_string(String::from_utf8_lossy(input))
    } else {
        let buffer = QBuffer::new();
        buffer.set_data(input);
        let text = if head[0] & 2 == 0 { OpenMode::empty() } else { OpenMode::TEXT };
        buffer.open(OpenMode::READ_WRITE | text).unwrap();
        QTextStream::new(&buffer)
    };
    let codec = |byte: u8| TextCodec::from_name(CODECS[usize::from(byte) % 16]).unwrap();
    stream.set_codec(codec(head[0] >> 4));
    for round in 0..64 {
        let step = head[1 + round % 7].wrapping_add((round / 7) as u8);
        let size = usize::from(step >> 4);
        match step % 16 {
            0 => drop(stream.read_line_with_maxlen(size)),
            1 => drop(stream.read(size)),
            2 => drop(stream.read_word()),
            3 => drop(stream.read_char()),
            4 => drop(stream.read_double()),
            5 => {
                stream.set_integer_base([0, 2, 8, 10, 16, 36][size % 6]);
                stream.read_int64();
            }
            6 => stream.skip_white_space(),
            7 => {
                if let Some(position) = stream.pos() {
                    assert!(stream.seek(position).is_ok());
                }
            }
            8 => drop(stream.seek(size as i64 * 3)),
            9 => stream.set_codec(codec(step >> 4)),
            10 => stream.reset_status(),
            11 => {
                stream.write(&Manipulator::FieldWidth(size)).write("é").write(&1.5);
            }
            12 => stream.flush(),
            13 => stream.set_auto_detect_unicode(true),
            14 => drop(stream.at_end()),
            _ => drop(stream.read_line()),
        }
    }
    drop(stream.read_all());
});
