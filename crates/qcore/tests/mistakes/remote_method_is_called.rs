//! A method of an object in another thread is called like that of an object of this thread.

use qcore::{QObject, Remote, class};

class! {
    pub struct Worker: QObject {}
}

impl Worker {
    pub fn write(&self, line: &str) {
        println!("{line}");
    }
}

pub fn write(worker: &Remote<Worker>) {
    worker.write("a line");
}
