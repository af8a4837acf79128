//! Waiting without a loop.

use qcore::QDeadlineTimer;

use super::{QSslSocket, SslSocketNode};
use crate::{
    socket::{Overtime, SocketError, SocketErrorKind, SocketState},
    ssl::kinds::SslMode,
};

impl QSslSocket {
    /// Waits until the handshake has finished; connects first if necessary. The deadline is a
    /// number of milliseconds, -1 for no limit, or a `Duration`.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](SocketErrorKind::SocketTimeout) when the deadline passes.
    /// [`Operation`](SocketErrorKind::Operation) if the socket is encrypted already, or is not
    /// going to encrypt. Otherwise the error with which the handshake has failed, or could not
    /// start. (Qt waits for the peer if the handshake could not start.)
    #[doc(alias = "waitForEncrypted")]
    pub fn wait_for_encrypted(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        node.wait_encrypted(deadline)
    }
}

fn not_possible() -> SocketError {
    SocketError::new(SocketErrorKind::Operation, "Not possible in this state of the socket")
}

fn timed_out() -> SocketError {
    SocketError::new(SocketErrorKind::SocketTimeout, "Network operation timed out")
}

impl SslSocketNode {
    /// Returns the error for which the inner socket could not wait.
    fn reason(&self, inner: SocketError) -> SocketError {
        match self.base.error() {
            SocketErrorKind::Unknown => inner,
            _ => self.base.last_error(),
        }
    }

    /// Returns the result of waiting with the inner socket. If it has failed, takes over its state
    /// and error.
    fn follow(&self, waited: Result<(), SocketError>) -> Result<(), SocketError> {
        if let Err(error) = &waited {
            self.base.set_socket_state(self.inner.state());
            if *error != SocketErrorKind::Operation {
                self.base.set_error(error);
            }
        }
        waited
    }

    pub(super) fn wait_connected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        self.follow(self.inner.wait_for_connected(deadline))
    }

    fn wait_encrypted(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        if self.flags.encrypted.get() || self.is_plain() {
            return Err(not_possible());
        }
        self.check_protocol("waitForEncrypted")?;
        if self.inner.state() != SocketState::Connected {
            self.inner.wait_for_connected(deadline).map_err(|error| self.reason(error))?;
        }
        // In a slot, there may be data that was not processed yet.
        self.transmit();
        let mut overtime = Overtime::default();
        while !self.flags.encrypted.get() {
            if overtime.is_over(deadline) {
                return self.follow(Err(timed_out()));
            }
            if self.mode.get() == SslMode::Unencrypted {
                self.start_encryption(SslMode::Client);
            }
            if self.flags.start_failed.get() {
                return Err(self.base.last_error());
            }
            self.wait_for_more(deadline)?;
        }
        Ok(())
    }

    /// Waits for data and processes it, even within a slot that is called for data.
    fn wait_for_more(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        self.inner.wait_for_ready_read(deadline).map_err(|error| self.reason(error))?;
        self.transmit();
        Ok(())
    }

    pub(super) fn wait_readable(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        if self.is_plain() {
            return self.inner.wait_for_ready_read(deadline);
        }
        let before = self.ready_reads.get();
        if !self.flags.encrypted.get() {
            self.wait_encrypted(deadline)?;
        }
        // Written data is sent first. In a slot, there may also be received data that was not
        // processed yet.
        self.transmit();
        let mut overtime = Overtime::default();
        while self.ready_reads.get() == before {
            if overtime.is_over(deadline) {
                return self.follow(Err(timed_out()));
            }
            self.wait_for_more(deadline)?;
        }
        Ok(())
    }

    pub(super) fn wait_written(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        if self.is_plain() {
            return self.inner.wait_for_bytes_written(deadline);
        }
        if !self.flags.encrypted.get() {
            self.wait_encrypted(deadline)?;
        }
        if !self.write_buffer.borrow().is_empty() {
            self.transmit();
        }
        self.inner.wait_for_bytes_written(deadline).map_err(|error| self.reason(error))
    }

    pub(super) fn wait_disconnected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        if self.base.state() == SocketState::Unconnected {
            qcore::q_warning!(
                "QSslSocket::waitForDisconnected() is not allowed in UnconnectedState"
            );
            return Err(not_possible());
        }
        if self.is_plain() {
            return self.inner.wait_for_disconnected(deadline);
        }
        // If the handshake could not start, the connection stays until one end closes it.
        if !self.flags.encrypted.get() && !self.flags.start_failed.get() {
            self.wait_encrypted(deadline)?;
        }
        if !self.write_buffer.borrow().is_empty() {
            self.transmit();
        }
        if self.base.state() == SocketState::Unconnected {
            return Ok(());
        }
        self.follow(self.inner.wait_for_disconnected(deadline))
    }
}
