//! The standard library: a thread for each connection.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::Arc,
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Count, Mode, listening};

pub(crate) fn serve(mode: Mode, tls: Option<Arc<ServerConfig>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listening(listener.local_addr().expect("an address").port());
    for stream in listener.incoming() {
        let stream = stream.expect("a connection");
        stream.set_nodelay(true).ok();
        let tls = tls.clone();
        let work = move || match tls {
            Some(tls) => {
                let connection = ServerConnection::new(tls).expect("a configuration");
                exchange(&mut StreamOwned::new(connection, stream), mode)
            }
            None => exchange(&mut &stream, mode),
        };
        thread::Builder::new().stack_size(256 * 1024).spawn(work).expect("a thread");
    }
}

fn exchange(stream: &mut (impl Read + Write), mode: Mode) -> Option<()> {
    let (mut buffer, mut count) = (vec![0; 64 * 1024], Count::default());
    loop {
        let bytes = match stream.read(&mut buffer).ok()? {
            0 => return None,
            length => &buffer[..length],
        };
        match mode {
            Mode::Echo => stream.write_all(bytes).ok()?,
            Mode::Sink => {
                if let Some(answer) = count.sink(bytes) {
                    stream.write_all(&answer).ok()?;
                }
            }
            Mode::Source => {
                count.ask(bytes);
                while !count.supply().is_empty() {
                    let sent = stream.write(count.supply()).ok()?;
                    count.sent(sent);
                }
            }
        }
    }
}

pub(crate) fn datagrams() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listening(socket.local_addr().expect("an address").port());
    let mut buffer = [0; 2048];
    while let Ok((count, from)) = socket.recv_from(&mut buffer) {
        socket.send_to(&buffer[..count], from).ok();
    }
}
