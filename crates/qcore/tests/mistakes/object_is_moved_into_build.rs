//! An object of this thread is moved into the closure that makes an object in another thread.

use qcore::{QObject, QThread, Remote, class};

class! {
    pub struct Worker: QObject {}
}

pub fn build(thread: &QThread) -> Remote<Worker> {
    let worker = Worker::derive(QObject::new());
    thread.build(move || worker)
}
