//! [`Input`]: the text that was read ahead from a device.

use std::collections::VecDeque;

use super::{codec::TextCodec, decode::Decoder};
use crate::io_device::{DeviceError, QIODevice};

/// How many bytes to read from the device at once, as in Qt.
const PIECE: usize = 16384;

/// A device and the text that was read ahead from it.
pub(super) struct Input {
    device: QIODevice,
    decoder: Decoder,
    text: String,
    /// How much of `text` has been taken.
    at: usize,
    /// Up to where `at` can move without anything else to do.
    limit: usize,
    /// How much text came before `text`.
    before: u64,
    /// The bytes that the rest of `text` was decoded from, if the device has positions. They tell
    /// where in the device the next character begins.
    sources: VecDeque<Source>,
    /// A buffer for reading, and one for the next source.
    piece: Vec<u8>,
    spare: Vec<u8>,
}

/// Bytes that were read from a device.
struct Source {
    /// The position of the first byte.
    position: i64,
    /// `None` if the text is the bytes themselves, including those that the decoder kept before.
    bytes: Option<Vec<u8>>,
    /// Where their text begins, counted from the beginning of all text.
    start: u64,
    /// The state of the decoder before them.
    decoder: Decoder,
    without_returns: bool,
}

impl Input {
    pub(super) fn new(device: &QIODevice, codec: TextCodec) -> Self {
        Input {
            device: device.clone(),
            decoder: Decoder::new(codec),
            text: String::new(),
            at: 0,
            limit: 0,
            before: 0,
            sources: VecDeque::new(),
            piece: Vec::new(),
            spare: Vec::new(),
        }
    }

    pub(super) fn device(&self) -> &QIODevice {
        &self.device
    }

    pub(super) fn is_sequential(&self) -> bool {
        self.device.is_sequential()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.text.len()
    }

    /// Returns the text that was read ahead.
    #[inline]
    pub(super) fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    pub(super) fn set_codec(&mut self, codec: TextCodec) {
        self.decoder.set_codec(codec);
    }

