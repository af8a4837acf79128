//! Messages over real sockets.

use std::{cell::Cell, rc::Rc};

use integration::{pair_of, server, tls, wait_until};
use qcore::{
    QSignalSpy, block_on,
    framing::{FrameErrorKind, Framed, LengthPrefix, Lines, PrefixSize},
    spawn_local,
};
use qnetwork::QSslSocket;

fn prefix() -> LengthPrefix {
    LengthPrefix::new(PrefixSize::U32)
}

fn messages() -> Vec<Vec<u8>> {
    [0, 1, 700_000, 5, 300_000, 2].map(|size| vec![7; size]).to_vec()
}

#[test]
fn messages_of_any_length_arrive() {
    let server = server();
    let (one, other) = pair_of(&server);
    let (sender, receiver) = (Framed::new(&one, prefix()), Framed::new(&other, prefix()));
    let received = QSignalSpy::new(&receiver.message);
    let sent = messages();
    for message in &sent {
        sender.send(message).unwrap();
    }
    wait_until(|| received.count() == sent.len());
    assert_eq!(received.values(), sent);
}

#[test]
fn messages_arrive_encrypted() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    let (sender, receiver) = (Framed::new(&other, prefix()), Framed::new(&client, prefix()));
    let received = QSignalSpy::new(&receiver.message);
    let sent = messages();
    for message in &sent {
        sender.send(message).unwrap();
    }
    wait_until(|| received.count() == sent.len());
    assert_eq!(received.values(), sent);
}

#[test]
fn one_message_shares_its_bytes_among_sockets() {
    let server = server();
    let pairs = [(); 3].map(|()| pair_of(&server));
    let receivers = pairs.each_ref().map(|(_, other)| Framed::new(other, prefix()));
    let received = receivers.each_ref().map(|receiver| QSignalSpy::new(&receiver.message));
    let senders = pairs.each_ref().map(|(one, _)| Framed::new(one, prefix()));
    let message = senders[0].encode(&[7; 100_000]).unwrap();
    for sender in &senders {
        sender.send_encoded(message.clone()).unwrap();
        sender.send(b"small").unwrap();
    }
    wait_until(|| received.iter().all(|spy| spy.count() == 2));
    assert!(received.iter().all(|spy| spy.values() == [vec![7; 100_000], b"small".to_vec()]));
}

#[test]
fn a_connection_that_ends_in_a_message_is_an_error() {
    let server = server();
    let (one, other) = pair_of(&server);
    let framed = Framed::new(&other, Lines::new());
    let (lines, errors) = (QSignalSpy::new(&framed.message), QSignalSpy::new(&framed.error));
    one.write("whole\nhalf").unwrap();
    one.disconnect_from_host();
    wait_until(|| errors.count() == 1);
    assert_eq!(lines.values(), ["whole"]);
    assert_eq!(errors.values()[0], FrameErrorKind::Incomplete);
    assert_eq!(framed.detach().read_all(), b"half");
}

#[test]
fn a_message_over_the_limit_of_the_read_buffer_is_an_error() {
    let server = server();
    let (one, other) = pair_of(&server);
    other.set_read_buffer_size(100);
    let framed = Framed::new(&other, Lines::new());
    let errors = QSignalSpy::new(&framed.error);
    one.write([b'x'; 1000]).unwrap();
    wait_until(|| errors.count() == 1);
    assert_eq!(errors.values()[0], FrameErrorKind::TooLong);
}

#[test]
fn messages_that_exactly_fit_the_read_buffer_arrive() {
    let server = server();
    let (one, other) = pair_of(&server);
    other.set_read_buffer_size(100);
    let framed = Framed::new(&other, Lines::new());
    let lines = QSignalSpy::new(&framed.message);
    let line = "x".repeat(99);
    for _ in 0..50 {
        one.write(format!("{line}\n")).unwrap();
    }
    wait_until(|| lines.count() == 50);
    assert!(lines.values().iter().all(|received| *received == line));
}

