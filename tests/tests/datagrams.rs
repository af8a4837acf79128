//! Many datagrams, reading ahead, and sockets that die meanwhile.

use std::{
    cell::{Cell, RefCell},
    net::{TcpListener, UdpSocket},
    rc::Rc,
    time::Duration,
};

use integration::{pattern, run_for, settle, wait_until};
use qcore::{OpenMode, QSignalSpy};
use qnetwork::{
    QAbstractSocket, QHostAddress, QNetworkDatagram, QUdpSocket, SocketErrorKind, SocketState,
    SocketType,
};

fn bound() -> QUdpSocket {
    let socket = QUdpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    socket
}

/// Returns a blocking socket and a function that sends from it to a port.
fn peer() -> (UdpSocket, impl Fn(&[u8], u16)) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(integration::LIMIT)).unwrap();
    let other = socket.try_clone().unwrap();
    (socket, move |data: &[u8], port| {
        other.send_to(data, ("127.0.0.1", port)).unwrap();
    })
}

#[test]
fn what_a_slot_leaves_is_kept_while_others_read() {
    // All sockets read into the same memory.
    let (one, other) = (bound(), bound());
    let (_peer, send) = peer();
    let (to_one, to_other) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    // Each slot takes one datagram, so that others are left each time.
    for (socket, received) in [(&one, &to_one), (&other, &to_other)] {
        let received = received.clone();
        socket.ready_read.connect_to(socket, move |socket, ()| {
            received.borrow_mut().push(socket.read_datagram(10_000).unwrap().0);
        });
    }
    let data = |of: usize, number: usize| pattern(of * 1000 + number, number * 97 % 3000);
    for number in 0..60 {
        send(&data(1, number), one.local_port());
        send(&data(2, number), other.local_port());
    }
    wait_until(|| to_one.borrow().len() == 60 && to_other.borrow().len() == 60);
    for number in 0..60 {
        assert_eq!(to_one.borrow()[number], data(1, number));
        assert_eq!(to_other.borrow()[number], data(2, number));
    }
}

#[test]
fn the_largest_datagram() {
    let socket = bound();
    let (_peer, send) = peer();
    let (large, small) = (pattern(0, 65_507), pattern(5, 100));
    for _ in 0..2 {
        send(&large, socket.local_port());
        send(&small, socket.local_port());
    }
    wait_until(|| socket.has_pending_datagrams());
    assert_eq!(socket.pending_datagram_size(), Some(65_507));
    assert_eq!(socket.bytes_available(), 65_507);
    assert_eq!(socket.read_datagram(100_000).unwrap().0, large);
    let rest = socket.receive_datagrams(10);
    let rest: Vec<&[u8]> = rest.iter().map(QNetworkDatagram::data).collect();
    assert_eq!(rest, [&small[..], &large, &small]);
}

#[test]
fn many_are_received_together_and_the_rest_is_told_of() {
    let socket = bound();
    let (_peer, send) = peer();
    for number in 0..50_u8 {
        send(&[number], socket.local_port());
    }
    let counts = Rc::new(RefCell::new(Vec::new()));
    let all = Rc::new(RefCell::new(Vec::new()));
    let (seen, kept) = (counts.clone(), all.clone());
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        let some = socket.receive_datagrams(20);
        seen.borrow_mut().push(some.len());
        kept.borrow_mut().extend(some.iter().map(|one| one.data()[0]));
    });
    wait_until(|| all.borrow().len() == 50);
    assert_eq!(*counts.borrow(), [20, 20, 10]);
    assert_eq!(*all.borrow(), (0..50).collect::<Vec<_>>());
    run_for(Duration::from_millis(20));
    assert_eq!(counts.borrow().len(), 3);
    assert!(socket.receive_datagrams(10).is_empty());
}

