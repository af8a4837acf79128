//! tokio with one thread, and tokio-rustls.

use std::{future::Future, io, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UdpSocket},
    runtime::Builder,
};
use tokio_rustls::TlsAcceptor;

use crate::{Count, Mode, listening};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

pub(crate) fn serve(mode: Mode, tls: Option<Arc<ServerConfig>>) {
    let acceptor = tls.map(TlsAcceptor::from);
    block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        listening(listener.local_addr().expect("an address").port());
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).ok();
            let Some(acceptor) = acceptor.clone() else {
                tokio::spawn(exchange(stream, mode));
                continue;
            };
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    exchange(stream, mode).await.ok();
                }
            });
        }
    });
}

/// Relays connections to the server at `to`.
pub(crate) fn relay(to: &str) {
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        listening(listener.local_addr().expect("an address").port());
        loop {
            let (mut client, _) = listener.accept().await.expect("a connection");
            let mut upstream = TcpStream::connect(to).await.expect("a server");
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut upstream).await.ok() });
        }
    });
}

pub(crate) fn http() {
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        listening(listener.local_addr().expect("an address").port());
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).ok();
            let service = service_fn(peers::hello);
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { connection.await.ok() });
        }
    });
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, mode: Mode) -> io::Result<()> {
    let size = if mode == Mode::Echo { 4 } else { 64 };
    let (mut buffer, mut count) = (vec![0; size * 1024], Count::default());
    loop {
        let bytes = match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            length => &buffer[..length],
        };
        match mode {
            Mode::Echo => stream.write_all(bytes).await?,
            Mode::Sink => {
                if let Some(answer) = count.sink(bytes) {
                    stream.write_all(&answer).await?;
                }
            }
            Mode::Source => {
                count.ask(bytes);
                while !count.supply().is_empty() {
                    let sent = stream.write(count.supply()).await?;
                    count.sent(sent);
                }
            }
        }
        stream.flush().await?;
    }
}

pub(crate) fn datagrams() {
    block_on(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port is free");
        listening(socket.local_addr().expect("an address").port());
        let mut buffer = [0; 2048];
        while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&buffer[..count], from).await.ok();
        }
    });
}
