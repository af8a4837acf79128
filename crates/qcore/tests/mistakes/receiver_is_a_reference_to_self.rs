//! `&self` where `self` is a reference already.

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
    fn on_changed(&self) {}

    fn connect(&self) {
        self.changed.connect_slot(&self, Self::on_changed);
    }
}

pub fn connect(counter: &Counter) {
    counter.connect();
}
