//! Limits of bytes per second.

use super::{
    node::{AbstractSocketNode, Direction, QAbstractSocket},
    rate_limit::RateLimit,
};

impl QAbstractSocket {
    /// Limits how many bytes per second the socket receives. `None`, the default, removes the
    /// limit. Any number of sockets may share a limit.
    ///
    /// Bytes above the limit stay in the operating system's buffer, which slows the sender down.
    /// For a `QSslSocket` the limit counts the encrypted bytes, including those of the handshake.
    ///
    /// Functions that wait, such as [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read),
    /// ignore the limit, but the bytes that they move count. The limit has no effect on UDP sockets
    /// and on sockets without a read buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QTcpSocket, RateLimit};
    ///
    /// let socket = QTcpSocket::new();
    /// let limit = RateLimit::new(64 * 1024);
    /// socket.set_read_rate(Some(&limit));
    /// socket.set_write_rate(Some(&limit));
    /// assert_eq!(socket.read_rate().unwrap().rate(), 65536);
    /// ```
    pub fn set_read_rate(&self, limit: Option<&RateLimit>) {
        self.set_rate(Direction::Reading, limit);
    }

    /// Returns the limit of received bytes, if the socket has one.
    #[must_use]
    pub fn read_rate(&self) -> Option<RateLimit> {
        self.rate(Direction::Reading)
    }

    /// Limits how many bytes per second the socket sends. `None`, the default, removes the limit.
    ///
    /// Bytes above the limit wait in the write buffer. [`flush`](QAbstractSocket::flush) also obeys
    /// the limit. In all other respects this function works like
    /// [`set_read_rate`](QAbstractSocket::set_read_rate).
    pub fn set_write_rate(&self, limit: Option<&RateLimit>) {
        self.set_rate(Direction::Writing, limit);
    }

    /// Returns the limit of sent bytes, if the socket has one.
    #[must_use]
    pub fn write_rate(&self) -> Option<RateLimit> {
        self.rate(Direction::Writing)
    }

    fn set_rate(&self, direction: Direction, limit: Option<&RateLimit>) {
        match self.layers.class() {
            Some(class) => class.transport().set_rate(direction, limit),
            None => self.limit_rate(direction, limit),
        }
    }

    fn rate(&self, direction: Direction) -> Option<RateLimit> {
        match self.layers.class() {
            Some(class) => class.transport().rate(direction),
            None => self.extras.limit(direction),
        }
    }
}

impl AbstractSocketNode {
    fn limit_rate(&self, direction: Direction, limit: Option<&RateLimit>) {
        if self.extras.set_limit(direction, limit) {
            self.go_on(direction);
        }
    }

    /// The socket has waited for its share of a limit, and may now move `count` bytes.
    pub(super) fn on_granted(&self, limit: &RateLimit, direction: Direction, count: usize) {
        if !self.extras.grant(limit, direction, count) {
            // The socket has another limit now.
            limit.give_back(count);
        } else if !self.go_on(direction) {
            self.extras.return_grant(direction);
        }
    }

    /// Moves bytes in a direction again, in the loop's next turn. Returns whether there is anything
    /// to move.
    fn go_on(&self, direction: Direction) -> bool {
        let Some(engine) = self.engine() else { return false };
        match direction {
            Direction::Reading => {
                let reads = engine.is_readable() && !self.reading.is_full();
                if reads {
                    engine.read_again();
                }
                reads
            }
            Direction::Writing => {
                let writes = engine.is_writable() && !self.writing.is_empty();
                if writes {
                    self.schedule();
                }
                writes
            }
        }
    }
}
