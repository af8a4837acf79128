//! A signal has no type.

use qcore::{QObject, class};

class! {
    pub struct Counter: QObject {
        pub changed,
    }
}
