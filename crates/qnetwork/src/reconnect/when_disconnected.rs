//! [`WhenDisconnected`]: what happens to messages that are sent while there is no connection.

use std::collections::VecDeque;

use qcore::{DeviceError, DeviceErrorKind};

/// What [`Reconnector::send`](super::Reconnector::send) does while there is no connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[doc(alias = "offline")]
pub enum WhenDisconnected {
    /// Returns an error.
    #[default]
    Refuse,
    /// Drops the message and returns success: for example for measurements that nobody needs later.
    Drop,
    /// Keeps messages with at most this many bytes in total. If a message would exceed this limit,
    /// [`send`](super::Reconnector::send) returns an error.
    Keep(usize),
    /// Keeps messages with at most this many bytes in total. Drops the oldest messages if a new one
    /// would exceed this limit.
    KeepLatest(usize),
}

/// The messages that wait for a connection.
#[derive(Default)]
pub(super) struct Queue {
    messages: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Queue {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps, drops or refuses a message, according to `rule`. `has_link` is true if there is a
    /// connection that does not take the waiting messages at the moment.
    pub(super) fn take_in(
        &mut self,
        message: &[u8],
        rule: WhenDisconnected,
        has_link: bool,
    ) -> Result<(), DeviceError> {
        let limit = match rule {
            WhenDisconnected::Refuse if has_link => return Err(DeviceErrorKind::Full.into()),
            WhenDisconnected::Refuse => {
                return Err(DeviceError::new(DeviceErrorKind::NotOpen, "there is no connection"));
            }
            WhenDisconnected::Drop => return Ok(()),
            WhenDisconnected::Keep(limit) | WhenDisconnected::KeepLatest(limit) => limit,
        };
        let keeps_latest = matches!(rule, WhenDisconnected::KeepLatest(_));
        // Another rule may have kept more. An empty message would cost memory and no bytes.
        let has_room = |bytes: usize| bytes.checked_add(message.len()).is_some_and(|n| n <= limit);
        if !has_room(0) || (!keeps_latest && !has_room(self.bytes)) {
            let text = "the message has no room among those that wait for a connection";
            return Err(DeviceError::new(DeviceErrorKind::TooLong, text));
        }
        if message.is_empty() {
            return Ok(());
        }
        while !has_room(self.bytes) {
            drop(self.pop());
        }
        self.bytes += message.len();
        self.messages.push_back(message.to_vec());
        Ok(())
    }

    /// Takes the oldest message.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }

    /// Puts a message back to the front.
    pub(super) fn put_back(&mut self, message: Vec<u8>) {
        self.bytes += message.len();
        self.messages.push_front(message);
    }

    pub(super) fn clear(&mut self) {
        *self = Queue::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).map(|one| String::from_utf8(one).unwrap()).collect()
    }

    #[test]
    fn the_first_or_the_last_messages_are_kept() {
        let mut queue = Queue::default();
        for (message, has_room) in [("one", true), ("two", true), ("three", false), ("4", true)] {
            let result = queue.take_in(message.as_bytes(), WhenDisconnected::Keep(7), false);
            assert_eq!(result.is_ok(), has_room, "{message}");
        }
        assert_eq!(queue.bytes(), 7);
        assert_eq!(kept(&mut queue), ["one", "two", "4"]);
        assert_eq!(queue.bytes(), 0);

        for message in ["one", "two", "three", "4"] {
            queue.take_in(message.as_bytes(), WhenDisconnected::KeepLatest(7), false).unwrap();
        }
        let error =
            queue.take_in(b"much longer", WhenDisconnected::KeepLatest(7), false).unwrap_err();
        assert_eq!(error, DeviceErrorKind::TooLong);
        assert_eq!(kept(&mut queue), ["three", "4"]);
    }

    #[test]
    fn refused_and_dropped() {
        let mut queue = Queue::default();
        let error = queue.take_in(b"x", WhenDisconnected::Refuse, false).unwrap_err();
        assert_eq!(error, DeviceErrorKind::NotOpen);
        queue.take_in(b"x", WhenDisconnected::Drop, false).unwrap();
        queue.take_in(b"", WhenDisconnected::Keep(0), false).unwrap();
        queue.take_in(b"x", WhenDisconnected::Keep(0), false).unwrap_err();
        assert_eq!((queue.bytes(), queue.pop()), (0, None));
    }

    #[test]
    fn a_smaller_limit_drops_what_is_there() {
        let mut queue = Queue::default();
        queue.take_in(&[1; 10], WhenDisconnected::Keep(10), false).unwrap();
        queue.take_in(&[2; 2], WhenDisconnected::Keep(4), false).unwrap_err();
        queue.take_in(&[3; 2], WhenDisconnected::KeepLatest(4), false).unwrap();
        assert_eq!((queue.bytes(), queue.pop()), (2, Some(vec![3; 2])));
    }
}
