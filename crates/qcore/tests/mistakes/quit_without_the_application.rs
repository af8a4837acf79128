//! A function of the application is called without the application.

use qcore::QCoreApplication;

pub fn on_finished() {
    QCoreApplication::quit();
}
