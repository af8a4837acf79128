//! `QThread`. Many of these are Qt's own tests, and named as in Qt.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use qcore::{
    CallErrorKind, PostErrorKind, QCoreApplication, QEventLoop, QObject, QThread, QTimer, Remote,
    Signal, ThreadPriority, ThreadResult, class, wait_until,
};

class! {
    /// Writes down what it hears, for all threads to see.
    struct Diary: QObject {
        wrote: Signal<String>,
        lines: Arc<Mutex<Vec<String>>>,
    }
}

impl Diary {
    fn new(lines: &Lines) -> Self {
        Self::derive(QObject::new(), lines.0.clone())
    }

    fn write(&self, line: &str) {
        self.lines.lock().unwrap().push(line.to_owned());
        self.wrote.emit(line.to_owned());
    }

    fn on_started(&self) {
        self.write("started");
    }

    fn on_finished(&self) {
        self.write("finished");
    }
}

impl qcore::Destructor for Diary {
    fn destructor(&self) {
        self.lines.lock().unwrap().push("destroyed".to_owned());
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn add(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

fn started() -> QThread {
    let thread = QThread::new();
    thread.start().unwrap();
    thread
}

fn end(thread: &QThread) {
    thread.quit();
    assert!(thread.wait(5000));
}

// ---- who is who

#[test]
fn current_thread() {
    let here = QThread::current_thread();
    assert_eq!(here, QThread::current_thread());
    assert!(here.is_running() && !here.is_finished());
    let (hand, take) = mpsc::channel();
    let id = QThread::current_thread_id();
    let thread = QThread::create(move || {
        let current = QThread::current_thread();
        assert!(current.is_running());
        assert_eq!(current.thread(), current);
        assert_eq!(QObject::new().thread(), current);
        assert!(current.event_dispatcher().is_some());
        hand.send(QThread::current_thread_id()).unwrap();
    });
    thread.start().unwrap();
    assert_ne!(take.recv().unwrap(), id);
    // The object lives in the thread of its creator.
    assert_eq!(thread.thread(), here);
    assert!(thread.event_dispatcher().is_none());
    assert!(thread.wait(5000));
    assert_eq!(thread.result(), Some(Ok(0)));
    assert!(QThread::ideal_thread_count() >= 1);
    QThread::yield_current_thread();
}

#[test]
fn is_running_and_is_finished() {
    let thread = QThread::new();
    assert!(!thread.is_running() && !thread.is_finished() && thread.result().is_none());
    assert!(thread.wait(0), "it was never started");
    thread.start().unwrap();
    assert!(thread.is_running() && !thread.is_finished());
    thread.start().unwrap(); // has no effect
    assert!(!thread.wait(20));
    end(&thread);
    assert!(!thread.is_running() && thread.is_finished());
    // And again.
    thread.start().unwrap();
    assert!(thread.is_running() && !thread.is_finished() && thread.result().is_none());
    end(&thread);
}

#[test]
fn stack_size_and_priority() {
    let thread = QThread::new();
    assert_eq!(thread.stack_size(), 0);
    thread.set_stack_size(512 * 1024);
    assert_eq!(thread.stack_size(), 512 * 1024);
    thread.set_priority(ThreadPriority::Low); // warns
    assert_eq!(thread.priority(), ThreadPriority::Inherit);
    thread.start_with_priority(ThreadPriority::High).unwrap();
    assert_eq!(thread.priority(), ThreadPriority::High);
    thread.set_priority(ThreadPriority::Low);
    assert_eq!(thread.priority(), ThreadPriority::Low);
    end(&thread);
    assert_eq!(thread.priority(), ThreadPriority::Inherit);
}

#[test]
fn the_name_of_the_system_thread() {
    let (hand, take) = mpsc::channel();
    let name = move || hand.send(thread::current().name().map(str::to_owned)).unwrap();
    let thread = QThread::create(name.clone());
    thread.set_object_name("wor\0ker");
    thread.start().unwrap();
    assert_eq!(take.recv().unwrap().unwrap(), "worker");
    assert!(thread.wait(5000));
    let thread = QThread::create(name);
    thread.start().unwrap();
    assert_eq!(take.recv().unwrap().unwrap(), "QThread");
    assert!(thread.wait(5000));
}

#[test]
fn too_large_a_stack_is_an_error() {
    let thread = QThread::new();
    let lines = Lines::default();
    let diary = thread.build({
        let lines = lines.clone();
        move || Diary::new(&lines)
    });
    thread.set_stack_size(usize::MAX / 4);
    assert!(thread.start().is_err());
    assert!(!thread.is_running() && !thread.is_finished());
    // Nothing is lost.
    thread.set_stack_size(0);
    thread.start().unwrap();
    diary.call(|diary| diary.write("here")).unwrap();
    end(&thread);
    assert_eq!(lines.take(), ["here", "destroyed"]);
}

// ---- exit

#[test]
fn exit_and_quit() {
    let thread = started();
    thread.exit(42);
    assert!(thread.wait(5000));
    assert_eq!(thread.result(), Some(Ok(42)));
    // Right after start(), when no loop may be running yet.
    for code in 0..50 {
        thread.start().unwrap();
        thread.exit(code);
        assert!(thread.wait(5000));
        assert_eq!(thread.result(), Some(Ok(code)));
    }
}

#[test]
fn exit_before_exec_is_remembered() {
    let (go, wait) = mpsc::channel::<()>();
    let (hand, take) = mpsc::channel();
    let thread = QThread::create(move || {
        wait.recv().unwrap();
        let current = QThread::current_thread();
        hand.send(current.exec()).unwrap();
        // A second loop runs.
        QTimer::single_shot(1, || QThread::current_thread().exit(7));
        hand.send(current.exec()).unwrap();
        // So is one from the thread itself.
        current.exit(8);
        hand.send(current.exec()).unwrap();
    });
    thread.start().unwrap();
    thread.exit(53);
    go.send(()).unwrap();
    assert_eq!([(); 3].map(|()| take.recv().unwrap()), [53, 7, 8]);
    assert!(thread.wait(5000));
}

#[test]
fn exit_before_start_is_forgotten() {
    let thread = QThread::new();
    thread.exit(1);
    thread.start().unwrap();
    assert!(!thread.wait(20));
    thread.exit(2);
    assert!(thread.wait(5000));
    assert_eq!(thread.result(), Some(Ok(2)));
}

#[test]
fn nested_loops_and_loops_of_ones_own_end() {
    let (hand, take) = mpsc::channel();
    let thread = QThread::create(move || {
        let current = QThread::current_thread();
        assert_eq!(current.loop_level(), 0);
        let levels = hand.clone();
        QTimer::single_shot(0, move || {
            let current = QThread::current_thread();
            levels.send(current.loop_level() as i32).unwrap();
            let nested = QEventLoop::new();
            let inner = levels.clone();
            QTimer::single_shot(0, move || {
                inner.send(QThread::current_thread().loop_level() as i32).unwrap();
            });
            levels.send(nested.exec()).unwrap();
        });
        hand.send(current.exec()).unwrap();
        // As in Qt, no other loop starts until the thread's own does.
        hand.send(QEventLoop::new().exec()).unwrap();
    });
    thread.start().unwrap();
    assert_eq!([take.recv().unwrap(), take.recv().unwrap()], [1, 2]);
    thread.exit(4);
    assert_eq!([(); 3].map(|()| take.recv().unwrap()), [4, 4, -1]);
    assert!(thread.wait(5000));
    // exec() is for the thread itself.
    assert_eq!(thread.exec(), -1);
}

#[test]
fn calls_that_were_posted_before_quit_are_made() {
    for _ in 0..50 {
        let (thread, calls) = (QThread::new(), Arc::new(AtomicUsize::new(0)));
        let object = thread.build(QObject::new);
        thread.start().unwrap();
        for _ in 0..10 {
            let calls = calls.clone();
            object.post(move |_| _ = calls.fetch_add(1, Ordering::Relaxed)).unwrap();
        }
        end(&thread);
        assert_eq!(calls.load(Ordering::Relaxed), 10);
    }
}

// ---- started and finished

#[test]
fn started_and_finished() {
    let (thread, lines) = (QThread::new(), Lines::default());
    let there = thread.build({
        let lines = lines.clone();
        move || Diary::new(&lines)
    });
    let here = Diary::new(&Lines::default());
    // In the thread itself, although the loop of this one does not run.
    thread.started.connect_slot(&there, Diary::on_started);
    thread.finished.connect_slot(&there, Diary::on_finished);
    // In this thread, when its loop runs.
    thread.started.connect_slot(&here, Diary::on_started);
    thread.finished.connect_slot(&here, Diary::on_finished);
    there.post(|there| there.write("posted")).unwrap();
    thread.start().unwrap();
    end(&thread);
    assert_eq!(lines.take(), ["started", "posted", "finished", "destroyed"]);
    assert!(here.lines.lock().unwrap().is_empty());
    assert!(wait_until(5000, || here.lines.lock().unwrap().len() == 2));
    assert_eq!(*here.lines.lock().unwrap(), ["started", "finished"]);
    // Each time.
    here.lines.lock().unwrap().clear();
    thread.start().unwrap();
    end(&thread);
    assert!(wait_until(5000, || here.lines.lock().unwrap().len() == 2));
    assert!(lines.take().is_empty(), "that object has died with its thread");
}

#[test]
fn is_running_in_finished() {
    let (hand, take) = mpsc::channel();
    let thread = QThread::create(move || {
        let current = QThread::current_thread();
        let here = current.clone();
        current.finished.connect(move |result| {
            let states = (here.is_running(), here.is_finished(), here.is_interruption_requested());
            hand.send((result.clone(), states)).unwrap();
        });
        while !current.is_interruption_requested() {
            QThread::yield_current_thread();
        }
    });
    thread.start().unwrap();
    thread.request_interruption();
    assert_eq!(take.recv().unwrap(), (Ok(0), (false, true, false)));
    assert!(thread.wait(5000));
    assert!(!thread.is_interruption_requested());
    // Too late.
    thread.request_interruption();
    assert!(!thread.is_interruption_requested());
}

#[test]
fn request_interruption() {
    let thread = QThread::new();
    thread.request_interruption();
    assert!(!thread.is_interruption_requested(), "it was not running");
    thread.start().unwrap();
    thread.request_interruption();
    assert!(thread.is_interruption_requested());
    end(&thread);
    assert!(!thread.is_interruption_requested());
}

#[test]
fn connect_thread_finished_signal_to_object_delete_later_slot() {
    let (thread, lines) = (QThread::new(), Lines::default());
    let objects: Vec<_> = (0..2)
        .map(|_| {
            let lines = lines.clone();
            thread.build(move || Diary::new(&lines))
        })
        .collect();
    for object in &objects {
        thread.finished.connect_slot(object, QObject::delete_later);
    }
    thread.start().unwrap();
    end(&thread);
    assert_eq!(lines.take(), ["destroyed"; 2]);
    assert_eq!(objects[0].post(|_| ()).unwrap_err(), PostErrorKind::LoopEnded);
}

#[test]
fn a_third_thread_hears_of_the_end_while_the_owner_waits() {
    let (thread, other, lines) = (QThread::new(), started(), Lines::default());
    let diary = other.build({
        let lines = lines.clone();
        move || Diary::new(&lines)
    });
    let connection = thread.finished.connect_slot(&diary, Diary::on_finished);
    thread.start().unwrap();
    end(&thread);
    diary.call(|_| ()).unwrap();
    assert_eq!(lines.take(), ["finished"]);
    // And only once, although the owner emits the signal as well.
    QCoreApplication::instance().process_events();
    diary.call(|_| ()).unwrap();
    assert!(lines.take().is_empty());
    assert!(connection.disconnect());
    thread.start().unwrap();
    end(&thread);
    diary.call(|_| ()).unwrap();
    assert!(lines.take().is_empty());
    end(&other);
}

#[test]
fn a_thread_deletes_its_own_qthread() {
    let (thread, deleted) = (QThread::new(), Rc::new(Cell::new(false)));
    thread.finished.connect_slot(&thread, QObject::delete_later);
    thread.destroyed.connect_to(&deleted, |deleted, _| deleted.set(true));
    thread.start().unwrap();
    thread.quit();
    assert!(wait_until(5000, || deleted.get()));
    assert!(thread.is_deleted());
}

#[test]
fn a_slot_of_finished_starts_the_thread_again() {
    let (thread, ends) = (QThread::new(), Rc::new(Cell::new(0)));
    thread.finished.connect_to((&thread, &ends), |(thread, ends), _| {
        ends.set(ends.get() + 1);
        if ends.get() < 20 {
            thread.start().unwrap();
            thread.quit();
        }
    });
    thread.start().unwrap();
    thread.quit();
    assert!(wait_until(10_000, || ends.get() == 20));
}

// ---- objects

#[test]
fn objects_are_made_in_the_thread_and_die_there() {
    struct Home(thread::ThreadId, mpsc::Sender<thread::ThreadId>, RefCell<Vec<i32>>);
    impl Drop for Home {
        fn drop(&mut self) {
            assert_eq!(self.0, thread::current().id());
            self.1.send(self.0).unwrap();
        }
    }
    let (hand, take) = mpsc::channel();
    let thread = QThread::new();
    let early = thread.build({
        let hand = hand.clone();
        || Rc::new(Home(thread::current().id(), hand, RefCell::default()))
    });
    // Before the thread runs.
    early.post(|home| home.2.borrow_mut().push(1)).unwrap();
    let numbers = Signal::new();
    numbers.connect_to(&early, |home, number| home.2.borrow_mut().push(*number));
    numbers.emit(2);
    thread.start().unwrap();
    numbers.emit(3);
    assert_eq!(early.call(|home| home.2.take()), Ok(vec![1, 2, 3]));
    let late = thread.build(|| Rc::new(Home(thread::current().id(), hand, RefCell::default())));
    assert_ne!(late.call(|home| home.0), Ok(thread::current().id()));
    end(&thread);
    assert_eq!(take.iter().count(), 2);
    assert_eq!(late.call(|_| ()).unwrap_err(), CallErrorKind::LoopEnded);
    assert_eq!(early.post(|_| ()).unwrap_err(), PostErrorKind::LoopEnded);
}

#[test]
fn deleted_objects_are_not_kept() {
    let thread = started();
    let held = Arc::new(());
    for _ in 0..200 {
        let held = held.clone();
        let object = thread.build(move || {
            let object = QObject::new();
            object.destroyed.connect(move |_| drop(held.clone()));
            object
        });
        object.post(|object| object.delete_later()).unwrap();
        let _ = object.call(|_| ());
    }
    assert!(Arc::strong_count(&held) <= 2);
    end(&thread);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn an_object_for_a_thread_that_never_starts() {
    let thread = QThread::new();
    let token = Arc::new(());
    let held = token.clone();
    let object = thread.build(move || {
        drop(held);
        QObject::new()
    });
    let held = token.clone();
    object.post(move |_| drop(held)).unwrap();
    assert_eq!(Arc::strong_count(&token), 3);
    let dead = thread;
    dead.delete_later();
    let app = QCoreApplication::new();
    QTimer::single_shot_to(0, &app, |app| app.quit());
    app.exec();
    assert!(dead.is_deleted());
    assert_eq!(object.post(|_| ()).unwrap_err(), PostErrorKind::LoopEnded);
    assert_eq!(Arc::strong_count(&token), 1);
    assert!(dead.start().is_err());
    assert_eq!(dead.build(QObject::new).post(|_| ()).unwrap_err(), PostErrorKind::LoopEnded);
}

#[test]
fn pending_deletions_are_carried_out_at_the_end() {
    let (lines, kept) = (Lines::default(), Lines::default());
    let thread = QThread::create({
        let (lines, kept) = (lines.clone(), kept.clone());
        move || {
            let diary = Diary::new(&lines);
            diary.delete_later();
            kept.add("run");
            QThread::current_thread().finished.connect({
                let lines = lines.clone();
                move |_| lines.add("finished")
            });
            // The handle outlives the run: only the deletion destroys the object.
            std::mem::forget(diary);
        }
    });
    thread.start().unwrap();
    assert!(thread.wait(5000));
    assert_eq!(lines.take(), ["finished", "destroyed"]);
    assert_eq!(kept.take(), ["run"]);
}

// ---- panics

#[test]
fn a_panic_ends_the_thread_and_is_told() {
    let (ended, results) = (Rc::new(RefCell::new(Vec::<ThreadResult>::new())), 4);
    let thread = QThread::new();
    thread.finished.connect_to(&ended, |ended, result| ended.borrow_mut().push(result.clone()));
    // In a posted call, in a slot, in what makes an object, in a slot of `started`.
    let object = thread.build(QObject::new);
    thread.start().unwrap();
    object.post(|_| panic!("call")).unwrap();
    assert!(thread.wait(5000));
    assert_eq!(object.call(|_| ()).unwrap_err(), CallErrorKind::LoopEnded);

    let (object, signal) = (thread.build(QObject::new), Signal::new());
    signal.connect_to(&object, |_, ()| panic!("slot"));
    thread.start().unwrap();
    signal.emit(());
    assert!(thread.wait(5000));

    let object: Remote<QObject> = thread.build(|| panic!("maker"));
    thread.start().unwrap();
    assert!(thread.wait(5000));
    assert_eq!(object.call(|_| ()).unwrap_err(), CallErrorKind::LoopEnded);

    let object = thread.build(QObject::new);
    let connection = thread.started.connect_to(&object, |_, ()| panic!("started"));
    thread.start().unwrap();
    assert!(thread.wait(5000));
    assert!(!connection.is_connected());

    assert!(wait_until(5000, || ended.borrow().len() == results));
    let ended: Vec<_> =
        ended.take().into_iter().map(|end| end.unwrap_err().message().to_owned()).collect();
    assert_eq!(ended, ["call", "slot", "maker", "started"]);
    // It can be started again.
    thread.start().unwrap();
    end(&thread);
    assert_eq!(thread.result(), Some(Ok(0)));
}

#[test]
fn a_panic_while_the_thread_ends_does_not_stop_it() {
    let lines = Lines::default();
    let thread = QThread::new();
    let object = thread.build({
        let lines = lines.clone();
        move || Diary::new(&lines)
    });
    thread.finished.connect_to(&object, |_, _| panic!("finished"));
    thread.build(|| {
        let object = QObject::new();
        object.destroyed.connect(|_| panic!("destroyed"));
        object
    });
    thread.start().unwrap();
    end(&thread);
    assert_eq!(thread.result(), Some(Ok(0)));
    assert_eq!(lines.take(), ["destroyed"]);
}

// ---- the QThread dies

#[test]
fn dropping_the_qthread_of_a_running_thread_ends_the_thread() {
    let lines = Lines::default();
    let thread = started();
    thread.build({
        let lines = lines.clone();
        move || Diary::new(&lines)
    });
    drop(thread);
    assert_eq!(lines.take(), ["destroyed"]);
    // One that runs a function is asked to stop.
    let stopped = Arc::new(AtomicBool::new(false));
    let thread = QThread::create({
        let stopped = stopped.clone();
        move || {
            while !QThread::current_thread().is_interruption_requested() {
                QThread::yield_current_thread();
            }
            stopped.store(true, Ordering::Relaxed);
        }
    });
    thread.start().unwrap();
    drop(thread);
    assert!(stopped.load(Ordering::Relaxed));
}

#[test]
fn the_destructor_does_not_wait_for_a_call_into_its_own_loop() {
    let here = QObject::new();
    let remote = Remote::of(&here);
    let (hand, take) = mpsc::channel();
    for _ in 0..20 {
        let (remote, hand) = (remote.clone(), hand.clone());
        let thread = QThread::create(move || {
            // The first may be under way when the destructor begins. The others come later.
            for _ in 0..3 {
                hand.send(remote.call(|_| ())).unwrap();
            }
        });
        thread.start().unwrap();
        let begin = Instant::now();
        drop(thread);
        assert!(begin.elapsed() < Duration::from_secs(4));
        for result in take.try_iter() {
            assert_eq!(result.unwrap_err(), CallErrorKind::LoopEnded);
        }
    }
}

#[test]
fn a_thread_that_was_created_with_a_function_runs_once() {
    let thread = QThread::create(|| ());
    thread.start().unwrap();
    assert!(thread.wait(5000));
    assert_eq!(thread.start().unwrap_err().kind(), std::io::ErrorKind::Unsupported);
    assert!(thread.is_finished());
}

// ---- waiting

#[test]
fn wait_times_out_and_waits_for_thread_local_variables() {
    struct Slow(mpsc::Receiver<()>);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.recv().unwrap();
        }
    }
    thread_local!(static SLOW: RefCell<Option<Slow>> = const { RefCell::new(None) });
    let (go, wait) = mpsc::channel();
    let thread = QThread::create(move || SLOW.set(Some(Slow(wait))));
    thread.start().unwrap();
    assert!(wait_until(5000, || thread.is_finished()));
    assert!(!thread.wait(20));
    go.send(()).unwrap();
    assert!(thread.wait(5000));
}

#[test]
fn a_thread_does_not_wait_for_itself() {
    let (hand, take) = mpsc::channel();
    let thread = QThread::create(move || hand.send(QThread::current_thread().wait(-1)).unwrap());
    thread.start().unwrap();
    assert!(!take.recv().unwrap());
    assert!(thread.wait(5000));
}

#[test]
fn sleep_msleep_usleep() {
    let begin = Instant::now();
    QThread::sleep(0);
    QThread::msleep(3);
    QThread::usleep(2000);
    assert!(begin.elapsed() >= Duration::from_millis(5));
}

#[test]
fn stress() {
    // Starting, ending and destroying at the same time.
    for round in 0..100 {
        let thread = started();
        match round % 4 {
            0 => thread.quit(),
            1 => end(&thread),
            2 => thread.exit(1),
            _ => {}
        }
    }
}

// ---- threads that were made elsewhere

#[test]
fn a_thread_of_the_standard_library_is_adopted() {
    let lines = Lines::default();
    let told = lines.clone();
    let result = thread::spawn(move || {
        let current = QThread::current_thread();
        assert!(current.is_running() && !current.is_finished());
        assert_eq!(current.thread(), current);
        assert_eq!(current.priority(), ThreadPriority::Inherit);
        current.finished.connect({
            let told = told.clone();
            move |_| told.add("finished")
        });
        QTimer::single_shot(0, || QThread::current_thread().exit(3));
        let code = current.exec();
        current.exit(4);
        (code, current.exec())
    })
    .join()
    .unwrap();
    assert_eq!(result, (3, 4));
    assert_eq!(lines.take(), ["finished"]);
}

#[test]
fn a_priority_is_stored_for_an_adopted_thread() {
    thread::spawn(|| {
        let current = QThread::current_thread();
        current.set_priority(ThreadPriority::Lowest);
        assert_eq!(current.priority(), ThreadPriority::Lowest);
        current.set_priority(ThreadPriority::Inherit); // warns
        assert_eq!(current.priority(), ThreadPriority::Lowest);
    })
    .join()
    .unwrap();
}

#[test]
fn many_threads_are_adopted() {
    let ends = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let ends = ends.clone();
            thread::spawn(move || {
                QThread::current_thread().finished.connect(move |_| {
                    ends.fetch_add(1, Ordering::Relaxed);
                });
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(ends.load(Ordering::Relaxed), 20);
}

#[test]
fn a_loop_of_ones_own_ends_with_the_thread() {
    let (hand, take) = mpsc::channel();
    let thread = QThread::create(move || hand.send(QEventLoop::new().exec()).unwrap());
    thread.start().unwrap();
    assert!(!thread.wait(10));
    thread.exit(4);
    assert_eq!(take.recv().unwrap(), 4);
    assert!(thread.wait(5000));
}
