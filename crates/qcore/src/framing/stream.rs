//! [`FramedStream`]: messages for a task.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use super::{
    Codec, FrameError, Framed,
    node::{Found, Taker},
};
use crate::{
    classes::Inherits,
    event_loop::proceed,
    io_device::{DeviceError, DeviceErrorKind, DeviceStream, QIODevice},
};

/// Receives and sends messages in a task. [`Framed::stream`] creates it.
///
/// While the stream exists, it takes the messages, and the signals
/// [`message`](super::FramedNode::message) and [`error`](super::FramedNode::error) are not emitted.
/// It decodes a message when the task asks for one. Until then the bytes stay in the device, so
/// that a socket with a [limited read buffer](crate::io_device::DeviceBackend::read_buffer_size)
/// makes the other end wait. [`pause`](Framed::pause) does not affect the stream.
///
/// If the program creates another stream of the same `Framed`, this one ends. When the stream is
/// dropped, the signals are emitted again, also for messages that have already arrived.
///
/// As with a [`DeviceStream`], a `QTcpSocket` stays connected while the stream exists, if the other
/// end closes its sending half. So the task can still answer.
///
/// With the feature `futures`, it implements `futures_core::Stream` and, for references to
/// messages, `futures_sink::Sink`.
///
/// # Examples
///
/// ```
/// use qcore::{OpenMode, QBuffer, block_on, framing::{FrameError, Framed, Lines}};
///
/// let buffer = QBuffer::new();
/// buffer.set_data(b"one\ntwo\nthr");
/// buffer.open(OpenMode::READ_ONLY)?;
/// let mut lines = Framed::new(&buffer, Lines::new()).stream();
/// let outcome = block_on(async {
///     let mut all = Vec::new();
///     while let Some(line) = lines.next().await {
///         all.push(line?);
///     }
///     Ok::<_, FrameError>(all)
/// })?;
/// let error = outcome.unwrap_err();
/// assert_eq!(error.to_string(), "the stream has ended in the middle of a message");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FramedStream<D: Inherits<QIODevice>, C: Codec> {
    framed: Framed<D, C>,
    stream: DeviceStream,
    ended: bool,
}

impl<D: Inherits<QIODevice>, C: Codec> Framed<D, C> {
    /// Returns a stream. A task receives messages from it and sends messages with it.
    #[must_use]
    pub fn stream(&self) -> FramedStream<D, C> {
        let stream = self.device().as_base().stream();
        self.node().set_taker(stream.waiting());
        FramedStream { framed: self.clone(), stream, ended: false }
    }
}

impl<D: Inherits<QIODevice>, C: Codec> FramedStream<D, C> {
    /// Returns the [`Framed`] from which the stream was created.
    #[must_use]
    pub fn framed(&self) -> &Framed<D, C> {
        &self.framed
    }

    /// Waits for the next message. Returns `None` if the other end has sent everything, if the
    /// device was closed or detached, or if the previous call has returned an error.
    ///
    /// Cancel safe: the message stays in the device.
    ///
    /// # Errors
    ///
    /// * The error of the codec, if it cannot decode the bytes.
    /// * [`Incomplete`](super::FrameErrorKind::Incomplete) if the stream ends in the middle of a
    ///   message.
    /// * [`Device`](super::FrameErrorKind::Device) if the device has failed.
    pub async fn next(&mut self) -> Option<Result<C::Message, FrameError>> {
        poll_fn(|context| self.poll_message(context)).await
    }

    /// Sends a message. Waits first until fewer bytes are unsent than the
    /// [limit](FramedStream::set_write_limit).
    ///
    /// Cancel safe: a call that is cancelled has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Framed::send`], and [`Device`](super::FrameErrorKind::Device) if the connection
    /// ends.
    pub async fn send(&mut self, message: &C::Sent) -> Result<(), FrameError> {
        poll_fn(|context| self.stream.poll_room(context)).await?;
        self.framed.send(message)
    }

    /// Waits until the operating system has taken all messages.
    ///
    /// # Errors
    ///
    /// [`Device`](super::FrameErrorKind::Device) if the connection ends.
    pub async fn flush(&mut self) -> Result<(), FrameError> {
        Ok(self.stream.flush().await?)
    }

