//! Writing in tasks.

use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, ready},
};

use super::{Core, Slot};
use crate::{
    io_device::{DeviceError, DeviceErrorKind, QIODevice},
    signal::ScopedConnection,
};

/// How many bytes may wait to be sent by default.
const WRITE_LIMIT: usize = 64 * 1024;

/// The half of a [`DeviceStream`](super::DeviceStream) that writes.
///
/// # Examples
///
/// ```
/// use qcore::{DeviceError, io_device::WriteHalf};
///
/// async fn say(mut writer: WriteHalf, words: &[&str]) -> Result<(), DeviceError> {
///     for word in words {
///         writer.write_all(word.as_bytes()).await?;
///     }
///     writer.shutdown().await
/// }
/// ```
pub struct WriteHalf {
    core: Rc<Core>,
    limit: usize,
    /// The slots that wake the task when bytes were sent. There are none while nobody waits, because
    /// a socket without slots at its `bytes_written` sends earlier.
    sent: Option<[ScopedConnection; 2]>,
    /// Whether somebody has disconnected these slots.
    cut: Rc<Cell<bool>>,
    shut_down: ShutDown,
}

/// How far the sending half has been closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShutDown {
    No,
    /// The device has written what comes last.
    Prepared,
    Done,
}

impl WriteHalf {
    pub(super) fn new(core: Rc<Core>) -> Self {
        WriteHalf {
            core,
            limit: WRITE_LIMIT,
            sent: None,
            cut: Rc::default(),
            shut_down: ShutDown::No,
        }
    }

    /// Returns the device.
    #[must_use]
    pub fn device(&self) -> &QIODevice {
        &self.core.device
    }

    /// Writes as many bytes as the [limit](WriteHalf::set_write_limit) allows, and waits until it
    /// allows at least one. Returns their number.
    ///
    /// The device has taken the bytes when this function returns. A socket sends them at the end of
    /// the loop's turn, together with all others written in that turn.
    ///
    /// Cancel safe: a call that is cancelled has written nothing.
    ///
    /// # Errors
    ///
    /// [`NotOpen`](DeviceErrorKind::NotOpen) if the device is closed or dead,
    /// [`NotWritable`](DeviceErrorKind::NotWritable) if it is open for reading only or was shut
    /// down, [`Closed`](DeviceErrorKind::Closed) if the connection has ended, and the errors of
    /// the device.
    pub async fn write(&mut self, data: &[u8]) -> Result<usize, DeviceError> {
        poll_fn(|context| self.poll_write(context, data)).await
    }

    /// Writes all of `data`.
    ///
    /// Not cancel safe: the number of bytes that were written is lost.
    ///
    /// # Errors
    ///
    /// Those of [`write`](WriteHalf::write).
    pub async fn write_all(&mut self, mut data: &[u8]) -> Result<(), DeviceError> {
        while !data.is_empty() {
            let count = self.write(data).await?;
            data = &data[count..];
        }
        Ok(())
    }

    /// Sends the written bytes now, and waits until the operating system has taken all of them.
    ///
    /// Cancel safe: the bytes will be sent anyway.
    ///
    /// # Errors
    ///
    /// [`NotOpen`](DeviceErrorKind::NotOpen) if the device is closed or dead, and the error with
    /// which the connection has ended, if bytes were lost.
    pub async fn flush(&mut self) -> Result<(), DeviceError> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    /// Waits until everything was sent, and then tells the other end that no more bytes follow. The
    /// other end can still send. Nothing can be written afterwards.
    ///
    /// A TCP or local socket closes its sending half. A `QSslSocket` sends TLS's closing message.
    /// Other devices only flush. Cancel safe, like [`flush`](WriteHalf::flush).
    ///
    /// # Errors
    ///
    /// Those of [`flush`](WriteHalf::flush).
    pub async fn shutdown(&mut self) -> Result<(), DeviceError> {
        poll_fn(|context| self.poll_shutdown(context)).await
    }

    /// Sets how many bytes may wait in this process to be sent, 64 KiB by default and at least 1.
    /// A task that writes more waits. Bytes that others have written count as well.
    pub fn set_write_limit(&mut self, bytes: usize) {
        self.limit = bytes.max(1);
        self.core.tasks.writer.ring();
    }

