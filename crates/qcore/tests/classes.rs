//! Classes of one's own, declared by `class!`.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use qcore::{
    Destructor, DeviceError, EventHandler, EventType, OpenMode, QChildEvent, QCoreApplication,
    QEvent, QIODevice, QObject, QPointer, QTimer, QTimerEvent, Signal, class, classes::Inherits,
    io_device, wait_until,
};

use crate::common::Log;

class! {
    /// Adds up.
    pub(crate) struct Counter: QObject {
        /// The value is another one.
        pub changed: Signal<i32>,
        /// There is a new value and a reason.
        pub explained: Signal<(i32, Vec<Vec<u8>>)>,
        step: i32,
        value: Cell<i32> = Cell::new(step * 10),
        child ticker: QTimer = QTimer::new(),
        log: Log,
    }
}

impl Counter {
    fn new(step: i32, log: &Log) -> Self {
        let this = Self::derive(QObject::new(), step, log.clone());
        this.ticker.timeout.connect_slot(&this, Self::add);
        this
    }

    fn add(&self) {
        self.value.set(self.value.get() + self.step);
        self.changed.emit(self.value.get());
    }
}

impl EventHandler for Counter {
    fn timer_event(&self, event: &QTimerEvent) {
        self.kill_timer(event.timer_id());
        self.log.add("Counter::timer_event");
    }

    fn custom_event(&self, _: &QEvent) {
        self.log.add("Counter::custom_event");
    }

    fn child_event(&self, event: &QChildEvent) {
        self.log.add(if event.added() { "Counter: child came" } else { "Counter: child left" });
    }

    fn event_filter(&self, _: &QObject, event: &QEvent) -> bool {
        self.log.add("Counter::event_filter");
        event.event_type() == EventType::user(7)
    }
}

impl Destructor for Counter {
    fn destructor(&self) {
        self.log.add("~Counter");
        self.changed.emit(-1);
    }
}

class! {
    /// One over a class of one's own. It overrides a part of what that overrides.
    struct Special: Counter {
        name: &'static str,
    }
}

impl Special {
    fn new(name: &'static str, log: &Log) -> Self {
        Special::derive(Counter::new(2, log), name)
    }
}

impl EventHandler for Special {
    fn custom_event(&self, event: &QEvent) {
        self.log.add(format_args!("Special::custom_event of {}", self.name));
        if event.event_type() == EventType::user(1) {
            Counter::custom_event(self, event);
        }
    }
}

impl Destructor for Special {
    fn destructor(&self) {
        self.log.add("~Special");
    }
}

class! {
    /// One without anything.
    struct Plain: Special {}
}

/// Ends an object, whatever handles there are.
fn delete_now(object: &QObject) {
    object.delete_later();
    let deletion = EventType::DEFERRED_DELETE;
    QCoreApplication::send_posted_events_of_type(Some(object), deletion);
    assert!(object.is_deleted());
}

#[test]
fn a_handle_of_fields_and_signals() {
    let log = Log::default();
    let counter = Counter::new(3, &log);
    assert_eq!((counter.step, counter.value.get()), (3, 30));
    counter.changed.connect(log.slot_of("changed to"));
    let same = counter.clone();
    log.take();
    same.add();
    assert_eq!(counter.value.get(), 33);
    assert!(same == counter);
    assert_eq!(log.take(), ["changed to 33"]);
    assert!(format!("{counter:?}").starts_with("Counter(0x"));

    // Its signals belong to it.
    counter.block_signals(true);
    counter.add();
    assert!(log.take().is_empty());
    counter.block_signals(false);
    counter.changed.connect_to(&counter, |counter, _| {
        assert!(qcore::sender() == Some(counter.into()));
    });
    counter.add();
    assert_eq!(log.take(), ["changed to 39"]);
}

#[test]
fn slots_get_the_object() {
    let counter = Counter::new(1, &Log::default());
    counter.ticker.start_with_interval(1);
    let target = 13;
    assert!(wait_until(5000, || counter.value.get() >= target));
    // From within a slot it is cloned, connected and handed on.
    let kept = Rc::new(RefCell::new(None));
    counter.changed.connect_to((&counter, &kept), |(counter, kept), _| {
        *kept.borrow_mut() = Some(counter.clone());
        counter.explained.connect_slot(counter, Counter::add);
    });
    counter.add();
    assert!(kept.borrow().as_ref() == Some(&counter));
    assert!(counter.explained.is_connected());
}

