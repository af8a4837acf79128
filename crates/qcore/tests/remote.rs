//! `Remote`: calls and connections between threads.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use qcore::{
    CallErrorKind, Connection, ConnectionType, PostErrorKind, QCoreApplication, QEvent, QEventLoop,
    QObject, Receiver, Remote, Signal, class, run_for, sender, wait_until,
};

class! {
    /// Speaks and listens.
    struct Speaker: QObject {
        said: Signal<i32>,
        heard: RefCell<Vec<i32>> = RefCell::default(),
    }
}

impl Speaker {
    fn new() -> Self {
        Self::derive(QObject::new())
    }

    fn hear(&self, number: i32) {
        self.heard.borrow_mut().push(number);
    }
}

/// A thread with a receiver in its loop.
struct Home<R: Receiver> {
    remote: Remote<R>,
    event_loop: Remote<QEventLoop>,
    thread: JoinHandle<()>,
}

impl<R: Receiver> Home<R> {
    fn new(make: impl FnOnce() -> R + Send + 'static) -> Self {
        let (hand, take) = mpsc::channel();
        let thread = thread::spawn(move || {
            let (receiver, event_loop) = (make(), QEventLoop::new());
            hand.send((Remote::of(&receiver), Remote::of(&event_loop))).unwrap();
            event_loop.exec();
        });
        let (remote, event_loop) = take.recv().unwrap();
        Home { remote, event_loop, thread }
    }

    fn end(self) {
        self.event_loop.post(|event_loop| event_loop.quit()).unwrap();
        self.thread.join().unwrap();
    }
}

/// Waits until the loop has made the calls that were sent before.
fn settle<R: Receiver>(remote: &Remote<R>) {
    remote.call(|_| ()).unwrap();
}

/// Counts how many of it are dropped, and in which thread.
#[derive(Clone)]
struct Token(Arc<Mutex<Vec<thread::ThreadId>>>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(thread::current().id());
    }
}

fn token() -> (Token, Arc<Mutex<Vec<thread::ThreadId>>>) {
    let dropped = Arc::default();
    (Token(Arc::clone(&dropped)), dropped)
}

// ---- calls

#[test]
fn calls_come_in_order_in_the_thread_of_the_receiver() {
    let home = Home::new(|| Rc::new(RefCell::new(Vec::new())));
    for number in 0..100 {
        home.remote.post(move |list| list.borrow_mut().push(number)).unwrap();
    }
    let (list, there) = home.remote.call(|list| (list.take(), thread::current().id())).unwrap();
    assert_eq!(list, (0..100).collect::<Vec<_>>());
    assert_eq!(there, home.thread.thread().id());
    home.end();
}

#[test]
fn a_post_in_the_thread_of_the_receiver_is_queued_behind_those_of_other_threads() {
    let list = Rc::new(RefCell::new(Vec::new()));
    let remote = Remote::of(&list);
    let other = remote.clone();
    thread::spawn(move || other.post(|list| list.borrow_mut().push(1)).unwrap()).join().unwrap();
    remote.post(|list| list.borrow_mut().push(2)).unwrap();
    assert!(list.borrow().is_empty());
    assert!(wait_until(5000, || list.borrow().len() == 2));
    assert_eq!(*list.borrow(), [1, 2]);
}

#[test]
fn a_call_into_the_own_thread_is_refused() {
    let object = QObject::new();
    let remote = Remote::of(&object);
    let error = remote.call(|_| unreachable!("it would wait for itself")).unwrap_err();
    assert_eq!(error, CallErrorKind::WouldDeadlock);
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::Deadlock);
}

#[test]
fn the_dead_are_not_called() {
    let home = Home::new(|| Rc::new(RefCell::new(Some(QObject::new()))));
    let object: Remote<QObject> =
        home.remote.call(|cell| Remote::of(cell.borrow().as_ref().unwrap())).unwrap();
    let call = object.clone();
    // The death comes between a call that was sent before it and one that was sent behind it.
    home.remote.post(move |cell| drop((call.clone(), cell.take()))).unwrap();
    let error = object.call(|_| unreachable!("it is dead")).unwrap_err();
    assert_eq!(error, CallErrorKind::TargetDied);
    assert_eq!(object.post(|_| ()).unwrap_err(), PostErrorKind::TargetDied);
    assert_eq!(object.call(|_| ()).unwrap_err().to_string(), "the receiver is dead");
    home.end();
    assert_eq!(object.post(|_| ()).unwrap_err(), PostErrorKind::LoopEnded);
    assert_eq!(object.call(|_| ()).unwrap_err(), CallErrorKind::LoopEnded);
}

