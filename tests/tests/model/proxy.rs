//! Proxies in the simulated network. They are programs of this library's own tasks and pipes, so
//! what goes through them tests those, too.

use std::{io, net::Ipv4Addr};

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
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await?;
            Ipv4Addr::from(address).to_string()
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
    let upstream = connect(&host, u16::from_be_bytes(port)).await;
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
