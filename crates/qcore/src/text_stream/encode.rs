//! Text to bytes.

use super::codec::{Kind, TextCodec};

/// Encodes text that comes in pieces.
#[derive(Default)]
pub(super) struct Encoder {
    codec: TextCodec,
    /// Whether a byte order mark goes before the next text.
    marks: bool,
    #[cfg(feature = "codecs")]
    other: Option<Box<encoding_rs::Encoder>>,
}

impl Encoder {
    pub(super) fn set_codec(&mut self, codec: TextCodec) {
        if codec != self.codec {
            self.codec = codec;
            #[cfg(feature = "codecs")]
            {
                self.other = None;
            }
        }
    }

    pub(super) fn marks(&self) -> bool {
        self.marks
    }

    pub(super) fn set_marks(&mut self, marks: bool) {
        self.marks = marks;
    }

    /// Returns whether text is its own bytes.
    pub(super) fn is_plain(&self) -> bool {
        self.codec == TextCodec::UTF8 && !self.marks
    }

    /// Returns the bytes of `text`.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len() + 4);
        if std::mem::take(&mut self.marks) {
            self.append("\u{feff}", &mut bytes, true);
        }
        self.append(text, &mut bytes, false);
        bytes
    }

    fn append(&mut self, text: &str, bytes: &mut Vec<u8>, is_mark: bool) {
        match self.codec.0 {
            Kind::Latin1 if is_mark => {}
            Kind::Latin1 => {
                bytes.extend(text.encode_utf16().map(|unit| u8::try_from(unit).unwrap_or(b'?')));
            }
            Kind::Utf8 => bytes.extend_from_slice(text.as_bytes()),
            Kind::Utf16(order) => {
                let of = if order.is_little() { u16::to_le_bytes } else { u16::to_be_bytes };
                text.encode_utf16().for_each(|unit| bytes.extend_from_slice(&of(unit)));
            }
            Kind::Utf32(order) => {
                let of = if order.is_little() { u32::to_le_bytes } else { u32::to_be_bytes };
                text.chars().for_each(|c| bytes.extend_from_slice(&of(u32::from(c))));
            }
            #[cfg(feature = "codecs")]
            Kind::Other(_) if is_mark => {}
            #[cfg(feature = "codecs")]
            Kind::Other(encoding) => {
                let encoder = || Box::new(encoding.new_encoder());
                encode_other(self.other.get_or_insert_with(encoder), text, bytes);
            }
        }
    }
}

#[cfg(feature = "codecs")]
fn encode_other(encoder: &mut encoding_rs::Encoder, mut text: &str, bytes: &mut Vec<u8>) {
    use encoding_rs::EncoderResult;

    loop {
        let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len()).unwrap_or(0);
        bytes.reserve(room.max(16));
        let (result, read) =
            encoder.encode_from_utf8_to_vec_without_replacement(text, bytes, false);
        text = &text[read..];
        match result {
            EncoderResult::InputEmpty => return,
            EncoderResult::OutputFull => {}
            // All these codecs have the question mark, but not in every shift state.
            EncoderResult::Unmappable(_) => {
                let mut mark = "?";
                while !mark.is_empty() {
                    bytes.reserve(16);
                    let (_, read) =
                        encoder.encode_from_utf8_to_vec_without_replacement(mark, bytes, false);
                    mark = &mark[read..];
                }
            }
        }
    }
}
