//! The values of a signal cannot be sent to another thread.

use std::rc::Rc;

use qcore::{QObject, Remote, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<Rc<i32>>,
    }
}

impl Counter {
    fn set(&self, number: &i32) {
        println!("{number}");
    }
}

pub fn connect(counter: &Counter, other: &Remote<Counter>) {
    counter.changed.connect_slot(other, Counter::set);
}
