//! A limited read buffer, and a reader that takes parts of it at its own pace.

use std::{cell::RefCell, io::Write, os::unix::net::UnixStream, rc::Rc, thread, time::Duration};

use integration::{pair, pattern, run_for, tls, wait_until};
use qcore::{QIODevice, QTimer};
use qnetwork::{QLocalSocket, QTcpSocket};

const LIMIT: usize = 100;
const SIZE: usize = 100_000;

/// Reads at the pace of a timer instead of in the socket's slot. `again` makes the socket read
/// again, as the docs of `set_read_buffer_size` describe.
fn read_at_a_pace(device: &QIODevice, again: impl Fn() + 'static) {
    let got = Rc::new(RefCell::new(Vec::new()));
    let timer = QTimer::new();
    timer.timeout.connect_to(&got, {
        let device = device.clone();
        move |got, ()| {
            // Leaves a byte each time, except at the end.
            let most = device.bytes_available().saturating_sub(1).max(1);
            got.borrow_mut().extend(device.read(most));
            again();
        }
    });
    timer.start_with_interval(0);
    wait_until(|| got.borrow().len() == SIZE);
    assert!(*got.borrow() == pattern(0, SIZE));
}

#[test]
fn a_plain_socket() {
    let (socket, mut stream) = pair();
    socket.set_read_buffer_size(LIMIT);
    let sender = thread::spawn(move || stream.write_all(&pattern(0, SIZE)).map(|()| stream));
    let again = socket.clone();
    read_at_a_pace(&socket, move || {
        again.set_read_buffer_size(0);
        again.set_read_buffer_size(LIMIT);
        assert!(again.bytes_available() <= LIMIT);
    });
    sender.join().unwrap().unwrap();
}

#[test]
fn a_local_socket() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let socket = QLocalSocket::new();
    socket.set_socket_descriptor(ours).unwrap();
    socket.set_read_buffer_size(LIMIT);
    let sender = thread::spawn(move || theirs.write_all(&pattern(0, SIZE)).map(|()| theirs));
    let again = socket.clone();
    read_at_a_pace(&socket, move || {
        again.set_read_buffer_size(0);
        again.set_read_buffer_size(LIMIT);
        assert!(again.bytes_available() <= LIMIT);
    });
    sender.join().unwrap().unwrap();
}

#[test]
fn an_encrypted_socket() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    client.set_read_buffer_size(LIMIT);
    other.write(pattern(0, SIZE)).unwrap();
    let again = client.clone();
    read_at_a_pace(&client, move || {
        again.set_read_buffer_size(0);
        again.set_read_buffer_size(LIMIT);
    });
}

/// The socket stays silent, as in Qt, and as the docs of `set_read_buffer_size` warn.
#[test]
fn without_setting_it_anew_nothing_comes_any_more() {
    let (socket, mut stream) = pair();
    socket.set_read_buffer_size(4);
    stream.write_all(b"ten bytes.").unwrap();
    wait_until(|| socket.bytes_available() == 4);
    run_for(Duration::from_millis(20)); // until its buffer is full
    assert_eq!(socket.read(3), b"ten");
    run_for(Duration::from_millis(20));
    assert_eq!(socket.bytes_available(), 1);
    socket.set_read_buffer_size(0);
    socket.set_read_buffer_size(4);
    wait_until(|| socket.bytes_available() == 4);
}

/// Bytes that the program looks at count for the limit of the read buffer.
#[test]
fn bytes_that_are_lent_take_room() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let encrypting = tls::encrypt(&client, &server);
    let (plain, mut stream) = pair();
    stream.write_all(&[1; 1000]).unwrap();
    encrypting.write(vec![1; 1000]).unwrap();
    for socket in [&plain, &QTcpSocket::from(&client)] {
        socket.set_read_buffer_size(1000);
        wait_until(|| socket.bytes_available() == 1000);
        let lent = socket.fill_buf_with_min_size(1000).unwrap();
        assert_eq!(lent.len(), 1000);
        if *socket == plain {
            stream.write_all(&[2; 1000]).unwrap();
        } else {
            encrypting.write(vec![2; 1000]).unwrap();
        }
        run_for(Duration::from_millis(20));
        assert_eq!(socket.bytes_available(), 0, "more than the limit was read");
        lent.consume(1000);
        wait_until(|| socket.bytes_available() == 1000);
        assert_eq!(socket.read_all(), [2; 1000]);
    }
}
