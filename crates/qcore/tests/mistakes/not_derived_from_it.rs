//! A class is converted into one that it does not derive from.

use std::cell::Cell;

use qcore::{QIODevice, QObject, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<i32>,
        pub named: Signal<(String, i32)>,
        value: Cell<i32> = Cell::new(0),
    }
}

pub fn device(counter: Counter) -> QIODevice {
    counter.into()
}
