//! The base class is no class.

use qcore::{Signal, class};

pub struct Base;

class! {
    pub struct Counter: Base {
        pub changed: Signal<i32>,
    }
}
