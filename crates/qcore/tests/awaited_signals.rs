//! Signals that tasks await. The first tests are named after the ways in which coroutines on Qt
//! have gone wrong.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    thread,
};

use qcore::{
    QCoreApplication, QObject, QTimer, Signal, block_on, class,
    signal::{Next, SignalErrorKind},
    spawn_for, spawn_local,
    task::{TimeoutErrorKind, timeout, yield_now},
    wait_until,
};

class! {
    /// Measures.
    pub struct Sensor: QObject {
        pub measured: Signal<u32>,
    }
}

impl Sensor {
    fn new() -> Self {
        Self::derive(QObject::new())
    }
}

type Log = Rc<RefCell<Vec<String>>>;

fn say(log: &Log, what: impl ToString) {
    log.borrow_mut().push(what.to_string());
}

fn turn() {
    qcore::QEventLoop::new().process_events();
}

#[test]
fn sender_destroyed_while_awaited() {
    let sensor = Sensor::new();
    let (next, mut stream) = (sensor.measured.next(), sensor.measured.stream());
    let task = spawn_local(async move { (next.await, stream.next().await) });
    turn();
    assert!(!task.is_finished());
    drop(sensor);
    let (next, stream) = block_on(task).unwrap().unwrap();
    assert_eq!(next.unwrap_err(), SignalErrorKind::SenderGone);
    assert_eq!(stream, None);

    // Dead before the call, and deleted by the loop.
    let sensor = Sensor::new();
    let doomed = sensor.clone();
    let next = sensor.measured.next();
    QTimer::single_shot(1, move || doomed.delete_later());
    assert_eq!(block_on(next).unwrap().unwrap_err(), SignalErrorKind::SenderGone);
    assert!(block_on(sensor.measured.next()).unwrap().is_err());
}

#[test]
fn receiver_destroyed_while_suspended() {
    let (sensor, log) = (Sensor::new(), Log::default());
    let window = QObject::new();
    let (source, said) = (sensor.clone(), log.clone());
    spawn_for(&window, async move |window| {
        say(&said, "waiting");
        source.measured.next().await.ok();
        say(&said, window.object_name());
    });
    turn();
    assert!(sensor.measured.is_connected());
    drop(window);
    // The future is gone, and its connection.
    assert!(!sensor.measured.is_connected());
    sensor.measured.emit(1);
    turn();
    assert_eq!(*log.borrow(), ["waiting"]);
}