#[test]
fn memory_is_used_again() {
    let socket = bound();
    let (_peer, send) = peer();
    let mut datagrams = vec![QNetworkDatagram::default(); 3];
    datagrams[2].set_data("stays");
    send(b"one", socket.local_port());
    send(b"two", socket.local_port());
    wait_until(|| socket.has_pending_datagrams());
    assert_eq!(socket.receive_datagrams_into(&mut datagrams), 2);
    let data: Vec<&[u8]> = datagrams.iter().map(QNetworkDatagram::data).collect();
    assert_eq!(data, [&b"one"[..], b"two", b"stays"]);
    assert_eq!(datagrams[1].sender_address(), QHostAddress::LocalHost);
    assert_eq!(socket.receive_datagrams_into(&mut datagrams), 0);
    assert_eq!(socket.receive_datagrams_into(&mut []), 0);
}

#[test]
fn many_are_sent_together_in_their_order() {
    let socket = bound();
    let (peer, _) = peer();
    let written = QSignalSpy::new(&socket.bytes_written);
    let to = peer.local_addr().unwrap().port();
    let datagrams: Vec<_> = (0..70_u8)
        .map(|number| {
            QNetworkDatagram::new(vec![number; number.into()], QHostAddress::LocalHost, to)
        })
        .collect();
    assert_eq!(socket.write_datagrams(&datagrams).unwrap(), 70);
    assert_eq!(written.take(), (0..70).collect::<Vec<usize>>());
    let mut data = [0; 100];
    for number in 0..70_u8 {
        let count = peer.recv(&mut data).unwrap();
        assert_eq!(data[..count], vec![number; number.into()]);
    }
    assert_eq!(socket.write_datagrams(&[]).unwrap(), 0);
}

#[test]
fn the_first_that_cannot_be_sent_ends_it() {
    let socket = QUdpSocket::new();
    let (peer, _) = peer();
    let errors = QSignalSpy::new(&socket.error_occurred);
    let to = peer.local_addr().unwrap().port();
    let mut datagrams = ["one", "two", "three", "four"]
        .map(|data| QNetworkDatagram::new(data, QHostAddress::LocalHost, to));
    datagrams[2].set_data(vec![0; 70_000]);
    assert_eq!(socket.write_datagrams(&datagrams).unwrap(), 2);
    assert_eq!(errors.take(), [SocketErrorKind::DatagramTooLarge]);
    let error = socket.write_datagrams(&datagrams[2..]).unwrap_err();
    assert_eq!(error, SocketErrorKind::DatagramTooLarge);
    assert_eq!(socket.write_datagrams(&datagrams[3..]).unwrap(), 1);
    let mut data = [0; 10];
    for text in ["one", "two", "four"] {
        let count = peer.recv(&mut data).unwrap();
        assert_eq!(&data[..count], text.as_bytes());
    }
}

#[test]
fn a_slot_that_closes_the_socket_hears_no_more() {
    let socket = bound();
    let (peer, _) = peer();
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    socket.bytes_written.connect_to(&socket, move |socket, _| {
        count.set(count.get() + 1);
        socket.close();
    });
    let to = peer.local_addr().unwrap().port();
    let datagrams =
        ["one", "two"].map(|data| QNetworkDatagram::new(data, QHostAddress::LocalHost, to));
    assert_eq!(socket.write_datagrams(&datagrams).unwrap(), 2);
    assert_eq!((told.get(), socket.state()), (1, SocketState::Unconnected));
    assert_eq!(peer.recv(&mut [0; 10]).unwrap(), 3);
    assert_eq!(peer.recv(&mut [0; 10]).unwrap(), 3);
}

