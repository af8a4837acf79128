//! `RateLimit`: limits of bytes a second, by a virtual clock.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use integration::{
    LIMIT,
    local::{self, Dir},
    pair, pair_of, pattern, read_to_end, server, tls,
};
use qcore::{QElapsedTimer, QIODevice, VirtualClock, wait_until};
use qnetwork::{QTcpSocket, RateLimit, SocketState, pipe::pipe};

const RATE: u64 = 100_000;
/// Few enough bytes that the system holds all of them.
const TOTAL: usize = 150_000;

/// Waits in real time until bytes of the peer are there. Later, the virtual clock would not wait
/// for them. One of them is in the socket's buffer then.
fn arrived(socket: &QTcpSocket) {
    socket.set_read_buffer_size(1);
    integration::wait_until(|| socket.bytes_available() == 1);
}

/// Waits for bytes that are on their way, whatever the virtual clock shows.
#[track_caller]
fn wait_for_bytes(condition: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !wait_until(1000, &condition) {
        assert!(Instant::now() < end, "they do not come");
    }
}

/// Checks that `TOTAL` bytes have taken as long as the limit wants.
#[track_caller]
fn check_time(name: &str, took: Duration) {
    let least = Duration::from_millis((TOTAL as u64 - RATE / 10) * 1000 / RATE);
    let most = least + Duration::from_millis(400);
    assert!((least..most).contains(&took), "{name}: {took:?}");
}

/// Reads whatever comes, and counts it.
fn counting(device: &QIODevice) -> Rc<Cell<usize>> {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    device.ready_read.connect_to(device, move |device, ()| {
        counted.set(counted.get() + device.read_all().len());
    });
    count
}

#[test]
fn reading_keeps_to_the_limit_at_all_times() {
    let (socket, mut peer) = pair();
    peer.write_all(&pattern(0, TOTAL)).unwrap();
    arrived(&socket);
    let _clock = VirtualClock::install();
    let limit = RateLimit::new(RATE);
    assert_eq!((limit.rate(), limit.burst()), (RATE, RATE / 10));
    socket.set_read_rate(Some(&limit));
    socket.set_read_buffer_size(0);
    let (watch, got) = (QElapsedTimer::started(), Rc::new(RefCell::new(Vec::new())));
    let (clock, all) = (watch, got.clone());
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        all.borrow_mut().extend(socket.read_all());
        let allowed = RATE / 10 + (clock.elapsed().as_secs_f64() * RATE as f64) as u64 + 2;
        assert!(all.borrow().len() as u64 <= allowed, "{} of {allowed}", all.borrow().len());
    });
    assert!(wait_until(60_000, || got.borrow().len() == TOTAL));
    check_time("reading", watch.elapsed());
    assert!(*got.borrow() == pattern(0, TOTAL));
    assert_eq!(limit.waiting(), 0);
}

#[test]
fn writing_keeps_to_the_limit_whatever_the_socket() {
    let plain = server();
    let (one, other) = pair_of(&plain);
    let dir = Dir::new();
    let locals = local::server(&dir);
    let (left, right) = local::pair(&locals);
    let encrypting = tls::encrypting("good");
    let client = tls::client();
    let secure = tls::encrypt(&client, &encrypting);
    integration::run_for(Duration::from_millis(20));

    let _clock = VirtualClock::install();
    let limits: Vec<_> = (0..3).map(|_| RateLimit::new(RATE)).collect();
    one.set_write_rate(Some(&limits[0]));
    left.set_write_rate(Some(&limits[1]));
    client.set_write_rate(Some(&limits[2]));
    assert!(client.write_rate().is_some() && client.read_rate().is_none());
    let cases: [(&str, QIODevice, QIODevice); 3] = [
        ("plain", one.into(), other.into()),
        ("local", left.into(), right.into()),
        ("encrypted", client.into(), secure.into()),
    ];
    for (name, from, to) in cases {
        let watch = QElapsedTimer::started();
        let got = counting(&to);
        from.write(pattern(0, TOTAL)).unwrap();
        assert!(wait_until(60_000, || from.unsent_bytes() == 0), "{name}");
        check_time(name, watch.elapsed());
        wait_for_bytes(|| got.get() == TOTAL);
    }
}