#[test]
fn a_family() {
    let (log, parent) = (Log::default(), QObject::new());
    let special = Special::new("Ann", &log).with_parent(&parent);
    assert!(parent.find_child::<Special>(None) == Some(special.clone()));
    assert!(parent.find_child::<Counter>(None).is_some());
    assert!(parent.find_child::<Plain>(None).is_none());
    assert_eq!(parent.find_children::<QTimer>(None).len(), 1);

    let object: QObject = (&special).into();
    let counter: Counter = special.clone().into();
    assert!(object.cast::<Special>() == Some(special.clone()));
    assert!(counter.cast::<Special>() == Some(special.clone()));
    assert!(object.cast::<Plain>().is_none() && object.cast::<QTimer>().is_none());

    fn step_of(counter: &impl Inherits<Counter>) -> i32 {
        counter.as_base().step
    }
    assert_eq!((step_of(&special), step_of(&counter)), (2, 2));

    // The parent keeps it, and ends it.
    let pointer = QPointer::new(&special);
    drop((special, object, counter));
    assert!(!pointer.is_null());
    log.take();
    drop(parent);
    assert!(pointer.is_null());
    assert_eq!(log.take(), ["~Special", "~Counter"]);
}

#[test]
fn fields_that_are_children() {
    class! {
        struct Parts: QObject {
            pub child first: QObject = QObject::new(),
            child given: Counter,
            child: Cell<i32> = Cell::new(7), // the word is still a name
            not: QTimer = QTimer::new(),
            log: Log,
        }
    }
    impl EventHandler for Parts {
        fn child_event(&self, event: &QChildEvent) {
            let which = if *event.child() == self.first { "first" } else { "given" };
            self.log.add(format!("{which} {}", event.added()));
        }
    }
    let log = Log::default();
    let parts = Parts::derive(QObject::new(), Counter::new(1, &Log::default()), log.clone());
    assert_eq!(log.take(), ["first true", "given true"]);
    assert!(parts.children() == [parts.first.clone(), parts.given.clone().into()]);
    assert_eq!(parts.child.get(), 7);
    assert!(parts.not.parent().is_none());

    // Children die with the object, although it still has a handle; other fields do not.
    let home = QObject::new();
    parts.set_parent(Some(&home));
    let pointer = QPointer::new(&parts.not);
    drop(home);
    assert!(parts.is_deleted() && parts.first.is_deleted() && parts.given.is_deleted());
    assert!(!parts.not.is_deleted());
    drop(parts);
    assert!(pointer.is_null());
}

#[test]
fn a_parent_in_a_constructor() {
    let parent = QObject::new();
    let timer = QTimer::with_interval(20).with_parent(&parent);
    Plain::derive(Special::new("Bob", &Log::default()).with_parent(&parent));
    assert!(parent.children()[0] == timer.clone().into());
    assert!(parent.children()[1].cast::<Plain>().is_some());
    drop(parent);
    assert!(timer.is_deleted());

    // Nothing is gained by a dead parent.
    let dead = timer;
    assert!(QObject::new().with_parent(&dead).parent().is_none());
}

#[test]
fn death_by_the_last_handle() {
    let log = Log::default();
    let special = Special::new("Ann", &log);
    special.changed.connect(log.slot_of("changed to"));
    special.destroyed.connect(log.slot("destroyed"));
    let base: QObject = special.clone().into();
    drop(special);
    log.take();
    // A handle of a base class keeps the whole object.
    assert!(base.cast::<Special>().is_some());
    drop(base);
    assert_eq!(log.take(), ["~Special", "~Counter", "changed to -1", "destroyed"]);
}

#[test]
fn delete_later() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let counter = Counter::new(1, &log);
    counter.destroyed.connect_slot(&app, QCoreApplication::quit);
    counter.delete_later();
    app.exec();
    assert!(counter.is_deleted());
    assert_eq!(counter.step, 1, "what is left of it can be looked at");
    assert!(QPointer::new(&counter).is_null());
}

