//! `write_flow()`: the marks for written bytes that wait.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    io::Read,
    rc::Rc,
    thread,
    time::Duration,
};

use integration::{
    listener,
    local::{self, Dir},
    pair, pattern, port_of, run_for, tls, wait_until,
};
use qcore::{
    DeviceErrorKind, OpenMode, QBuffer, QIODevice, QObject, block_on,
    io_device::{DeviceBackend, WhenFull},
    spawn_local,
    task::timeout,
};
use qnetwork::{QSslSocket, QTcpSocket, QUdpSocket, SocketOption, SocketState};
use socket2::SockRef;

const LOW: usize = 100_000;
const HIGH: usize = 300_000;
/// Small buffers of the system, so that few bytes fill them.
const SMALL: i32 = 64 * 1024;
/// More than all buffers of the system hold.
const PLENTY: usize = 8 << 20;

/// A device whose peer does not read before it is told to.
struct Held {
    name: &'static str,
    device: QIODevice,
    /// Makes the peer read everything. The returned function returns how many bytes it has read.
    read: Box<dyn FnOnce() -> Box<dyn Fn() -> usize>>,
    /// What has to live as long as the device.
    _keeps: Box<dyn Any>,
}

/// Reads everything in a thread, and returns a function that returns how many bytes that were.
fn by_a_thread(mut stream: impl Read + Send + 'static) -> Box<dyn Fn() -> usize> {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = count.clone();
    thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(got @ 1..) = stream.read(&mut buffer) {
            counted.fetch_add(got, std::sync::atomic::Ordering::SeqCst);
        }
    });
    Box::new(move || count.load(std::sync::atomic::Ordering::SeqCst))
}

fn plain() -> Held {
    let (socket, peer) = pair();
    socket.set_socket_option(SocketOption::SendBufferSize, SMALL);
    SockRef::from(&peer).set_recv_buffer_size(SMALL as usize).unwrap();
    Held {
        name: "plain",
        device: socket.into(),
        read: Box::new(move || by_a_thread(peer)),
        _keeps: Box::new(()),
    }
}

fn by_name() -> Held {
    let dir = Dir::new();
    let server = local::server(&dir);
    let (socket, peer) = local::pair(&server);
    peer.set_read_buffer_size(1000);
    Held {
        name: "local",
        device: socket.into(),
        read: Box::new(move || {
            let count = Rc::new(Cell::new(0));
            let (got, reader) = (count.clone(), peer.clone());
            let read = move || got.set(got.get() + reader.read_all().len());
            read();
            peer.ready_read.connect(move |()| read());
            peer.set_read_buffer_size(0);
            Box::new(move || {
                let _keep = &peer;
                count.get()
            })
        }),
        _keeps: Box::new((dir, server)),
    }
}

fn encrypted() -> Held {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    other.set_socket_option(SocketOption::ReceiveBufferSize, SMALL);
    client.set_socket_option(SocketOption::SendBufferSize, SMALL);
    other.set_read_buffer_size(1000);
    Held {
        name: "encrypted",
        device: client.into(),
        read: Box::new(move || {
            let count = Rc::new(Cell::new(0));
            let (got, reader) = (count.clone(), other.clone());
            let read = move || got.set(got.get() + reader.read_all().len());
            let again = read.clone();
            other.ready_read.connect(move |()| again());
            other.set_read_buffer_size(0);
            read();
            Box::new(move || {
                let _keep = &other;
                count.get()
            })
        }),
        _keeps: Box::new(server),
    }
}

fn all() -> [Held; 3] {
    [plain(), by_name(), encrypted()]
}

/// Writes until the device refuses, and returns how many bytes it has taken.
fn fill(device: &QIODevice) -> usize {
    let mut taken = 0;
    loop {
        assert!(taken < PLENTY, "the device takes everything");
        match device.write([b'x'; 10_000]) {
            Ok(count) => taken += count,
            Err(error) => {
                assert_eq!(error, DeviceErrorKind::Full);
                // The system may take more.
                let waits = device.unsent_bytes();
                run_for(Duration::from_millis(20));
                if device.unsent_bytes() == waits && device.write_flow().is_full() {
                    return taken;
                }
            }
        }
        run_for(Duration::ZERO);
    }
}