#[test]
fn an_rc_is_found_dead_by_the_first_call() {
    let home = Home::new(|| Rc::new(RefCell::new(Some(Rc::new(1)))));
    let number: Remote<Rc<i32>> =
        home.remote.call(|cell| Remote::of(cell.borrow().as_ref().unwrap())).unwrap();
    assert_eq!(number.call(|number| *number), Ok(1));
    home.remote.post(|cell| drop(cell.take())).unwrap();
    assert_eq!(number.call(|number| *number).unwrap_err(), CallErrorKind::TargetDied);
    assert_eq!(number.post(|_| ()).unwrap_err(), PostErrorKind::TargetDied);
    home.end();
}

#[test]
fn death_drops_the_calls_that_wait() {
    let home = Home::new(|| Rc::new(RefCell::new(Some(QObject::new()))));
    let object: Remote<QObject> =
        home.remote.call(|cell| Remote::of(cell.borrow().as_ref().unwrap())).unwrap();
    let (token, dropped) = token();
    let (go, wait) = mpsc::channel::<()>();
    let (calls, held) = (Arc::new(AtomicUsize::new(0)), object.clone());
    home.remote
        .post(move |cell| {
            wait.recv().unwrap();
            drop((held, cell.take()));
        })
        .unwrap();
    let (count, asking) = (calls.clone(), object.clone());
    let post = token.clone();
    object
        .post(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            drop(post);
        })
        .unwrap();
    let caller = thread::spawn(move || asking.call(move |_| drop(token)));
    go.send(()).unwrap();
    assert_eq!(caller.join().unwrap().unwrap_err(), CallErrorKind::TargetDied);
    settle(&home.remote);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_eq!(dropped.lock().unwrap().len(), 2);
    home.end();
}

#[test]
fn the_end_of_the_loop_answers_the_calls_that_wait() {
    let home = Home::new(|| Rc::new(()));
    let (go, wait) = mpsc::channel::<()>();
    let event_loop = home.event_loop.clone();
    // The loop ends while the other call is under way.
    home.remote.post(move |()| wait.recv().unwrap()).unwrap();
    event_loop.post(|event_loop| event_loop.quit()).unwrap();
    let late = home.remote.clone();
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let late = late.clone();
            thread::spawn(move || {
                loop {
                    if let Err(error) = late.call(|()| ()) {
                        return error;
                    }
                }
            })
        })
        .collect();
    go.send(()).unwrap();
    home.thread.join().unwrap();
    for caller in callers {
        assert_eq!(caller.join().unwrap(), CallErrorKind::LoopEnded);
    }
}

#[test]
fn a_panic_reaches_the_caller_and_the_loop() {
    let home = Home::new(|| Rc::new(()));
    let error = home.remote.call(|()| panic!("no way")).unwrap_err();
    assert_eq!(error, CallErrorKind::Panicked);
    assert_eq!(error.to_string(), "the call panicked: no way");
    let payload = home.thread.join().unwrap_err();
    assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "no way");
    assert_eq!(home.remote.post(|()| ()).unwrap_err(), PostErrorKind::LoopEnded);
}

#[test]
fn a_call_with_a_deadline_does_not_wait_for_ever() {
    let home = Home::new(|| Rc::new(()));
    let (go, wait) = mpsc::channel::<()>();
    let (token, dropped) = token();
    home.remote.post(move |()| wait.recv().unwrap()).unwrap();
    let late = home.remote.call_with_deadline(10, move |()| token);
    assert_eq!(late.err().unwrap(), CallErrorKind::TimedOut);
    assert!(dropped.lock().unwrap().is_empty());
    go.send(()).unwrap();
    settle(&home.remote);
    // The call was made, and its result dropped.
    assert_eq!(dropped.lock().unwrap().len(), 1);
    home.end();
}

#[test]
fn an_event_filter_stops_calls() {
    class! {
        struct Guard: QObject {}
    }
    impl qcore::EventHandler for Guard {
        fn event_filter(&self, _: &QObject, event: &QEvent) -> bool {
            event.event_type() == qcore::EventType::META_CALL
        }
    }
    let home = Home::new(|| {
        let (object, guard) = (QObject::new(), Guard::derive(QObject::new()));
        guard.set_parent(Some(&object));
        object.install_event_filter(&guard);
        object
    });
    assert_eq!(home.remote.call(|_| ()).unwrap_err(), CallErrorKind::Cancelled);
    home.end();
}

