//! The receiver is neither an object nor in an `Rc`.

use std::cell::Cell;

use qcore::{QObject, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<i32>,
        pub named: Signal<(String, i32)>,
        value: Cell<i32> = Cell::new(0),
    }
}

pub struct Log;

impl Log {
    fn add(&self, number: i32) {
        println!("{number}");
    }
}

pub fn connect(counter: &Counter, log: &Log) {
    counter.changed.connect_slot(log, Log::add);
}