/// STARTTLS: the slot of a line begins to encrypt. What a stranger sends behind that line in plain
/// text is never a message.
#[test]
fn a_slot_may_begin_to_encrypt() {
    let received = Rc::new(std::cell::RefCell::new(Vec::new()));
    let log = received.clone();
    let server = tls::accepting(move |socket| {
        socket.set_ssl_configuration(tls::identified("good"));
        let framed = Framed::new(socket, Lines::new());
        let log = log.clone();
        framed.message.connect_to((&framed, &log), |(framed, log), line: &String| {
            log.borrow_mut().push(line.clone());
            if line == "STARTTLS" {
                framed.send("OK").unwrap();
                framed.device().flush();
                framed.device().start_server_encryption();
            } else {
                framed.send(&format!("you said {line}")).unwrap();
            }
        });
    });
    let client = tls::client();
    client.connect_to_host("127.0.0.1", server.server_port());
    let framed = Framed::new(&client, Lines::new());
    let answers = QSignalSpy::new(&framed.message);
    framed.message.connect_to(&framed, |framed, line| {
        if line == "OK" {
            framed.device().start_client_encryption();
        }
    });
    client.wait_for_connected(5000).unwrap();
    framed.send("STARTTLS").unwrap();
    wait_until(|| client.is_encrypted());
    framed.send("hello").unwrap();
    wait_until(|| answers.count() == 2);
    assert_eq!(answers.values(), ["OK", "you said hello"]);
    assert_eq!(*received.borrow(), ["STARTTLS", "hello"]);

    // The plain text behind STARTTLS is taken as part of the handshake, which fails.
    let attacker = QSslSocket::new();
    attacker.connect_to_host("127.0.0.1", server.server_port());
    attacker.wait_for_connected(5000).unwrap();
    let ended = tls::count(&attacker.disconnected);
    attacker.write("STARTTLS\ninjected\n").unwrap();
    wait_until(|| ended.get() == 1);
    assert_eq!(*received.borrow(), ["STARTTLS", "hello", "STARTTLS"]);
}

#[test]
fn tasks_exchange_messages() {
    let server = server();
    let (one, other) = pair_of(&server);
    let mut echo = Framed::new(&one, prefix()).stream();
    let echoed = Rc::new(Cell::new(0));
    let count = echoed.clone();
    spawn_local(async move {
        while let Some(message) = echo.next().await {
            echo.send(&message.unwrap()).await.unwrap();
            count.set(count.get() + 1);
        }
        // The other end has closed its half. This one can still send.
        echo.send(b"bye").await.unwrap();
        echo.shutdown().await.unwrap();
    });
    let mut stream = Framed::new(&other, prefix()).stream();
    let (sent, expected) = (messages(), messages());
    let received = block_on(async move {
        for message in &sent {
            stream.send(message).await.unwrap();
        }
        stream.shutdown().await.unwrap();
        let mut received = Vec::new();
        while let Some(message) = stream.next().await {
            received.push(message.unwrap());
        }
        received
    })
    .unwrap();
    assert_eq!(echoed.get(), 6);
    assert_eq!(received.last().unwrap(), b"bye");
    assert_eq!(received[..6], expected);
}

/// A task that does not ask for messages makes the other end wait.
#[test]
fn a_slow_task_bounds_the_memory() {
    let server = server();
    let (one, other) = pair_of(&server);
    other.set_read_buffer_size(64 * 1024);
    let mut stream = Framed::new(&other, prefix()).stream();
    let sender = Framed::new(&one, prefix());
    for _ in 0..300 {
        sender.send(&[7; 50_000]).unwrap();
    }
    wait_until(|| other.bytes_available() == 64 * 1024);
    let count = block_on(async move {
        let mut count = 0;
        while count < 300 {
            assert_eq!(stream.next().await.unwrap().unwrap().len(), 50_000);
            assert!(stream.framed().device().bytes_available() <= 64 * 1024);
            count += 1;
        }
        count
    });
    assert_eq!(count.unwrap(), 300);
}
