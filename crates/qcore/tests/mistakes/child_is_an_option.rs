//! A field that is marked as a child holds an `Option` of an object.

use qcore::{QObject, QTimer, class};

class! {
    pub struct Counter: QObject {
        child timer: Option<QTimer> = None,
    }
}

pub fn new() -> Counter {
    Counter::derive(QObject::new())
}
