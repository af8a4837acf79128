//! `localserver`: a QLocalServer.

use std::rc::Rc;

use qnetwork::{LocalServerOptions, QLocalServer};

use super::{AnyHeld, Held, Kind, call_object, local::Local, socket::msecs};
use crate::{args::Args, error::Result, names, value::Value, world::Recorder};

pub(super) struct LocalServer(Held<QLocalServer>);

impl LocalServer {
    pub(super) fn new() -> Self {
        LocalServer(Held::new(QLocalServer::new(), |it| it))
    }
}

impl Kind for LocalServer {
    fn class(&self) -> &'static str {
        "QLocalServer"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let server = self.0.get()?;
        Ok(match args.method {
            "listen" => server.listen(args.text()?).is_ok().into(),
            "isListening" => server.is_listening().into(),
            "close" => server.close().into(),
            "removeServer" => QLocalServer::remove_server(args.text()?).is_ok().into(),
            "serverName" => server.server_name().into(),
            "fullServerName" => server.full_server_name().into(),
            "serverError" => names::value(server.server_error()),
            "errorString" => server.error_string().into(),
            "socketDescriptor" => server.socket_descriptor().unwrap_or(-1).into(),
            "setSocketOptions" => {
                let options = args.flags(option_named, |one, other| one | other)?;
                server.set_socket_options(options).into()
            }
            "hasPendingConnections" => server.has_pending_connections().into(),
            "waitForNewConnection" => {
                server.wait_for_new_connection(msecs(args, 0)?).is_ok().into()
            }
            "nextPendingConnection" => match server.next_pending_connection() {
                Some(socket) => Value::Object(Rc::new(Local::of(socket))),
                None => Value::None,
            },
            "maxPendingConnections" => server.max_pending_connections().into(),
            "setMaxPendingConnections" => server.set_max_pending_connections(args.number()?).into(),
            _ => return call_object(&server, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(server) = self.0.get() {
            recorder.plain(&server.new_connection, "newConnection");
            recorder.plain(&server.destroyed, "destroyed");
        }
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}

fn option_named(name: &str) -> Option<LocalServerOptions> {
    Some(match name {
        "NoOptions" => LocalServerOptions::NO_OPTIONS,
        "UserAccessOption" => LocalServerOptions::USER_ACCESS,
        "GroupAccessOption" => LocalServerOptions::GROUP_ACCESS,
        "OtherAccessOption" => LocalServerOptions::OTHER_ACCESS,
        "WorldAccessOption" => LocalServerOptions::WORLD_ACCESS,
        _ => return None,
    })
}
