//! A relay, a SOCKS5 proxy and an HTTP proxy: two connections that a pipe joins.

use std::io;

use qcore::{spawn_local, task::timeout};
use qnetwork::{QTcpSocket, pipe::pipe_both};

use super::world::World;

/// How long a client may take for the handshake of a proxy.
const HANDSHAKE: i32 = 10_000;

/// Passes everything on to the plain server of this thread.
pub(super) fn relay(world: &World, client: QTcpSocket) {
    world.count(&client);
    let upstream = QTcpSocket::new();
    world.count(&upstream);
    upstream.connect_to_host("127.0.0.1", world.servers.plain_port());
    join(client, &upstream);
}

fn join(client: QTcpSocket, upstream: &QTcpSocket) {
    let pipe = pipe_both(&client, upstream);
    // The client is a child of the server.
    pipe.finished.connect(move |_| client.delete_later());
}

pub(super) fn serve_socks5(world: &World, client: QTcpSocket) {
    world.count(&client);
    serve(world, client, socks5);
}

pub(super) fn serve_http(world: &World, client: QTcpSocket) {
    world.count(&client);
    serve(world, client, http);
}

fn serve(
    world: &World,
    client: QTcpSocket,
    handshake: impl AsyncFn(&QTcpSocket, &QTcpSocket) -> io::Result<()> + 'static,
) {
    let upstream = QTcpSocket::new();
    world.count(&upstream);
    spawn_local(async move {
        match timeout(HANDSHAKE, handshake(&client, &upstream)).await {
            Ok(Ok(())) => join(client, &upstream),
            _ => client.delete_later(),
        }
    });
}

/// Carries out the handshake of SOCKS5 and connects `upstream`.
async fn socks5(client: &QTcpSocket, upstream: &QTcpSocket) -> io::Result<()> {
    let mut stream = client.stream();
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    stream.read_exact(&mut vec![0; head[1].into()]).await?;
    stream.write_all(&[5, 0]).await?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => {
            let mut size = [0];
            stream.read_exact(&mut size).await?;
            let mut name = vec![0; size[0].into()];
            stream.read_exact(&mut name).await?;
            String::from_utf8_lossy(&name).into_owned()
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let mut port = [0; 2];
    stream.read_exact(&mut port).await?;
    let connected = upstream.connect(host.as_str(), u16::from_be_bytes(port)).await;
    let code = if connected.is_ok() { 0 } else { 5 };
    stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    if connected.is_err() {
        stream.shutdown().await?;
    }
    Ok(connected?)
}

/// Carries out the handshake of an HTTP proxy and connects `upstream`.
async fn http(client: &QTcpSocket, upstream: &QTcpSocket) -> io::Result<()> {
    let mut stream = client.stream();
    let request = stream.read_line().await?.unwrap_or_default();
    while let Some(line) = stream.read_line().await? {
        if line == b"\r\n" {
            break;
        }
    }
    let request = String::from_utf8_lossy(&request);
    let place = request.split(' ').nth(1).and_then(|place| place.split_once(':'));
    let (host, port) = place.ok_or(io::ErrorKind::InvalidData)?;
    let port = port.parse().map_err(|_| io::ErrorKind::InvalidData)?;
    match upstream.connect(host, port).await {
        Ok(()) => stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.map_err(Into::into),
        Err(error) => {
            stream.write_all(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await?;
            stream.shutdown().await?;
            Err(error.into())
        }
    }
}
