//! The traits of `futures-io`.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::{DeviceStream, ReadHalf, WriteHalf};
use crate::io_device::DeviceError;

/// How many bytes are lent at once.
const PORTION: usize = 16 * 1024;

/// A copy of the next bytes of the device. They stay in the device until they are consumed.
#[derive(Default)]
pub(super) struct Lent {
    bytes: Vec<u8>,
    consumed: usize,
}

impl Lent {
    /// Forgets the copy, because the device is read in another way.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.consumed = 0;
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }
}

fn translated<T>(polled: Poll<Result<T, DeviceError>>) -> Poll<io::Result<T>> {
    polled.map(|outcome| outcome.map_err(io::Error::from))
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        translated(ReadHalf::poll_read(&mut self, context, buffer))
    }
}

impl AsyncBufRead for ReadHalf {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.lent.rest().is_empty() {
            if let Err(error) = this.begin() {
                return Poll::Ready(Err(error.into()));
            }
            this.lent.consumed = 0;
            this.lent.bytes.resize(PORTION, 0);
            let peeked = this.core.device.peek_into(&mut this.lent.bytes);
            let count = *peeked.as_ref().unwrap_or(&0);
            this.lent.bytes.truncate(count);
            match this.conclude(context, peeked) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(this.lent.rest()))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        let count = count.min(self.lent.rest().len());
        self.lent.consumed += count;
        // The device has at least these bytes, unless somebody else has read them.
        let _ = self.core.device.skip(count);
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        translated(WriteHalf::poll_write(&mut self, context, data))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        translated(WriteHalf::poll_flush(&mut self, context))
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        translated(WriteHalf::poll_shutdown(&mut self, context))
    }
}

impl AsyncRead for DeviceStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

impl AsyncBufRead for DeviceStream {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(context)
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        Pin::new(&mut self.reader).consume(count);
    }
}

impl AsyncWrite for DeviceStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(context)
    }
}
