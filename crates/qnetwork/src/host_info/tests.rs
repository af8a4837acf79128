use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{MutexGuard, PoisonError},
};

use qcore::{QObject, wait_until};

use super::*;
use crate::address::QHostAddress;

/// The answers received.
type Answers = Rc<RefCell<Vec<QHostInfo>>>;

/// Runs the loop until `count` answers have come.
fn wait_for(answers: &Answers, count: usize) {
    let came = wait_until(10_000, || answers.borrow().len() >= count);
    assert!(came, "{} of {count} answers", answers.borrow().len());
}

fn look_up(name: &str, answers: &Answers) -> LookupId {
    QHostInfo::lookup_host(name, answers, |answers, info| answers.borrow_mut().push(info))
}

/// Runs a test with the cache on and off, as Qt's tests do. Other tests that depend on the cache
/// wait meanwhile.
fn with_and_without_cache(test: impl Fn(bool)) {
    let _alone = cache_alone();
    for disabled in [false, true] {
        cache::reset(disabled);
        test(!disabled);
    }
    cache::reset(false);
}

fn cache_alone() -> MutexGuard<'static, ()> {
    static CACHE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn get_set_check() {
    let mut info = QHostInfo::default();
    assert_eq!((info.lookup_id(), info.error()), (None, None));
    assert_eq!((info.host_name(), info.error_string()), ("", "Unknown error"));
    assert!(info.addresses().is_empty());
    for error in [None, Some(HostInfoErrorKind::HostNotFound), Some(HostInfoErrorKind::Unknown)] {
        info.set_error(error);
        assert_eq!((info.error(), info.error_string()), (error, "Unknown error"));
    }
    for id in [None, Some(LookupId(1)), Some(LookupId(i32::MAX))] {
        info.set_lookup_id(id);
        assert_eq!((info.lookup_id(), QHostInfo::new(id).lookup_id()), (id, id));
    }
    info.set_error_string("text");
    info.set_host_name("name");
    info.set_addresses([QHostAddress::LocalHost]);
    assert_eq!((info.error_string(), info.host_name()), ("text", "name"));
    assert_eq!(info.addresses(), [QHostAddress::LocalHost]);

    let (mut one, mut other) = (info.clone(), QHostInfo::new(Some(LookupId(5))));
    one.swap(&mut other);
    assert_eq!((one, other), (QHostInfo::new(Some(LookupId(5))), info));
}

#[test]
fn static_information() {
    assert!(!QHostInfo::local_host_name().is_empty());
    assert!(!QHostInfo::local_domain_name().contains([' ', '\t', '\n']));
}

#[test]
fn names_and_nothing_answer_from_the_loop() {
    with_and_without_cache(|_| {
        let answers = Rc::default();
        let ids = ["localhost", "", "no name"].map(|name| look_up(name, &answers));
        assert!(answers.borrow().is_empty());
        wait_for(&answers, 3);
        let mut answers = answers.take();
        answers.sort_by_key(QHostInfo::lookup_id);
        assert_eq!([0, 1, 2].map(|at| answers[at].lookup_id()), ids.map(Some));
        assert!(answers[0].addresses().contains(&QHostAddress::LocalHost));
        assert_eq!((answers[0].error(), answers[0].host_name()), (None, "localhost"));
        for (info, text) in [(&answers[1], "No host name given"), (&answers[2], "Invalid hostname")]
        {
            assert_eq!(
                (info.error(), info.error_string()),
                (Some(HostInfoErrorKind::HostNotFound), text)
            );
            let error = info.result().unwrap_err();
            assert_eq!(error, HostInfoErrorKind::HostNotFound);
            assert_eq!(error.to_string(), text);
            assert!(info.addresses().is_empty());
        }
    });
}

#[test]
fn names_of_all_languages() {
    let _alone = cache_alone();
    // Fullwidth letters map to ASCII, so this name can be looked up without a network.
    let name = "\u{ff2c}\u{ff2f}\u{ff23}\u{ff21}lhost";
    let info = QHostInfo::from_name(name);
    assert_eq!((info.error(), info.host_name()), (None, name));
    assert!(info.addresses().contains(&QHostAddress::LocalHost));
    let info = QHostInfo::from_name("b\u{fc}cher.invalid");
    assert_eq!(info.error_string(), "Host not found");
}

#[test]
fn an_address_gives_its_name() {
    // The machine's hosts file has this name.
    let name = QHostInfo::from_name("127.0.0.1").host_name().to_owned();
    assert!(name.parse::<QHostAddress>().is_err(), "{name}");
    with_and_without_cache(|_| {
        let answers = Rc::default();
        for text in ["127.0.0.1", "127.1", " 127.0.0.1 "] {
            look_up(text, &answers);
            assert_eq!(QHostInfo::from_name(text).host_name(), name);
        }
        wait_for(&answers, 3);
        for info in answers.take() {
            assert_eq!((info.host_name(), info.error()), (name.as_str(), None));
            assert_eq!(info.addresses(), [QHostAddress::LocalHost]);
        }
    });
    let info = QHostInfo::from_name("1::2::3::4");
    assert_eq!(
        (info.host_name(), info.error()),
        ("1::2::3::4", Some(HostInfoErrorKind::HostNotFound))
    );
    assert_eq!(info.error_string(), "Invalid hostname");
}

