//! A text stream over a socket, line by line.

use std::{
    cell::RefCell,
    io::{Read, Write},
    rc::Rc,
};

use integration::{pair, wait_until};
use qcore::{QIODevice, QTextStream, text_stream::Manipulator};

#[test]
fn lines_as_they_come() {
    let (socket, mut peer) = pair();
    let lines = Rc::new(RefCell::new(Vec::new()));
    let stream = Rc::new(RefCell::new(QTextStream::new(&socket)));
    let device = QIODevice::clone(&socket);
    socket.ready_read.connect_to(&lines, {
        let stream = stream.clone();
        move |lines, ()| {
            // The stream reads ahead: all lines that are whole have to be read from it.
            while device.can_read_line() {
                lines.borrow_mut().extend(stream.borrow_mut().lines());
            }
        }
    });
    peer.write_all("add 1 2\r\nfünf\n".as_bytes()).unwrap();
    wait_until(|| lines.borrow().len() == 2);
    assert_eq!(*lines.borrow(), ["add 1 2", "fünf"]);
    peer.write_all(b"\n0x1f\n").unwrap();
    wait_until(|| lines.borrow().len() == 4);
    assert_eq!(lines.borrow()[2..], ["", "0x1f"]);
}

#[test]
fn a_dialogue() {
    let (server, peer) = pair();
    server.ready_read.connect_to(&server, |socket, ()| {
        while socket.can_read_line() {
            let mut words = QTextStream::from_bytes(socket.read_line());
            let mut answer = QTextStream::new(socket);
            assert_eq!(words.read_word(), "add");
            answer.write(&(words.read_int32() + words.read_int32())).write(&Manipulator::Endl);
        }
    });
    let client = std::thread::spawn(move || {
        use std::io::BufRead;
        let mut reader = std::io::BufReader::new(peer.try_clone().unwrap());
        let mut writer = peer;
        for number in 0..100 {
            writer.write_all(format!("add {number} 0x10\n").as_bytes()).unwrap();
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert_eq!(line, format!("{}\n", number + 16));
        }
    });
    wait_until(|| client.is_finished());
    client.join().unwrap();
}

#[test]
fn still_open_when_at_end() {
    let (socket, mut peer) = pair();
    peer.write_all(b"one\ntwo").unwrap();
    wait_until(|| socket.bytes_available() == 7);
    let mut stream = QTextStream::new(&socket);
    let mut lines = Vec::new();
    while !stream.at_end() {
        lines.extend(stream.read_line());
    }
    assert_eq!(lines, ["one", "two"]);
    assert_eq!(stream.pos(), Some(0));
    assert!(socket.is_open() && socket.is_valid());
    drop(stream);
    assert!(socket.is_open());
}

#[test]
fn closing_the_socket_sends_the_text() {
    for aborts in [false, true] {
        let (socket, mut peer) = pair();
        let mut out = QTextStream::new(&socket);
        out.write("goodbye");
        if aborts {
            socket.abort(); // real Qt crashes here
        } else {
            socket.close();
        }
        wait_until(|| socket.state() == qnetwork::SocketState::Unconnected);
        let mut received = Vec::new();
        let _ = peer.read_to_end(&mut received);
        assert_eq!(received, if aborts { &b""[..] } else { b"goodbye" });
    }
}
