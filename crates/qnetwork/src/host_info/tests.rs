use std::{cell::RefCell, rc::Rc};

use qcore::wait_until;

use super::*;

/// Runs the loop until so many answers have come.
fn wait_for(answers: &Rc<RefCell<Vec<QHostInfo>>>, count: usize) {
    let came = wait_until(10_000, || answers.borrow().len() >= count);
    assert!(came, "{} of {count} answers", answers.borrow().len());
}

fn look_up(name: &str, answers: &Rc<RefCell<Vec<QHostInfo>>>) -> i32 {
    QHostInfo::lookup_host(name, answers, |answers, info| answers.borrow_mut().push(info))
}

#[test]
fn ten_equal_look_ups_give_ten_answers() {
    let answers = Rc::default();
    let ids: Vec<_> = (0..10).map(|_| look_up("localhost", &answers)).collect();
    wait_for(&answers, 10);
    let mut answered: Vec<_> = answers.borrow().iter().map(QHostInfo::lookup_id).collect();
    answered.sort_unstable();
    assert_eq!(answered, ids);
    assert!(answers.borrow().iter().all(|info| info.error() == HostInfoError::NoError));
    assert!(answers.borrow().iter().all(|info| info.error_string() == "Unknown error"));
}

#[test]
fn literals_and_nothing_answer_from_the_loop() {
    let answers = Rc::default();
    look_up("::1", &answers);
    look_up("", &answers);
    assert!(answers.borrow().is_empty());
    wait_for(&answers, 2);
    assert_eq!(answers.borrow()[0].addresses(), [QHostAddress::LocalHostIPv6]);
    assert_eq!(answers.borrow()[0].host_name(), "::1");
    assert_eq!(answers.borrow()[1].error(), HostInfoError::HostNotFound);
}

#[test]
fn no_answer_after_abort_or_to_the_dead() {
    let answers: Rc<RefCell<Vec<QHostInfo>>> = Rc::default();
    let id = look_up("localhost", &answers);
    QHostInfo::abort_host_lookup(id);
    let dead: Rc<RefCell<Vec<QHostInfo>>> = Rc::default();
    look_up("localhost", &dead);
    let gone = Rc::downgrade(&dead);
    drop(dead);
    look_up("127.0.0.1", &answers);
    let id = look_up("127.0.0.2", &answers);
    QHostInfo::abort_host_lookup(id);
    // Too long for a name: the resolver says so without asking anybody.
    look_up(&"x".repeat(64), &answers);
    wait_for(&answers, 2);
    assert_eq!(answers.borrow()[0].host_name(), "127.0.0.1");
    assert_eq!(answers.borrow()[1].error(), HostInfoError::HostNotFound);
    assert!(gone.upgrade().is_none());
}

#[test]
fn names_that_are_none() {
    for name in ["a\0b", "..", &"x".repeat(64), &"x".repeat(5000)] {
        assert_eq!(QHostInfo::from_name(name).error(), HostInfoError::HostNotFound, "{name:?}");
    }
}

#[test]
fn nobody_is_asked_for_invalid_names() {
    for name in ["invalid", "no.such.host.INVALID", "host.invalid."] {
        assert!(is_never_found(name), "{name}");
        assert_eq!(QHostInfo::from_name(name).error_string(), "Host not found");
    }
    for name in ["", ".", "localhost", "invalid.example", "notinvalid"] {
        assert!(!is_never_found(name), "{name}");
    }
}
