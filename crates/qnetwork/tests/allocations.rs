//! A round trip allocates nothing, once the buffers are warm.

#[path = "../../qcore/tests/common/counting.rs"]
mod counting;

use std::{cell::Cell, rc::Rc};

use counting::allocations;
use qcore::wait_until;
use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};

#[test]
fn an_echo() {
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
                    socket.write(&buffer[..count]).unwrap();
                }
            });
        }
    });
    server.listen(QHostAddress::LocalHost, 0).unwrap();

    let client = QTcpSocket::new();
    let trips = Rc::new(Cell::new(0));
    let told = Rc::new(Cell::new(0));
    client.connected.connect_to(&client, |client, ()| {
        client.write([7; 64]).unwrap();
    });
    // With a slot here, what is written goes out in the next turn.
    client.bytes_written.connect_to(&told, |told, count| told.set(told.get() + count));
    let counted = trips.clone();
    client.ready_read.connect_to(&client, move |client, ()| {
        let mut buffer = [0; 1024];
        let count = client.read_into(&mut buffer).unwrap();
        assert_eq!(count, 64);
        client.write(&buffer[..count]).unwrap();
        counted.set(counted.get() + 1);
    });
    client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    assert!(wait_until(10_000, || trips.get() >= 100));

    let first = trips.get();
    let count = allocations(|| assert!(wait_until(10_000, || trips.get() >= first + 500)));
    // The run of the loop itself is one.
    assert_eq!(count, 1);
    assert!(told.get() >= 64 * 500);
}
