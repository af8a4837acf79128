//! The slot takes something else than the signal has.

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
    fn on_named(&self, name: &str, number: u8) {
        self.changed.emit(number.into());
        println!("{name}");
    }
}

pub fn connect(counter: &Counter) {
    counter.named.connect_slot(counter, Counter::on_named);
}