#[test]
fn who_connects_does_not_ask_for_the_name_of_an_address() {
    let Lookup::Answer(info) = Lookup::begin_for_address("192.0.2.1") else { panic!("unanswered") };
    assert_eq!(info.host_name(), "192.0.2.1");
    assert!(matches!(Lookup::begin("192.0.2.1"), Lookup::Ask));
}

#[test]
fn waiting_and_not_waiting_come_to_the_same() {
    with_and_without_cache(|_| {
        let answers = Rc::default();
        for name in ["localhost", "127.0.0.1", "", "no name", "host.invalid"] {
            look_up(name, &answers);
            wait_for(&answers, 1);
            let mut info = answers.take().remove(0);
            info.set_lookup_id(None);
            assert_eq!(info, QHostInfo::from_name(name));
        }
    });
}

#[test]
fn ten_equal_look_ups_give_ten_answers() {
    with_and_without_cache(|_| {
        let answers = Rc::default();
        let ids: Vec<_> = (0..10).map(|_| look_up("localhost", &answers)).collect();
        wait_for(&answers, 10);
        let mut answered: Vec<_> =
            answers.borrow().iter().filter_map(QHostInfo::lookup_id).collect();
        answered.sort_unstable();
        assert_eq!(answered, ids);
        assert!(answers.borrow().iter().all(|info| info.error().is_none()));
        assert!(answers.borrow().iter().all(|info| info.error_string() == "Unknown error"));
    });
}

#[test]
fn different_look_ups_give_an_answer_each() {
    with_and_without_cache(|_| {
        let names = ["localhost", "127.0.0.1", "----", "LOCALHOST", "", "host.invalid", "a..b"];
        let answers: Answers = Rc::default();
        let counts = Rc::new(names.map(|_| Cell::new(0)));
        for (at, name) in names.into_iter().enumerate() {
            look_up(name, &answers);
            QHostInfo::lookup_host(name, &counts, move |counts, _| counts[at].update(|n| n + 1));
        }
        wait_for(&answers, names.len());
        let came = wait_until(10_000, || counts.iter().all(|count| count.get() > 0));
        assert!(came && counts.iter().all(|count| count.get() == 1));
        assert_eq!(answers.borrow().len(), names.len());
    });
}

/// A name that no other test looks up. The cache distinguishes capital letters.
const NAME: &str = "LocalHost";

#[test]
fn a_name_that_is_remembered_is_known_at_once() {
    with_and_without_cache(|enabled| {
        let known = || matches!(Lookup::begin(NAME), Lookup::Answer(_));
        assert!(!known());
        let answers = Rc::default();
        look_up(NAME, &answers);
        assert!(!known());
        wait_for(&answers, 1);
        assert_eq!(known(), enabled);
        // `lookup_host` still answers from the loop, and only once.
        look_up(NAME, &answers);
        assert_eq!(answers.borrow().len(), 1);
        wait_for(&answers, 2);
        cache::reset(!enabled);
        assert!(!known());
        let _ = QHostInfo::from_name(NAME);
        assert_eq!(known(), enabled);
    });
}

#[test]
fn waiting_asks_anew_each_time() {
    let _alone = cache_alone();
    cache::reset(false);
    cache::put(NAME, &QHostInfo::found("old", vec![]));
    assert_eq!(QHostInfo::from_name(NAME).host_name(), NAME);
    let remembered = cache::get(NAME).map(|info| info.host_name().to_owned());
    assert_eq!(remembered.as_deref(), Some(NAME));
}

#[test]
fn no_answer_after_abort_or_to_the_dead() {
    let _alone = cache_alone();
    let answers: Answers = Rc::default();
    for name in ["localhost", "127.0.0.1", "", "no name"] {
        let id = look_up(name, &answers);
        QHostInfo::abort_host_lookup(id);
        QHostInfo::abort_host_lookup(id);
    }
    let dead: Answers = Rc::default();
    look_up("localhost", &dead);
    let gone = Rc::downgrade(&dead);
    drop(dead);
    let (object, called) = (QObject::new(), Rc::new(Cell::new(false)));
    let tell = called.clone();
    QHostInfo::lookup_host("localhost", &object, move |_, _| tell.set(true));
    drop(object);

    let last = look_up("localhost", &answers);
    wait_for(&answers, 1);
    assert_eq!(answers.borrow()[0].lookup_id(), Some(last));
    assert!(gone.upgrade().is_none() && !called.get());
    QHostInfo::abort_host_lookup(last);
}

#[test]
fn names_that_are_none() {
    for name in ["a\0b", "localhost\0", "..", "%", &"x".repeat(64), &"x".repeat(5000)] {
        let info = QHostInfo::from_name(name);
        assert_eq!(info.error(), Some(HostInfoErrorKind::HostNotFound), "{name:?}");
        assert_eq!((info.error_string(), info.host_name()), ("Invalid hostname", name));
    }
    // Each label is valid, but the whole name is too long. The resolver knows that without asking.
    let info = QHostInfo::from_name(&"a.".repeat(2000));
    assert_eq!(info.error(), Some(HostInfoErrorKind::HostNotFound));
    assert_eq!(info.error_string(), "Host not found");
}
