//! [`HyperIo`]: the stream of a socket for hyper.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_io::AsyncWrite;
use hyper::rt::{Read, ReadBufCursor, Write};
use qcore::io_device::DeviceStream;

/// Lets hyper read from a stream and write to it.
///
/// `smol_hyper::rt::FuturesIo` does the same for all types that implement the traits of
/// `futures-io`. It has to clear the free part of hyper's buffer, usually 8 KiB, before each read.
/// `HyperIo` copies the bytes that have arrived, and clears nothing.
#[derive(Debug)]
pub struct HyperIo(DeviceStream);

impl HyperIo {
    /// Wraps a stream.
    #[must_use]
    pub fn new(stream: DeviceStream) -> Self {
        HyperIo(stream)
    }
}

impl Read for HyperIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = ready!(self.0.poll_fill_buf(context))?;
        let count = bytes.len().min(cursor.remaining());
        cursor.put_slice(&bytes[..count]);
        bytes.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl Write for HyperIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(context)
    }
}