#[test]
fn a_full_device_refuses_and_takes_nothing() {
    for Held { name, device, read, _keeps } in all() {
        let flow = device.write_flow();
        flow.set_marks(LOW, HIGH);
        flow.set_when_full(WhenFull::Refuse);
        let drained = tls::count(&flow.drained);
        let mut taken = fill(&device);
        assert!(flow.is_full(), "{name}");
        let waits = device.unsent_bytes();
        assert!((LOW + 1..HIGH + 40_000).contains(&waits), "{name}: {waits} bytes");
        assert_eq!(device.write("refused").unwrap_err(), DeviceErrorKind::Full, "{name}");
        assert_eq!(device.write_chunk("refused").unwrap_err(), DeviceErrorKind::Full, "{name}");
        assert_eq!(device.put_char(b'x').unwrap_err(), DeviceErrorKind::Full, "{name}");
        assert_eq!(device.unsent_bytes(), waits, "{name}");

        let at_drained = Rc::new(Cell::new(None));
        let seen = at_drained.clone();
        let emitted_before = drained.get();
        flow.drained.connect_to(&device, move |device, ()| {
            let flow = device.write_flow();
            seen.set(Some((device.unsent_bytes() <= LOW, flow.is_full())));
            assert!(device.write("taken").is_ok());
        });
        let got = read();
        wait_until(|| at_drained.get().is_some());
        taken += 5;
        assert_eq!(at_drained.get(), Some((true, false)), "{name}");
        wait_until(|| got() == taken && device.unsent_bytes() == 0);
        assert_eq!(drained.get(), emitted_before + 1, "{name}: once for each time it was full");
    }
}

#[test]
fn a_device_that_keeps_everything_is_full_all_the_same() {
    for Held { name, device, read, _keeps } in all() {
        let flow = device.write_flow();
        assert_eq!((flow.low_mark(), flow.high_mark()), (0, usize::MAX));
        assert_eq!(flow.when_full(), WhenFull::Buffer);
        let drained = tls::count(&flow.drained);
        device.write(pattern(0, PLENTY)).unwrap();
        assert!(!flow.is_full(), "{name}: there is no mark");
        flow.set_marks(LOW, HIGH);
        assert!(flow.is_full(), "{name}: the marks apply to what waits already");
        device.write("more").unwrap();
        let got = read();
        wait_until(|| got() == PLENTY + 4);
        assert_eq!((drained.get(), flow.is_full()), (1, false), "{name}");
    }
}

#[test]
fn a_task_waits_at_the_same_mark() {
    for Held { name, device, read, _keeps } in all() {
        device.write_flow().set_marks(LOW, HIGH);
        device.write_flow().set_when_full(WhenFull::Refuse);
        let mut stream = device.stream();
        let writing = spawn_local(async move {
            for _ in 0..8 {
                stream.write_all(&pattern(0, PLENTY / 16)).await.unwrap();
                stream.write_chunk(pattern(0, PLENTY / 16)).await.unwrap();
            }
            stream.flush().await.unwrap();
        });
        for _ in 0..10 {
            run_for(Duration::from_millis(10));
            // A chunk may exceed the mark.
            assert!(device.unsent_bytes() < HIGH + PLENTY / 16 + 40_000, "{name}");
        }
        assert!(!writing.is_finished() && device.write_flow().is_full(), "{name}");
        let got = read();
        block_on(timeout(30_000, writing)).unwrap().unwrap().unwrap();
        wait_until(|| got() == PLENTY);
    }
}

#[test]
fn the_limit_of_a_stream_is_the_mark_of_its_device() {
    let Held { device, _keeps, .. } = plain();
    let mut stream = device.stream();
    stream.set_write_limit(1000);
    assert_eq!((device.write_flow().low_mark(), device.write_flow().high_mark()), (500, 1000));
    stream.set_write_limit(0);
    assert_eq!((device.write_flow().low_mark(), device.write_flow().high_mark()), (0, 1));
    device.write_flow().set_marks(7, 3);
    assert_eq!((device.write_flow().low_mark(), device.write_flow().high_mark()), (3, 3));
}

#[test]
fn an_end_is_no_drain() {
    let listener = listener();
    let port = port_of(&listener);
    let socket = QTcpSocket::new();
    let flow = socket.write_flow();
    flow.set_marks(LOW, HIGH);
    flow.set_when_full(WhenFull::Refuse);
    let drained = tls::count(&flow.drained);
    for abort in [true, false] {
        socket.connect_to_host("127.0.0.1", port);
        wait_until(|| socket.state() == SocketState::Connected);
        let (peer, _) = listener.accept().unwrap();
        assert!(socket.write("early").is_ok(), "what the last connection held does not count");
        fill(&socket);
        drained.set(0);
        if abort {
            socket.abort();
        } else {
            integration::reset(peer);
        }
        wait_until(|| socket.state() == SocketState::Unconnected);
        run_for(Duration::ZERO);
        assert_eq!((drained.get(), flow.is_full()), (0, false));
    }
    socket.connect_to_host("127.0.0.1", port);
    socket.write("once more").unwrap();
    wait_until(|| socket.unsent_bytes() == 0);
    run_for(Duration::from_millis(10));
    assert_eq!(drained.get(), 0, "the new connection was never full");
}

