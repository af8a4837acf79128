//! The task of a pipe.

use std::{cell::Cell, future::poll_fn, pin::pin, task::Poll};

use qcore::{
    DeviceError, DeviceErrorKind, QIODevice,
    io_device::{ReadHalf, WriteHalf},
};

use super::PipeError;
use crate::{
    common::SocketErrorKind,
    local::{LocalSocketState, QLocalSocket},
    socket::{QAbstractSocket, SocketState, Splice, Spliced},
};

/// If so many bytes have come at once, splicing costs less than copying.
const MUCH: usize = 32 * 1024;

/// Waits for a socket that is connecting. Fails if that has failed, even before.
pub(super) async fn connected(device: &QIODevice) -> Result<(), DeviceError> {
    if let Some(socket) = device.cast::<QAbstractSocket>() {
        let failed = socket.state() == SocketState::Unconnected
            && !matches!(
                socket.error(),
                SocketErrorKind::Unknown | SocketErrorKind::RemoteHostClosed
            );
        if failed || matches!(socket.state(), SocketState::HostLookup | SocketState::Connecting) {
            socket.connected().await?;
        }
    } else if let Some(socket) = device.cast::<QLocalSocket>()
        && socket.state() == LocalSocketState::Connecting
    {
        socket.connected().await?;
    }
    Ok(())
}

/// Runs both directions. Ends with the first error, or when both have ended.
pub(super) async fn both(
    forth: impl Future<Output = Result<(), PipeError>>,
    back: impl Future<Output = Result<(), PipeError>>,
) -> Result<(), PipeError> {
    let (mut forth, mut back) = (pin!(forth), pin!(back));
    let (mut forth_runs, mut back_runs) = (true, true);
    poll_fn(|context| {
        if forth_runs && let Poll::Ready(result) = forth.as_mut().poll(context) {
            result?;
            forth_runs = false;
        }
        if back_runs && let Poll::Ready(result) = back.as_mut().poll(context) {
            result?;
            back_runs = false;
        }
        if forth_runs || back_runs { Poll::Pending } else { Poll::Ready(Ok(())) }
    })
    .await
}

/// Moves all bytes in one direction, and passes on the end.
pub(super) async fn one_way(
    mut reader: ReadHalf,
    mut writer: WriteHalf,
    moved: &Cell<u64>,
) -> Result<(), PipeError> {
    let mut splices = true;
    loop {
        let chunk = next_chunk(&mut reader, &mut writer).await?;
        if chunk.is_empty() {
            return writer.shutdown().await.map_err(PipeError::second);
        }
        let count = chunk.len();
        writer.write_chunk(chunk).await.map_err(PipeError::second)?;
        moved.set(moved.get() + count as u64);
        if splices && count >= MUCH {
            writer.flush().await.map_err(PipeError::second)?;
            splices = splice(&reader, &mut writer, moved).await?;
        }
    }
}

/// Waits for bytes. Returns none at the end of the stream, and an error if the target ends first.
async fn next_chunk(reader: &mut ReadHalf, writer: &mut WriteHalf) -> Result<Vec<u8>, PipeError> {
    let (mut chunk, mut closed) = (pin!(reader.read_chunk()), pin!(writer.closed()));
    poll_fn(|context| {
        if let Poll::Ready(chunk) = chunk.as_mut().poll(context) {
            return Poll::Ready(chunk.map_err(PipeError::first));
        }
        closed.as_mut().poll(context).map(|()| {
            let text = "the connection has ended";
            Err(PipeError::second(DeviceError::new(DeviceErrorKind::Closed, text)))
        })
    })
    .await
}

/// Moves bytes within the kernel as long as that is possible and worth it. Returns whether the
/// system can do that for these devices.
async fn splice(
    reader: &ReadHalf,
    writer: &mut WriteHalf,
    moved: &Cell<u64>,
) -> Result<bool, PipeError> {
    let Some((from, front)) = transport(reader.device()) else { return Ok(false) };
    let Some((to, _)) = transport(writer.device()) else { return Ok(false) };
    let Some(mut splice) = Splice::begin(&from, &to, front) else { return Ok(true) };
    let end =
        poll_fn(|context| splice.poll(context, |count| moved.set(moved.get() + count as u64)))
            .await;
    let rest = splice.take();
    drop(splice);
    if !rest.is_empty() {
        let count = rest.len() as u64;
        writer.write_chunk(rest).await.map_err(PipeError::second)?;
        moved.set(moved.get() + count);
    }
    Ok(end != Spliced::Impossible)
}

/// Returns the socket that has the connection of a device, and the device if it is another object
/// with a read buffer of its own.
fn transport(device: &QIODevice) -> Option<(QAbstractSocket, Option<&QIODevice>)> {
    if let Some(local) = device.cast::<QLocalSocket>() {
        return Some((local.transport(), Some(device)));
    }
    device.cast::<QAbstractSocket>().map(|socket| (socket, None))
}
