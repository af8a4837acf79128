//! The slot takes `&mut self`.

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
    fn on_changed(&mut self, number: i32) {
        self.value.set(number);
    }
}

pub fn connect(counter: &Counter) {
    counter.changed.connect_slot(counter, Counter::on_changed);
}
