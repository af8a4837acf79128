//! [`Conn`]: a socket of any class that carries a stream.

use qcore::{DeviceError, QIODevice, QPointer};
use qnetwork::{
    AttachError, CloseReason, DetachedSocket, LocalSocketState, QLocalSocket, QSslSocket,
    QTcpSocket, RateLimit, SocketState, TimeoutKind,
};

use super::order::{Event, Order};

#[derive(Clone)]
pub(crate) enum Conn {
    /// A TCP socket, which may encrypt.
    Inet(QTcpSocket),
    Local(QLocalSocket),
}

/// The class of a socket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Class {
    Tcp,
    Ssl,
    Local,
}

impl From<&QTcpSocket> for Conn {
    fn from(socket: &QTcpSocket) -> Self {
        Conn::Inet(socket.clone())
    }
}

impl From<&QLocalSocket> for Conn {
    fn from(socket: &QLocalSocket) -> Self {
        Conn::Local(socket.clone())
    }
}

macro_rules! on_both {
    ($self:ident, $socket:ident => $call:expr) => {
        match $self {
            Conn::Inet($socket) => $call,
            Conn::Local($socket) => $call,
        }
    };
}

impl Conn {
    pub(crate) fn device(&self) -> &QIODevice {
        on_both!(self, socket => socket)
    }

    pub(crate) fn class(&self) -> Class {
        match self {
            Conn::Inet(socket) if socket.cast::<QSslSocket>().is_some() => Class::Ssl,
            Conn::Inet(_) => Class::Tcp,
            Conn::Local(_) => Class::Local,
        }
    }

    pub(crate) fn pointer(&self) -> QPointer<QIODevice> {
        QPointer::new(self.device())
    }

    pub(crate) fn state(&self) -> SocketState {
        match self {
            Conn::Inet(socket) => socket.state(),
            Conn::Local(socket) => match socket.state() {
                LocalSocketState::Connecting => SocketState::Connecting,
                LocalSocketState::Connected => SocketState::Connected,
                LocalSocketState::Closing => SocketState::Closing,
                _ => SocketState::Unconnected,
            },
        }
    }

    /// Returns whether the program can exchange data, and no handshake is running.
    pub(crate) fn is_ready(&self) -> bool {
        let Conn::Inet(socket) = self else { return self.state() == SocketState::Connected };
        let encrypted = socket.cast::<QSslSocket>().is_none_or(|socket| socket.is_encrypted());
        encrypted && self.state() == SocketState::Connected
    }

    pub(crate) fn on_connected(&self, slot: impl Fn(&Conn) + 'static) {
        on_both!(self, socket => {
            socket.connected.connect_to(socket, move |socket, ()| slot(&socket.into()));
        });
    }

    pub(crate) fn on_ready_read(&self, slot: impl Fn(&Conn) + 'static) {
        on_both!(self, socket => {
            socket.ready_read.connect_to(socket, move |socket, ()| slot(&socket.into()));
        });
    }

    pub(crate) fn on_disconnected(&self, slot: impl Fn(&Conn) + 'static) {
        on_both!(self, socket => {
            socket.disconnected.connect_to(socket, move |socket, ()| slot(&socket.into()));
        });
    }

    pub(crate) fn on_closed(&self, slot: impl Fn(&CloseReason) + 'static) {
        on_both!(self, socket => drop(socket.closed.connect(slot)));
    }

    pub(crate) fn disconnect(&self) {
        match self {
            Conn::Inet(socket) => socket.disconnect_from_host(),
            Conn::Local(socket) => socket.disconnect_from_server(),
        }
    }

    pub(crate) fn disconnect_within(&self, millis: i32) {
        match self {
            Conn::Inet(socket) => socket.disconnect_from_host_with_timeout(millis),
            Conn::Local(socket) => socket.disconnect_from_server_with_timeout(millis),
        }
    }

    pub(crate) fn abort(&self) {
        on_both!(self, socket => socket.abort());
    }

    pub(crate) fn flush(&self) -> bool {
        on_both!(self, socket => socket.flush())
    }

