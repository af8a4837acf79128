//! A WebSocket server that sends back all messages: tungstenite on the sockets of `qnetwork`, with
//! a task for each connection. Try it with `python3 -m websockets ws://127.0.0.1:7081`.

use std::{future::poll_fn, pin::Pin, process::ExitCode};

use async_tungstenite::{
    accept_async_with_config,
    tungstenite::{Error, protocol::WebSocketConfig},
};
use futures_core::Stream;
use qcore::{spawn_local, task::timeout};
use qnetwork::{QTcpServer, QTcpSocket};

const ABOUT: &str = "Sends back all WebSocket messages that it receives.";

/// How many bytes a connection reads ahead of its task.
const READ_AHEAD: usize = 64 * 1024;
/// The longest message in bytes. The server holds a message until it is complete.
const MAX_MESSAGE: usize = 64 << 20;
/// How many milliseconds a client may take for its handshake.
const HANDSHAKE_LIMIT: i32 = 10_000;

fn main() -> ExitCode {
    examples::serve("websocketecho", ABOUT, 7081, |server| {
        spawn_local(serve(server.clone()));
    })
}

async fn serve(server: QTcpServer) {
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
