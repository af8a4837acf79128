//! The slot returns something.

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
    fn on_changed(&self, number: i32) -> bool {
        self.value.get() == number
    }
}

pub fn connect(counter: &Counter) {
    counter.changed.connect_slot(counter, Counter::on_changed);
}
