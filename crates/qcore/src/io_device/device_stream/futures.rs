//! The traits of `futures-io`.

use std::{
    io, mem,
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::{DeviceStream, ReadHalf, WriteHalf};
use crate::io_device::{DeviceError, QIODevice};

/// A copy of the next bytes of the device. They stay in the device until they are consumed, so
/// slots and other streams can read them meanwhile.
#[derive(Default)]
pub(super) struct Lent {
    /// A buffer of the loop's pool, while bytes are lent. It has no capacity otherwise.
    piece: Vec<u8>,
    /// Which bytes of the buffer have not been consumed.
    range: Range<usize>,
}

impl Lent {
    /// Forgets the copy, because all of it was consumed or the device is read in another way.
    pub(super) fn clear(&mut self, device: &QIODevice) {
        if !self.piece.is_empty() {
            device.buffer_pool().put_piece(mem::take(&mut self.piece));
            self.range = 0..0;
        }
    }

    /// Copies the next bytes of the device, and returns their number.
    fn peek(&mut self, device: &QIODevice) -> Result<usize, DeviceError> {
        let mut piece = device.buffer_pool().take_piece();
        // A backend may claim more bytes than fit.
        let peeked = device.peek_into(&mut piece).map(|count| count.min(piece.len()));
        match peeked {
            Ok(count @ 1..) => (self.piece, self.range) = (piece, 0..count),
            _ => device.buffer_pool().put_piece(piece),
        }
        peeked
    }

    fn rest(&self) -> &[u8] {
        &self.piece[self.range.clone()]
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
            ready!(this.proceed(context));
            if let Err(error) = this.begin() {
                return Poll::Ready(Err(error.into()));
            }
            let peeked = this.lent.peek(&this.core.device);
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
        self.lent.range.start += count;
        // The device has at least these bytes, unless somebody else has read them.
        let _ = self.core.device.skip(count);
        if self.lent.rest().is_empty() {
            let this = &mut *self;
            this.lent.clear(&this.core.device);
        }
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::io_device::{OpenMode, QBuffer, pool::PIECE};

    #[test]
    fn a_stream_that_lends_nothing_keeps_no_memory() {
        let buffer = QBuffer::new();
        buffer.set_data(vec![b'x'; PIECE + 3]);
        buffer.open(OpenMode::READ_ONLY).unwrap();
        let mut stream = buffer.stream();
        let mut context = Context::from_waker(Waker::noop());
        for expected in [PIECE, 3, 0] {
            let lent = Pin::new(&mut stream).poll_fill_buf(&mut context);
            let Poll::Ready(Ok(lent)) = lent else { panic!("{lent:?}") };
            assert_eq!(lent.len(), expected);
            Pin::new(&mut stream).consume(expected);
            assert_eq!(stream.reader.lent.piece.capacity(), 0);
        }
    }

    #[test]
    fn reading_in_another_way_forgets_what_was_lent() {
        let buffer = QBuffer::new();
        buffer.set_data(b"abc");
        buffer.open(OpenMode::READ_ONLY).unwrap();
        let mut stream = buffer.stream();
        let mut context = Context::from_waker(Waker::noop());
        let lent = Pin::new(&mut stream).poll_fill_buf(&mut context);
        assert!(matches!(lent, Poll::Ready(Ok(b"abc"))), "{lent:?}");
        Pin::new(&mut stream).consume(1);
        let mut byte = [0];
        let read = stream.reader.poll_read(&context, &mut byte);
        assert!(matches!(read, Poll::Ready(Ok(1))), "{read:?}");
        assert_eq!((byte, stream.reader.lent.piece.capacity()), (*b"b", 0));
        let lent = Pin::new(&mut stream).poll_fill_buf(&mut context);
        assert!(matches!(lent, Poll::Ready(Ok(b"c"))), "{lent:?}");
    }
}
