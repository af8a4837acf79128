//! The receiver is given by value.

use std::cell::Cell;

use qcore::{QObject, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<i32>,
        pub named: Signal<(String, i32)>,
        value: Cell<i32> = Cell::new(0),
    }
}

pub fn connect(counter: Counter) {
    counter.changed.connect_to(counter.clone(), |counter, number| counter.value.set(*number));
}