#[test]
fn a_future_gets_the_result() {
    use std::{
        pin::pin,
        task::{Context, Poll, Wake},
    };
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    fn block_on<F: Future>(future: F) -> F::Output {
        let waker = Arc::new(Unpark(thread::current())).into();
        let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::park(),
            }
        }
    }
    let home = Home::new(|| Rc::new(6));
    assert_eq!(block_on(home.remote.call_async(|number| number * 7)), Ok(42));
    let remote = home.remote.clone();
    home.end();
    let error = block_on(remote.call_async(|_| ())).unwrap_err();
    assert_eq!(error, CallErrorKind::LoopEnded);
}

#[test]
fn handles_leave_nothing_behind() {
    // In a thread whose loop never runs.
    let object = QObject::new();
    let rounds = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let (hand, take) = mpsc::sync_channel::<Remote<QObject>>(100);
    let other = thread::spawn(move || take.into_iter().for_each(drop));
    for _ in 0..rounds {
        drop(Remote::of(&object).clone());
        hand.send(Remote::of(&object)).unwrap();
    }
    drop(hand);
    other.join().unwrap();
    let lodgers = qcore::internals::lodgers();
    assert!(lodgers < 1000, "{lodgers} are left");
}

// ---- connections

#[test]
fn a_signal_of_this_thread_calls_slots_in_another() {
    let home = Home::new(Speaker::new);
    let speaker = Speaker::new();
    speaker.said.connect_slot(&home.remote, Speaker::hear);
    speaker.said.connect_to(&home.remote, |there, number| {
        assert!(sender().is_none());
        there.hear(-number);
    });
    for number in 1..=3 {
        speaker.said.emit(number);
    }
    let heard = home.remote.call(|there| there.heard.take()).unwrap();
    assert_eq!(heard, [1, -1, 2, -2, 3, -3]);
    // A method of a base class is a slot, too.
    let deleted = home.remote.clone();
    speaker.said.connect_slot(&home.remote, QObject::delete_later);
    speaker.said.emit(4);
    assert!(wait_until(5000, || deleted.post(|_| ()).is_err()));
    home.end();
}

#[test]
fn a_signal_of_another_thread_calls_slots_in_this_one() {
    let (home, speaker) = (Home::new(Speaker::new), Speaker::new());
    let not_send = Rc::new(Cell::new(0));
    let last = not_send.clone();
    home.remote.signal(|there| &there.said).connect_slot(&speaker, Speaker::hear);
    home.remote.signal(|there| &there.said).connect_to((&speaker, &not_send), {
        move |(speaker, count), number| {
            count.set(count.get() + 1);
            last.set(last.get() + speaker.heard.borrow().len() as i32 * number);
        }
    });
    home.remote.post(|there| there.said.emit(5)).unwrap();
    assert!(wait_until(5000, || not_send.get() != 0));
    assert_eq!((speaker.heard.take(), not_send.get()), (vec![5], 6));
    home.end();
}

#[test]
fn auto_is_decided_by_the_thread_of_the_emission() {
    // The receiver is in the thread of the signal, and the slot runs within the emission.
    let (speaker, listener) = (Speaker::new(), Speaker::new());
    let remote = Remote::of(&listener);
    speaker.said.connect_slot(&remote, Speaker::hear);
    speaker.said.emit(1);
    assert_eq!(listener.heard.take(), [1]);
    // Queued is queued even there.
    speaker.said.connect_slot_with_type(&remote, ConnectionType::QUEUED, Speaker::hear);
    speaker.said.emit(2);
    assert_eq!(listener.heard.take(), [2]);
    assert!(wait_until(5000, || !listener.heard.borrow().is_empty()));
    assert_eq!(listener.heard.take(), [2]);
}

#[test]
fn a_blocking_emission_returns_after_the_slot() {
    let (home, speaker) = (Home::new(Speaker::new), Speaker::new());
    let done = Arc::new(AtomicUsize::new(0));
    let count = done.clone();
    let blocking = ConnectionType::BLOCKING_QUEUED;
    speaker.said.connect_to_with_type(&home.remote, blocking, move |_, _| {
        thread::sleep(Duration::from_millis(5));
        count.fetch_add(1, Ordering::Relaxed);
    });
    for round in 1..=3 {
        speaker.said.emit(0);
        assert_eq!(done.load(Ordering::Relaxed), round);
    }
    home.end();
    // Nobody is left to wait for.
    speaker.said.emit(0);
    assert_eq!(done.load(Ordering::Relaxed), 3);
    assert!(!speaker.said.is_connected());
    // The receiver is in this thread: the slot does not run, and nothing waits.
    let listener = Speaker::new();
    let remote = Remote::of(&listener);
    speaker.said.connect_slot_with_type(&remote, blocking, Speaker::hear);
    speaker.said.connect_slot_with_type(&listener, blocking, Speaker::hear);
    speaker.said.emit(1);
    assert!(listener.heard.take().is_empty());
}

