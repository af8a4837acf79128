//! Blocking all signals of an object.

use crate::common::Log;
use qcore::{QObject, QSignalBlocker, Signal};

#[test]
fn signal_blocking() {
    let (object, log) = (QObject::new(), Log::default());
    let signal = Signal::of(&object);
    signal.connect(log.slot("own"));
    object.object_name_changed.connect(log.slot("name"));
    assert!(!object.block_signals(true));
    assert!(object.block_signals(true) && object.signals_blocked());
    signal.emit(());
    object.set_object_name("a");
    assert!(object.block_signals(false));
    assert!(log.take().is_empty());
    signal.emit(());
    object.set_object_name("b");
    assert_eq!(log.take(), ["own", "name"]);
}

#[test]
fn blocking_in_a_slot_does_not_stop_the_emission() {
    let (object, log) = (QObject::new(), Log::default());
    let signal = Signal::of(&object);
    let blocked = object.clone();
    signal.connect(move |()| assert!(!blocked.block_signals(true)));
    signal.connect(log.slot("after"));
    signal.emit(());
    signal.emit(());
    assert_eq!(log.take(), ["after"]);
    object.disconnect_all();
}

#[test]
fn qsignal_blocker_signal_blocking() {
    let object = QObject::new();
    {
        let mut blocker = QSignalBlocker::new(&object);
        assert!(object.signals_blocked());
        blocker.unblock();
        assert!(!object.signals_blocked());
        blocker.reblock();
        assert!(object.signals_blocked());
        {
            let _inner = QSignalBlocker::new(&object);
            assert!(object.signals_blocked());
        }
        assert!(object.signals_blocked(), "one that was blocked stays blocked");
    }
    assert!(!object.signals_blocked());

    // The blocker restores the state that it found when it was created.
    let mut blocker = QSignalBlocker::new(&object);
    blocker.unblock();
    object.block_signals(true);
    blocker.reblock();
    blocker.unblock();
    assert!(!object.signals_blocked());
    object.block_signals(true);
    drop(blocker);
    assert!(object.signals_blocked(), "unblocked, it does nothing when it goes");
}

#[test]
fn qsignal_blocker_move_assignment() {
    let (one, two) = (QObject::new(), QObject::new());
    let mut blockers = [QSignalBlocker::new(&one)];
    assert!(one.signals_blocked());
    blockers[0] = QSignalBlocker::new(&two);
    assert!(!one.signals_blocked() && two.signals_blocked());
    let moved = blockers;
    assert!(two.signals_blocked());
    drop(moved);
    assert!(!two.signals_blocked());

    // Both blockers are for one object. As in Qt, the last one dropped restores what it found.
    let mut kept = [QSignalBlocker::new(&two)];
    // Here the replaced blocker is dropped after the new one was made; in Qt the object stays
    // blocked.
    kept[0] = {
        let inner = QSignalBlocker::new(&two);
        assert!(two.signals_blocked());
        inner
    };
    assert!(!two.signals_blocked());
    drop(kept);
    assert!(two.signals_blocked());
    two.block_signals(false);
    let outer = QSignalBlocker::new(&two);
    let mut kept = [QSignalBlocker::new(&two)];
    kept[0] = outer;
    assert!(two.signals_blocked());
    drop(kept);
    assert!(!two.signals_blocked());
    let mut kept = [QSignalBlocker::new(&two)];
    kept[0].unblock();
    kept[0] = QSignalBlocker::new(&two);
    assert!(two.signals_blocked());
    drop(kept);
    assert!(!two.signals_blocked());

    // A blocker whose object is gone does nothing.
    let mut blocker = QSignalBlocker::new(&one);
    drop(one);
    blocker.unblock();
    blocker.reblock();
}
