//! Proxies in the simulated network. They are programs of this library's own tasks and pipes, so
//! what goes through them tests those, too.

use std::io;

use qcore::{QCoreApplication, spawn_local};
use qnetwork::{ProxyType, QHostAddress, QTcpServer, QTcpSocket, pipe::pipe_both};

/// The port of all proxies.
pub(crate) const PORT: u16 = 1080;

/// Runs a proxy in the program that calls it.
pub(crate) fn serve(kind: ProxyType) {
    let app = QCoreApplication::new();
    let server = QTcpServer::new();
    server.listen(QHostAddress::Any, PORT).unwrap();
    let mut incoming = server.incoming();
    spawn_local(async move {
        while let Some(client) = incoming.next().await {
            spawn_local(async move {
                let met = match kind {
                    ProxyType::Socks5 => socks5(&client).await,
                    _ => http(&client).await,
                };
                // The connection ends with the task.
                let Ok(upstream) = met else { return };
                let _ = pipe_both(&client, &upstream).finished().await;
            });
        }
    });
    app.exec();
}

async fn connect(host: &str, port: u16) -> io::Result<QTcpSocket> {
    let upstream = QTcpSocket::new();
    upstream.connect(host, port).await?;
    Ok(upstream)
}

async fn socks5(client: &QTcpSocket) -> io::Result<QTcpSocket> {
    let mut stream = client.stream();
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    stream.read_exact(&mut vec![0; head[1].into()]).await?;
    stream.write_all(&[5, 0]).await?;
    let mut request = [0; 10];
    stream.read_exact(&mut request[..4]).await?;
    if request[3] != 1 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    stream.read_exact(&mut request[4..]).await?;
    let [_, _, _, _, a, b, c, d, high, low] = request;
    let host = format!("{a}.{b}.{c}.{d}");
    let upstream = connect(&host, u16::from_be_bytes([high, low])).await;
    let code = if upstream.is_ok() { 0 } else { 1 };
    stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    upstream
}

async fn http(client: &QTcpSocket) -> io::Result<QTcpSocket> {
    let mut stream = client.stream();
    let first = stream.read_line().await?.unwrap_or_default();
    let first = String::from_utf8_lossy(&first).into_owned();
    while stream.read_line().await?.is_some_and(|line| line != b"\r\n") {}
    let place = first.split(' ').nth(1).and_then(|place| place.rsplit_once(':'));
    let (host, port) = place.ok_or(io::ErrorKind::InvalidData)?;
    let upstream = connect(host, port.parse().unwrap_or(0)).await;
    let answer = if upstream.is_ok() { "200 Connection established" } else { "504 Gateway" };
    stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await?;
    upstream
}
