//! A closure takes the parts of a tuple as separate parameters.

use std::cell::Cell;

use qcore::{QObject, Signal, class};

class! {
    pub struct Counter: QObject {
        pub changed: Signal<i32>,
        pub named: Signal<(String, i32)>,
        value: Cell<i32> = Cell::new(0),
    }
}

pub fn connect(counter: &Counter) {
    counter.named.connect_to(counter, |counter, name, number| {
        println!("{name}");
        counter.value.set(*number);
    });
}