#[test]
fn sockets_that_share_a_limit_get_equal_shares() {
    const COUNT: usize = 5;
    let sockets: Vec<_> = (0..COUNT)
        .map(|_| {
            let (socket, mut peer) = pair();
            peer.write_all(&pattern(0, TOTAL)).unwrap();
            arrived(&socket);
            (counting(&socket), socket, peer)
        })
        .collect();
    let _clock = VirtualClock::install();
    let limit = RateLimit::new(RATE);
    for (_, socket, _) in &sockets {
        socket.set_read_rate(Some(&limit));
        socket.set_read_buffer_size(0);
    }
    let watch = QElapsedTimer::started();
    let counts = || sockets.iter().map(|(got, ..)| got.get()).collect::<Vec<_>>();
    for second in 1..=4 {
        assert!(wait_until(60_000, || watch.elapsed() >= Duration::from_secs(second)));
        let counts = counts();
        let sum = counts.iter().sum::<usize>() as u64;
        assert!(sum <= RATE / 10 + second * RATE + RATE / 50, "{counts:?} after {second} s");
        assert!(sum >= second * RATE * 3 / 4, "{counts:?} after {second} s");
        // The first socket may have taken the burst.
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= RATE as usize / 10 + 2000, "{counts:?} after {second} s");
    }
    assert!(limit.waiting() > 0);
    // A limit that is gone is gone at once.
    for (_, socket, _) in &sockets {
        socket.set_read_rate(None);
    }
    wait_for_bytes(|| counts().iter().all(|&count| count == TOTAL));
    wait_for_bytes(|| limit.waiting() == 0);
}

#[test]
fn one_limit_for_both_directions_and_other_rates() {
    let (socket, mut peer) = pair();
    peer.write_all(&pattern(0, TOTAL / 2)).unwrap();
    arrived(&socket);
    let got = counting(&socket);
    let _clock = VirtualClock::install();
    let limit = RateLimit::new(1);
    limit.set_rate(RATE);
    limit.set_burst(0);
    assert_eq!(limit.burst(), 1);
    limit.set_burst(RATE / 50);
    socket.set_read_rate(Some(&limit));
    socket.set_write_rate(Some(&limit));
    socket.set_read_buffer_size(0);
    let watch = QElapsedTimer::started();
    socket.write(pattern(0, TOTAL / 2)).unwrap();
    assert!(wait_until(60_000, || got.get() == TOTAL / 2 && socket.unsent_bytes() == 0));
    check_time("both", watch.elapsed());
    let mut all = vec![0; TOTAL / 2];
    peer.read_exact(&mut all).unwrap();
    assert!(all == pattern(0, TOTAL / 2));
}

#[test]
fn a_slow_limit_moves_single_bytes() {
    let (socket, mut peer) = pair();
    peer.write_all(b"abcd").unwrap();
    arrived(&socket);
    let got = counting(&socket);
    let _clock = VirtualClock::install();
    let limit = RateLimit::new(0);
    assert_eq!((limit.rate(), limit.burst()), (1, 1));
    socket.set_read_rate(Some(&limit));
    socket.set_read_buffer_size(0);
    let watch = QElapsedTimer::started();
    assert!(wait_until(60_000, || got.get() == 4));
    // The first of three bytes comes at once.
    assert!((2000..2200).contains(&watch.elapsed().as_millis()), "{:?}", watch.elapsed());
}

