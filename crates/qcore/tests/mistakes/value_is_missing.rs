//! `derive` is not given all fields that have no value.

use qcore::{QObject, class};

class! {
    pub struct Counter: QObject {
        step: i32,
        name: String,
    }
}

pub fn new() -> Counter {
    Counter::derive(QObject::new(), 5)
}
