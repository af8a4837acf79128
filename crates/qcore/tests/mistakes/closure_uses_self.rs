//! A closure given to `connect` uses `self`.

use std::cell::Cell;

use qcore::{QObject, QTimer, class};

class! {
    pub struct Counter: QObject {
        value: Cell<i32> = Cell::new(0),
        child retry: QTimer = QTimer::with_interval(1000),
    }
}

impl Counter {
    fn check(&self) {
        self.value.set(self.value.get() + 1);
    }

    pub fn start(&self) {
        self.retry.timeout.connect(|()| self.check());
        self.retry.start();
    }
}