#[test]
fn overriding_is_writing_it() {
    let log = Log::default();
    let counter = Counter::new(1, &log);
    log.take();
    counter.start_timer(1);
    assert!(wait_until(5000, || log.take() == ["Counter::timer_event"]));
    assert!(QCoreApplication::send_event(&counter, &QEvent::new(EventType::USER)));
    assert!(!QCoreApplication::send_event(&counter, &QEvent::new(EventType::NONE)));
    assert_eq!(log.take(), ["Counter::custom_event"]);
}

#[test]
fn a_derived_class_overrides_a_part() {
    for derive in [
        |log: &Log| Special::new("Ann", log),
        |log: &Log| {
            let plain = Plain::derive(Special::new("Ann", log));
            Special::clone(&plain)
        },
    ] {
        let log = Log::default();
        let object = derive(&log);
        log.take();
        // It has its own custom_event(), which may call the base class's.
        QCoreApplication::send_event(&object, &QEvent::new(EventType::USER));
        assert_eq!(log.take(), ["Special::custom_event of Ann"]);
        QCoreApplication::send_event(&object, &QEvent::new(EventType::user(1)));
        assert_eq!(log.take(), ["Special::custom_event of Ann", "Counter::custom_event"]);
        // It has no timer_event(), child_event() and event_filter(): the base class's are called.
        object.start_timer(1);
        assert!(wait_until(5000, || log.take() == ["Counter::timer_event"]));
        let child = QObject::new();
        child.set_parent(Some(&object));
        assert_eq!(log.take(), ["Counter: child came"]);
        let watched = QObject::new();
        watched.install_event_filter(&object);
        assert!(!QCoreApplication::send_event(&watched, &QEvent::new(EventType::NONE)));
        assert!(QCoreApplication::send_event(&watched, &QEvent::new(EventType::user(7))));
        assert_eq!(log.take(), ["Counter::event_filter"; 2]);
        // Unknown is unknown still.
        assert!(!QCoreApplication::send_event(&object, &QEvent::new(EventType::NONE)));
    }
}

#[test]
fn a_filter_is_called_as_the_class_has_it() {
    class! {
        struct Deaf: Counter {}
    }
    impl EventHandler for Deaf {
        fn event_filter(&self, _: &QObject, _: &QEvent) -> bool {
            self.log.add("Deaf::event_filter");
            true
        }
    }
    let log = Log::default();
    let deaf = Deaf::derive(Counter::new(1, &log));
    log.take();
    let watched = QObject::new();
    // Installed by a handle of the base class.
    watched.install_event_filter::<Counter>(&deaf);
    assert!(QCoreApplication::send_event(&watched, &QEvent::new(EventType::NONE)));
    assert_eq!(log.take(), ["Deaf::event_filter"]);
}

#[test]
fn a_handler_that_is_set_comes_instead() {
    struct Other(Log);
    impl EventHandler for Other {
        fn custom_event(&self, _: &QEvent) {
            self.0.add("Other::custom_event");
        }
    }
    let log = Log::default();
    let (counter, other) = (Counter::new(1, &log), Rc::new(Other(log.clone())));
    log.take();
    counter.set_event_handler(&other);
    QCoreApplication::send_event(&counter, &QEvent::new(EventType::USER));
    assert_eq!(log.take(), ["Other::custom_event"]);
}

class! {
    /// A device of one's own: gives the letters up to a number of them.
    struct Letters: QIODevice {
        left: Cell<u8>,
        written: RefCell<Vec<u8>> = RefCell::default(),
    }
}

impl Letters {
    fn new(count: u8) -> Self {
        Self::derive(QIODevice::without_backend(), count.into())
    }
}

impl io_device::DeviceBackend for Letters {
    fn class_name(&self) -> &'static str {
        "Letters"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        let count = data.len().min(self.left.get().into());
        for place in &mut data[..count] {
            *place = b'a' + self.left.get() - 1;
            self.left.set(self.left.get() - 1);
        }
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.written.borrow_mut().extend_from_slice(data);
        Ok(data.len())
    }
}

class! {
    /// A device over it.
    struct Capitals: Letters {}
}

impl Capitals {
    fn letters(&self) -> &Letters {
        self
    }
}

impl io_device::DeviceBackend for Capitals {
    fn class_name(&self) -> &'static str {
        "Capitals"
    }

    fn is_sequential(&self) -> bool {
        io_device::DeviceBackend::is_sequential(self.letters())
    }

    fn read_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        let count = io_device::DeviceBackend::read_data(self.letters(), device, data)?;
        data[..count].make_ascii_uppercase();
        Ok(count)
    }

    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        io_device::DeviceBackend::write_data(self.letters(), device, data)
    }
}

