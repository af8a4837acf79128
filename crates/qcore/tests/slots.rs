//! Slots as methods of any shape, and what they can belong to.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    sync::Arc,
};

use qcore::{
    ConnectionType, EventType, QCoreApplication, QObject, QPointer, QTimer, Signal, class,
    wait_until,
};

use crate::common::Log;

class! {
    /// Writes down what its slots are given.
    struct Taker: QObject {
        log: Log,
    }
}

impl Taker {
    fn new() -> (Self, Log) {
        let log = Log::default();
        (Self::derive(QObject::new(), log.clone()), log)
    }

    fn nothing(&self) {
        self.log.add("nothing");
    }

    fn text_by_reference(&self, text: &String) {
        self.log.add(text);
    }

    fn text_lent(&self, text: &str) {
        self.log.add(text);
    }

    fn text_by_value(&self, text: String) {
        self.log.add(text);
    }

    fn number(&self, number: i32) {
        self.log.add(number);
    }

    fn number_by_reference(&self, number: &i32) {
        self.log.add(number);
    }

    fn bytes(&self, bytes: &[u8]) {
        self.log.add(bytes.len());
    }

    fn pair(&self, pair: &(String, i32)) {
        self.log.add(format_args!("{pair:?}"));
    }

    fn text_and_number(&self, text: &str, number: i32) {
        self.log.add(format_args!("{text} {number}"));
    }

    fn text_and_number_otherwise(&self, text: String, number: &i32) {
        self.log.add(format_args!("{text} {number}"));
    }

    fn three(&self, number: i32, bytes: &[u8], text: &str) {
        self.log.add(format_args!("{number} {bytes:?} {text}"));
    }

    fn four(&self, a: &i32, b: i64, c: &str, d: Vec<u8>) {
        self.log.add(format_args!("{a} {b} {c} {d:?}"));
    }

    fn beside(&self, timer: &QTimer) {
        self.log.add(format_args!("beside {}", timer.object_name()));
    }

    fn beside_and_number(&self, timer: &QTimer, number: i32) {
        self.log.add(format_args!("{number} beside {}", timer.object_name()));
    }

    fn beside_and_pair(&self, timer: &QTimer, text: &str, number: &i32) {
        self.log.add(format_args!("{text} {number} beside {}", timer.object_name()));
    }
}

#[test]
fn of_one_value() {
    let (taker, log) = Taker::new();
    let text = Signal::<String>::new();
    text.connect_slot(&taker, Taker::nothing);
    text.connect_slot(&taker, Taker::text_by_reference);
    text.connect_slot(&taker, Taker::text_lent);
    text.connect_slot(&taker, Taker::text_by_value);
    text.emit("a".to_owned());
    assert_eq!(log.take(), ["nothing", "a", "a", "a"]);

    let number = Signal::<i32>::new();
    number.connect_slot(&taker, Taker::nothing);
    number.connect_slot(&taker, Taker::number);
    number.connect_slot(&taker, Taker::number_by_reference);
    // A closure does as well, if its parameters have types.
    number.connect_slot(&taker, |taker: &Taker, number: i32| taker.number(-number));
    number.emit(5);
    assert_eq!(log.take(), ["nothing", "5", "5", "-5"]);

    let bytes = Signal::<Vec<u8>>::new();
    bytes.connect_slot(&taker, Taker::bytes);
    bytes.emit(vec![1, 2]);
    let shared = Signal::<Rc<str>>::new();
    shared.connect_slot(&taker, Taker::text_lent);
    shared.emit("shared".into());
    let sent = Signal::<Arc<[u8]>>::new();
    sent.connect_slot(&taker, Taker::bytes);
    sent.emit(Arc::new([1, 2, 3]));
    let boxed = Signal::<Box<str>>::new();
    boxed.connect_slot(&taker, Taker::text_lent);
    boxed.emit("boxed".into());
    let fixed = Signal::<&'static str>::new();
    fixed.connect_slot(&taker, Taker::text_lent);
    fixed.emit("fixed");
    assert_eq!(log.take(), ["2", "shared", "3", "boxed", "fixed"]);

    let none = Signal::<()>::new();
    none.connect_slot(&taker, Taker::nothing);
    none.emit(());
    assert_eq!(log.take(), ["nothing"]);
}

