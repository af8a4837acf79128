//! `server`: a QTcpServer.

use std::rc::Rc;

use qnetwork::{QHostAddress, QTcpServer};

use super::{AnyHeld, Held, Kind, call_object, socket, tcp::Tcp};
use crate::{
    args::Args,
    error::{Error, Result},
    names,
    value::Value,
    world::Recorder,
};

pub(super) struct Server(Held<QTcpServer>);

impl Server {
    pub(super) fn new() -> Self {
        Self::of(QTcpServer::new())
    }

    pub(super) fn of(server: QTcpServer) -> Self {
        Server(Held::new(server, |it| it))
    }

    pub(super) fn get(&self) -> Result<QTcpServer> {
        self.0.get()
    }
}

impl Kind for Server {
    fn class(&self) -> &'static str {
        "QTcpServer"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let server = self.0.get()?;
        Ok(match args.method {
            "listen" => {
                let address = args.or(QHostAddress::Any, Args::address)?;
                server.listen(address, args.or(0, Args::number)?).is_ok().into()
            }
            "isListening" => server.is_listening().into(),
            "close" => server.close().into(),
            "serverAddress" => server.server_address().into(),
            "serverPort" | "port" => Value::Port(server.server_port().into()),
            "serverError" => names::value(server.server_error()),
            "errorString" => server.error_string().into(),
            "socketDescriptor" => server.socket_descriptor().unwrap_or(-1).into(),
            "pauseAccepting" => server.pause_accepting().into(),
            "resumeAccepting" => server.resume_accepting().into(),
            "addPendingConnection" => match args.object()?.and_then(|object| object.tcp()) {
                Some(socket) => server.add_pending_connection(socket).into(),
                None => return Err(Error::new("only a tcp can be added")),
            },
            "hasPendingConnections" => server.has_pending_connections().into(),
            "waitForNewConnection" => {
                server.wait_for_new_connection(socket::msecs(args, 0)?).is_ok().into()
            }
            "nextPendingConnection" => match server.next_pending_connection() {
                Some(socket) => Value::Object(Rc::new(Tcp::of(socket))),
                None => Value::None,
            },
            "maxPendingConnections" => server.max_pending_connections().into(),
            "setMaxPendingConnections" => server.set_max_pending_connections(args.number()?).into(),
            "proxy" => socket::show_proxy(server.proxy()),
            "setProxy" => server.set_proxy(socket::proxy(args)?).into(),
            _ => return call_object(&server, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(server) = self.0.get() {
            recorder.plain(&server.new_connection, "newConnection");
            recorder.one(&server.accept_error, "acceptError", |error| names::value(*error));
            recorder.plain(&server.destroyed, "destroyed");
        }
    }

    fn port(&self) -> Option<u16> {
        Some(self.0.get().ok()?.server_port())
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}
