//! The example `mqttbroker`: whatever clients send, the broker answers with whole packets, and what
//! it keeps stays consistent.

#![no_main]
#![allow(dead_code)] // the example has a main()

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
};

use qcore::QCoreApplication;

include!(concat!(env!("OUT_DIR"), "/mqttbroker.rs"));

/// More clients than that do not come.
const CLIENTS: usize = 4;
const WELCOME: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01a";
/// Subscribes to everything with QoS 1.
const WATCHER: &[u8] =
    b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01w\x82\x06\0\x01\0\x01#\x01\x82\x08\0\x02\0\x03+/b\0";

thread_local! {
    static APP: QCoreApplication = QCoreApplication::new();
}

struct Client {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Client {
    fn connect(server: &QTcpServer) -> Self {
        let (stream, other) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        let socket = QTcpSocket::new();
        socket.set_socket_descriptor(other).unwrap();
        server.add_pending_connection(socket);
        server.new_connection.emit(());
        Client { stream, received: Vec::new() }
    }

    /// Sends bytes, and lets the broker handle them. The broker may have closed the connection.
    fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write(bytes);
        turn();
    }

    fn receive(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => self.received.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Everything that the broker has sent is whole packets of kinds that a broker sends.
    fn check(&self) {
        let mut rest = &self.received[..];
        while let Some((&kind, mut after)) = rest.split_first() {
            assert!(matches!(
                kind,
                0x20 | 0x30..=0x33 | 0x3a | 0x3b | 0x40 | 0x50 | 0x70 | 0x90 | 0xb0 | 0xd0
            ));
            let (mut length, mut shift) = (0, 0);
            while let Some((&byte, more)) = after.split_first() {
                length |= usize::from(byte & 0x7f) << shift;
                (after, shift) = (more, shift + 7);
                if byte < 0x80 {
                    break;
                }
            }
            assert!(shift > 0 && length <= after.len(), "{:x?}", self.received);
            rest = &after[length..];
        }
    }
}

fn turn() {
    APP.with(|app| app.process_events());
}

// The first byte says how the others are to be taken: as bytes of one client, in pieces of a size,
// or as packets of several clients, whose lengths are put in here.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [how, data @ ..] = data else { return };
    APP.with(|_| ());
    let server = QTcpServer::new();
    let broker = Broker::derive(QObject::new()).with_parent(&server);
    server.new_connection.connect_slot((&broker, &server), Broker::on_new_connection);
    let mut watcher = Client::connect(&server);
    watcher.send(WATCHER);
    let mut clients = vec![Client::connect(&server)];
    if how & 1 != 0 {
        clients[0].send(WELCOME);
    }
    if how & 2 == 0 {
        data.chunks(usize::from(how / 4).max(1)).for_each(|piece| clients[0].send(piece));
    } else {
        let mut rest = data;
        while let [kind, length, after @ ..] = rest {
            let (body, more) = after.split_at(usize::from(*length).min(after.len()));
            rest = more;
            if *kind == 0 && clients.len() < CLIENTS {
                clients.push(Client::connect(&server));
                continue;
            }
            let mut packet = vec![*kind];
            if body.len() > 0x7f {
                packet.extend([body.len() as u8 | 0x80, 1]);
            } else {
                packet.push(body.len() as u8);
            }
            packet.extend(body);
            clients.last_mut().unwrap().send(&packet);
        }
    }
    consistent(&broker);
    // The clients leave, and their wills are published.
    for mut client in clients {
        turn();
        client.receive();
        client.check();
        drop(client);
        turn();
    }
    consistent(&broker);
    turn();
    watcher.receive();
    watcher.check();
});

/// Counters are right, and the broker and its sessions agree on who has which filter.
fn consistent(broker: &Broker) {
    let retained = broker.retained.borrow();
    assert!(retained.iter().all(|(topic, message)| *topic == message.topic));
    let bytes: usize = retained.values().map(|message| message.size()).sum();
    assert_eq!(bytes, broker.retained_bytes.get());
    let sessions = broker.sessions.borrow();
    let filters = broker.filters.borrow();
    assert!(filters.iter().all(|((filter, id), (session, qos))| {
        session.id == *id
            && *qos < 2
            && session.filters.borrow().contains(filter)
            && sessions.get(id) == Some(session)
    }));
    let count: usize = sessions.values().map(|session| session.filters.borrow().len()).sum();
    assert_eq!(count, filters.len());
    for session in sessions.values() {
        assert!(session.packets.borrow().is_some() || !session.clean.get());
        assert!(session.queue.borrow().in_flight() <= MAX_IN_FLIGHT);
    }
}
