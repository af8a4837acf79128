//! smol's executor for one thread, with async-io.

use std::{io, rc::Rc};

use async_executor::LocalExecutor;
use hyper::{server::conn::http1, service::service_fn};
use smol::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
};
use smol_hyper::rt::FuturesIo;

use crate::{Count, Mode, listening};

pub(crate) fn serve(mode: Mode) {
    let executor = Rc::new(LocalExecutor::new());
    let tasks = executor.clone();
    smol::block_on(executor.run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        listening(listener.local_addr().expect("an address").port());
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).ok();
            tasks.spawn(exchange(stream, mode)).detach();
        }
    }));
}

pub(crate) fn http() {
    let executor = Rc::new(LocalExecutor::new());
    let tasks = executor.clone();
    smol::block_on(executor.run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        listening(listener.local_addr().expect("an address").port());
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).ok();
            let (stream, service) = (FuturesIo::new(stream), service_fn(peers::hello));
            let connection = http1::Builder::new().serve_connection(stream, service);
            tasks.spawn(async move { connection.await.ok() }).detach();
        }
    }));
}

async fn exchange(mut stream: TcpStream, mode: Mode) -> io::Result<()> {
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
    }
}

pub(crate) fn datagrams() {
    smol::block_on(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port is free");
        listening(socket.local_addr().expect("an address").port());
        let mut buffer = [0; 2048];
        while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&buffer[..count], from).await.ok();
        }
    });
}