    pub(super) fn poll_write(
        &mut self,
        context: &Context<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, DeviceError>> {
        if data.is_empty() {
            self.begin_writing()?;
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_room(context))?;
        let count = data.len().min(self.limit.saturating_sub(self.unsent_bytes()));
        match self.core.device.write(&data[..count]) {
            // A device that takes nothing now says when it does.
            Ok(0) => self.wait_for_room(context),
            written => Poll::Ready(written),
        }
    }

    /// Waits until the limit allows to write at least one byte.
    pub(super) fn poll_room(&mut self, context: &Context<'_>) -> Poll<Result<(), DeviceError>> {
        self.begin_writing()?;
        if self.unsent_bytes() >= self.limit {
            return self.wait_for_room(context);
        }
        self.stop_waiting();
        Poll::Ready(Ok(()))
    }

    /// Begins to look at the device. Returns an error if nothing can be written.
    fn begin_writing(&mut self) -> Result<(), DeviceError> {
        self.begin();
        let is_writable = self.core.device.is_writable() && self.shut_down == ShutDown::No;
        self.core.check(is_writable, DeviceErrorKind::NotWritable)
    }

    pub(super) fn poll_flush(&mut self, context: &Context<'_>) -> Poll<Result<(), DeviceError>> {
        self.begin();
        if self.unsent_bytes() > 0 && self.core.device.is_open() {
            self.core.with_stream_device(|stream, device| stream.flush(device));
        }
        self.core.check(true, DeviceErrorKind::NotWritable)?;
        if self.unsent_bytes() > 0 {
            return self.wait_for_room(context);
        }
        self.stop_waiting();
        let failed = self.core.with_stream_device(|stream, _| {
            if stream.has_ended() { stream.stream_error() } else { None }
        });
        Poll::Ready(failed.map_or(Ok(()), Err))
    }

    pub(super) fn poll_shutdown(&mut self, context: &Context<'_>) -> Poll<Result<(), DeviceError>> {
        while self.shut_down != ShutDown::Done {
            match self.poll_flush(context) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
            if self.shut_down == ShutDown::Prepared {
                self.shut_down = ShutDown::Done;
                return self.close_half();
            }
            self.shut_down = ShutDown::Prepared;
            self.core.with_stream_device(|stream, device| stream.prepare_shutdown(device));
        }
        Poll::Ready(Ok(()))
    }

    fn close_half(&self) -> Poll<Result<(), DeviceError>> {
        Poll::Ready(self.core.with_stream_device(|stream, device| stream.shut_down_writing(device)))
    }

    fn unsent_bytes(&self) -> usize {
        self.core.with_stream_device(|stream, device| stream.unsent_bytes(device))
    }

    /// Waits until the device has sent something or has ended.
    fn wait_for_room<T>(&mut self, context: &Context<'_>) -> Poll<T> {
        if self.sent.is_none() {
            let slot = Slot { tasks: self.core.tasks.clone(), cut: self.cut.clone() };
            let wake_writer: Rc<dyn Fn()> = Rc::new(move || slot.tasks.writer.ring());
            let connections = self
                .core
                .with_stream_device(|stream, device| stream.connect_sent(device, wake_writer));
            self.sent = Some(connections.map(|connection| connection.scoped()));
        }
        self.core.tasks.writer.wait(context)
    }

    /// Begins to look at the device.
    fn begin(&mut self) {
        self.core.mend();
        if self.cut.get() {
            self.stop_waiting();
        }
        self.core.tasks.writer.begin();
    }

    /// Disconnects the slots that wait for room.
    fn stop_waiting(&mut self) {
        if self.sent.take().is_some() {
            // A slot that is dropped later, at the end of an emission, belongs to the old cell.
            self.cut = Rc::default();
            self.core.tasks.writer.begin();
        }
    }
}

impl Drop for WriteHalf {
    /// Sends what the operating system takes at once.
    fn drop(&mut self) {
        if self.core.device.is_open() && self.unsent_bytes() > 0 {
            self.core.with_stream_device(|stream, device| stream.flush(device));
        }
    }
}

impl fmt::Debug for WriteHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").field("device", self.device()).finish_non_exhaustive()
    }
}