    pub(crate) fn set_read_buffer_size(&self, size: usize) {
        on_both!(self, socket => socket.set_read_buffer_size(size));
    }

    pub(crate) fn pause(&self) {
        on_both!(self, socket => socket.pause_reading());
    }

    pub(crate) fn resume(&self) {
        on_both!(self, socket => socket.resume_reading());
    }

    pub(crate) fn set_timeout(&self, kind: TimeoutKind, millis: i32) {
        on_both!(self, socket => socket.set_timeout(kind, millis));
    }

    pub(crate) fn set_rates(&self, read: Option<u64>, write: Option<u64>) {
        let [read, write] = [read, write].map(|rate| rate.map(RateLimit::new));
        on_both!(self, socket => {
            socket.set_read_rate(read.as_ref());
            socket.set_write_rate(write.as_ref());
        });
    }

    pub(crate) fn wait_for_ready_read(&self, millis: i32) -> bool {
        on_both!(self, socket => socket.wait_for_ready_read(millis).is_ok())
    }

    pub(crate) fn wait_for_bytes_written(&self, millis: i32) -> bool {
        on_both!(self, socket => socket.wait_for_bytes_written(millis).is_ok())
    }

    pub(crate) fn wait_for_disconnected(&self, millis: i32) -> bool {
        on_both!(self, socket => socket.wait_for_disconnected(millis).is_ok())
    }

    pub(crate) fn write(&self, data: &[u8]) -> Result<usize, DeviceError> {
        self.device().write(data)
    }

    // ---- handing over

    pub(crate) fn detach(&self) -> Option<DetachedSocket> {
        match self {
            Conn::Inet(socket) => socket.detach().ok(),
            Conn::Local(socket) => socket.detach().ok(),
        }
    }

    /// Returns a new socket of the same class.
    pub(crate) fn fresh(&self) -> Self {
        match self {
            Conn::Inet(_) if self.class() == Class::Ssl => {
                Conn::Inet(QTcpSocket::from(&QSslSocket::new()))
            }
            Conn::Inet(_) => Conn::Inet(QTcpSocket::new()),
            Conn::Local(_) => Conn::Local(QLocalSocket::new()),
        }
    }

    pub(crate) fn attach(&self, connection: DetachedSocket) -> Result<(), AttachError> {
        on_both!(self, socket => socket.attach(connection))
    }

    /// Tells `order` about all signals. `taps` says whether `bytes_written` is one of them: without
    /// a slot, the loop sends earlier.
    pub(crate) fn tell(&self, order: &std::rc::Rc<Order>, taps: bool) {
        let device = self.device();
        device.ready_read.connect_to(order, |order, ()| order.on(Event::ReadyRead));
        if taps {
            device
                .bytes_written
                .connect_to(order, |order, count| order.on(Event::BytesWritten(*count)));
        }
        device.about_to_close.connect_to(order, |order, ()| order.on(Event::AboutToClose));
        device
            .read_channel_finished
            .connect_to(order, |order, ()| order.on(Event::ChannelFinished));
        on_both!(self, socket => {
            socket.connected.connect_to(order, |order, ()| order.on(Event::Connected));
            socket.disconnected.connect_to(order, |order, ()| order.on(Event::Disconnected));
            socket.error_occurred.connect_to(order, |order, _| order.on(Event::Error));
            socket.closed.connect_to(order, |order, why| order.on(Event::Closed(why.clone())));
        });
        match self {
            Conn::Inet(socket) => {
                socket.state_changed.connect_to(order, |order, state| {
                    order.on(Event::State(*state));
                });
                if let Some(ssl) = socket.cast::<QSslSocket>() {
                    ssl.encrypted.connect_to(order, |order, ()| order.on(Event::Encrypted));
                }
            }
            Conn::Local(socket) => {
                socket.state_changed.connect_to(order, |order, state| {
                    order.on(Event::State(match state {
                        LocalSocketState::Connecting => SocketState::Connecting,
                        LocalSocketState::Connected => SocketState::Connected,
                        LocalSocketState::Closing => SocketState::Closing,
                        _ => SocketState::Unconnected,
                    }));
                });
            }
        }
    }
}
