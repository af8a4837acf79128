//! `delete_later()`: which loop deletes the object, and at which nesting level.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use crate::common::Log;
use qcore::{
    ConnectionType, Dispatcher, QCoreApplication, QEventLoop, QObject, QPointer, QTimer, Signal,
};

/// Creates an object that logs its death.
fn object(name: &str, log: &Log) -> QObject {
    let object = QObject::new();
    object.set_object_name(name);
    let log = log.clone();
    object.destroyed.connect(move |object| log.add(object.object_name()));
    object
}

/// Posts to the loop of this thread.
fn post(call: impl FnOnce() + 'static) {
    Dispatcher::current().post(call);
}

/// Runs the application's loop for about one turn.
fn run_once() {
    let app = QCoreApplication::new();
    QTimer::single_shot_to(0, &app, QCoreApplication::quit);
    app.exec();
}

#[test]
fn outside_of_all_loops_the_first_one_does_it_and_process_events_does_not() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let object = object("object", &log);
    object.delete_later();
    object.delete_later();
    assert!(!app.process_events());
    assert!(!object.is_deleted());
    // The deletion is older than the call posted next, even though a loop has looked at it in
    // between.
    let names = log.clone();
    post(move || names.add("posted"));
    run_once();
    assert!(object.is_deleted());
    assert_eq!(log.take(), ["object", "posted"]);
    object.delete_later();
    assert!(!app.process_events());
}

#[test]
fn any_kind_of_loop_does_it() {
    let log = Log::default();
    let object = object("object", &log);
    object.delete_later();
    let event_loop = QEventLoop::new();
    QTimer::single_shot_to(0, &event_loop, QEventLoop::quit);
    event_loop.exec();
    assert_eq!(log.take(), ["object"]);
}

#[test]
fn a_slot_that_process_events_calls_is_a_level_of_its_own() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let object = object("object", &log);
    let (inner, names) = (app.clone(), log.clone());
    let kept = object.clone();
    post(move || {
        kept.delete_later();
        inner.process_events();
        names.add("slot ends");
    });
    app.process_events();
    assert_eq!(log.take(), ["slot ends"]);
    app.process_events();
    assert_eq!(log.take(), ["object"]);
    assert!(object.is_deleted());
}

#[test]
fn a_nested_loop_does_what_is_asked_for_in_it_and_leaves_the_rest() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (outer, inner) = (object("outer", &log), object("inner", &log));
    let outside = object("outside", &log);
    outside.delete_later();
    let (quit, names, kept) = (app.clone(), log.clone(), outer.clone());
    post(move || {
        outer.delete_later();
        let event_loop = QEventLoop::new();
        let (end, notes) = (event_loop.clone(), names.clone());
        let asks = inner.clone();
        post(move || {
            asks.delete_later();
            notes.add("asked");
        });
        inner.destroyed.connect(move |_| end.quit());
        assert_eq!(event_loop.exec(), 0);
        assert!(!outer.is_deleted() && inner.is_deleted());
        names.add("slot ends");
        post(move || quit.quit());
    });
    app.exec();
    assert!(kept.is_deleted());
    assert_eq!(log.take(), ["outside", "asked", "inner", "slot ends", "outer"]);
}

#[test]
fn one_asked_for_outside_is_done_by_a_nested_loop_as_well() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let object = object("object", &log);
    let (quit, names) = (app.clone(), log.clone());
    let slot = move || {
        let event_loop = QEventLoop::new();
        QTimer::single_shot_to(0, &event_loop, QEventLoop::quit);
        event_loop.exec();
        names.add("slot ends");
        quit.quit();
    };
    post(slot);
    object.delete_later();
    app.exec();
    assert_eq!(log.take(), ["object", "slot ends"]);
}

#[test]
fn three_levels_each_do_their_own() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    fn nest(depth: u32, log: &Log) {
        let object = object(&format!("level {depth}"), log);
        object.delete_later();
        if depth < 3 {
            let event_loop = QEventLoop::new();
            let (end, log) = (event_loop.clone(), log.clone());
            post(move || {
                nest(depth + 1, &log);
                end.quit();
            });
            event_loop.exec();
        }
        assert!(!object.is_deleted());
        // The loop at the level of `delete_later()` deletes it, whatever handles exist.
        Box::leak(Box::new(object));
    }
    let (quit, names) = (app.clone(), log.clone());
    post(move || {
        nest(1, &names);
        quit.quit();
    });
    app.exec();
    // The outer loop makes the deletions that the two inner loops did not make.
    let mut names = log.take();
    names.sort();
    assert_eq!(names, ["level 1", "level 2", "level 3"]);
}

#[test]
fn a_deletion_that_had_to_wait_comes_before_what_is_posted_later() {
    // Recorded from Qt: the slot ends, the object dies, then the queued call runs.
    let (app, log) = (QCoreApplication::new(), Log::default());
    let object = object("object", &log);
    let signal = Rc::new(Signal::new());
    let names = log.clone();
    signal.connect_with_type(ConnectionType::QUEUED, move |()| names.add("queued"));
    let event_loop = QEventLoop::new();
    let (names, nested, deleted) = (log.clone(), event_loop.clone(), object.clone());
    QTimer::single_shot(0, move || {
        deleted.delete_later();
        nested.exec();
        names.add("inner loop ends");
    });
    QTimer::single_shot(10, move || {
        event_loop.quit();
        signal.emit(());
    });
    QTimer::single_shot_to(30, &app, QCoreApplication::quit);
    app.exec();
    assert_eq!(log.take(), ["inner loop ends", "object", "queued"]);
}

