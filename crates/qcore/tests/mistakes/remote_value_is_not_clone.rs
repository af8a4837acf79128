//! The values of a signal cannot be cloned for another thread.

use qcore::{QObject, Remote, Signal};

pub struct Large;

pub fn connect(made: &Signal<Large>, other: &Remote<QObject>) {
    made.connect_slot(other, QObject::delete_later);
}