#[test]
fn devices() {
    let letters = Letters::new(4);
    letters.open(OpenMode::READ_WRITE).unwrap();
    let device: &QIODevice = &letters;
    assert_eq!(device.read(2), b"dc");
    assert_eq!(device.peek(1), b"b");
    device.write("hello").unwrap();
    assert_eq!(*letters.written.borrow(), b"hello");

    let capitals = Capitals::derive(Letters::new(3));
    capitals.open(OpenMode::READ_WRITE).unwrap();
    assert_eq!(QIODevice::from(&capitals).read_all(), b"CBA");
    // A dead one is closed, and reads nothing.
    delete_now(&capitals);
    assert_eq!(capitals.read_all(), b"");
}

#[test]
fn a_destructor_that_panics() {
    class! {
        struct Clumsy: Counter {}
    }
    impl Destructor for Clumsy {
        fn destructor(&self) {
            panic!("in the destructor");
        }
    }
    let log = Log::default();
    let clumsy = Clumsy::derive(Counter::new(1, &log));
    let remains = QPointer::new(&clumsy);
    log.take();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(clumsy))).is_err());
    // The base class's destructor has run all the same, and the object is dead.
    assert_eq!(log.take(), ["~Counter"]);
    assert!(remains.is_null());
}

#[test]
fn a_value_that_panics() {
    class! {
        struct Broken: QObject {
            number: i32 = "no number".parse().unwrap(),
        }
    }
    let object = QObject::new();
    let log = Log::default();
    object.destroyed.connect(log.slot("destroyed"));
    let result = catch_unwind(AssertUnwindSafe(|| Broken::derive(object)));
    assert!(result.map(|broken| broken.number).is_err());
    assert_eq!(log.take().len(), 1, "the base object has died, and once");
}

#[test]
fn deriving_from_what_is_there_already() {
    // Other handles of the base object are handles of the whole.
    let object = QObject::new();
    let other = object.clone();
    let counter = Counter::derive(object, 1, Log::default());
    assert!(other.cast::<Counter>() == Some(counter.clone()));
    drop(counter);
    assert!(!other.is_deleted());
    assert!(other.cast::<Counter>().is_some());

    // An object of a derived class cannot become one of another.
    let counter = Counter::new(1, &Log::default());
    let object: QObject = counter.clone().into();
    let again = catch_unwind(AssertUnwindSafe(|| Counter::derive(object, 1, Log::default())));
    assert!(again.is_err());
    assert!(!counter.is_deleted());

    // A dead one stays dead, and nothing is left behind.
    let object = QObject::new();
    delete_now(&object);
    let token = Log::default();
    let counter = Counter::derive(object, 1, token.clone());
    assert!(counter.is_deleted() && counter.cast::<Counter>().is_none());
    drop(counter);
    assert_eq!(token.holders(), 1);
}

/// Declares a class and one that derives from it, for each name.
macro_rules! letters {
    ($($letter:ident)*) => {
        $(
            mod $letter {
                use qcore::{QObject, Signal, class};

                class! {
                    pub struct $letter: QObject {
                        pub changed: Signal<i32>,
                        child part: QObject = QObject::new(),
                        value: i32,
                    }
                }

                class! {
                    pub struct Derived: $letter {
                        child sibling: $letter = $letter::derive(QObject::new(), 2),
                    }
                }

                pub(super) fn check() {
                    let object = Derived::derive($letter::derive(QObject::new(), 1));
                    let base: $letter = object.clone().into();
                    assert_eq!(base.class_name(), "Derived");
                    assert_eq!(base.value + object.sibling.value, 3);
                    assert!(base.cast::<Derived>().is_some_and(|again| again == object));
                }
            }
        )*

        #[test]
        fn names_of_one_letter() {
            $($letter::check();)*
        }
    };
}

#[allow(non_snake_case)]
mod letters {
    letters! { A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }
}

#[test]
fn nothing_is_left_behind() {
    let token = Log::default();
    let counter = Counter::new(1, &token);
    // A slot that holds its own object: the object's death cuts it.
    let held = counter.clone();
    counter.explained.connect(move |_| held.add());
    delete_now(&counter);
    drop(counter);
    assert_eq!(token.holders(), 1);
}
