//! The methods and signals that all sockets share.

use qcore::OpenMode;
use qnetwork::{
    BindMode, NetworkLayerProtocol, PauseModes, ProxyType, QAbstractSocket, QHostAddress,
    QNetworkProxy,
};

use super::device::{call_device, open_mode, watch_device};
use crate::{args::Args, error::Result, names, value::Value, world::Recorder};

/// Calls a method of QAbstractSocket or of QIODevice.
pub(super) fn call_socket(socket: &QAbstractSocket, class: &str, args: &Args<'_>) -> Result<Value> {
    Ok(match args.method {
        "bind" => {
            let address = args.or(QHostAddress::Any, Args::address)?;
            let port = args.or(0, Args::number)?;
            let mode = args.or(BindMode::DEFAULT_FOR_PLATFORM, |args| {
                args.flags(bind_mode_named, |one, other| one | other)
            })?;
            socket.bind_with_mode(address, port, mode).is_ok().into()
        }
        "connectToHost" => connect_to_host(socket, args)?.into(),
        "disconnectFromHost" => socket.disconnect_from_host().into(),
        "abort" => socket.abort().into(),
        "flush" => socket.flush().into(),
        "waitForConnected" => socket.wait_for_connected(msecs(args, 30_000)?).is_ok().into(),
        "waitForReadyRead" => socket.wait_for_ready_read(msecs(args, 30_000)?).is_ok().into(),
        "waitForBytesWritten" => socket.wait_for_bytes_written(msecs(args, 30_000)?).is_ok().into(),
        "waitForDisconnected" => socket.wait_for_disconnected(msecs(args, 30_000)?).is_ok().into(),
        "state" => names::value(socket.state()),
        "error" => names::value(socket.error()),
        "socketType" => names::value(socket.socket_type()),
        "isValid" => socket.is_valid().into(),
        "localAddress" => socket.local_address().into(),
        "localPort" | "port" => Value::Port(socket.local_port().into()),
        "peerAddress" => socket.peer_address().into(),
        "peerPort" => Value::Port(socket.peer_port().into()),
        "peerName" => socket.peer_name().into(),
        "socketDescriptor" => socket.socket_descriptor().unwrap_or(-1).into(),
        "readBufferSize" => socket.read_buffer_size().into(),
        "setReadBufferSize" => socket.set_read_buffer_size(args.number()?).into(),
        "setSocketOption" => {
            let option = args.named()?;
            socket.set_socket_option(option, args.number()?).into()
        }
        "socketOption" => socket.socket_option(args.named()?).map_or(Value::None, Value::from),
        "pauseMode" => match socket.pause_mode() {
            mode if mode.is_empty() => Value::Enum("PauseNever".to_owned(), 0),
            mode => Value::Enum("PauseOnSslErrors".to_owned(), mode.bits().into()),
        },
        "setPauseMode" => {
            socket.set_pause_mode(args.flags(pause_mode_named, |one, other| one | other)?).into()
        }
        "resume" => socket.resume().into(),
        "proxy" => show_proxy(socket.proxy()),
        "setProxy" => socket.set_proxy(proxy(args)?).into(),
        "protocolTag" => socket.protocol_tag().into(),
        "setProtocolTag" => socket.set_protocol_tag(args.text()?).into(),
        "setSocketState" => socket.set_socket_state(args.named()?).into(),
        "setSocketError" => socket.set_socket_error(args.named()?).into(),
        "setLocalPort" => socket.set_local_port(args.number()?).into(),
        "setLocalAddress" => socket.set_local_address(args.address()?).into(),
        "setPeerPort" => socket.set_peer_port(args.number()?).into(),
        "setPeerAddress" => socket.set_peer_address(args.address()?).into(),
        "setPeerName" => socket.set_peer_name(args.text()?).into(),
        _ => return call_device(socket, class, args),
    })
}

/// Returns the proxy in the arguments of `setProxy`.
pub(super) fn proxy(args: &Args<'_>) -> Result<QNetworkProxy> {
    let kind: ProxyType = args.named()?;
    let (host, port) = (args.or(String::new(), Args::text)?, args.or(0, Args::number)?);
    let (user, password) =
        (args.or(String::new(), Args::text)?, args.or(String::new(), Args::text)?);
    Ok(QNetworkProxy::with_credentials(kind, host, port, user, password))
}

fn bind_mode_named(name: &str) -> Option<BindMode> {
    Some(match name {
        "DefaultForPlatform" => BindMode::DEFAULT_FOR_PLATFORM,
        "ShareAddress" => BindMode::SHARE_ADDRESS,
        "DontShareAddress" => BindMode::DONT_SHARE_ADDRESS,
        "ReuseAddressHint" => BindMode::REUSE_ADDRESS_HINT,
        _ => return None,
    })
}

fn pause_mode_named(name: &str) -> Option<PauseModes> {
    Some(match name {
        "PauseNever" => PauseModes::PAUSE_NEVER,
        "PauseOnSslErrors" => PauseModes::PAUSE_ON_SSL_ERRORS,
        _ => return None,
    })
}

fn connect_to_host(socket: &QAbstractSocket, args: &Args<'_>) -> Result<()> {
    if let Some(address) = args.special_address() {
        return connect(socket, address.into(), args);
    }
    connect(socket, args.text()?.into(), args)
}

fn connect(socket: &QAbstractSocket, host: qnetwork::Host<'_>, args: &Args<'_>) -> Result<()> {
    let port = args.number()?;
    let mode = args.or(OpenMode::READ_WRITE, open_mode)?;
    let protocol = args.or(NetworkLayerProtocol::AnyIP, Args::named)?;
    socket.connect_to_host_with_mode(host, port, mode, protocol);
    Ok(())
}

/// Records the signals of QAbstractSocket and of QIODevice.
pub(super) fn watch_socket(recorder: &Recorder, socket: &QAbstractSocket) {
    recorder.plain(&socket.host_found, "hostFound");
    recorder.plain(&socket.connected, "connected");
    recorder.plain(&socket.disconnected, "disconnected");
    recorder.one(&socket.state_changed, "stateChanged", |state| names::value(*state));
    recorder.one(&socket.error_occurred, "errorOccurred", |error| names::value(*error));
    recorder.with(&socket.proxy_authentication_required, "proxyAuthenticationRequired", |asked| {
        let (proxy, authenticator) = asked;
        vec![show_proxy(proxy.clone()), Value::Authenticator(authenticator.clone())]
    });
    watch_device(recorder, socket);
}

pub(super) fn show_proxy(proxy: QNetworkProxy) -> Value {
    Value::Proxy(Box::new(proxy))
}

/// Returns the state that the trace shows in brackets.
pub(super) fn snapshot(socket: &QAbstractSocket) -> String {
    format!(
        "{} {} avail={} out={} {}",
        names::name(socket.state()),
        names::name(socket.error()),
        socket.bytes_available(),
        socket.bytes_to_write(),
        if socket.is_open() { "open" } else { "closed" },
    )
}

/// Returns how long to wait, in milliseconds.
pub(super) fn msecs(args: &Args<'_>, default: i32) -> Result<i32> {
    if args.left() == 0 { Ok(default) } else { args.number() }
}
