//! [`TextCodec`]: converts between text and bytes.

use super::QTextStream;

/// A character encoding: converts between text and bytes. Stands for Qt's
/// [QTextCodec](https://doc.qt.io/qt-5/qtextcodec.html).
///
/// # Examples
///
/// ```
/// use qcore::{QTextStream, text_stream::TextCodec};
///
/// let mut out = QTextStream::from_bytes(Vec::new());
/// out.set_codec(TextCodec::LATIN1);
/// out.write("fünf");
/// assert_eq!(out.into_bytes(), b"f\xfcnf");
///
/// assert_eq!(TextCodec::from_name("utf16le"), Some(TextCodec::UTF16_LE));
/// assert_eq!(TextCodec::from_name("no such codec"), None);
/// ```
#[doc(alias = "QTextCodec")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextCodec(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Latin1,
    Utf8,
    Utf16(Order),
    Utf32(Order),
    #[cfg(feature = "codecs")]
    Other(&'static encoding_rs::Encoding),
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Order {
    /// The byte order mark selects it when reading. The machine's order otherwise.
    Any,
    Big,
    Little,
}

impl Order {
    pub(super) fn is_little(self) -> bool {
        match self {
            Order::Any => cfg!(target_endian = "little"),
            Order::Big => false,
            Order::Little => true,
        }
    }
}

impl TextCodec {
    /// ISO 8859-1. A character that it does not have is written as a question mark, and a character
    /// outside the basic multilingual plane as two, as in Qt.
    pub const LATIN1: TextCodec = TextCodec(Kind::Latin1);
    /// UTF-8, the default. Each byte of an invalid sequence is read as U+FFFD.
    pub const UTF8: TextCodec = TextCodec(Kind::Utf8);
    /// UTF-16. The byte order mark selects the order when reading; otherwise it is the machine's.
    pub const UTF16: TextCodec = TextCodec(Kind::Utf16(Order::Any));
    /// UTF-16, big endian.
    pub const UTF16_BE: TextCodec = TextCodec(Kind::Utf16(Order::Big));
    /// UTF-16, little endian.
    pub const UTF16_LE: TextCodec = TextCodec(Kind::Utf16(Order::Little));
    /// UTF-32. The byte order mark selects the order when reading; otherwise it is the machine's.
    pub const UTF32: TextCodec = TextCodec(Kind::Utf32(Order::Any));
    /// UTF-32, big endian.
    pub const UTF32_BE: TextCodec = TextCodec(Kind::Utf32(Order::Big));
    /// UTF-32, little endian.
    pub const UTF32_LE: TextCodec = TextCodec(Kind::Utf32(Order::Little));

    /// Returns the codec with this name, or `None` if there is none.
    ///
    /// The names of the codecs above are compared without regard to case and to characters that are
    /// neither letters nor digits. With the feature `codecs`, the labels of the
    /// [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels) are names as well.
    /// They cover the Windows code pages, ISO 8859, KOI8, Shift_JIS, EUC-JP, ISO-2022-JP, EUC-KR,
    /// GBK, GB18030, Big5 and others.
    #[doc(alias = "codecForName")]
    #[must_use]
    pub fn from_name(name: &str) -> Option<TextCodec> {
        // No name is longer.
        let plain = name.chars().filter(char::is_ascii_alphanumeric).take(40);
        let plain: String = plain.map(|letter| letter.to_ascii_lowercase()).collect();
        Some(match plain.as_str() {
            "iso88591" | "latin1" | "l1" | "cp819" | "ibm819" | "isoir100" => TextCodec::LATIN1,
            "utf8" => TextCodec::UTF8,
            "utf16" => TextCodec::UTF16,
            "utf16be" => TextCodec::UTF16_BE,
            "utf16le" => TextCodec::UTF16_LE,
            "utf32" => TextCodec::UTF32,
            "utf32be" => TextCodec::UTF32_BE,
            "utf32le" => TextCodec::UTF32_LE,
            _ => return other(name),
        })
    }

    /// Returns the codec's name.
    ///
    /// ```
    /// use qcore::text_stream::TextCodec;
    ///
    /// assert_eq!(TextCodec::LATIN1.name(), "ISO-8859-1");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Latin1 => "ISO-8859-1",
            Kind::Utf8 => "UTF-8",
            Kind::Utf16(Order::Any) => "UTF-16",
            Kind::Utf16(Order::Big) => "UTF-16BE",
            Kind::Utf16(Order::Little) => "UTF-16LE",
            Kind::Utf32(Order::Any) => "UTF-32",
            Kind::Utf32(Order::Big) => "UTF-32BE",
            Kind::Utf32(Order::Little) => "UTF-32LE",
            #[cfg(feature = "codecs")]
            Kind::Other(encoding) => encoding.name(),
        }
    }

    /// Returns the codec whose byte order mark `bytes` begin with.
    pub(super) fn for_mark(bytes: &[u8]) -> Option<TextCodec> {
        match bytes {
            [0, 0, 0xfe, 0xff, ..] => Some(TextCodec::UTF32_BE),
            [0xff, 0xfe, 0, 0, ..] => Some(TextCodec::UTF32_LE),
            [0xfe, 0xff, ..] => Some(TextCodec::UTF16_BE),
            [0xff, 0xfe, ..] => Some(TextCodec::UTF16_LE),
            [0xef, 0xbb, 0xbf, ..] => Some(TextCodec::UTF8),
            _ => None,
        }
    }
}

