//! [`AckQueue`]: messages that the other end acknowledges.

use std::{collections::VecDeque, fmt};

use super::DEFAULT_LIMIT;

/// Messages that wait until the other end acknowledges them.
///
/// A message stays in the queue until it is acknowledged. So if the connection ends before that,
/// the program can send it again. The queue only keeps the messages, in their order; the program
/// sends them.
///
/// ```text
///   push() ─► waiting ──next_to_send()─► in flight ──acknowledge(id)─► (gone)
///                ▲                           │
///                └─────────restart()─────────┘
/// ```
///
/// * The queue is limited, so that an end that never acknowledges anything costs little memory. By
///   default it keeps at most 10,000 messages and 1 MiB.
/// * The messages in flight are limited, too: the *window*.
/// * [`next_to_send`](AckQueue::next_to_send) gives each message an identifier, the next one of 1
///   to 65,535. The message keeps it.
///
/// # Examples
///
/// ```
/// use qcore::framing::AckQueue;
///
/// let mut queue = AckQueue::new().with_window(2);
/// for word in ["one", "two", "three"] {
///     queue.push(word, word.len()).unwrap();
/// }
/// let first = queue.next_to_send().unwrap();
/// assert_eq!((first.id, first.message), (1, "one"));
/// assert_eq!(queue.next_to_send().unwrap().message, "two");
/// assert!(queue.next_to_send().is_none()); // the window is full
///
/// assert_eq!(queue.acknowledge(1), Some("one"));
/// assert_eq!(queue.next_to_send().unwrap().message, "three");
///
/// queue.restart(); // another connection
/// let again = queue.next_to_send().unwrap();
/// assert_eq!((again.id, again.message, again.is_repeated), (2, "two", true));
/// ```
#[derive(Clone)]
pub struct AckQueue<M> {
    /// Those in flight are the first ones.
    messages: VecDeque<Entry<M>>,
    in_flight: usize,
    bytes: usize,
    last_id: u16,
    window: usize,
    max_messages: usize,
    max_bytes: usize,
}

#[derive(Clone)]
struct Entry<M> {
    message: M,
    size: usize,
    /// 0 until it is sent for the first time.
    id: u16,
}

/// A message to be sent, from [`AckQueue::next_to_send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unacknowledged<M> {
    /// The identifier of the message. The other end names it in its acknowledgement.
    pub id: u16,
    /// Whether the message was sent before the last [`restart`](AckQueue::restart). The other end
    /// may have received it already.
    pub is_repeated: bool,
    /// The message.
    pub message: M,
}

impl<M> AckQueue<M> {
    /// Creates a queue for at most 10,000 messages and 1 MiB.
    #[must_use]
    pub fn new() -> Self {
        AckQueue {
            messages: VecDeque::new(),
            in_flight: 0,
            bytes: 0,
            last_id: 0,
            window: usize::MAX,
            max_messages: 10_000,
            max_bytes: DEFAULT_LIMIT,
        }
    }

    /// Sets the maximum number of messages in the queue, and of their bytes in total. The defaults
    /// are 10,000 messages and 1 MiB; `usize::MAX` means no limit. Messages that are already in the
    /// queue stay in it.
    #[must_use]
    pub fn with_limits(mut self, messages: usize, bytes: usize) -> Self {
        (self.max_messages, self.max_bytes) = (messages, bytes);
        self
    }

    /// Sets the maximum number of messages in flight: those that were sent and are not
    /// acknowledged. By default only the number of identifiers limits it.
    #[must_use]
    pub fn with_window(mut self, messages: usize) -> Self {
        self.window = messages;
        self
    }

    /// Appends a message. `size` is its number of bytes, for the limit of bytes.
    ///
    /// # Errors
    ///
    /// Returns the message if a limit would be exceeded.
    pub fn push(&mut self, message: M, size: usize) -> Result<(), M> {
        let bytes = self.bytes.checked_add(size).filter(|&bytes| bytes <= self.max_bytes);
        match bytes.filter(|_| self.messages.len() < self.max_messages) {
            None => Err(message),
            Some(bytes) => {
                self.bytes = bytes;
                self.messages.push_back(Entry { message, size, id: 0 });
                Ok(())
            }
        }
    }

    /// Returns the next message to be sent, which is in flight from now on. Returns `None` if no
    /// message waits, if the window is full, or if the next identifier still belongs to the oldest
    /// message.
    pub fn next_to_send(&mut self) -> Option<Unacknowledged<M>>
    where
        M: Clone,
    {
        let oldest = self.messages.front()?.id;
        let next =
            self.messages.get_mut(self.in_flight).filter(|_| self.in_flight < self.window)?;
        let is_repeated = next.id != 0;
        if !is_repeated {
            // The identifiers are in order, so the oldest one is the next to be in the way.
            next.id = Some(self.last_id % u16::MAX + 1).filter(|&id| id != oldest)?;
            self.last_id = next.id;
        }
        self.in_flight += 1;
        Some(Unacknowledged { id: next.id, is_repeated, message: next.message.clone() })
    }

    /// Removes a message that is in flight and returns it. Returns `None` if there is none with
    /// this identifier.
    pub fn acknowledge(&mut self, id: u16) -> Option<M> {
        let mut in_flight = self.messages.iter().take(self.in_flight);
        let at = in_flight.position(|entry| entry.id == id)?;
        let entry = self.messages.remove(at)?;
        self.in_flight -= 1;
        self.bytes -= entry.size;
        Some(entry.message)
    }

    /// Makes [`next_to_send`](AckQueue::next_to_send) begin with the oldest message again. A
    /// program calls it when the connection has ended.
    pub fn restart(&mut self) {
        self.in_flight = 0;
    }

    /// Returns how many messages are in the queue, those in flight included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Returns whether the queue is empty: all messages are acknowledged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Returns how many messages are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns the sum of the sizes of all messages in the queue.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<M> Default for AckQueue<M> {
    fn default() -> Self {
        AckQueue::new()
    }
}

impl<M> fmt::Debug for AckQueue<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckQueue")
            .field("len", &self.len())
            .field("in_flight", &self.in_flight)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
