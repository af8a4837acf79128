//! The standard library alone, and mio by hand: what the work costs without a framework.

use std::{
    cell::Cell,
    collections::VecDeque,
    hint::black_box,
    io::{BufRead, Cursor, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    os::fd::AsRawFd,
    rc::{Rc, Weak},
    thread,
    time::Instant,
};

use mio::{Events, Interest, Poll, Token};
use peers::{Trips, report, report_each};

pub fn run(work: &str, seconds: f64) -> bool {
    match work {
        "emit" => [1, 10, 100].into_iter().for_each(emit),
        "emit-to" => {
            [1, 10, 100].into_iter().for_each(|count| emit_to(&format!("emit_to_n{count}"), count))
        }
        "connect" => connect(),
        "queued" => queued(),
        "text" => text(),
        "echo" => echo(seconds),
        "blocking" => blocking(seconds),
        "burst" => burst(seconds),
        "grow" => grow(),
        _ => return false,
    }
    true
}

type Slot = Box<dyn Fn(&i64)>;

fn emit(count: u32) {
    let sum = Rc::new(Cell::new(0i64));
    let slots: Vec<Slot> = (0..count)
        .map(|_| {
            let sum = sum.clone();
            Box::new(move |value: &i64| sum.set(sum.get() + value)) as Slot
        })
        .collect();
    time_emission(&format!("emit_n{count}"), count, |value| {
        black_box(&slots).iter().for_each(|slot| slot(&value));
    });
}

type Method = fn(&Cell<i64>, &i64);

fn add(sum: &Cell<i64>, value: &i64) {
    sum.set(sum.get() + value);
}

/// Slots that have a receiver each, which may be gone.
fn emit_to(bench: &str, count: u32) {
    let receivers: Vec<_> = (0..count).map(|_| Rc::new(Cell::new(0i64))).collect();
    let slots: Vec<(Weak<Cell<i64>>, Method)> =
        receivers.iter().map(|receiver| (Rc::downgrade(receiver), add as Method)).collect();
    time_emission(bench, count, |value| {
        for (receiver, method) in black_box(&slots) {
            if let Some(receiver) = receiver.upgrade() {
                method(&receiver, &value);
            }
        }
    });
}

fn time_emission(bench: &str, slots: u32, emit: impl Fn(i64)) {
    let times = (2_000_000 / slots).max(10);
    let round = |times: u32| (0..i64::from(times)).for_each(&emit);
    round(times / 10);
    let start = Instant::now();
    round(times);
    report_each(bench, start, f64::from(times) * f64::from(slots), "ns/slot");
}

fn connect() {
    for (count, rounds) in [(1u32, 100_000u32), (100, 2000), (10_000, 20)] {
        let sum = Rc::new(Cell::new(0i64));
        let mut slots: Vec<Option<Slot>> = Vec::new();
        let start = Instant::now();
        for _ in 0..rounds {
            for _ in 0..count {
                let sum = sum.clone();
                black_box(&mut slots).push(Some(Box::new(move |value| sum.set(sum.get() + value))));
            }
            (0..count as usize).for_each(|slot| drop(black_box(&mut slots)[slot].take()));
            slots.clear();
        }
        let bench = format!("connect_and_disconnect_n{count}");
        report_each(&bench, start, f64::from(rounds) * f64::from(count), "ns");
    }
}

fn queued() {
    let sum = Rc::new(Cell::new(0i64));
    let mut queue: VecDeque<Box<dyn FnOnce()>> = VecDeque::new();
    let mut round = || {
        for value in 0..1000 {
            let sum = sum.clone();
            queue.push_back(Box::new(move || sum.set(sum.get() + value)));
        }
        while let Some(call) = black_box(&mut queue).pop_front() {
            call();
        }
    };
    (0..60).for_each(|_| round());
    let start = Instant::now();
    (0..300).for_each(|_| round());
    report_each("queued_batch1000", start, 300_000u32, "ns/call");
}

fn text() {
    const COUNT: u32 = 400_000;
    let line = |number| format!("line {number} of a log, with about sixty characters in it\n");
    let lines: String = (0..COUNT).map(line).collect();
    let start = Instant::now();
    let (mut reader, mut line) = (Cursor::new(lines), String::new());
    while reader.read_line(black_box(&mut line)).is_ok_and(|count| count > 0) {
        line.clear();
    }
    report_each("text_read_line_into", start, COUNT, "ns/line");
    // The memory is there already: page faults are not the work.
    let mut written = vec![b' '; 64 << 20];
    written.clear();
    let start = Instant::now();
    for number in 0..u64::from(COUNT) {
        write!(black_box(&mut written), "{} ", number * 7919).expect("memory");
    }
    report_each("text_write_int", start, COUNT, "ns/value");
    written.clear();
    let start = Instant::now();
    for number in 0..COUNT {
        write!(black_box(&mut written), "{} ", f64::from(number) * 0.37).expect("memory");
    }
    report_each("text_write_double", start, COUNT, "ns/value");
}

/// Both ends are on one poll. Each reads once for an event, as a short read means that no more is
/// there.
fn echo(seconds: f64) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
    let (server, _) = listener.accept().expect("a connection");
    let mut poll = Poll::new().expect("descriptors are free");
    let mut events = Events::with_capacity(64);
    let mut ends = [server, client].map(|stream| {
        stream.set_nonblocking(true).expect("a socket");
        mio::net::TcpStream::from_std(stream)
    });
    for (index, end) in ends.iter_mut().enumerate() {
        poll.registry()
            .register(end, Token(index), Interest::READABLE | Interest::WRITABLE)
            .expect("a socket");
    }
    let (mut buffer, mut trips) = ([0; 4096], Trips::new(seconds));
    ends[1].write_all(&[b'x'; 64]).expect("there is room");
    loop {
        poll.poll(&mut events, None).expect("a poll");
        for event in &events {
            let index = event.token().0;
            let count = match ends[index].read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => panic!("{error}"),
            };
            if index == 1 && trips.done() {
                return;
            }
            ends[index].write_all(&buffer[..count]).expect("there is room");
        }
    }
}