    /// Waits until all messages were sent, and then closes the sending half of the connection. The
    /// stream can still receive messages.
    ///
    /// # Errors
    ///
    /// [`Device`](super::FrameErrorKind::Device) if the connection ends.
    pub async fn shutdown(&mut self) -> Result<(), FrameError> {
        Ok(self.stream.shutdown().await?)
    }

    /// Sets at how many unsent bytes [`send`](FramedStream::send) waits: 64 KiB by default, at
    /// least 1. A single message may exceed the limit. The limit belongs to the device, see
    /// [`WriteHalf::set_write_limit`](crate::io_device::WriteHalf::set_write_limit).
    pub fn set_write_limit(&mut self, bytes: usize) {
        self.stream.set_write_limit(bytes);
    }

    fn poll_message(
        &mut self,
        context: &Context<'_>,
    ) -> Poll<Option<Result<C::Message, FrameError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let last = match ready!(self.poll_next_or_end(context)) {
            Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        };
        self.ended = true;
        Poll::Ready(last)
    }

    fn poll_next_or_end(
        &self,
        context: &Context<'_>,
    ) -> Poll<Result<Option<C::Message>, FrameError>> {
        let node = self.framed.node();
        // A device that is not open has no more messages.
        let begun = self.stream.begin();
        if begun.is_err() || !node.is_taker(self.stream.waiting()) {
            return Poll::Ready(Ok(None));
        }
        let mut budget = usize::MAX;
        loop {
            match node.step(Taker::Task, &mut budget) {
                Found::Message(message) => return Poll::Ready(Ok(Some(message))),
                // Bytes that the codec skips may come for ever.
                Found::Nothing => ready!(proceed(context)),
                Found::Failed(error) => {
                    node.stop();
                    return Poll::Ready(Err(error));
                }
                Found::Wait => {
                    let read = ready!(self.stream.conclude(context, Ok(0)));
                    return Poll::Ready(read.map(|_| None).map_err(FrameError::from));
                }
                Found::End
                    if self.framed.is_attached() && self.framed.device().as_base().is_open() =>
                {
                    let closed = DeviceError::from(DeviceErrorKind::Closed);
                    let read = ready!(self.stream.conclude(context, Err(closed)));
                    return Poll::Ready(read.map(|_| None).map_err(FrameError::from));
                }
                Found::End => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl<D: Inherits<QIODevice>, C: Codec> Drop for FramedStream<D, C> {
    fn drop(&mut self) {
        self.framed.node().clear_taker(self.stream.waiting());
    }
}

impl<D: Inherits<QIODevice>, C: Codec> fmt::Debug for FramedStream<D, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramedStream")
            .field("framed", &self.framed)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "futures")]
mod futures {
    use std::pin::Pin;

    use super::{Codec, Context, FrameError, FramedStream, Inherits, Poll, QIODevice};

    /// Nothing in it is pinned.
    impl<D: Inherits<QIODevice>, C: Codec> Unpin for FramedStream<D, C> {}

    impl<D: Inherits<QIODevice>, C: Codec> futures_core::Stream for FramedStream<D, C> {
        type Item = Result<C::Message, FrameError>;

        fn poll_next(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Self::Item>> {
            self.poll_message(context)
        }
    }

    impl<'a, D, C> futures_sink::Sink<&'a C::Sent> for FramedStream<D, C>
    where
        D: Inherits<QIODevice>,
        C: Codec,
    {
        type Error = FrameError;

        fn poll_ready(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Result<(), FrameError>> {
            self.stream.poll_room(context).map_err(FrameError::from)
        }

        fn start_send(self: Pin<&mut Self>, message: &'a C::Sent) -> Result<(), FrameError> {
            self.framed.send(message)
        }

        fn poll_flush(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Result<(), FrameError>> {
            self.stream.poll_flush(context).map_err(FrameError::from)
        }

        fn poll_close(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Result<(), FrameError>> {
            self.stream.poll_shutdown(context).map_err(FrameError::from)
        }
    }
}