#[test]
fn of_several_values() {
    let (taker, log) = Taker::new();
    let two = Signal::<(String, i32)>::new();
    two.connect_slot(&taker, Taker::nothing);
    two.connect_slot(&taker, Taker::pair);
    two.connect_slot(&taker, Taker::text_and_number);
    two.connect_slot(&taker, Taker::text_and_number_otherwise);
    two.connect_slot(&taker, Taker::text_lent);
    two.emit(("a".to_owned(), 1));
    assert_eq!(log.take(), ["nothing", "(\"a\", 1)", "a 1", "a 1", "a"]);

    let three = Signal::<(i32, Vec<u8>, String)>::new();
    three.connect_slot(&taker, Taker::three);
    three.connect_slot(&taker, Taker::number);
    three.emit((1, vec![2], "c".to_owned()));
    assert_eq!(log.take(), ["1 [2] c", "1"]);

    let four = Signal::<(i32, i64, String, Vec<u8>)>::new();
    four.connect_slot(&taker, Taker::four);
    four.connect_slot(&taker, Taker::nothing);
    four.emit((1, 2, "c".to_owned(), vec![4]));
    assert_eq!(log.take(), ["1 2 c [4]", "nothing"]);
}

#[test]
fn a_base_class_has_it() {
    let (taker, _) = Taker::new();
    let (done, timer) = (Signal::<()>::new(), QTimer::new());
    timer.start_with_interval(1000);
    done.connect_slot(&timer, QTimer::stop);
    done.connect_slot(&taker, QObject::delete_later);
    done.emit(());
    assert!(!timer.is_active());
    let app = QCoreApplication::new();
    taker.destroyed.connect_slot(&app, QCoreApplication::quit);
    assert_eq!(app.exec(), 0);
}

#[derive(Default)]
struct Sum {
    this: Weak<Sum>,
    sum: Cell<i32>,
}

impl Sum {
    fn new() -> Rc<Self> {
        Rc::new_cyclic(|this| Sum { this: this.clone(), sum: Cell::default() })
    }

    fn add(&self, number: i32) {
        self.sum.set(self.sum.get() + number);
    }

    fn add_for(&self, taker: &Taker, number: i32) {
        self.add(number);
        taker.number(self.sum.get());
    }
}

#[test]
fn of_an_rc_and_of_a_weak() {
    let (number, sum) = (Signal::<i32>::new(), Sum::new());
    number.connect_slot(&sum, Sum::add);
    number.connect_slot(&sum.this, Sum::add);
    number.connect_to(&sum.this, |sum, number| sum.add(*number));
    number.emit(2);
    assert_eq!(sum.sum.get(), 6);
    // All three are connections to the same.
    assert!(number.disconnect_receiver(&sum));
    assert!(!number.is_connected());

    let connection = number.connect_slot(&sum.this, Sum::add);
    let weak = sum.this.clone();
    drop(sum);
    assert!(!connection.is_connected());
    assert!(!number.connect_slot(&weak, Sum::add).is_connected());
    number.emit(1);
}

#[test]
fn of_two() {
    let (taker, log) = Taker::new();
    let timer = QTimer::new();
    timer.set_object_name("tick");
    let (none, number) = (Signal::<()>::new(), Signal::<i32>::new());
    let two = Signal::<(String, i32)>::new();
    none.connect_slot((&taker, &timer), Taker::beside);
    number.connect_slot((&taker, &timer), Taker::beside);
    number.connect_slot((&taker, &timer), Taker::beside_and_number);
    two.connect_slot((&taker, &timer), Taker::beside_and_pair);
    two.connect_to((&taker, &timer), |(taker, timer), (text, number)| {
        taker.beside_and_pair(timer, text, number);
    });
    none.emit(());
    number.emit(3);
    two.emit(("a".to_owned(), 4));
    let expected =
        ["beside tick", "beside tick", "3 beside tick", "a 4 beside tick", "a 4 beside tick"];
    assert_eq!(log.take(), expected);

    // An `Rc` and an object, either way.
    let sum = Sum::new();
    let both = number.connect_slot((&sum, &taker), Sum::add_for);
    number.connect_to((&taker, &sum.this), |(taker, sum), number| {
        taker.number(number + sum.sum.get());
    });
    number.emit(1);
    assert_eq!(log.take(), ["beside tick", "1 beside tick", "1", "2"]);

    // The connection is dead as soon as one of both is.
    drop(sum);
    assert!(!both.is_connected());
    drop(timer);
    assert!(!none.is_connected() && !two.is_connected());
    number.emit(1);
    assert!(log.take().is_empty());
    assert!(!number.is_connected());
}

#[test]
fn the_second_dies_while_it_is_told() {
    let (taker, log) = Taker::new();
    let timer = QTimer::new();
    let (number, holder) = (Signal::<i32>::new(), Rc::new(Cell::new(Some(timer.clone()))));
    number.connect_to(&holder, |holder, _| drop(holder.take()));
    number.connect_slot((&taker, &timer), Taker::beside_and_number);
    drop(timer);
    number.emit(1);
    assert!(log.take().is_empty());
}

