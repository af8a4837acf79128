//! `tcp`: a QTcpSocket.

use qnetwork::QTcpSocket;

use super::{
    AnyHeld, Held, Kind,
    socket::{call_socket, snapshot, watch_socket},
};
use crate::{args::Args, error::Result, value::Value, world::Recorder};

pub(super) struct Tcp(Held<QTcpSocket>);

impl Tcp {
    pub(super) fn new() -> Self {
        Self::of(QTcpSocket::new())
    }

    /// Wraps a socket that the library has created.
    pub(super) fn of(socket: QTcpSocket) -> Self {
        Tcp(Held::new(socket, |socket| socket))
    }
}

impl Kind for Tcp {
    fn class(&self) -> &'static str {
        "QTcpSocket"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let socket = self.0.get()?;
        call_socket(&socket, self.class(), args)
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(socket) = self.0.get() {
            watch_socket(recorder, &socket);
        }
    }

    fn snapshot(&self) -> Option<String> {
        Some(snapshot(&*self.0.get().ok()?))
    }

    fn port(&self) -> Option<u16> {
        Some(self.0.get().ok()?.local_port())
    }

    fn tcp(&self) -> Option<QTcpSocket> {
        self.0.get().ok()
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}
