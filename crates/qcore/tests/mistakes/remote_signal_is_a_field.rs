//! The signal of an object in another thread is named like that of an object of this thread.

use qcore::{QCoreApplication, QObject, Remote, Signal, class};

class! {
    pub struct Worker: QObject {
        pub failed: Signal<i32>,
    }
}

pub fn connect(worker: &Remote<Worker>, app: &QCoreApplication) {
    worker.failed.connect_slot(app, QCoreApplication::exit);
}
