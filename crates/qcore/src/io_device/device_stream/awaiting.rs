//! Devices in tasks, without a stream.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use super::Plain;
use crate::{
    io_device::{DeviceError, DeviceErrorKind, QIODevice},
    signal::until::{Announces, until},
};

impl QIODevice {
    /// Waits until there is something to read. Returns at once if there is. This is
    /// [`wait_for_ready_read`](QIODevice::wait_for_ready_read) for tasks.
    ///
    /// It differs from `device.ready_read.next()`, which waits for new data. A
    /// [stream](QIODevice::stream) reads and waits in one. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`Closed`](DeviceErrorKind::Closed) at the end of the stream,
    /// [`NotOpen`](DeviceErrorKind::NotOpen) if the device is closed or dead, and the error that
    /// has ended the stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, block_on};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_WRITE)?;
    /// buffer.write("hello")?;
    /// buffer.reset()?;
    /// block_on(buffer.ready_read()).unwrap()?;
    /// assert_eq!(buffer.read_all(), b"hello");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub async fn ready_read(&self) -> Result<(), DeviceError> {
        let changes: &[&dyn Announces] = &[
            &self.ready_read,
            &self.read_channel_finished,
            &self.about_to_close,
            &self.handed_over,
            &self.destroyed,
        ];
        until(changes, || {
            if self.bytes_available() > 0 {
                return Some(Ok(()));
            }
            if !self.is_open() {
                return Some(Err(DeviceErrorKind::NotOpen.into()));
            }
            self.end_of_stream().map(Err)
        })
        .await
    }

    /// Waits until the device has passed on bytes written to it, and returns their number. This is
    /// [`wait_for_bytes_written`](QIODevice::wait_for_bytes_written) for tasks. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](DeviceErrorKind::Unsupported) if there is nothing to pass on,
    /// [`Closed`](DeviceErrorKind::Closed) if the device is closed or ends before that.
    pub async fn bytes_written(&self) -> Result<usize, DeviceError> {
        if self.bytes_to_write() == 0 {
            return Err(DeviceErrorKind::Unsupported.into());
        }
        let mut written = self.bytes_written.next();
        let mut over = pin!(self.read_channel_finished.next());
        let mut closes = pin!(self.about_to_close.next());
        let mut leaves = pin!(self.handed_over.next());
        poll_fn(|context| {
            if let Poll::Ready(count) = Pin::new(&mut written).poll(context) {
                return Poll::Ready(count.map_err(|_| DeviceErrorKind::Closed.into()));
            }
            if over.as_mut().poll(context).is_ready()
                || closes.as_mut().poll(context).is_ready()
                || leaves.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(Err(DeviceErrorKind::Closed.into()));
            }
            Poll::Pending
        })
        .await
    }

    /// Returns the error with which the stream has ended, if the device knows.
    fn end_of_stream(&self) -> Option<DeviceError> {
        let backend = self.backend();
        let stream = backend.stream_device().unwrap_or(&Plain);
        if !self.is_sequential() {
            return Some(DeviceErrorKind::Closed.into());
        }
        if stream.has_ended() {
            return Some(stream.stream_error().unwrap_or(DeviceErrorKind::Closed.into()));
        }
        None
    }
}
