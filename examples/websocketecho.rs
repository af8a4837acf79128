//! A WebSocket server that sends back all messages: tungstenite on the sockets of `qnetwork`, with
//! a task for each connection. Try it with `python3 -m websockets ws://127.0.0.1:7081`.

use std::{future::poll_fn, pin::Pin, process::ExitCode};

use async_tungstenite::{
    accept_async_with_config,
    tungstenite::{Error, protocol::WebSocketConfig},
};
use examples::{
    Endpoint, TRIAL_CERTIFICATE, TRIAL_KEY, parse_args, print_line, server_configuration,
};
use futures_core::Stream;
use qcore::{QCoreApplication, block_on, spawn_local, task::timeout};
use qnetwork::{QSslConfiguration, QTcpServer, QTcpSocket};

const USAGE: &str = "\
usage: websocketecho [--listen ADDR:PORT] [--tls]

Sends back all WebSocket messages that it receives.

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7081]
  --tls               use TLS. The certificate is one for localhost, whose key is public. It is for
                      trying only.
  --help              print this text";

/// How many bytes a connection reads ahead of its task.
const READ_AHEAD: usize = 64 * 1024;
/// The longest message in bytes. The server holds a message until it is complete.
const MAX_MESSAGE: usize = 64 << 20;
/// How many milliseconds a client may take for its handshake.
const HANDSHAKE_LIMIT: i32 = 10_000;

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7081 };
    let mut tls = false;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("tls") => tls = true,
            _ => return Ok(false),
        }
        Ok(true)
    });
    let configuration = tls.then(|| server_configuration(TRIAL_CERTIFICATE, TRIAL_KEY)).transpose();
    match configuration.map_err(Into::into).and_then(|with| run(&listen, with)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("websocketecho: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    listen: &Endpoint,
    tls: Option<QSslConfiguration>,
) -> Result<(), Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let server = examples::server(tls, "websocketecho");
    server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(server.server_port())));
    // Ctrl-C ends this with an error.
    let _ = block_on(serve(&server));
    Ok(())
}

async fn serve(server: &QTcpServer) {
    let mut incoming = server.incoming();
    while let Some(socket) = incoming.next().await {
        spawn_local(async move {
            let peer = socket.peer_port();
            if let Err(error) = echo(socket).await {
                eprintln!("websocketecho: the connection from port {peer} has failed: {error}");
            }
        });
    }
}

async fn echo(socket: QTcpSocket) -> Result<(), Box<dyn std::error::Error>> {
    socket.set_read_buffer_size(READ_AHEAD);
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let handshake = accept_async_with_config(socket.stream(), Some(limits));
    let mut web = timeout(HANDSHAKE_LIMIT, handshake).await??;
    // While it reads, tungstenite answers pings and the client's closing handshake.
    while let Some(message) = poll_fn(|context| Pin::new(&mut web).poll_next(context)).await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            match web.send(message).await {
                // The client closes, so it wants no answer.
                Err(Error::ConnectionClosed) => {}
                sent => sent?,
            }
        }
    }
    // Waits until the last frame has been sent.
    Ok(web.get_mut().shutdown().await?)
}
