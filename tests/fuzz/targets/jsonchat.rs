//! The example `jsonchat`: whatever guests send, each gets lines of JSON only, and no two have the
//! same name.

#![no_main]
#![allow(dead_code)] // the example has a main()

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
};

include!(concat!(env!("OUT_DIR"), "/jsonchat.rs"));

thread_local! {
    static APP: QCoreApplication = QCoreApplication::new();
}

struct Client {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Client {
    fn connect(room: &Room) -> Self {
        let (stream, other) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        let socket = QTcpSocket::new();
        socket.set_socket_descriptor(other).unwrap();
        room.add_pending_connection(socket);
        room.new_connection.emit(());
        Client { stream, received: Vec::new() }
    }

    /// Sends bytes, and lets the server handle them. It may have closed the connection.
    fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write(bytes);
        APP.with(|app| app.process_events());
    }

    /// Reads everything that the server has sent, and checks it.
    fn check(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => self.received.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        for line in self.received.split_inclusive(|byte| *byte == b'\n') {
            assert_eq!(line.last(), Some(&b'\n'));
            let message: Value = serde_json::from_slice(line).unwrap();
            assert!(["came", "left", "say", "error"].iter().any(|key| message.get(key).is_some()));
        }
    }
}

// The first byte is the size of the pieces in which the others arrive. A zero changes the guest.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [size, data @ ..] = data else { return };
    APP.with(|_| ());
    let room = Room::derive(QTcpServer::new());
    room.new_connection.connect_slot(&room, Room::on_new_connection);
    let mut clients = [(); 3].map(|()| Client::connect(&room));
    clients[2].send(b"{\"name\": \"watcher\"}\n");
    for (part, which) in data.split(|byte| *byte == 0).zip([0, 1].into_iter().cycle()) {
        part.chunks(usize::from(*size).max(1)).for_each(|piece| clients[which].send(piece));
        let guests: Vec<Guest> = room.find_children(None);
        let mut names: Vec<String> = guests.iter().map(|it| it.name.borrow().clone()).collect();
        names.retain(|name| !name.is_empty());
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
    for client in &mut clients {
        APP.with(|app| app.process_events());
        client.check();
    }
});