#[test]
fn functions_that_wait_pay_later() {
    let (socket, mut peer) = pair();
    peer.write_all(&pattern(0, TOTAL)).unwrap();
    let limit = RateLimit::new(RATE);
    socket.set_read_rate(Some(&limit));
    let since = Instant::now();
    while socket.bytes_available() < TOTAL {
        socket.wait_for_ready_read(5000).unwrap();
    }
    assert!(since.elapsed() < Duration::from_secs(1));
    assert_eq!(socket.read_all().len(), TOTAL);
    let _clock = VirtualClock::install();
    peer.write_all(b"later").unwrap();
    let (watch, got) = (QElapsedTimer::started(), counting(&socket));
    wait_for_bytes(|| got.get() == 5);
    assert!(watch.elapsed() > Duration::from_millis(300), "{:?}", watch.elapsed());

    socket.set_write_rate(Some(&limit));
    socket.write(pattern(0, TOTAL)).unwrap();
    while socket.unsent_bytes() > 0 {
        socket.wait_for_bytes_written(5000).unwrap();
    }
}

#[test]
fn the_end_waits_for_the_last_bytes_and_the_dead_wait_for_nothing() {
    let _clock = VirtualClock::install();
    let (socket, peer) = pair();
    let limit = RateLimit::new(RATE);
    socket.set_write_rate(Some(&limit));
    socket.write(pattern(0, TOTAL)).unwrap();
    let watch = QElapsedTimer::started();
    socket.disconnect_from_host();
    let reading = thread::spawn(move || read_to_end(&peer));
    assert!(wait_until(60_000, || socket.state() == SocketState::Unconnected));
    check_time("closing", watch.elapsed());
    assert!(reading.join().unwrap() == pattern(0, TOTAL));

    let (waiting, _peers): (Vec<QTcpSocket>, Vec<_>) = (0..3)
        .map(|_| {
            let (socket, peer) = pair();
            socket.set_write_rate(Some(&limit));
            socket.write(pattern(0, TOTAL)).unwrap();
            (socket, peer)
        })
        .unzip();
    assert!(wait_until(60_000, || limit.waiting() == 3));
    waiting[0].abort();
    waiting[1].set_write_rate(Some(&RateLimit::new(RATE)));
    drop(waiting);
    assert!(wait_until(60_000, || limit.waiting() == 0));
}

#[test]
fn a_pipe_keeps_to_the_limits_of_its_sockets() {
    let (from, mut source) = pair();
    let (to, sink) = pair();
    source.write_all(&pattern(0, TOTAL)).unwrap();
    arrived(&from);
    drop(source);
    let _clock = VirtualClock::install();
    let limit = RateLimit::new(RATE);
    from.set_read_rate(Some(&limit));
    from.set_read_buffer_size(0);
    let pipe = pipe(&from, &to);
    let watch = QElapsedTimer::started();
    assert!(wait_until(60_000, || pipe.bytes_forward() == TOTAL as u64));
    check_time("a pipe", watch.elapsed());
    wait_for_bytes(|| pipe.is_finished());
    drop(to);
    assert!(read_to_end(&sink) == pattern(0, TOTAL));
}

/// A socket that waits at a low rate, or for bytes that a function that waits has used up, does not
/// wait longer than the new rate requires.
#[test]
fn a_new_rate_counts_for_those_that_wait() {
    let _clock = VirtualClock::install();
    let changes: [fn(&RateLimit); 2] = [
        |limit| limit.set_rate(1_000_000),
        |limit| {
            limit.set_burst(1 << 20);
            limit.set_rate(1_000_000);
        },
    ];
    for change in changes {
        let (socket, peer) = pair();
        let limit = RateLimit::new(1);
        socket.set_write_rate(Some(&limit));
        socket.write(vec![1; 10_000]).unwrap();
        let watch = QElapsedTimer::started();
        assert!(!wait_until(5000, || socket.bytes_to_write() == 0));
        change(&limit);
        assert!(wait_until(60_000, || socket.bytes_to_write() == 0));
        assert!(watch.elapsed() < Duration::from_secs(6), "{:?}", watch.elapsed());
        drop(peer);
    }
}
