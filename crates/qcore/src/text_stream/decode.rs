//! Bytes to text.

use smallvec::SmallVec;

use super::codec::{Kind, Order, TextCodec};

/// Decodes bytes that come in pieces. The result does not depend on where the pieces end.
pub(super) struct Decoder {
    kind: Kind,
    /// Whether the next character is dropped if it is the byte order mark.
    at_start: bool,
    /// The order of the bytes, once it is known.
    little: bool,
    /// The beginning of a character whose other bytes have not come.
    pending: SmallVec<[u8; 4]>,
    #[cfg(feature = "codecs")]
    other: Option<Box<encoding_rs::Decoder>>,
}

impl Decoder {
    pub(super) fn new(codec: TextCodec) -> Self {
        Decoder {
            kind: codec.0,
            at_start: true,
            little: match codec.0 {
                Kind::Utf16(order) | Kind::Utf32(order) => order.is_little(),
                _ => false,
            },
            pending: SmallVec::new(),
            #[cfg(feature = "codecs")]
            other: match codec.0 {
                Kind::Other(encoding) => {
                    Some(Box::new(encoding.new_decoder_without_bom_handling()))
                }
                _ => None,
            },
        }
    }

    /// Changes the codec in the middle of the data.
    pub(super) fn set_codec(&mut self, codec: TextCodec) {
        if codec.0 != self.kind {
            let fresh = Decoder::new(codec);
            let old = std::mem::replace(self, fresh);
            self.at_start = old.at_start;
            self.pending = old.pending;
        }
    }

    /// Returns a copy; `None` if the decoder is one of encoding_rs's in the middle of a character
    /// or with a shift state.
    pub(super) fn snapshot(&self) -> Option<Decoder> {
        #[cfg(feature = "codecs")]
        if let (Kind::Other(encoding), Some(other)) = (self.kind, &self.other) {
            other.latin1_byte_compatible_up_to(&[])?;
            let mut copy = Decoder::new(TextCodec(Kind::Other(encoding)));
            copy.at_start = self.at_start;
            copy.pending.clone_from(&self.pending);
            return Some(copy);
        }
        Some(Decoder {
            kind: self.kind,
            at_start: self.at_start,
            little: self.little,
            pending: self.pending.clone(),
            #[cfg(feature = "codecs")]
            other: None,
        })
    }

    /// Returns how many bytes of an incomplete character the decoder keeps.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Drops those bytes.
    pub(super) fn forget_pending(&mut self) {
        self.pending.clear();
    }

    /// Forgets that the text begins here.
    pub(super) fn set_started(&mut self) {
        self.at_start = false;
    }

    /// Appends the text of `bytes` to `text`. Returns whether the text is the bytes themselves:
    /// those kept from before, and `bytes` without those kept from now on.
    pub(super) fn decode(&mut self, bytes: &[u8], text: &mut String) -> bool {
        if bytes.is_empty() {
            return true;
        }
        if self.pending.is_empty() {
            return self.decode_joined(bytes, text);
        }
        let mut joined = std::mem::take(&mut self.pending).into_vec();
        joined.extend_from_slice(bytes);
        self.decode_joined(&joined, text)
    }

    fn decode_joined(&mut self, bytes: &[u8], text: &mut String) -> bool {
        let before = text.len();
        let mut is_same = false;
        match self.kind {
            Kind::Latin1 => is_same = decode_latin1(bytes, text),
            Kind::Utf8 => {
                let incomplete;
                (incomplete, is_same) = decode_utf8(bytes, text);
                self.pending = incomplete.into();
            }
            Kind::Utf16(order) => self.decode_utf16(order, bytes, text),
            Kind::Utf32(order) => self.decode_utf32(order, bytes, text),
            #[cfg(feature = "codecs")]
            Kind::Other(_) => {
                if let Some(other) = &mut self.other {
                    decode_other(other, bytes, text);
                }
            }
        }
        if self.at_start && text.len() > before {
            self.at_start = false;
            if self.has_mark() && text[before..].starts_with('\u{feff}') {
                text.replace_range(before..before + '\u{feff}'.len_utf8(), "");
                is_same = false;
            }
        }
        is_same
    }

    fn has_mark(&self) -> bool {
        matches!(self.kind, Kind::Utf8 | Kind::Utf16(_) | Kind::Utf32(_))
    }

    fn decode_utf16(&mut self, order: Order, bytes: &[u8], text: &mut String) {
        if self.at_start && order == Order::Any && bytes.len() >= 2 {
            match bytes[..2] {
                [0xff, 0xfe] => self.little = true,
                [0xfe, 0xff] => self.little = false,
                _ => {}
            }
        }
        let unit = if self.little { u16::from_le_bytes } else { u16::from_be_bytes };
        let (units, _) = bytes.as_chunks::<2>();
        let mut used = units.len() * 2;
        // A first half without its second one has to wait.
        if units.last().is_some_and(|&last| (0xd800..0xdc00).contains(&unit(last))) {
            used -= 2;
        }
        let units = units[..used / 2].iter().map(|&bytes| unit(bytes));
        text.reserve(units.len());
        text.extend(
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)),
        );
        self.pending = bytes[used..].into();
    }

    fn decode_utf32(&mut self, order: Order, bytes: &[u8], text: &mut String) {
        if self.at_start && order == Order::Any && bytes.len() >= 4 {
            match bytes[..4] {
                [0xff, 0xfe, 0, 0] => self.little = true,
                [0, 0, 0xfe, 0xff] => self.little = false,
                _ => {}
            }
        }
        let unit = if self.little { u32::from_le_bytes } else { u32::from_be_bytes };
        let (units, rest) = bytes.as_chunks::<4>();
        let decoded = units.iter().map(|&bytes| char::from_u32(unit(bytes)));
        text.extend(decoded.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
        self.pending = rest.into();
    }
}

/// Appends the text to `text` and returns whether it is the bytes themselves.
fn decode_latin1(bytes: &[u8], text: &mut String) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(ascii) if bytes.is_ascii() => {
            text.push_str(ascii);
            true
        }
        _ => {
            text.extend(bytes.iter().map(|&byte| char::from(byte)));
            false
        }
    }
}

/// Appends the text to `text`. Returns the incomplete character at the end, and whether the text is
/// the bytes before that. Each byte of an invalid sequence becomes U+FFFD, as in Qt.
pub(super) fn decode_utf8<'a>(mut bytes: &'a [u8], text: &mut String) -> (&'a [u8], bool) {
    let mut is_same = true;
    loop {
        let error = match std::str::from_utf8(bytes) {
            Ok(valid) => {
                text.push_str(valid);
                return (&[], is_same);
            }
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(valid).unwrap_or_default());
        if error.error_len().is_none() {
            return (rest, is_same);
        }
        text.push(char::REPLACEMENT_CHARACTER);
        is_same = false;
        bytes = &rest[1..];
    }
}

#[cfg(feature = "codecs")]
fn decode_other(decoder: &mut encoding_rs::Decoder, mut bytes: &[u8], text: &mut String) {
    loop {
        let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len());
        text.reserve(room);
        let (result, read, _) = decoder.decode_to_string(bytes, text, false);
        bytes = &bytes[read..];
        if result == encoding_rs::CoderResult::InputEmpty {
            return;
        }
    }
}