    /// Takes `count` bytes of the text that was read ahead.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        self.at += count;
        if self.at >= self.limit {
            self.tidy();
        }
    }

    /// Drops what is no longer needed of the text and its sources.
    fn tidy(&mut self) {
        if self.is_empty() {
            self.before += self.text.len() as u64;
            self.text.clear();
            self.at = 0;
            // Without its sources, the decoder's state could not be repeated.
            if self.decoder.snapshot().is_some() {
                self.forget_sources();
            }
        }
        let taken = self.before + self.at as u64;
        while self.sources.get(1).is_some_and(|next| next.start < taken) {
            let source = self.sources.pop_front();
            self.keep_spare(source);
        }
        if self.at >= PIECE && self.at >= self.text.len() / 2 {
            self.text.drain(..self.at);
            self.before = taken;
            self.at = 0;
        }
        self.set_limit();
    }

    fn set_limit(&mut self) {
        let length = self.text.len();
        let next = self.sources.get(1).map(|next| (next.start + 1).saturating_sub(self.before));
        let next = next.and_then(|next| usize::try_from(next).ok()).unwrap_or(length);
        self.limit = length.min(next).min(PIECE.max(length / 2));
    }

    fn forget_sources(&mut self) {
        let source = self.sources.pop_back();
        self.keep_spare(source);
        self.sources.clear();
    }

    /// Keeps the memory of a source for the next one.
    fn keep_spare(&mut self, source: Option<Source>) {
        if let Some(bytes) = source.and_then(|source| source.bytes) {
            self.spare = bytes;
        }
    }

    /// Reads from the device and appends the text. Returns whether bytes came. The first bytes may
    /// change the codec, if `detects` is set.
    pub(super) fn fill(&mut self, codec: &mut TextCodec, detects: &mut bool) -> bool {
        let device = self.device.clone();
        let raw = WithoutTextMode::enter(&device);
        let is_text = raw.was_on;
        let position = device.pos();
        let mut piece = std::mem::take(&mut self.piece);
        piece.resize(PIECE, 0);
        let count = device.read_into(&mut piece).unwrap_or(0).min(PIECE);
        drop(raw);
        if count > 0 {
            self.append(&piece[..count], position, is_text, codec, detects);
        }
        self.piece = piece;
        count > 0
    }

    fn append(
        &mut self,
        bytes: &[u8],
        position: i64,
        without_returns: bool,
        codec: &mut TextCodec,
        detects: &mut bool,
    ) {
        if std::mem::take(detects)
            && let Some(found) = TextCodec::for_mark(bytes)
        {
            *codec = found;
            self.decoder.set_codec(found);
        }
        // What is left of a line or word moves to the front; taken text makes room.
        if self.at >= self.text.len() - self.at {
            self.before += self.at as u64;
            self.text.drain(..self.at);
            self.at = 0;
        }
        let start = self.before + self.text.len() as u64;
        let before = self.decoder.snapshot();
        let old = self.text.len();
        let mut is_same = self.decoder.decode(bytes, &mut self.text);
        if without_returns {
            is_same &= !remove_returns(&mut self.text, old);
        }
        if !self.device.is_sequential() {
            match (before, self.sources.back_mut()) {
                (Some(decoder), _) => {
                    let kept = decoder.pending() as i64;
                    let (position, bytes) = match is_same {
                        true => (position - kept, None),
                        false => (position, Some(self.copy(bytes))),
                    };
                    let source = Source { position, bytes, start, decoder, without_returns };
                    self.sources.push_back(source);
                }
                (None, Some(Source { bytes: Some(own), .. })) => own.extend_from_slice(bytes),
                (None, _) => {}
            }
        }
        self.set_limit();
    }

    fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut own = std::mem::take(&mut self.spare);
        own.clear();
        own.extend_from_slice(bytes);
        own
    }

    /// Returns the device's position of the next character. Moves the device there and drops the
    /// text that was read ahead.
    pub(super) fn synchronize(&mut self) -> Result<i64, DeviceError> {
        if self.is_sequential() {
            return Ok(0);
        }
        if self.is_empty() && self.sources.is_empty() {
            let pending = self.decoder.pending() as i64;
            let position = self.device.pos() - pending;
            if pending > 0 {
                self.device.seek(position)?;
                self.decoder.forget_pending();
            }
            return Ok(position);
        }
        let Some((position, decoder)) = self.find_position() else {
            return Ok(self.device.pos());
        };
        self.device.seek(position)?;
        self.drop_ahead();
        self.decoder = decoder;
        Ok(position)
    }

    /// Returns the position of the next character and the state of the decoder there.
    fn find_position(&self) -> Option<(i64, Decoder)> {
        let source = self.sources.front()?;
        let wanted = usize::try_from((self.before + self.at as u64) - source.start).ok()?;
        let mut decoder = source.decoder.snapshot()?;
        let Some(bytes) = &source.bytes else {
            decoder.forget_pending();
            if wanted > 0 {
                decoder.set_started();
            }
            return Some((source.position + wanted as i64, decoder));
        };
        if wanted == 0 {
            let position = source.position - decoder.pending() as i64;
            decoder.forget_pending();
            return Some((position, decoder));
        }
        let mut text = String::new();
        // Decodes the bytes again: in blocks up to the one that has the character, then one by one.
        let (mut done, mut used) = (0, 0);
        for block in bytes.chunks(256) {
            let Some(mut ahead) = decoder.snapshot() else { break };
            text.clear();
            ahead.decode(block, &mut text);
            if source.without_returns {
                remove_returns(&mut text, 0);
            }
            if done + text.len() >= wanted {
                break;
            }
            done += text.len();
            used += block.len();
            decoder = ahead;
        }
        text.clear();
        while done + text.len() < wanted && used < bytes.len() {
            let old = text.len();
            decoder.decode(&bytes[used..=used], &mut text);
            if source.without_returns {
                remove_returns(&mut text, old);
            }
            used += 1;
        }
        Some((source.position + used as i64, decoder))
    }

    /// Moves the device and drops the text that was read ahead.
    pub(super) fn seek(&mut self, position: i64, codec: TextCodec) -> Result<(), DeviceError> {
        self.device.seek(position)?;
        self.drop_ahead();
        self.decoder = Decoder::new(codec);
        Ok(())
    }

    fn drop_ahead(&mut self) {
        self.text.clear();
        self.at = 0;
        self.forget_sources();
        self.set_limit();
    }
}

/// Switches a device's text mode off while it lives, also if the device panics.
///
/// The stream removes carriage returns itself, because the device's bytes have to keep their
/// positions.
struct WithoutTextMode<'a> {
    device: &'a QIODevice,
    was_on: bool,
}

impl<'a> WithoutTextMode<'a> {
    fn enter(device: &'a QIODevice) -> Self {
        let was_on = device.is_text_mode_enabled();
        if was_on {
            device.set_text_mode_enabled(false);
        }
        WithoutTextMode { device, was_on }
    }
}

impl Drop for WithoutTextMode<'_> {
    fn drop(&mut self) {
        if self.was_on && self.device.is_open() {
            self.device.set_text_mode_enabled(true);
        }
    }
}

/// Removes carriage returns from `from` on. Returns whether there were any.
fn remove_returns(text: &mut String, from: usize) -> bool {
    let has_returns = text[from..].contains('\r');
    if has_returns {
        let kept = text[from..].replace('\r', "");
        text.truncate(from);
        text.push_str(&kept);
    }
    has_returns
}
