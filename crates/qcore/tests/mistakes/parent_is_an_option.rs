//! `cast` of an `Option`.

use std::cell::Cell;

use qcore::{QObject, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<i32>,
        pub named: Signal<(String, i32)>,
        value: Cell<i32> = Cell::new(0),
    }
}

pub fn owner(object: &QObject) -> Option<Counter> {
    object.parent().cast::<Counter>()
}
