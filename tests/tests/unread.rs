//! Bytes that a program leaves unread in a socket: `set_level_triggered()`, `warn_unread_after()`.

use std::{
    cell::{Cell, RefCell},
    io::Write,
    rc::Rc,
    sync::Mutex,
    time::Duration,
};

use integration::{
    in_child,
    local::{self, Dir},
    pair, run_for, tls, wait_at_most, wait_until,
};
use qcore::{QIODevice, VirtualClock};

/// Reads one line for each emission.
fn one_line_each(device: &QIODevice) -> Rc<RefCell<Vec<Vec<u8>>>> {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let read = lines.clone();
    device.ready_read.connect_to(device, move |device, ()| {
        if device.can_read_line() {
            read.borrow_mut().push(device.read_line());
        }
    });
    lines
}

#[test]
fn a_level_triggered_socket_gives_all_lines_to_a_slot_that_reads_one() {
    let (plain, mut peer) = pair();
    let dir = Dir::new();
    let locals = local::server(&dir);
    let (left, right) = local::pair(&locals);
    let encrypting = tls::encrypting("good");
    let client = tls::client();
    let secure = tls::encrypt(&client, &encrypting);
    let devices: [QIODevice; 3] = [plain.into(), left.into(), client.into()];
    for (number, device) in devices.iter().enumerate() {
        device.set_level_triggered(true);
        let lines = one_line_each(device);
        match number {
            0 => peer.write_all(b"one\ntwo\nthree\n").unwrap(),
            1 => drop(right.write("one\ntwo\nthree\n").unwrap()),
            _ => drop(secure.write("one\ntwo\nthree\n").unwrap()),
        }
        wait_until(|| lines.borrow().len() == 3);
        assert_eq!(*lines.borrow(), [&b"one\n"[..], b"two\n", b"three\n"]);
    }
}

/// A slot that is called outside of all loops runs a loop, in which more data arrives.
#[test]
fn a_slot_that_runs_a_loop_is_not_called_from_it() {
    let (plain, mut peer) = pair();
    let dir = Dir::new();
    let locals = local::server(&dir);
    let (left, right) = local::pair(&locals);
    let encrypting = tls::encrypting("good");
    let client = tls::client();
    let secure = tls::encrypt(&client, &encrypting);
    let devices: [QIODevice; 3] = [plain.into(), left.into(), client.into()];
    for (number, device) in devices.iter().enumerate() {
        let mut send = |data: &[u8]| match number {
            0 => peer.write_all(data).unwrap(),
            1 => {
                right.write(data).unwrap();
                right.flush();
            }
            _ => {
                secure.write(data).unwrap();
                secure.flush();
            }
        };
        device.set_level_triggered(true);
        let (depth, deepest, calls) = (Cell::new(0), Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (most, count) = (deepest.clone(), calls.clone());
        device.ready_read.connect_to(device, move |device, ()| {
            count.set(count.get() + 1);
            depth.set(depth.get() + 1);
            most.set(most.get().max(depth.get()));
            let _ = device.get_char();
            wait_at_most(Duration::from_millis(20), || false);
            depth.set(depth.get() - 1);
        });
        send(b"abc");
        device.wait_for_ready_read(5000).unwrap();
        send(b"def");
        wait_until(|| device.bytes_available() == 0 && calls.get() >= 6);
        assert_eq!(deepest.get(), 1, "device {number}");
    }
}

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

#[test]
fn unread_bytes_are_logged_with_the_places_of_the_slots() {
    if !in_child!("unread_bytes_are_logged_with_the_places_of_the_slots", 50) {
        return;
    }
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let logged = || std::mem::take(&mut *LOGGED.lock().unwrap());
    let (socket, mut peer) = pair();
    let (careful, mut other) = pair();
    let _clock = VirtualClock::install();
    socket.warn_unread_after(5000);
    careful.warn_unread_after(5000);
    let lines = one_line_each(&socket);
    careful.ready_read.connect_to(&careful, |careful, ()| drop(careful.read_all()));
    let pass = |seconds| {
        let watch = qcore::QElapsedTimer::started();
        qcore::wait_until(60_000, || watch.elapsed() >= Duration::from_secs(seconds));
    };

    peer.write_all(b"one\n").unwrap();
    other.write_all(b"whatever").unwrap();
    run_for(Duration::from_millis(10));
    pass(20);
    assert_eq!((logged(), lines.borrow().len()), (Vec::new(), 1));

    // The slot reads one line and leaves the other.
    peer.write_all(b"two\nthree\n").unwrap();
    qcore::wait_until(5000, || lines.borrow().len() == 2);
    pass(11);
    let warnings = logged();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let start =
        "QTcpSocket: 6 bytes have been unread for 5s; slots of ready_read were connected at ";
    let place = warnings[0].strip_prefix(start).unwrap_or_else(|| panic!("{warnings:?}"));
    assert!(place.contains("unread.rs:") && !place.contains("watch.rs"), "{place}");
    pass(60);
    assert_eq!(logged(), Vec::<String>::new(), "once for each ready_read");

    // Nobody listens.
    socket.ready_read.disconnect_all();
    socket.warn_unread_after(1000);
    pass(3);
    let warnings = logged();
    let text = "QTcpSocket: 6 bytes have been unread for 1s; no slot is connected to ready_read";
    assert_eq!(warnings, [text]);
    socket.warn_unread_after(-1);
    peer.write_all(b"four\n").unwrap();
    pass(60);
    assert_eq!(logged(), Vec::<String>::new());

    // The setting belongs to a device, in whichever thread that is.
    let threads = [1000, 2000].map(|patience| {
        std::thread::spawn(move || {
            let (socket, mut peer) = pair();
            socket.warn_unread_after(patience);
            peer.write_all(b"five").unwrap();
            wait_until(|| socket.bytes_available() == 4);
            let _clock = VirtualClock::install();
            pass(60);
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    let mut warnings = logged();
    warnings.sort();
    let text = |time| {
        format!(
            "QTcpSocket: 4 bytes have been unread for {time}; no slot is connected to ready_read"
        )
    };
    assert_eq!(warnings, [text("1s"), text("2s")]);
}

#[test]
fn a_program_that_reads_a_little_at_a_time_is_not_warned() {
    if !in_child!("a_program_that_reads_a_little_at_a_time_is_not_warned", 50) {
        return;
    }
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let ways: [fn(&QIODevice) -> usize; 3] = [
        |device| device.read(2).len(),
        |device| device.read_into(&mut [0; 2]).unwrap(),
        |device| device.read_line().len(),
    ];
    for read in ways {
        let (socket, mut peer) = pair();
        socket.warn_unread_after(5000);
        peer.write_all(b"1\n2\n3\n4\n5\n6\n").unwrap();
        wait_until(|| socket.bytes_available() == 12);
        let _clock = VirtualClock::install();
        let pass = |seconds| {
            let watch = qcore::QElapsedTimer::started();
            qcore::wait_until(60_000, || watch.elapsed() >= Duration::from_secs(seconds));
        };
        for _ in 0..3 {
            assert_eq!(read(&socket), 2);
            pass(3);
        }
        assert_eq!(*LOGGED.lock().unwrap(), Vec::<String>::new());
        // Reading nothing is not reading.
        pass(3);
        assert_eq!(socket.read_into(&mut []).unwrap(), 0);
        pass(7);
        let text =
            "QTcpSocket: 6 bytes have been unread for 5s; no slot is connected to ready_read";
        assert_eq!(std::mem::take(&mut *LOGGED.lock().unwrap()), [text]);
    }
}
