//! The slot is called instead of named.

use std::cell::Cell;

use qcore::{QObject, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<i32>,
        pub named: Signal<(String, i32)>,
        value: Cell<i32> = Cell::new(0),
    }
}

impl Counter {
    fn reset(&self) {
        self.value.set(0);
    }
}

pub fn connect(counter: &Counter) {
    counter.changed.connect_slot(counter, counter.reset());
}
