//! Many idle connections.

use std::{cell::Cell, net::TcpStream, rc::Rc, time::Duration};

use integration::{CpuClock, in_child, memory, pair_of, run_for, server, wait_until};
use qnetwork::QTcpSocket;

const CONNECTIONS: usize = 2000;

/// Returns the CPU time of `count` round trips.
fn round_trips(cpu: &CpuClock, client: &QTcpSocket, count: usize) -> Duration {
    let done = Rc::new(Cell::new(0));
    let rounds = done.clone();
    let echo = client.ready_read.connect_to(client, move |client, ()| {
        let _ = client.read_all();
        rounds.set(rounds.get() + 1);
        if rounds.get() < count {
            client.write("x").unwrap();
        }
    });
    let before = cpu.now();
    client.write("x").unwrap();
    wait_until(|| done.get() == count);
    echo.disconnect();
    cpu.now() - before
}

#[test]
fn two_thousand_idle_connections_cost_next_to_nothing() {
    if !in_child!("two_thousand_idle_connections_cost_next_to_nothing", 3 * CONNECTIONS) {
        return;
    }
    let cpu = CpuClock::new();
    let server = server();
    let (echo, client) = pair_of(&server);
    echo.ready_read.connect_to(&echo, |echo, ()| {
        echo.write(echo.read_all()).unwrap();
    });
    round_trips(&cpu, &client, 100);
    let alone = round_trips(&cpu, &client, 1000);

    let before = memory();
    let mut accepted = Vec::new();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let client = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
            wait_until(|| server.has_pending_connections());
            let socket = server.next_pending_connection().unwrap();
            // The same connections as in a real server.
            socket.ready_read.connect_to(&socket, |socket, ()| drop(socket.read_all()));
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
            accepted.push(socket);
            client
        })
        .collect();
    let each = (memory() - before) / CONNECTIONS;
    println!("measured: {each} bytes a connection");
    assert!(each < 6000, "{each} bytes a connection");

    let start = cpu.now();
    run_for(Duration::from_millis(100));
    let idle = cpu.now() - start;
    let beside = round_trips(&cpu, &client, 1000);
    println!(
        "measured: {idle:?} of CPU in 100 ms, 1000 round trips {alone:?} alone, {beside:?} now"
    );
    assert!(idle < Duration::from_millis(20), "{idle:?}");
    assert!(beside < 3 * alone + Duration::from_millis(20), "{alone:?} alone, {beside:?} now");
    assert_eq!(clients.len(), accepted.len());
}