/// A blocking client of a blocking server in another thread. Before each read, the client polls.
fn blocking(seconds: f64) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut buffer = [0; 64];
        while stream.read_exact(&mut buffer).is_ok() {
            stream.write_all(&buffer).ok();
        }
    });
    let mut stream = TcpStream::connect(address).expect("a listener");
    let (mut count, mut buffer) = (0u32, [0; 64]);
    let mut start = Instant::now();
    let mut cpu = 0.0;
    while count == 0 || start.elapsed().as_secs_f64() < seconds {
        stream.write_all(&[b'x'; 64]).expect("a peer");
        let mut wait = libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: `wait` is one entry and lives until the call returns.
        unsafe { libc::poll(&mut wait, 1, 10_000) };
        stream.read_exact(&mut buffer).expect("a peer");
        count += 1;
        if count == 1 {
            (start, cpu) = (Instant::now(), peers::cpu_seconds());
        }
    }
    report("blocking_trip", (peers::cpu_seconds() - cpu) * 1e6 / f64::from(count), "us/rt");
}

/// Sends datagrams one at a time.
fn burst(seconds: f64) {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let (receiver, sender) = (bind(), bind());
    let to = receiver.local_addr().expect("an address");
    receiver.set_nonblocking(true).expect("a socket");
    let (mut sent, mut spent, mut buffer) = (0u32, 0.0, [0; 64]);
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < seconds {
        let cpu = peers::cpu_seconds();
        for _ in 0..32 {
            sender.send_to(&[7; 64], to).expect("there is room");
        }
        spent += peers::cpu_seconds() - cpu;
        sent += 32;
        while receiver.recv(&mut buffer).is_ok() {}
    }
    report("udp_burst", spent * 1e6 / f64::from(sent), "us/dgram");
}

fn grow() {
    for slots in [1, 10, 100, 1000, 10_000, 100_000] {
        emit_to(&format!("emit_at_{slots}"), slots);
    }
}
