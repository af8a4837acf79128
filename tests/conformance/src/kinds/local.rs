//! `local`: a QLocalSocket.

use qcore::OpenMode;
use qnetwork::QLocalSocket;

use super::{
    AnyHeld, Held, Kind,
    device::{call_device, open_mode, watch_device},
    socket::msecs,
};
use crate::{args::Args, error::Result, names, value::Value, world::Recorder};

pub(super) struct Local(Held<QLocalSocket>);

impl Local {
    pub(super) fn new() -> Self {
        Self::of(QLocalSocket::new())
    }

    /// Wraps a socket that the library has created.
    pub(super) fn of(socket: QLocalSocket) -> Self {
        Local(Held::new(socket, |socket| socket))
    }
}

impl Kind for Local {
    fn class(&self) -> &'static str {
        "QLocalSocket"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let socket = self.0.get()?;
        Ok(match args.method {
            "connectToServer" => {
                let name = args.text()?;
                let mode = args.or(OpenMode::READ_WRITE, open_mode)?;
                socket.connect_to_server_with_mode(name, mode).into()
            }
            "disconnectFromServer" => socket.disconnect_from_server().into(),
            "abort" => socket.abort().into(),
            "flush" => socket.flush().into(),
            "waitForConnected" => socket.wait_for_connected(msecs(args, 30_000)?).is_ok().into(),
            "waitForReadyRead" => socket.wait_for_ready_read(msecs(args, 30_000)?).is_ok().into(),
            "waitForBytesWritten" => {
                socket.wait_for_bytes_written(msecs(args, 30_000)?).is_ok().into()
            }
            "waitForDisconnected" => {
                socket.wait_for_disconnected(msecs(args, 30_000)?).is_ok().into()
            }
            "state" => names::value(socket.state()),
            "error" => names::value(socket.error()),
            "isValid" => socket.is_valid().into(),
            "serverName" => socket.server_name().into(),
            "setServerName" => socket.set_server_name(args.text()?).into(),
            "fullServerName" => socket.full_server_name().into(),
            "socketDescriptor" => socket.socket_descriptor().unwrap_or(-1).into(),
            "readBufferSize" => socket.read_buffer_size().into(),
            "setReadBufferSize" => socket.set_read_buffer_size(args.number()?).into(),
            _ => return call_device(&socket, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(socket) = self.0.get() {
            recorder.plain(&socket.connected, "connected");
            recorder.plain(&socket.disconnected, "disconnected");
            recorder.one(&socket.state_changed, "stateChanged", |state| names::value(*state));
            recorder.one(&socket.error_occurred, "errorOccurred", |error| names::value(*error));
            watch_device(recorder, &socket);
        }
    }

    fn snapshot(&self) -> Option<String> {
        let socket = self.0.get().ok()?;
        Some(format!(
            "{} avail={} out={} {}",
            names::name(socket.state()),
            socket.bytes_available(),
            socket.bytes_to_write(),
            if socket.is_open() { "open" } else { "closed" },
        ))
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}
