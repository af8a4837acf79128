//! The sender of the signal whose slot is running.

use crate::{event_loop::Dispatcher, id::ObjectId};

/// Makes an object the current sender. Dropping the scope makes the previous sender current again.
pub(crate) struct SenderScope<'a> {
    dispatcher: &'a Dispatcher,
    before: ObjectId,
}

impl<'a> SenderScope<'a> {
    #[inline]
    pub(crate) fn enter(dispatcher: &'a Dispatcher, sender: ObjectId) -> Self {
        SenderScope { dispatcher, before: dispatcher.replace_sender(sender) }
    }
}

impl Drop for SenderScope<'_> {
    #[inline]
    fn drop(&mut self) {
        self.dispatcher.replace_sender(self.before);
    }
}
