//! The names of an application, and the signals at its end.

use std::{cell::RefCell, rc::Rc};

use qcore::{QCoreApplication, QEventLoop, QEventLoopLocker, QSignalSpy, QTimer};

#[test]
fn names_are_the_process_s_and_change_once() {
    let app = QCoreApplication::new();
    let program = app.application_name();
    assert!(program.starts_with("application"), "{program}");
    // On Linux a program has no version by default.
    assert_eq!(app.application_version(), "");
    let spies = [
        &app.application_name_changed,
        &app.application_version_changed,
        &app.organization_name_changed,
        &app.organization_domain_changed,
    ]
    .map(QSignalSpy::new);
    for _ in 0..2 {
        app.set_application_name("a");
        app.set_application_version("1");
        app.set_organization_name("o");
        app.set_organization_domain("d");
    }
    assert_eq!(spies.map(|spy| spy.count()), [1; 4]);
    let elsewhere = std::thread::spawn(|| {
        let app = QCoreApplication::instance();
        let version = app.application_version();
        [app.application_name(), version, app.organization_name(), app.organization_domain()]
    });
    assert_eq!(elsewhere.join().unwrap(), ["a", "1", "o", "d"]);
    app.set_application_name("");
    assert_eq!(app.application_name(), program);
    // The names outlive the application.
    app.set_application_name("kept");
    app.shutdown();
    assert!(app.is_deleted());
    let again = QCoreApplication::new();
    assert_eq!(
        (again.application_name(), again.application_version()),
        ("kept".into(), "1".into())
    );
}

#[test]
fn about_to_quit_comes_at_the_end_of_exec_alone() {
    let app = QCoreApplication::new();
    let log = Rc::new(RefCell::new(Vec::new()));
    app.about_to_quit.connect_to(&log, |log, ()| log.borrow_mut().push("about"));
    app.quit();
    assert!(log.borrow().is_empty());

    QTimer::single_shot_to(0, &log, |log| log.borrow_mut().push("slot"));
    QTimer::single_shot_to(1, &app, |app| app.exit(4));
    assert_eq!(app.exec(), 4);
    assert_eq!(*log.borrow(), ["slot", "about"]);

    let nested = QEventLoop::new();
    QTimer::single_shot_to(1, &nested, |nested| nested.quit());
    nested.exec();
    assert_eq!(log.borrow().len(), 2);
}

/// As in Qt 5.15.8, the value at the moment when the last locker is dropped counts.
#[test]
fn quit_lock() {
    /// Runs the application, drops its only locker, and calls `exit(7)` some turns later.
    fn run(enabled: bool, then: bool) -> i32 {
        fn exit_after(turns: u32) {
            QTimer::single_shot(0, move || match turns {
                0 => QCoreApplication::instance().exit(7),
                turns => exit_after(turns - 1),
            });
        }
        let app = QCoreApplication::new();
        QCoreApplication::set_quit_lock_enabled(enabled);
        let locker = QEventLoopLocker::try_new().unwrap();
        QTimer::single_shot(0, move || {
            drop(locker);
            QCoreApplication::set_quit_lock_enabled(then);
            exit_after(5);
        });
        let code = app.exec();
        // Runs the remaining timers.
        while app.process_events() {}
        code
    }
    assert!(QCoreApplication::is_quit_lock_enabled());
    assert_eq!([run(true, true), run(true, false)], [0, 0]);
    assert_eq!([run(false, false), run(false, true)], [7, 7]);

    // The lockers of event loops do not depend on the setting.
    QCoreApplication::set_quit_lock_enabled(false);
    let event_loop = QEventLoop::new();
    let locker = QEventLoopLocker::try_with_loop(&event_loop).unwrap();
    QTimer::single_shot(0, move || drop(locker));
    assert_eq!(event_loop.exec(), 0);
    QCoreApplication::set_quit_lock_enabled(true);
}

#[test]
fn the_process() {
    assert_eq!(QCoreApplication::application_pid(), std::process::id());
    let file = QCoreApplication::application_file_path().unwrap();
    assert_eq!(file.parent().map(ToOwned::to_owned), QCoreApplication::application_dir_path());
    assert!(QCoreApplication::arguments()[0].contains("application"));
}
