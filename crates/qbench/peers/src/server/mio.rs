//! mio by hand: one poll, and the connections in a vector.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr},
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream, UdpSocket},
};

use crate::{Count, Mode, listening};

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    count: Count,
    /// Bytes that did not fit into the socket.
    unsent: Vec<u8>,
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

pub(crate) fn serve(mode: Mode) {
    let mut poll = Poll::new().expect("descriptors are free");
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(any_port()).expect("a port is free");
    listening(listener.local_addr().expect("an address").port());
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).expect("a listener");
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        poll.poll(&mut events, None).expect("a poll");
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true).ok();
                    let token = Token(connections.len());
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, token, interest).expect("a socket");
                    let connection =
                        Connection { stream, count: Count::default(), unsent: Vec::new() };
                    connections.push(Some(connection));
                }
                continue;
            }
            let slot = &mut connections[event.token().0];
            let Some(connection) = slot else { continue };
            if connection.ready(&mut buffer, mode).is_none() {
                *slot = None;
            }
        }
    }
}

impl Connection {
    fn ready(&mut self, buffer: &mut [u8], mode: Mode) -> Option<()> {
        self.flush()?;
        loop {
            let length = match self.stream.read(buffer) {
                Ok(0) => return None,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return None,
            };
            match mode {
                Mode::Echo => self.send(&buffer[..length])?,
                Mode::Sink => {
                    if let Some(answer) = self.count.sink(&buffer[..length]) {
                        self.send(&answer)?;
                    }
                }
                Mode::Source => self.count.ask(&buffer[..length]),
            }
            // After a short read, the next event comes with the next bytes.
            if length < buffer.len() {
                break;
            }
        }
        while !self.count.supply().is_empty() && mode == Mode::Source {
            match self.stream.write(self.count.supply()) {
                Ok(sent) => self.count.sent(sent),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return None,
            }
        }
        Some(())
    }

    fn send(&mut self, bytes: &[u8]) -> Option<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend(bytes);
            return Some(());
        }
        match self.stream.write(bytes) {
            Ok(count) => self.unsent.extend(&bytes[count..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.unsent.extend(bytes),
            Err(_) => return None,
        }
        Some(())
    }

    fn flush(&mut self) -> Option<()> {
        let unsent = std::mem::take(&mut self.unsent);
        if unsent.is_empty() { Some(()) } else { self.send(&unsent) }
    }
}

pub(crate) fn datagrams() {
    let mut poll = Poll::new().expect("descriptors are free");
    let mut events = Events::with_capacity(64);
    let mut socket = UdpSocket::bind(any_port()).expect("a port is free");
    listening(socket.local_addr().expect("an address").port());
    poll.registry().register(&mut socket, Token(0), Interest::READABLE).expect("a socket");
    let mut buffer = [0; 2048];
    loop {
        poll.poll(&mut events, None).expect("a poll");
        while let Ok((count, from)) = socket.recv_from(&mut buffer) {
            socket.send_to(&buffer[..count], from).ok();
        }
    }
}
