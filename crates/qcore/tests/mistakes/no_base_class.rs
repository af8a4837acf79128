//! The base class is missing.

use qcore::{Signal, class};

class! {
    pub struct Counter {
        pub changed: Signal<i32>,
    }
}
