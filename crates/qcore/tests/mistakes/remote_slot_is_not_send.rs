//! A slot of a receiver in another thread holds something of this one.

use std::{cell::Cell, rc::Rc};

use qcore::{QObject, Remote, Signal};

pub fn connect(changed: &Signal<i32>, other: &Remote<QObject>) {
    let last = Rc::new(Cell::new(0));
    changed.connect_to(other, move |_, number| last.set(*number));
}
