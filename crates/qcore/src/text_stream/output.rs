//! [`Output`]: the written text that has not gone to the device.

use std::{
    cell::{Cell, OnceCell, RefCell},
    ops::Deref,
    rc::Rc,
};

use super::{TextCodec, TextStreamStatus, encode::Encoder, writing::KEPT};
use crate::{io_device::QIODevice, signal::ScopedConnection};

/// The written text of a stream, and the stream's status.
///
/// A stream over a device shares it with a slot of the device's `about_to_close`, which flushes it.
pub(super) enum Output {
    Own(Unflushed),
    Shared { unflushed: Rc<Unflushed>, about_to_close: OnceCell<ScopedConnection> },
}

/// What an [`Output`] consists of.
#[derive(Default)]
pub(super) struct Unflushed {
    /// `None` in a stream without a device, which never has unflushed text.
    device: Option<QIODevice>,
    /// In UTF-8.
    text: RefCell<Vec<u8>>,
    encoder: RefCell<Encoder>,
    status: Cell<TextStreamStatus>,
}

impl Default for Output {
    /// Creates the output of a stream without a device.
    fn default() -> Self {
        Output::Own(Unflushed::default())
    }
}

impl Output {
    /// Creates an output to a device.
    pub(super) fn new(device: &QIODevice) -> Self {
        let unflushed = Unflushed { device: Some(device.clone()), ..Unflushed::default() };
        Output::Shared { unflushed: Rc::new(unflushed), about_to_close: OnceCell::new() }
    }

    /// Lets a slot of the device flush the output when the device closes. Only the first call has
    /// an effect.
    pub(super) fn connect(&self) {
        let Output::Shared { unflushed, about_to_close } = self else { return };
        let (Some(device), None) = (&unflushed.device, about_to_close.get()) else { return };
        // The device owns the slot, and the output owns the device: a strong reference in the slot
        // would be a cycle.
        let of_slot = Rc::downgrade(unflushed);
        let connection = device.about_to_close.connect(move |()| {
            if let Some(unflushed) = of_slot.upgrade() {
                unflushed.flush();
            }
        });
        let _ = about_to_close.set(connection.scoped());
    }

    /// Returns the output if it is one to a device.
    #[inline]
    pub(super) fn to_device(&self) -> Option<&Unflushed> {
        match self {
            Output::Own(_) => None,
            Output::Shared { unflushed, .. } => Some(unflushed),
        }
    }
}

impl Deref for Output {
    type Target = Unflushed;

    #[inline]
    fn deref(&self) -> &Unflushed {
        match self {
            Output::Own(unflushed) => unflushed,
            Output::Shared { unflushed, .. } => unflushed,
        }
    }
}

impl Unflushed {
    /// Lets `append` append text, and flushes if there is much of it.
    #[inline]
    pub(super) fn append(&self, append: impl FnOnce(&mut Vec<u8>)) {
        let is_full = {
            let mut text = self.text.borrow_mut();
            append(&mut text);
            text.len() > KEPT
        };
        if is_full {
            self.flush();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.borrow().is_empty()
    }

    pub(super) fn marks(&self) -> bool {
        self.encoder.borrow().marks()
    }

    pub(super) fn set_marks(&self, marks: bool) {
        self.encoder.borrow_mut().set_marks(marks);
    }

    pub(super) fn set_codec(&self, codec: TextCodec) {
        self.encoder.borrow_mut().set_codec(codec);
    }

    pub(super) fn status(&self) -> TextStreamStatus {
        self.status.get()
    }

    /// Sets the status, unless there has been an error.
    pub(super) fn set_status(&self, status: TextStreamStatus) {
        if self.status.get() == TextStreamStatus::Ok {
            self.status.set(status);
        }
    }

    pub(super) fn reset_status(&self) {
        self.status.set(TextStreamStatus::Ok);
    }

    /// Sends the text to the device, unless there has been an error.
    pub(super) fn flush(&self) {
        if self.status.get() != TextStreamStatus::Ok || self.is_empty() {
            return;
        }
        let Some(device) = &self.device else { return };
        // Writing runs code of the device and of its slots. They may close the device, and then
        // this function runs again.
        let mut text = self.text.take();
        let encoded = self.encode(&text);
        let bytes = encoded.as_deref().unwrap_or(&text);
        if !device.write(bytes).is_ok_and(|written| written == bytes.len()) {
            self.set_status(TextStreamStatus::WriteFailed);
        }
        if text.capacity() <= 4 * KEPT && self.is_empty() {
            text.clear();
            self.text.replace(text);
        }
    }

    /// Returns the text's bytes; `None` if these are the text's own.
    fn encode(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut encoder = self.encoder.borrow_mut();
        if encoder.is_plain() {
            return None;
        }
        let text = std::str::from_utf8(text).expect("the stream appends whole texts only");
        Some(encoder.encode(text))
    }
}
