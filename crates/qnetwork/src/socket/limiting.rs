//! Limits of bytes a second.

use super::{
    node::{AbstractSocketNode, Direction, QAbstractSocket},
    rate_limit::RateLimit,
};

impl QAbstractSocket {
    /// Limits how many bytes a second the socket receives; `None` removes the limit. Any number of
    /// sockets may share a limit.
    ///
    /// Bytes above the limit stay in the operating system's buffer, which slows the sender down.
    /// The limit counts the bytes of the connection: for a `QSslSocket` these are the encrypted
    /// ones, those of the handshake included.
    ///
    /// Functions that wait, such as
    /// [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read), do not keep to the limit, but
    /// the bytes that they move count. UDP sockets and sockets without a read buffer have no limit.
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

    /// Limits how many bytes a second the socket sends; `None` removes the limit.
    ///
    /// Bytes above the limit wait in the write buffer. [`flush`](QAbstractSocket::flush) keeps to
    /// the limit, too. All else is as for [`set_read_rate`](QAbstractSocket::set_read_rate).
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