#[test]
fn a_slot_of_drained_may_end_the_socket() {
    for Held { name, device, read, _keeps } in all() {
        device.write_flow().set_marks(LOW, HIGH);
        device.write_flow().set_when_full(WhenFull::Refuse);
        fill(&device);
        let after = Rc::new(Cell::new(false));
        device.write_flow().drained.connect_slot(&device, QObject::delete_later);
        device.write_flow().drained.connect_slot(&device, QIODevice::close);
        let flag = after.clone();
        device.destroyed.connect(move |_| flag.set(true));
        let _got = read();
        wait_until(|| after.get());
        assert!(device.is_deleted() && !device.write_flow().is_full(), "{name}");
        device.write_flow().set_marks(1, 2);
    }
}

#[test]
fn others_may_disconnect_everything() {
    let Held { device, read, _keeps, .. } = plain();
    device.write_flow().set_marks(LOW, HIGH);
    device.write(pattern(0, PLENTY)).unwrap();
    let drained = tls::count(&device.write_flow().drained);
    device.bytes_written.disconnect_all();
    device.write("x").unwrap(); // the next write watches again
    let got = read();
    wait_until(|| got() == PLENTY + 1 && drained.get() == 1);
}

/// A connection that goes to a program that reads at once is full for a moment only, and nothing is
/// connected to its signals afterwards.
#[test]
fn a_device_that_is_not_full_has_no_slots() {
    let Held { device, read, _keeps, .. } = plain();
    let got = read();
    device.write_flow().set_marks(0, 10);
    device.write("short").unwrap();
    assert!(!device.bytes_written.is_connected());
    device.write("long enough").unwrap();
    assert!(device.bytes_written.is_connected());
    wait_until(|| got() == 16 && !device.write_flow().is_full());
    assert!(!device.bytes_written.is_connected());
}

#[test]
fn devices_that_pass_everything_on_are_never_full() {
    let buffer = QBuffer::new();
    buffer.open(OpenMode::WRITE_ONLY).unwrap();
    let socket = QUdpSocket::new();
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect_to_host("127.0.0.1", peer.local_addr().unwrap().port());
    wait_until(|| socket.state() == SocketState::Connected);
    for device in [QIODevice::from(&buffer), QIODevice::from(&socket)] {
        device.write_flow().set_marks(0, 1);
        device.write_flow().set_when_full(WhenFull::Refuse);
        device.write("one").unwrap();
        device.write("two").unwrap();
        assert!(!device.write_flow().is_full());
    }
    assert!(!QSslSocket::new().write_flow().is_full());
}

/// A device of one's own says how much waits by `bytes_to_write()`, and when by `bytes_written`.
#[test]
fn a_device_of_ones_own() {
    #[derive(Clone, Default)]
    struct Slow(Rc<RefCell<Vec<u8>>>);
    impl DeviceBackend for Slow {
        fn class_name(&self) -> &'static str {
            "Slow"
        }
        fn is_sequential(&self) -> bool {
            true
        }
        fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, qcore::DeviceError> {
            Ok(0)
        }
        fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, qcore::DeviceError> {
            self.0.borrow_mut().extend(data);
            Ok(data.len())
        }
        fn bytes_to_write(&self) -> usize {
            self.0.borrow().len()
        }
    }
    let slow = Slow::default();
    let device = QIODevice::new(slow.clone());
    device.open(OpenMode::READ_WRITE).unwrap();
    device.write_flow().set_marks(3, 6);
    device.write_flow().set_when_full(WhenFull::Refuse);
    let drained = tls::count(&device.write_flow().drained);
    device.write("1234567").unwrap();
    assert_eq!(device.write("8").unwrap_err(), DeviceErrorKind::Full);
    let taken = |count: usize| {
        slow.0.borrow_mut().drain(..count);
        device.bytes_written.emit(count);
        drained.get()
    };
    assert_eq!((taken(3), taken(1), taken(1)), (0, 1, 1));
    assert!(device.write("8").is_ok());
    device.write("9abc").unwrap();
    assert!(device.write_flow().is_full());
    device.close();
    slow.0.borrow_mut().clear();
    device.open(OpenMode::READ_WRITE).unwrap();
    assert_eq!(
        (device.write_flow().is_full(), device.bytes_written.is_connected()),
        (false, false)
    );
}
