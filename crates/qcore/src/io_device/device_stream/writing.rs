//! Writing in tasks.

use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll},
};

use super::{Core, Slot};
use crate::{
    io_device::{Chunk, DeviceError, DeviceErrorKind, QIODevice},
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
    /// The slots that wake the task when bytes were sent. There are none while nobody waits,
    /// because a socket without slots at its `bytes_written` sends earlier.
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
        WriteHalf { core, sent: None, cut: Rc::default(), shut_down: ShutDown::No }
    }

    /// Returns the device.
    #[must_use]
    pub fn device(&self) -> &QIODevice {
        &self.core.device
    }

    /// Waits until the [limit](WriteHalf::set_write_limit) allows at least one byte, and writes as
    /// many bytes as it allows. Returns their number.
    ///
    /// When this function returns, the device has accepted the bytes. A socket sends them at the
    /// end of the loop's turn, together with all others that were written in that turn.
    ///
    /// Cancel safe: a call that is cancelled has written nothing.
    ///
    /// # Errors
    ///
    /// [`NotOpen`](DeviceErrorKind::NotOpen) if the device is closed or dead,
    /// [`NotWritable`](DeviceErrorKind::NotWritable) if it is open for reading only or was shut
    /// down, [`Closed`](DeviceErrorKind::Closed) if the connection has ended or is closing, and the
    /// errors of the device.
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

    /// Writes all bytes of a [`Chunk`]. A socket keeps them without a copy. The function waits
    /// until the limit allows at least one byte, and then writes all bytes, even if they exceed the
    /// limit.
    ///
    /// Not cancel safe: if the call is cancelled, the bytes may be lost.
    ///
    /// # Errors
    ///
    /// Those of [`write`](WriteHalf::write).
    pub async fn write_chunk(&mut self, data: impl Into<Chunk>) -> Result<(), DeviceError> {
        let data = data.into();
        if !self.core.with_stream_device(|stream, _| stream.keeps_chunks()) {
            return self.write_all(&data).await;
        }
        poll_fn(|context| self.poll_room(context)).await?;
        self.core.device.write_chunk(data).map(|_| ())
    }

    /// Waits until the device cannot send any more, because it is closed or dead, its connection
    /// has ended, or its sending half was shut down.
    ///
    /// A task that waits for another event can await this as well, to learn of the end of the
    /// connection early. Cancel safe.
    pub async fn closed(&mut self) {
        poll_fn(|context| {
            self.begin();
            let core = self.core.clone();
            let sends = || core.with_stream_device(|stream, _| stream.can_send());
            if !core.device.is_open() || self.shut_down == ShutDown::Done || !sends() {
                return Poll::Ready(());
            }
            core.tasks.writer.wait(context)
        })
        .await;
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

    /// Waits until all bytes were sent, and then closes the sending half of the connection. The
    /// other end can still send. After that, writing fails.
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

    /// Sets at how many unsent bytes in this process a writing task waits: 64 KiB by default, at
    /// least 1. Bytes that other tasks or slots have written count as well.
    ///
    /// The limit belongs to the device: it is the high mark of its
    /// [`write_flow`](QIODevice::write_flow). This function sets that mark, and the low mark to
    /// half of it.
    pub fn set_write_limit(&mut self, bytes: usize) {
        let high = bytes.max(1);
        self.core.device.write_flow().set_marks(high / 2, high);
        self.core.tasks.writer.ring();
    }

    fn limit(&self) -> usize {
        match self.core.device.flow_in_use() {
            Some(flow) if flow.high_mark() < usize::MAX => flow.high_mark(),
            _ => WRITE_LIMIT,
        }
    }

    /// Returns whether the device takes no bytes at the moment.
    fn is_full(&self) -> bool {
        self.unsent_bytes() >= self.limit()
            || self.core.device.flow_in_use().is_some_and(|flow| flow.is_full())
    }

    pub(super) fn poll_write(
        &mut self,
        context: &Context<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, DeviceError>> {
        if data.is_empty() {
            self.begin();
            return Poll::Ready(self.check().map(|()| 0));
        }
        match self.poll_room(context) {
            Poll::Ready(room) => room?,
            Poll::Pending => return Poll::Pending,
        }
        let count = data.len().min(self.limit().saturating_sub(self.unsent_bytes()).max(1));
        match self.core.device.write(&data[..count]) {
            // A device that takes nothing now says when it does.
            Ok(0) => self.wait_for_room(context),
            written => Poll::Ready(written),
        }
    }

    /// Returns an error if nothing can be written.
    fn check(&self) -> Result<(), DeviceError> {
        let open = self.core.device.is_writable() && self.shut_down == ShutDown::No;
        self.core.check(open, DeviceErrorKind::NotWritable)?;
        // Some devices keep the bytes, although their connection has ended. A task that waits for
        // them to be sent would wait for ever.
        self.core.with_stream_device(|stream, _| match stream.can_send() {
            true => Ok(()),
            false => Err(stream.stream_error().unwrap_or(DeviceErrorKind::Closed.into())),
        })
    }

    /// Waits until the limit allows at least one byte.
    pub(super) fn poll_room(&mut self, context: &Context<'_>) -> Poll<Result<(), DeviceError>> {
        self.begin();
        self.check()?;
        if self.is_full() {
            return self.wait_for_room(context);
        }
        self.stop_waiting();
        Poll::Ready(Ok(()))
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
        Poll::Ready(self.core.with_stream_device(|stream, _| {
            let error = if stream.has_ended() { stream.stream_error() } else { None };
            match error {
                Some(error) => Err(error),
                None if stream.has_lost() => Err(DeviceErrorKind::Closed.into()),
                None => Ok(()),
            }
        }))
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
        self.core.device.unsent_bytes()
    }

    /// Waits until the device has sent something or has ended.
    fn wait_for_room<T>(&mut self, context: &Context<'_>) -> Poll<T> {
        if self.sent.is_none() {
            let slot = Slot { tasks: self.core.tasks.clone(), cut: self.cut.clone() };
            let wake_writer: Rc<dyn Fn()> = Rc::new(move || slot.tasks.writer.ring());
            self.sent = Some(self.core.device.connect_sent(wake_writer));
        }
        self.core.tasks.writer.wait(context)
    }

    /// Begins to look at the device.
    fn begin(&mut self) {
        self.core.connect_again();
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