#[test]
fn resumed_on_the_wrong_thread_after_a_time_out() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(|| {
                let home = thread::current().id();
                let never = Signal::<()>::new();
                let error = block_on(async {
                    let task = spawn_local(timeout(5, never.next()));
                    let outcome = task.await.unwrap();
                    assert_eq!(thread::current().id(), home);
                    outcome
                });
                assert_eq!(error.unwrap().unwrap_err(), TimeoutErrorKind::TimedOut);
                assert!(!never.is_connected());
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn resumed_inside_emit_then_destroying_the_sender() {
    let (sensor, log) = (Sensor::new(), Log::default());
    let holder = Rc::new(RefCell::new(Some(sensor.clone())));
    let next = sensor.measured.next();
    let (said, held) = (log.clone(), holder.clone());
    let task = spawn_local(async move {
        let value = next.await.unwrap();
        say(&said, format!("task {value}"));
        held.take();
    });
    turn();
    let said = log.clone();
    sensor.measured.connect(move |value| say(&said, format!("slot {value}")));
    sensor.measured.emit(7);
    // The slot after the task's was called, and the task has not gone on yet.
    assert_eq!(*log.borrow(), ["slot 7"]);
    let weak = qcore::QPointer::new(&sensor);
    drop(sensor);
    block_on(task).unwrap().unwrap();
    assert_eq!(*log.borrow(), ["slot 7", "task 7"]);
    assert!(weak.upgrade().is_none());
}

#[test]
fn emission_pending_while_the_awaiter_goes() {
    // A value that knows how many clones there are.
    let (signal, value) = (Signal::<Rc<()>>::new(), Rc::new(()));
    let (next, stream) = (signal.next(), signal.stream());
    let task = spawn_local(async move {
        let mut stream = stream;
        (next.await.ok(), stream.next().await)
    });
    turn();
    signal.emit(value.clone());
    assert_eq!(Rc::strong_count(&value), 3);
    // The values lie in the futures, and go with them.
    assert!(task.abort());
    assert_eq!(Rc::strong_count(&value), 1);
    turn();
    assert!(!signal.is_connected());

    // The awaiter goes in a slot that runs before its own.
    let place: Rc<RefCell<Option<Next<Rc<()>>>>> = Rc::default();
    let taken = place.clone();
    signal.connect(move |_| drop(taken.take()));
    place.replace(Some(signal.next()));
    signal.emit(value.clone());
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn inner_tasks_at_quit() {
    let lines = thread::spawn(move || {
        struct Drops(std::sync::mpsc::Sender<&'static str>, &'static str);
        impl Drop for Drops {
            fn drop(&mut self) {
                self.0.send(self.1).unwrap();
            }
        }
        let (sender, lines) = std::sync::mpsc::channel();
        let app = QCoreApplication::new();
        let quit = app.clone();
        let outer = Drops(sender.clone(), "outer dropped");
        let inner = Drops(sender.clone(), "inner dropped");
        let said = sender.clone();
        spawn_local(async move {
            let _outer = outer;
            let task = spawn_local(async move {
                let _inner = inner;
                quit.quit();
                yield_now().await;
                said.send("inner went on").unwrap();
                std::future::pending::<()>().await;
            });
            task.await.unwrap();
        });
        app.exec();
        sender.send("quit").unwrap();
        // Neither is lost: the next loop goes on with them.
        let again = app.clone();
        QTimer::single_shot(0, move || again.quit());
        app.exec();
        sender.send("end").unwrap();
        lines
    });
    let lines: Vec<_> = lines.join().unwrap().iter().collect();
    assert_eq!(lines, ["quit", "inner went on", "end", "outer dropped", "inner dropped"]);
}

#[test]
fn a_weak_upgraded_once_staying_strong_for_the_whole_future() {
    class! {
        struct Window: QObject {
            sensor: Sensor = Sensor::new(),
            shown: Cell<u32> = Cell::new(0),
        }
    }
    impl Window {
        async fn run(self) {
            while let Ok(value) = self.sensor.measured.next().await {
                self.shown.set(value);
            }
        }
    }
    let window = Window::derive(QObject::new());
    spawn_for(&window, Window::run);
    turn();
    window.sensor.measured.emit(3);
    assert!(wait_until(5000, || window.shown.get() == 3));
    let (weak, sensor) = (qcore::QPointer::new(&window), window.sensor.clone());
    drop(window);
    assert!(weak.upgrade().is_none());
    assert!(!sensor.measured.is_connected());
}

#[test]
fn a_signal_missed_between_check_and_await() {
    let sensor = Sensor::new();
    let answered = sensor.measured.next();
    sensor.measured.emit(1); // the answer comes at once
    sensor.measured.emit(2);
    block_on(async {
        assert_eq!(answered.await, Ok(1));
        // A stream has all of them.
        let mut all = sensor.measured.stream();
        (3..6).for_each(|value| sensor.measured.emit(value));
        for value in 3..6 {
            assert_eq!(all.next().await, Some(value));
        }
    })
    .unwrap();
}

// ---- further

#[test]
fn the_value_is_that_of_the_emission() {
    let (signal, cell) = (Signal::<Vec<u32>>::new(), RefCell::new(vec![1]));
    let next = signal.next();
    signal.emit(cell.borrow().clone());
    cell.borrow_mut().push(2);
    assert_eq!(block_on(next).unwrap(), Ok(vec![1]));
}

#[test]
fn dropping_disconnects() {
    let signal = Signal::<()>::new();
    let (next, stream) = (signal.next(), signal.stream());
    assert!(signal.is_connected());
    drop(next);
    drop(stream);
    assert!(!signal.is_connected());
    block_on(async {
        for _ in 0..100 {
            assert!(timeout(0, signal.next()).await.is_err());
        }
    })
    .unwrap();
    assert!(!signal.is_connected());
}

#[test]
fn disconnect_all_is_an_end_and_blocking_is_none() {
    let sensor = Sensor::new();
    let next = sensor.measured.next();
    sensor.block_signals(true);
    sensor.measured.emit(1);
    sensor.block_signals(false);
    sensor.measured.emit(2);
    assert_eq!(block_on(next).unwrap(), Ok(2));
    let (next, mut stream) = (sensor.measured.next(), sensor.measured.stream());
    sensor.measured.disconnect_all();
    assert_eq!(block_on(next).unwrap().unwrap_err(), SignalErrorKind::SenderGone);
    assert_eq!(block_on(stream.next()).unwrap(), None);
}

#[test]
fn a_stream_with_a_capacity_keeps_the_newest() {
    let signal = Signal::<u32>::new();
    let mut stream = signal.stream_with_capacity(3);
    (0..10).for_each(|value| signal.emit(value));
    assert_eq!(stream.take_lost(), 7);
    assert_eq!(stream.take_lost(), 0);
    drop(signal);
    let rest = block_on(async {
        let mut rest = Vec::new();
        while let Some(value) = stream.next().await {
            rest.push(value);
        }
        rest
    });
    assert_eq!(rest.unwrap(), [7, 8, 9]);
}

#[test]
fn several_tasks_await_one_signal() {
    let sensor = Sensor::new();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let sensor = sensor.clone();
            spawn_local(async move {
                sensor.measured.next().await.unwrap() + sensor.measured.next().await.unwrap()
            })
        })
        .collect();
    turn();
    sensor.measured.emit(1);
    turn();
    sensor.measured.emit(10);
    for task in tasks {
        assert_eq!(block_on(task).unwrap().unwrap(), 11);
    }
}

#[test]
fn a_task_that_holds_its_own_sender_does_not_leak() {
    let life = Rc::new(());
    let held = life.clone();
    // The task waits for a signal of an object that only the task holds.
    let sensor = Sensor::new();
    let weak = qcore::QPointer::new(&sensor);
    let task = spawn_local(async move {
        let _held = held;
        sensor.measured.next().await.ok();
    });
    turn();
    assert!(weak.upgrade().is_some());
    assert!(task.abort());
    assert!(weak.upgrade().is_none());
    assert_eq!(Rc::strong_count(&life), 1);
}

#[test]
fn several_are_awaited_by_a_select_of_one_s_own() {
    // A future that is polled by another one keeps the right waker.
    let (first, second) = (Rc::new(Signal::<u32>::new()), Rc::new(Signal::<u32>::new()));
    let (mut one, mut two) = (first.next(), second.next());
    let race = std::future::poll_fn(move |context| {
        use std::{pin::Pin, task::Poll};
        if let Poll::Ready(value) = Pin::new(&mut one).poll(context) {
            return Poll::Ready(("first", value));
        }
        Pin::new(&mut two).poll(context).map(|value| ("second", value))
    });
    let sender = second.clone();
    QTimer::single_shot(1, move || sender.emit(5));
    assert_eq!(block_on(race).unwrap(), ("second", Ok(5)));
    assert!(!first.is_connected() || Rc::strong_count(&first) == 1);
}
