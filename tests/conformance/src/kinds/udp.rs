//! `udp`: a QUdpSocket.

use qnetwork::{QNetworkDatagram, QUdpSocket, SocketError};

use super::{
    AnyHeld, Held, Kind,
    socket::{call_socket, snapshot, watch_socket},
};
use crate::{
    args::Args,
    error::Result,
    value::{Datagram, Value},
    world::Recorder,
};

pub(super) struct Udp(Held<QUdpSocket>);

impl Udp {
    pub(super) fn new() -> Self {
        Udp(Held::new(QUdpSocket::new(), |socket| socket))
    }
}

impl Kind for Udp {
    fn class(&self) -> &'static str {
        "QUdpSocket"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let socket = self.0.get()?;
        Ok(match args.method {
            "hasPendingDatagrams" => socket.has_pending_datagrams().into(),
            "pendingDatagramSize" => {
                socket.pending_datagram_size().map_or(Value::Number(-1), Value::from)
            }
            "readDatagram" => match socket.read_datagram(args.number()?) {
                Ok((data, sender, port)) => {
                    Value::List(vec![data.into(), sender.into(), Value::Port(port.into())])
                }
                Err(_) => Value::Number(-1),
            },
            "receiveDatagram" if args.left() == 0 => received(socket.receive_datagram()),
            "receiveDatagram" => received(socket.receive_datagram_with_max_size(args.number()?)),
            "writeDatagram" => {
                let (data, address) = (args.bytes()?, args.address()?);
                match socket.write_datagram(data, address, args.number()?) {
                    Ok(count) => count.into(),
                    Err(_) => Value::Number(-1),
                }
            }
            "joinMulticastGroup" => socket.join_multicast_group(args.address()?).is_ok().into(),
            "leaveMulticastGroup" => socket.leave_multicast_group(args.address()?).is_ok().into(),
            _ => return call_socket(&socket, self.class(), args),
        })
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

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}

/// Returns the datagram. Where there is none, Qt returns an invalid one.
fn received(datagram: std::result::Result<QNetworkDatagram, SocketError>) -> Value {
    let datagram = datagram.unwrap_or_default();
    // Qt's number for no port is -1.
    let port = |port: Option<u16>| port.map_or(-1, i64::from);
    let sender = (datagram.sender_address(), port(datagram.sender_port()));
    let destination = (datagram.destination_address(), port(datagram.destination_port()));
    Value::Datagram(Box::new(Datagram { data: datagram.into_data(), sender, destination }))
}