#[test]
fn delete_later_on_its_own_sender_in_its_slot() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let object = object("object", &log);
    let signal = Signal::of(&object);
    let weak = QPointer::new(&object);
    signal.connect(move |()| weak.upgrade().unwrap().delete_later());
    signal.connect(log.slot("after"));
    let sender = object.clone();
    post(move || {
        signal.emit(());
        assert!(!sender.is_deleted());
        signal.emit(());
    });
    run_once();
    assert_eq!(log.take(), ["after", "after", "object"]);
    assert!(object.is_deleted());
    drop(app);
}

#[test]
fn handles_or_a_parent_may_end_it_first() {
    let log = Log::default();
    let (dropped, child, parent) =
        (object("dropped", &log), object("child", &log), object("parent", &log));
    child.set_parent(Some(&parent));
    for object in [&dropped, &child, &parent] {
        object.delete_later();
    }
    drop(dropped);
    assert_eq!(log.take(), ["dropped"]);
    drop(parent);
    assert_eq!(log.take(), ["parent", "child"]);
    run_once();
    assert!(log.take().is_empty());
}

#[test]
fn what_waits_when_exec_ends_is_done_before_it_returns() {
    // Recorded from Qt: the object dies at the end of exec(), the queued calls run afterwards.
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (first, second) = (object("first", &log), object("second", &log));
    let signal = Signal::new();
    let names = log.clone();
    signal.connect_with_type(ConnectionType::QUEUED, move |value: &u32| names.add(value));
    let names = log.clone();
    let late = signal_on_death(&first, &names);
    let quit = app.clone();
    QTimer::single_shot(0, move || {
        quit.quit();
        signal.emit(1);
        first.delete_later();
        signal.emit(2);
        second.delete_later();
        Box::leak(Box::new((first, second)));
    });
    app.exec();
    assert_eq!(log.take(), ["first", "second"]);
    // The calls run in the order in which they were posted, even by destructors.
    app.process_events();
    assert_eq!(log.take(), ["1", "2", "posted by a destructor"]);
    assert!(!app.process_events());
    drop(late);
}

fn signal_on_death(object: &QObject, log: &Log) -> Rc<Signal<()>> {
    let signal = Rc::new(Signal::new());
    let names = log.clone();
    signal.connect_with_type(ConnectionType::QUEUED, move |()| names.add("posted by a destructor"));
    let emitter = signal.clone();
    object.destroyed.connect(move |_| emitter.emit(()));
    signal
}

#[test]
fn a_panic_at_the_end_of_exec_loses_nothing() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (bad, good) = (object("bad", &log), object("good", &log));
    bad.destroyed.connect(|_| panic!("in a destructor's slot"));
    let (quit, names) = (app.clone(), log.clone());
    QTimer::single_shot(0, move || {
        quit.quit();
        post(move || names.add("posted"));
        bad.delete_later();
        good.delete_later();
        Box::leak(Box::new((bad, good)));
    });
    assert!(catch_unwind(AssertUnwindSafe(|| app.exec())).is_err());
    assert_eq!(log.take(), ["bad"]);
    run_once();
    assert_eq!(log.take(), ["posted", "good"]);
}

#[test]
fn a_timer_deletes_itself_in_its_timeout() {
    // deleteLaterOnQTimer
    let app = QCoreApplication::new();
    let timer = QTimer::new();
    let pointer = QPointer::new(&timer);
    timer.timeout.connect_to(&timer, |timer, ()| timer.delete_later());
    timer.destroyed.connect_to(&app, |app, _| app.quit());
    timer.start_with_interval(0);
    assert_eq!(app.exec(), 0);
    assert!(pointer.is_null() && timer.is_deleted() && !timer.is_active());
}

#[test]
fn many_are_deleted_in_order() {
    const COUNT: u32 = 20_000;
    let app = QCoreApplication::new();
    let (order, objects) = (Rc::new(RefCell::new(Vec::new())), RefCell::new(Vec::new()));
    for at in 0..COUNT {
        let object = QObject::new();
        let order = order.clone();
        object.destroyed.connect(move |_| order.borrow_mut().push(at));
        objects.borrow_mut().push(object);
    }
    let quit = app.clone();
    post(move || {
        quit.quit();
        objects.borrow().iter().for_each(|object| object.delete_later());
        Box::leak(Box::new(objects));
    });
    app.exec();
    assert!(order.borrow().iter().copied().eq(0..COUNT));
}

#[test]
fn a_slot_may_use_the_object_while_its_nested_loop_runs() {
    let app = QCoreApplication::new();
    let object = QObject::new();
    let used = Rc::new(Cell::new(false));
    let (weak, quit, out) = (QPointer::new(&object), app.clone(), used.clone());
    // The slot holds the last handle: delete_later() keeps none.
    let holder = Cell::new(Some(object));
    post(move || {
        let object = holder.take().unwrap();
        object.delete_later();
        let event_loop = QEventLoop::new();
        QTimer::single_shot_to(0, &event_loop, QEventLoop::quit);
        event_loop.exec();
        out.set(!object.is_deleted() && weak.upgrade().is_some());
        drop(object);
        assert!(weak.is_null());
        quit.quit();
    });
    app.exec();
    assert!(used.get());
}
