//! Datagrams in tasks: errors reach the task, and a flood leaves time for others.

use std::{cell::Cell, net::UdpSocket, rc::Rc, time::Duration};

use integration::wait_until;
use qcore::{
    DeviceError, OpenMode, QIODevice, QTimer, block_on,
    framing::{Codec, Decoded, FrameError, Framed},
    io_device::DeviceBackend,
    task::timeout,
};
use qnetwork::{QHostAddress, QUdpSocket, SocketErrorKind, SocketState};

const LONG: Duration = Duration::from_secs(20);
/// A task that reads so often without a pause has taken the thread for itself.
const MANY: u32 = 200_000;

/// Runs the future, and panics if it takes long.
#[track_caller]
fn run<F: Future>(future: F) -> F::Output {
    block_on(timeout(LONG, future)).unwrap().expect("it takes too long")
}

/// Returns a flag that a timer sets in the next turns of the loop.
fn soon() -> Rc<Cell<bool>> {
    let flag = Rc::new(Cell::new(false));
    let set = flag.clone();
    QTimer::single_shot(1, move || set.set(true));
    flag
}

#[test]
fn a_refused_datagram_is_an_error() {
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    let socket = QUdpSocket::new();
    socket.connect_to_host(QHostAddress::LocalHost, port);
    wait_until(|| socket.state() == SocketState::Connected);
    for _ in 0..2 {
        socket.write("ping").unwrap();
        assert_eq!(run(socket.recv()).unwrap_err(), SocketErrorKind::ConnectionRefused);
    }
    // The socket still receives.
    let Ok(there) = UdpSocket::bind(("127.0.0.1", port)) else { return };
    there.send_to(b"pong", ("127.0.0.1", socket.local_port())).unwrap();
    assert_eq!(run(socket.recv()).unwrap().data(), b"pong");
}

/// No datagram is not an error, and emits nothing.
#[test]
fn waiting_for_a_datagram_emits_no_error() {
    let socket = QUdpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    socket.error_occurred.connect(|error| panic!("{error:?}"));
    let sender = socket.clone();
    QTimer::single_shot(1, move || {
        sender.write_datagram("late", QHostAddress::LocalHost, sender.local_port()).unwrap();
    });
    assert_eq!(run(socket.recv()).unwrap().data(), b"late");
}

#[test]
fn datagrams_leave_time_for_timers() {
    let socket = QUdpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    let (port, flag) = (socket.local_port(), soon());
    let count = run(async {
        for count in 0..MANY {
            if flag.get() {
                return count;
            }
            socket.write_datagram("x", QHostAddress::LocalHost, port).unwrap();
            socket.recv().await.unwrap();
        }
        MANY
    });
    assert!(count < MANY);
}

/// A device that never runs dry.
struct Endless;

impl DeviceBackend for Endless {
    fn class_name(&self) -> &'static str {
        "Endless"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        data.fill(b'x');
        Ok(data.len())
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        Ok(data.len())
    }
}

fn endless() -> QIODevice {
    let device = QIODevice::new(Endless);
    device.open(OpenMode::READ_ONLY).unwrap();
    device
}

#[test]
fn a_device_that_never_runs_dry_leaves_time_for_timers() {
    let device = endless();
    let flag = soon();
    let count = run(async {
        let (mut stream, mut buffer) = (device.stream(), vec![0; 64 * 1024]);
        for count in 0..MANY {
            if flag.get() {
                return count;
            }
            // As much as the device's read buffer holds, so that the device is asked each time.
            stream.read(&mut buffer).await.unwrap();
        }
        MANY
    });
    assert!(count < MANY);
}

/// Skips all bytes, so that no message ever comes.
struct Skips(u32);

impl Codec for Skips {
    type Message = ();
    type Sent = ();

    fn decode(&mut self, _: &[u8]) -> Result<Decoded<()>, FrameError> {
        self.0 += 1;
        assert!(self.0 < MANY, "the task has taken the thread for itself");
        Ok(Decoded::Skip(1))
    }

    fn encode(&mut self, (): &(), _: &mut Vec<u8>) -> Result<(), FrameError> {
        Ok(())
    }
}

#[test]
fn skipped_bytes_leave_time_for_timers() {
    let device = endless();
    let framed = Framed::new(&device, Skips(0));
    let mut stream = framed.stream();
    let next = block_on(timeout(10, stream.next())).unwrap();
    assert!(next.is_err());
}
