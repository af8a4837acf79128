//! Loops in several threads, and threads that end while work is in progress.

use std::{
    cell::{Cell, RefCell},
    io::Read,
    rc::Rc,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use integration::{NO_HOST, connected_to, pair_of, peer, read_to_end, server, settle, wait_until};
use qnetwork::{LookupId, QHostInfo, QTcpSocket, SocketState};

#[test]
fn every_thread_gets_its_own_answers() {
    let threads: Vec<_> = (0..10)
        .map(|_| {
            thread::spawn(|| {
                let answers: Rc<RefCell<Vec<LookupId>>> = Rc::default();
                let me = thread::current().id();
                let names = ["localhost", "127.0.0.1", "no name", NO_HOST, ""];
                let mut ids = Vec::new();
                for name in names.iter().cycle().take(20) {
                    ids.push(QHostInfo::lookup_host(name, &answers, move |answers, info| {
                        assert_eq!(thread::current().id(), me);
                        answers.borrow_mut().extend(info.lookup_id());
                    }));
                }
                wait_until(|| answers.borrow().len() == ids.len());
                answers.borrow_mut().sort_unstable();
                assert_eq!(*answers.borrow(), ids);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn blocking_look_ups_from_many_threads() {
    let threads: Vec<_> = (0..5)
        .map(|_| {
            thread::spawn(|| {
                for _ in 0..100 {
                    let info = QHostInfo::from_name("localhost");
                    assert_eq!(info.error(), None);
                    assert_eq!(info.error_string(), "Unknown error");
                    assert!(info.addresses().iter().all(|address| address.is_loopback()));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn look_ups_may_outlive_their_loop_and_thread() {
    let threads: Vec<_> = (0..20)
        .map(|round| {
            thread::spawn(move || {
                let held = Rc::new(Cell::new(round));
                for at in 0..10 {
                    let name = format!("name-{round}-{at}.{NO_HOST}");
                    QHostInfo::lookup_host(&name, &held, |_, _| panic!("the loop does not run"));
                    let socket = QTcpSocket::new();
                    socket.connect_to_host(name, 80);
                    assert_eq!(socket.state(), SocketState::HostLookup);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    // The workers find the loop gone and remain usable for the next look-up.
    let answered = Rc::new(Cell::new(false));
    QHostInfo::lookup_host("localhost", &answered, |answered, _| answered.set(true));
    wait_until(|| answered.get());
}

#[test]
fn a_thousand_sockets_dropped_while_they_look_up() {
    for _ in 0..1000 {
        let socket = QTcpSocket::new();
        socket.connect_to_host(NO_HOST, 80);
    }
    settle();
}

#[test]
fn a_thread_that_ends_while_connected_closes() {
    for kept in [false, true] {
        let (port, peer) = peer(|stream| read_to_end(&stream));
        let thread = thread::spawn(move || {
            let socket = connected_to(port);
            socket.write("flushed").unwrap();
            assert!(socket.flush());
            socket.write("not flushed").unwrap();
            if kept {
                thread_local! {
                    static KEPT: RefCell<Option<QTcpSocket>> = const { RefCell::new(None) };
                }
                // The socket is dropped after the loop is gone, or just before. Both orders occur.
                KEPT.set(Some(socket));
            }
        });
        thread.join().unwrap();
        let received = peer.join().unwrap();
        assert!(received.starts_with(b"flushed"), "{received:?}");
    }
}

#[test]
fn loops_in_threads_talk_to_each_other() {
    const THREADS: usize = 4;
    let (ready, total) = (Arc::new(Barrier::new(THREADS)), Arc::new(AtomicUsize::new(0)));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (ready, total) = (ready.clone(), total.clone());
            thread::spawn(move || {
                ready.wait();
                let server = server();
                let (a, b) = pair_of(&server);
                a.ready_read.connect_to(&a, |a, ()| drop(a.write(a.read_all())));
                let rounds = Rc::new(Cell::new(0));
                let count = rounds.clone();
                b.ready_read.connect_to(&b, move |b, ()| {
                    count.set(count.get() + 1);
                    b.write(b.read_all()).unwrap();
                });
                b.write("ball").unwrap();
                wait_until(|| rounds.get() >= 200);
                total.fetch_add(rounds.get(), Ordering::Relaxed);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(total.load(Ordering::Relaxed) >= 200 * THREADS);
}

#[test]
fn a_peer_thread_sees_what_a_dying_thread_had_flushed() {
    let (port, peer) = peer(|mut stream| {
        let mut greeting = [0; 5];
        stream.read_exact(&mut greeting).unwrap();
        greeting
    });
    thread::spawn(move || {
        let socket = connected_to(port);
        socket.write("hello").unwrap();
        wait_until(|| socket.bytes_to_write() == 0);
    })
    .join()
    .unwrap();
    assert_eq!(&peer.join().unwrap(), b"hello");
}