#[test]
fn two_are_told_apart_by_both() {
    let (taker, log) = Taker::new();
    let (first, second) = (QTimer::new(), QTimer::new());
    first.set_object_name("first");
    second.set_object_name("second");
    let number = Signal::<i32>::new();
    let connect = |timer: &QTimer| {
        let unique = ConnectionType::UNIQUE;
        number
            .connect_slot_with_type((&taker, timer), unique, Taker::beside_and_number)
            .is_connected()
    };
    assert!(connect(&first) && connect(&second));
    assert!(!connect(&first) && !connect(&second));
    assert!(number.disconnect_slot((&taker, &first), Taker::beside_and_number));
    assert!(!number.disconnect_slot((&taker, &first), Taker::beside_and_number));
    number.emit(1);
    assert_eq!(log.take(), ["1 beside second"]);
    // The first of both is the receiver.
    assert!(!number.disconnect_receiver(&second) && number.disconnect_receiver(&taker));
}

#[test]
fn queued_and_once() {
    let (taker, log) = Taker::new();
    let timer = QTimer::new();
    let two = Signal::<(String, i32)>::new();
    let later_once = ConnectionType::QUEUED | ConnectionType::SINGLE_SHOT;
    two.connect_slot_with_type(&taker, later_once, Taker::text_and_number);
    two.connect_slot_with_type((&taker, &timer), ConnectionType::QUEUED, Taker::beside_and_pair);
    two.emit(("a".to_owned(), 1));
    two.emit(("b".to_owned(), 2));
    assert!(log.take().is_empty());
    assert!(wait_until(5000, || log.len() == 3));
    assert_eq!(log.take(), ["a 1", "a 1 beside ", "b 2 beside "]);
    two.emit(("c".to_owned(), 3));
    drop(timer);
    QCoreApplication::new().process_events();
    assert!(log.take().is_empty());
}

#[test]
fn disconnecting_a_method_of_any_shape() {
    let (taker, log) = Taker::new();
    let two = Signal::<(String, i32)>::new();
    two.connect_slot(&taker, Taker::text_and_number);
    two.connect_slot(&taker, Taker::nothing);
    assert!(two.disconnect_slot(&taker, Taker::text_and_number));
    assert!(!two.disconnect_slot(&taker, Taker::text_and_number));
    two.emit(("a".to_owned(), 1));
    assert_eq!(log.take(), ["nothing"]);
    // The same method, whichever way it was connected.
    let number = Signal::<i32>::new();
    number.connect_to(&taker, Taker::number_by_reference);
    assert!(number.disconnect_slot(&taker, Taker::number_by_reference));
}

#[test]
fn a_dead_receiver() {
    let (taker, _) = Taker::new();
    let (timer, number) = (QTimer::new(), Signal::<i32>::new());
    taker.delete_later();
    let deletion = EventType::DEFERRED_DELETE;
    QCoreApplication::send_posted_events_of_type(Some(&taker), deletion);
    assert!(QPointer::new(&taker).is_null());
    assert!(!number.connect_slot(&taker, Taker::number).is_connected());
    assert!(!number.connect_slot((&timer, &taker), |_: &QTimer, _: &Taker| ()).is_connected());
    assert!(!number.is_connected());
}

#[test]
fn the_backtrace_of_a_slot_names_its_caller() {
    #[inline(never)]
    fn one_that_borrows(names: &RefCell<Vec<String>>, said: &Signal<String>) {
        let names = names.borrow_mut();
        said.emit(names.len().to_string());
    }
    let (names, said) = (Rc::new(RefCell::new(Vec::new())), Signal::new());
    let found = Rc::new(Cell::new(false));
    said.connect_to((&names, &found), |(names, found), _| {
        assert!(names.try_borrow().is_err());
        let backtrace = std::backtrace::Backtrace::force_capture().to_string();
        found.set(backtrace.contains("one_that_borrows"));
    });
    one_that_borrows(&names, &said);
    assert!(found.get());
}

#[test]
fn a_queued_slot_runs_when_the_caller_has_returned() {
    let names = Rc::new(RefCell::new(vec!["Ann".to_owned()]));
    let left = Signal::<String>::new();
    fn remove(names: &RefCell<Vec<String>>, name: &str) {
        names.borrow_mut().retain(|other| other != name);
    }
    left.connect_queued(&names, remove);
    for name in &*names.borrow() {
        left.emit(name.clone());
    }
    assert_eq!(names.borrow().len(), 1);
    assert!(wait_until(5000, || names.borrow().is_empty()));

    left.disconnect_slot(&names, remove);
    assert!(!left.is_connected());
}
