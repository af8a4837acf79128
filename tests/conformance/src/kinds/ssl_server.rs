//! `sslserver`: a QTcpServer whose connections are QSslSockets that are not encrypted yet.

use std::rc::Rc;

use qnetwork::{QSslSocket, QTcpServer, QTcpSocket};

use super::{AnyHeld, Kind, server::Server, ssl::Ssl};
use crate::{args::Args, error::Result, value::Value, world::Recorder};

pub(super) struct SslServer(Server);

impl SslServer {
    pub(super) fn new() -> Self {
        let server = QTcpServer::new();
        server.set_incoming_connection(&server, |server, descriptor| {
            let socket = QSslSocket::new();
            // A server that cannot use the descriptor still returns the socket, like the oracle's.
            let _ = socket.set_socket_descriptor(descriptor);
            server.add_pending_connection(QTcpSocket::clone(&socket));
        });
        SslServer(Server::of(server))
    }
}

impl Kind for SslServer {
    fn class(&self) -> &'static str {
        "SslServer"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        if args.method != "nextPendingConnection" {
            return self.0.call(args);
        }
        let socket = self.0.get()?.next_pending_connection();
        let socket = socket.and_then(|socket| socket.cast::<QSslSocket>());
        Ok(socket.map_or(Value::None, |socket| Value::Object(Rc::new(Ssl::of(socket)))))
    }

    fn watch(&self, recorder: &Recorder) {
        self.0.watch(recorder);
    }

    fn port(&self) -> Option<u16> {
        self.0.port()
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        self.0.held()
    }
}