#[test]
fn either_side_disconnects() {
    let (home, speaker) = (Home::new(Speaker::new), Speaker::new());
    // At the side of the signal.
    let connection = speaker.said.connect_slot(&home.remote, Speaker::hear);
    assert!(connection.is_connected() && speaker.said.is_connected());
    speaker.said.emit(1);
    assert!(speaker.said.disconnect_slot(&home.remote, Speaker::hear));
    assert!(!connection.is_connected() && !connection.disconnect());
    speaker.said.emit(2);
    // The call that was under way is still made.
    assert_eq!(home.remote.call(|there| there.heard.take()).unwrap(), [1]);

    // At the side of the receiver.
    let connection = home.remote.signal(|there| &there.said).connect_slot(&speaker, Speaker::hear);
    assert!(connection.is_connected());
    settle(&home.remote);
    assert!(home.remote.call(|there| there.said.is_connected()).unwrap());
    assert!(connection.disconnect() && !connection.is_connected() && !connection.disconnect());
    assert!(!home.remote.call(|there| there.said.is_connected()).unwrap());

    // Before the signal is connected.
    let connection = home.remote.signal(|there| &there.said).connect_slot(&speaker, Speaker::hear);
    assert!(connection.disconnect());
    assert!(!home.remote.call(|there| there.said.is_connected()).unwrap());
    home.end();
}

#[test]
fn blockers_and_flags_work_across_threads() {
    let (home, speaker) = (Home::new(Speaker::new), Speaker::new());
    let signal = || home.remote.signal(|there| &there.said);
    let emit = |number| home.remote.call(move |there| there.said.emit(number)).unwrap();
    let connection: Connection = signal().connect_slot(&speaker, Speaker::hear);
    emit(1);
    let quiet = connection.block();
    emit(2);
    drop(quiet);
    emit(3);
    assert!(wait_until(5000, || speaker.heard.borrow().len() == 2));
    assert_eq!(speaker.heard.take(), [1, 3]);
    // A second connection of the same slot.
    let unique = ConnectionType::UNIQUE;
    let second = signal().connect_slot_with_type(&speaker, unique, Speaker::hear);
    settle(&home.remote);
    assert!(wait_until(5000, || !second.is_connected()) && connection.is_connected());
    connection.disconnect();
    signal().connect_slot_with_type(&speaker, ConnectionType::SINGLE_SHOT, Speaker::hear);
    emit(4);
    emit(5);
    assert!(wait_until(5000, || !speaker.heard.borrow().is_empty()));
    run_for(10);
    assert_eq!(speaker.heard.take(), [4]);
    home.end();
}

#[test]
fn the_death_of_the_receiver_cuts_the_connection() {
    let home = Home::new(|| Rc::new(RefCell::new(Some(Speaker::new()))));
    let there: Remote<Speaker> =
        home.remote.call(|cell| Remote::of(cell.borrow().as_ref().unwrap())).unwrap();
    let speaker = Speaker::new();
    let (token, dropped) = token();
    let connection = speaker.said.connect_to(&there, move |_, _| drop(token.clone()));
    home.remote.call(|cell| drop(cell.take())).unwrap();
    // The slot was dropped in its thread, and the signal lets go of it without an emission.
    assert_eq!(*dropped.lock().unwrap(), [home.thread.thread().id()]);
    assert!(!connection.is_connected());
    assert!(wait_until(5000, || !speaker.said.is_connected()));
    // It is too late to connect.
    let late = speaker.said.connect_slot(&there, Speaker::hear);
    assert!(wait_until(5000, || !late.is_connected()));
    home.end();
    assert!(!speaker.said.connect_slot(&there, Speaker::hear).is_connected());
}

#[test]
fn an_rc_that_has_died_cuts_the_connection_at_the_next_emission() {
    let speaker = Speaker::new();
    let (hand, take) = mpsc::channel();
    let (token, dropped) = token();
    let home = Home::new(move || {
        let list = Rc::new(RefCell::new(vec![0]));
        hand.send(Remote::of(&list)).unwrap();
        Rc::new(RefCell::new(Some(list)))
    });
    let list: Remote<Rc<RefCell<Vec<i32>>>> = take.recv().unwrap();
    speaker.said.connect_to(&list, move |list, number| {
        let _ = &token;
        list.borrow_mut().push(*number);
    });
    speaker.said.emit(1);
    assert_eq!(list.call(|list| list.take()), Ok(vec![0, 1]));
    home.remote.call(|cell| drop(cell.take())).unwrap();
    speaker.said.emit(2);
    assert!(wait_until(5000, || !speaker.said.is_connected()));
    settle(&home.remote);
    assert_eq!(*dropped.lock().unwrap(), [home.thread.thread().id()]);
    home.end();
}

