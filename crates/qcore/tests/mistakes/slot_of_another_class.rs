//! The slot is a method of another class than the receiver's.

use std::cell::Cell;

use qcore::{QObject, QTimer, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<i32>,
        pub named: Signal<(String, i32)>,
        value: Cell<i32> = Cell::new(0),
    }
}

pub fn connect(counter: &Counter) {
    counter.changed.connect_slot(counter, QTimer::stop);
}