#[cfg(feature = "codecs")]
fn other(name: &str) -> Option<TextCodec> {
    use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};

    let encoding = Encoding::for_label_no_replacement(name.as_bytes())?;
    // Other labels of the codecs that are our own.
    Some(match encoding {
        _ if encoding == UTF_8 => TextCodec::UTF8,
        _ if encoding == UTF_16BE => TextCodec::UTF16_BE,
        _ if encoding == UTF_16LE => TextCodec::UTF16_LE,
        _ if encoding == X_USER_DEFINED => return None,
        _ => TextCodec(Kind::Other(encoding)),
    })
}

#[cfg(not(feature = "codecs"))]
fn other(_: &str) -> Option<TextCodec> {
    None
}

impl Default for TextCodec {
    fn default() -> Self {
        TextCodec::UTF8
    }
}

/// # Encoding
///
/// These settings have no effect in a stream over a string.
impl QTextStream {
    /// Returns the codec. It is the one that the program or a [byte order
    /// mark](QTextStream::set_auto_detect_unicode) has set.
    #[must_use]
    pub fn codec(&self) -> TextCodec {
        self.codec
    }

    /// Sets the codec; UTF-8 by default.
    ///
    /// If the device has positions, the stream decodes the text again that the program has not read
    /// yet. If the device is sequential, the codec applies to bytes that the stream has not read
    /// ahead. It also applies to written text that has not been flushed.
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::TextCodec};
    ///
    /// let mut input = QTextStream::from_bytes(*b"f\xfcnf\nf\xc3\xbcnf\n");
    /// input.set_codec(TextCodec::LATIN1);
    /// assert_eq!(input.read_line().as_deref(), Some("fünf"));
    /// input.set_codec(TextCodec::UTF8);
    /// assert_eq!(input.read_line().as_deref(), Some("fünf"));
    /// ```
    #[doc(alias = "setCodec")]
    pub fn set_codec(&mut self, codec: TextCodec) {
        let position = match &self.medium {
            super::Medium::Device(input) if !input.is_empty() && !input.is_sequential() => {
                self.pos()
            }
            _ => None,
        };
        self.codec = codec;
        if let super::Medium::Device(input) = &mut self.medium {
            input.set_codec(codec);
        }
        self.output.set_codec(codec);
        if let Some(position) = position {
            let _ = self.seek(position);
        }
    }

    /// Returns whether the stream looks for a byte order mark.
    #[doc(alias = "autoDetectUnicode")]
    #[must_use]
    pub fn auto_detect_unicode(&self) -> bool {
        self.detects
    }

    /// Sets whether the stream looks for a byte order mark in the first bytes that it reads; `true`
    /// by default. The mark of UTF-8, UTF-16 or UTF-32 sets the codec. After the first bytes the
    /// setting is `false`, as in Qt.
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::TextCodec};
    ///
    /// let mut input = QTextStream::from_bytes(*b"\xff\xfea\0");
    /// assert_eq!(input.read_all(), "a");
    /// assert_eq!(input.codec(), TextCodec::UTF16_LE);
    /// ```
    #[doc(alias = "setAutoDetectUnicode")]
    pub fn set_auto_detect_unicode(&mut self, enabled: bool) {
        self.detects = enabled;
    }

    /// Returns whether the stream will write a byte order mark before the first text.
    #[doc(alias = "generateByteOrderMark")]
    #[must_use]
    pub fn generate_byte_order_mark(&self) -> bool {
        self.output.marks()
    }

    /// Sets whether the stream writes a byte order mark before the first text, if the codec is
    /// UTF-8, UTF-16 or UTF-32; `false` by default. The setting has no effect while there is
    /// written text that has not been flushed. Flushing sets it to `false`.
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::TextCodec};
    ///
    /// let mut out = QTextStream::from_bytes(Vec::new());
    /// out.set_codec(TextCodec::UTF16_BE);
    /// out.set_generate_byte_order_mark(true);
    /// out.write("a");
    /// assert_eq!(out.into_bytes(), b"\xfe\xff\0a");
    /// ```
    #[doc(alias = "setGenerateByteOrderMark")]
    pub fn set_generate_byte_order_mark(&mut self, generate: bool) {
        if self.output.is_empty() {
            self.output.set_marks(generate);
        }
    }
}
