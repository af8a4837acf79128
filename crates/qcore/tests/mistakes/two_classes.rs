//! Two classes in one macro.

use qcore::{QObject, class};

class! {
    pub struct Server: QObject {}

    pub struct Client: QObject {}
}