#[test]
fn the_death_of_the_sender_drops_the_slot_after_the_calls_under_way() {
    let home = Home::new(Speaker::new);
    let (token, dropped) = token();
    let speaker = Speaker::new();
    let (go, wait) = mpsc::channel::<()>();
    home.remote.post(move |_| wait.recv().unwrap()).unwrap();
    speaker.said.connect_to(&home.remote, move |there, number| {
        let _ = &token;
        there.hear(*number);
    });
    speaker.said.emit(1);
    speaker.said.emit(2);
    drop(speaker);
    assert!(dropped.lock().unwrap().is_empty());
    go.send(()).unwrap();
    assert_eq!(home.remote.call(|there| there.heard.take()).unwrap(), [1, 2]);
    settle(&home.remote);
    assert_eq!(*dropped.lock().unwrap(), [home.thread.thread().id()]);
    home.end();
}

#[test]
fn the_death_of_a_remote_sender_drops_the_slot_here() {
    let home = Home::new(|| Rc::new(RefCell::new(Some(Speaker::new()))));
    let there: Remote<Speaker> =
        home.remote.call(|cell| Remote::of(cell.borrow().as_ref().unwrap())).unwrap();
    let (app, listener) = (QCoreApplication::new(), Speaker::new());
    let (token, dropped) = token();
    let connection = there.signal(|there| &there.said).connect_to(&listener, {
        let token = token.clone();
        move |_, _| drop(token.clone())
    });
    settle(&home.remote);
    home.remote.call(|cell| drop(cell.take())).unwrap();
    assert!(!connection.is_connected());
    app.process_events();
    assert_eq!(*dropped.lock().unwrap(), [thread::current().id()]);
    // A dead sender cannot be connected.
    let late = there.signal(|there| &there.said).connect_to(&listener, move |_, _| {
        drop(token.clone());
    });
    app.process_events();
    assert!(!late.is_connected());
    home.end();
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let (home, speaker) = (Home::new(Speaker::new), Speaker::new());
    for _ in 0..2000 {
        let there = speaker.said.connect_slot(&home.remote, Speaker::hear);
        let here = home.remote.signal(|there| &there.said).connect_slot(&speaker, Speaker::hear);
        there.disconnect();
        here.disconnect();
        QCoreApplication::instance().process_events();
    }
    settle(&home.remote);
    QCoreApplication::instance().process_events();
    let left = home.remote.call(|_| qcore::internals::lodgers()).unwrap();
    assert!(left <= 3, "{left} there");
    let left = qcore::internals::lodgers();
    assert!(left <= 1, "{left} here");
    home.end();
}

#[test]
fn a_million_calls_between_eight_threads() {
    const THREADS: usize = 8;
    let total = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };
    let each = total / THREADS / (THREADS - 1);
    type Seen = Rc<RefCell<[usize; THREADS]>>;
    let homes: Vec<Home<Seen>> = (0..THREADS).map(|_| Home::new(Seen::default)).collect();
    let remotes: Vec<_> = homes.iter().map(|home| home.remote.clone()).collect();
    for (from, home) in homes.iter().enumerate() {
        let others = remotes.clone();
        // Each loop calls all others, from within its own calls.
        home.remote
            .post(move |_| {
                for at in 0..each {
                    for (to, other) in others.iter().enumerate().filter(|(to, _)| *to != from) {
                        let call = move |seen: &RefCell<[usize; THREADS]>| {
                            let mut seen = seen.borrow_mut();
                            assert_eq!(seen[from], at, "from {from} to {to}");
                            seen[from] += 1;
                        };
                        other.post(call).unwrap();
                    }
                }
            })
            .unwrap();
    }
    for (to, home) in homes.iter().enumerate() {
        let all = |seen: &[usize; THREADS]| {
            seen.iter().enumerate().all(|(from, &seen)| seen == if from == to { 0 } else { each })
        };
        while !all(&home.remote.call(|seen| *seen.borrow()).unwrap()) {
            thread::yield_now();
        }
    }
    homes.into_iter().for_each(Home::end);
}
