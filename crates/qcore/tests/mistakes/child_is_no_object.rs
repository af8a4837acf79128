//! A field that is marked as a child is no object.

use std::cell::Cell;

use qcore::{QObject, class};

class! {
    pub struct Counter: QObject {
        child count: Cell<u32> = Cell::new(0),
    }
}

pub fn new() -> Counter {
    Counter::derive(QObject::new())
}
