//! Pausing: the program stops and resumes reading.

use qcore::{internals::DeviceInternals, object::Node};

use super::node::{AbstractSocketNode, QAbstractSocket};

/// # Pausing
impl QAbstractSocket {
    /// Stops reading until [`resume_reading`](QAbstractSocket::resume_reading) is called.
    ///
    /// Meanwhile the socket does not emit `ready_read`. The program can still read the bytes in the
    /// read buffer. Bytes that arrive stay in the operating system's buffer, and when that is full,
    /// the other end has to wait. So a program can receive at its own speed with bounded memory.
    ///
    /// The socket still writes. It notices that the other end has closed the connection only when
    /// it writes, or when reading is resumed. A `QSslSocket` continues its handshake. It decrypts
    /// the bytes that it has already received, and the program can read them. A UDP socket leaves
    /// datagrams in the operating system's buffer. When that is full, the system drops datagrams.
    /// Functions that wait for data fail with [`Operation`](crate::SocketErrorKind::Operation).
    ///
    /// The pause also applies to later connections of the socket. Qt has no such function.
    ///
    /// # Examples
    ///
    /// A program that handles one request at a time, in another thread:
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QSignalSpy, QTimer, wait_until};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let client = QTcpSocket::new();
    /// client.connect_to_host("127.0.0.1", server.server_port());
    /// server.wait_for_new_connection(5000)?;
    /// let socket = server.next_pending_connection().unwrap();
    ///
    /// let requests = QSignalSpy::new(&socket.ready_read);
    /// socket.ready_read.connect_to(&socket, |socket, ()| {
    ///     assert_eq!(socket.read_all(), b"request");
    ///     socket.pause_reading();
    ///     // Stands for the work.
    ///     let socket = socket.clone();
    ///     QTimer::single_shot(Duration::from_millis(1), move || {
    ///         socket.write("answer").ok();
    ///         socket.resume_reading();
    ///     });
    /// });
    /// client.bytes_written.connect(|_| ());
    /// client.ready_read.connect_to(&client, |client, ()| {
    ///     client.read_all();
    ///     client.write("request").ok();
    /// });
    /// client.write("request").unwrap();
    /// assert!(wait_until(5000, || requests.count() == 3));
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn pause_reading(&self) {
        self.set_paused(true);
    }

    /// Reads again after [`pause_reading`](QAbstractSocket::pause_reading). Does nothing if reading
    /// is not paused.
    ///
    /// If there are bytes in the read buffer, the event loop emits `ready_read` in its next turn,
    /// even if the socket has emitted it for these bytes before the pause. It emits nothing if the
    /// connection has ended by then.
    pub fn resume_reading(&self) {
        self.set_paused(false);
    }

    /// Returns whether reading is paused.
    #[must_use]
    pub fn is_reading_paused(&self) -> bool {
        self.reading.is_paused()
    }

    fn set_paused(&self, paused: bool) {
        if self.reading.set_paused(paused) == paused || paused {
            return;
        }
        match self.layers.class() {
            Some(class) => class.reading_resumed(),
            None => self.on_resumed(),
        }
    }
}

impl AbstractSocketNode {
    fn on_resumed(&self) {
        self.reopen();
        if self.base.held_len() == 0 {
            return;
        }
        let (node, mark) = (self.this.clone(), self.closure.mark());
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade()
                && node.closure.is_at(mark)
                && !node.is_paused()
                && node.base.buffer_len() > 0
            {
                node.emit_ready_read();
            }
        });
    }

    /// Returns whether reading is paused, here or by the outer socket.
    pub(super) fn is_paused(&self) -> bool {
        self.reading.is_paused() || self.layers.outer().is_some_and(|outer| outer.is_paused())
    }

    /// Reads again, if there may be something to read, after reading had stopped for any reason.
    pub(crate) fn reopen(&self) {
        self.reading.reopen();
        // The time without data begins anew.
        self.timeouts.note_received();
        if let Some(engine) = self.engine() {
            self.read_again(&engine);
        }
    }
}