#[test]
fn a_slot_may_drop_the_socket() {
    let holder = Rc::new(RefCell::new(Some(bound())));
    let (_peer, send) = peer();
    let port = holder.borrow().as_ref().unwrap().local_port();
    let done = Rc::new(Cell::new(false));
    let (held, noted) = (holder.clone(), done.clone());
    holder.borrow().as_ref().unwrap().ready_read.connect(move |()| {
        let socket = held.borrow_mut().take();
        drop(socket);
        noted.set(true);
    });
    send(b"one", port);
    send(b"two", port);
    wait_until(|| done.get());
    // The port is free again.
    UdpSocket::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn deleted_sockets_refuse() {
    let socket = bound();
    socket.delete_later();
    settle();
    assert!(socket.is_deleted());
    let error = socket.write_datagram("x", QHostAddress::LocalHost, 9).unwrap_err();
    assert_eq!(error, SocketErrorKind::Operation);
    assert_eq!(socket.receive_datagram().unwrap_err(), SocketErrorKind::Operation);
    assert!(!socket.has_pending_datagrams());
    assert_eq!(socket.bind(QHostAddress::LocalHost, 0).unwrap_err(), SocketErrorKind::Operation);
}

#[test]
fn descriptors_are_taken_over() {
    let socket = QUdpSocket::new();
    let stream = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused =
        socket.set_socket_descriptor_with_state(stream, SocketState::Bound, OpenMode::READ_WRITE);
    assert_eq!(refused.unwrap_err(), SocketErrorKind::UnsupportedSocketOperation);

    let (peer, send) = peer();
    let own = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = own.local_addr().unwrap().port();
    send(b"early", port);
    socket.set_socket_descriptor_with_state(own, SocketState::Bound, OpenMode::READ_WRITE).unwrap();
    assert_eq!((socket.state(), socket.local_port()), (SocketState::Bound, port));
    let told = QSignalSpy::new(&socket.ready_read);
    wait_until(|| told.count() == 1);
    let datagram = socket.receive_datagram().unwrap();
    assert_eq!(datagram.data(), b"early");
    assert_eq!(datagram.sender_port(), Some(peer.local_addr().unwrap().port()));
    // As in Qt, the system was not asked for more information.
    assert!(datagram.destination_address().is_null());
    assert_eq!(datagram.hop_limit(), None);
    let everybody: QHostAddress = "127.255.255.255".parse().unwrap();
    socket.write_datagram("x", everybody, port).unwrap();
}

#[test]
fn a_socket_of_the_base_class() {
    let socket = QAbstractSocket::new(SocketType::Udp);
    let (peer, _) = peer();
    socket.connect_to_host("127.0.0.1", peer.local_addr().unwrap().port());
    assert_eq!(socket.state(), SocketState::Connected);
    assert_eq!(socket.write("hello").unwrap(), 5);
    let (count, from) = peer.recv_from(&mut [0; 10]).unwrap();
    assert_eq!((count, from.port()), (5, socket.local_port()));
    peer.send_to(b"answer", from).unwrap();
    socket.wait_for_ready_read(5000).unwrap();
    assert_eq!(socket.read_all(), b"answer");
}

/// A connected socket that is polled repeatedly returns each datagram as it was sent, whenever it
/// arrives.
#[test]
fn who_polls_gets_datagrams_whole() {
    let reads: [fn(&QUdpSocket) -> Vec<u8>; 4] = [
        |socket| socket.read(1000),
        |socket| {
            let mut data = [0; 1000];
            let count = socket.read_into(&mut data).unwrap_or(0);
            data[..count].to_vec()
        },
        |socket| socket.read(100_000),
        |socket| {
            let size = socket.bytes_available();
            socket.read(size.max(100))
        },
    ];
    for read in reads {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = QUdpSocket::new();
        socket.connect_to_host(QHostAddress::LocalHost, peer.local_addr().unwrap().port());
        assert!(socket.wait_for_connected(5000).is_ok());
        let to = ("127.0.0.1", socket.local_port());
        let sender = std::thread::spawn(move || {
            for number in 0..10_000_u32 {
                // Datagrams without room in the buffer are lost, as usual.
                peer.send_to(&number.to_be_bytes().repeat(25), to).unwrap();
                if number % 50 == 0 {
                    std::thread::yield_now();
                }
            }
        });
        let (mut received, mut last) = (0, None);
        loop {
            let is_over = sender.is_finished();
            let datagram = read(&socket);
            if datagram.is_empty() {
                if is_over {
                    break;
                }
                continue;
            }
            assert_eq!(datagram.len(), 100);
            let number = u32::from_be_bytes(datagram[..4].try_into().unwrap());
            assert_eq!(datagram, number.to_be_bytes().repeat(25));
            assert!(last < Some(number), "{last:?} {number}");
            last = Some(number);
            received += 1;
        }
        sender.join().unwrap();
        assert!(received > 0);
    }
}
