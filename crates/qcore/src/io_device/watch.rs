//! [`ReadWatch`]: what happens to bytes that a program leaves unread.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    fmt::Write as _,
    panic::Location,
    rc::{Rc, Weak},
    time::Duration,
};

use super::{DeviceNode, QIODevice};
use crate::{
    classes::Object,
    event_loop::{Deliver, TimerId},
    id::ObjectId,
    signal::ScopedConnection,
    time::{Interval, TimerType},
};

/// What a device does about bytes that the program leaves unread. Most devices do nothing.
pub(super) struct ReadWatch {
    device: Weak<DeviceNode>,
    is_level_triggered: Cell<bool>,
    /// Whether the loop will look at the device.
    is_posted: Cell<bool>,
    /// How long bytes may lie unread before that is logged.
    patience: Cell<Option<Duration>>,
    /// The timer that looks at the device.
    timer: Cell<Option<TimerId>>,
    /// Whether the program has read anything since the timer was started.
    was_read: Cell<bool>,
    /// The slot at `ready_read`. There is none while the watch has nothing to do.
    slot: RefCell<Option<ScopedConnection>>,
}

/// # Unread bytes
impl QIODevice {
    /// Sets whether the device emits [`ready_read`](DeviceNode::ready_read) again while there are
    /// unread bytes. The default is `false`, as in Qt: the device emits the signal only when new
    /// data arrives.
    ///
    /// A level-triggered device emits the signal once in each turn of the event loop while
    /// [`bytes_available`](QIODevice::bytes_available) is not 0. So a slot that reads one message
    /// for each emission gets all of them. If a program leaves bytes unread on purpose, the loop
    /// never waits, until the program switches this off.
    ///
    /// If a slot runs an event loop of its own, that loop does not emit the signal again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::{OpenMode, QBuffer, wait_until};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_WRITE)?;
    /// buffer.set_level_triggered(true);
    /// let lines = Rc::new(RefCell::new(Vec::new()));
    /// let read = lines.clone();
    /// buffer.ready_read.connect_to(&buffer, move |buffer, ()| {
    ///     read.borrow_mut().push(buffer.read_line()); // one line only
    /// });
    /// buffer.write("one\ntwo\nthree\n")?;
    /// buffer.reset()?;
    /// assert!(wait_until(5000, || lines.borrow().len() == 3));
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub fn set_level_triggered(&self, enabled: bool) {
        if enabled || self.watch_in_use().is_some() {
            let watch = self.watch();
            watch.is_level_triggered.set(enabled);
            watch.arrange(self);
        }
    }

    /// Returns whether the device emits [`ready_read`](DeviceNode::ready_read) again while there
    /// are unread bytes.
    #[must_use]
    pub fn is_level_triggered(&self) -> bool {
        self.watch_in_use().is_some_and(|watch| watch.is_level_triggered.get())
    }

    /// Logs a warning if there are unread bytes and the program reads nothing for `interval`, in
    /// milliseconds or as a `Duration`. A negative interval, the default, switches this off. If
    /// there are unread bytes already, the time begins with this call.
    ///
    /// A common mistake is a slot that does not read all bytes: the device does not emit
    /// [`ready_read`](DeviceNode::ready_read) again until new data arrives. The warning names the
    /// class of the device, the number of bytes, and the source lines where the slots of
    /// `ready_read` were connected. The device logs it with `log::warn!`, at most once after each
    /// `ready_read`.
    ///
    /// The setting belongs to this device. It does not go along when the connection of a socket is
    /// handed over: the socket that continues it has its own setting.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_WRITE)?;
    /// buffer.warn_unread_after(5000);
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub fn warn_unread_after(&self, interval: impl Into<Interval>) {
        let patience = interval.into().as_duration();
        if patience.is_some() || self.watch_in_use().is_some() {
            let watch = self.watch();
            watch.patience.set(patience);
            watch.arrange(self);
        }
    }

    fn watch(&self) -> &ReadWatch {
        self.extras().watch.get_or_init(|| ReadWatch {
            device: self.to_weak(),
            is_level_triggered: Cell::new(false),
            is_posted: Cell::new(false),
            patience: Cell::new(None),
            timer: Cell::new(None),
            was_read: Cell::new(false),
            slot: RefCell::default(),
        })
    }

    #[inline]
    fn watch_in_use(&self) -> Option<&ReadWatch> {
        self.0.extras.get()?.watch.get()
    }

    /// The program has read bytes.
    #[inline]
    pub(super) fn note_read(&self) {
        if self.watch_in_use().is_some() {
            self.note_read_for_watch();
        }
    }

    /// The program has read `count` bytes.
    #[inline]
    pub(super) fn note_count_read(&self, count: usize) {
        if count > 0 {
            self.note_read();
        }
    }

    #[cold]
    fn note_read_for_watch(&self) {
        if let Some(watch) = self.watch_in_use() {
            watch.was_read.set(true);
        }
    }
}

impl DeviceNode {
    /// Emits `ready_read`, unless one of its slots is running. All devices of the library emit the
    /// signal by this function.
    #[inline]
    pub(crate) fn announce(&self) {
        struct Ended<'a>(&'a Cell<bool>);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        if self.is_announcing.replace(true) {
            return;
        }
        let ended = Ended(&self.is_announcing);
        self.ready_read.emit(());
        drop(ended);
        if self.extras.get().is_some_and(|extras| extras.watch.get().is_some()) {
            self.end_announcement();
        }
    }

    #[cold]
    fn end_announcement(&self) {
        let watch = self.extras.get().and_then(|extras| extras.watch.get());
        if let Some(node) = watch.map(|watch| watch.device.clone()) {
            with_watch(&node, |device, watch| watch.on_emitted(device));
        }
    }
}

impl ReadWatch {
    fn has_work(&self) -> bool {
        self.is_level_triggered.get() || self.patience.get().is_some()
    }

    /// Connects or disconnects the slot, as the settings have changed.
    fn arrange(&self, device: &QIODevice) {
        let slot = self.has_work().then(|| {
            let node = self.device.clone();
            let slot = device.ready_read.connect(move |()| {
                with_watch(&node, |device, watch| watch.on_ready_read(device));
            });
            slot.scoped()
        });
        let before = self.slot.replace(slot);
        drop(before);
        if let Some(timer) = self.timer.take() {
            Object::life(device).dispatcher().stop_timer(timer);
        }
        if self.has_work() && device.is_open() && device.bytes_available() > 0 {
            self.on_ready_read(device);
        }
    }

    fn on_ready_read(&self, device: &QIODevice) {
        let dispatcher = Object::life(device).dispatcher();
        if self.is_level_triggered.get() && !self.is_posted.get() {
            let is_in_loop = dispatcher.is_running();
            let id = if is_in_loop { Object::life(device).id() } else { ObjectId::NONE };
            let look: Rc<dyn Deliver> = Rc::new(Look { device: self.device.clone(), id });
            self.is_posted.set(dispatcher.post_for_this_level(look));
        }
        if let Some(patience) = self.patience.get()
            && self.timer.get().is_none()
        {
            self.was_read.set(false);
            let node = self.device.clone();
            let timer = dispatcher.call_after(patience, TimerType::Coarse, move || {
                with_watch(&node, |device, watch| watch.on_timer(device));
            });
            self.timer.set(Some(timer));
        }
    }

    /// The loop has come to its next turn.
    fn look(&self, device: &QIODevice) {
        self.is_posted.set(false);
        if self.is_level_triggered.get() && has_unread(device) {
            // A loop that a slot runs outside of all other loops comes here, too. Then this emits
            // nothing, and the end of the emission asks for the next look.
            device.announce();
        }
    }

    /// The slots of `ready_read` have returned.
    fn on_emitted(&self, device: &QIODevice) {
        if self.is_level_triggered.get() && has_unread(device) {
            self.on_ready_read(device);
        }
    }

    /// Bytes may have been unread for as long as the program allows.
    fn on_timer(&self, device: &QIODevice) {
        self.timer.set(None);
        let Some(patience) = self.patience.get() else { return };
        if !has_unread(device) {
            return;
        }
        if self.was_read.get() {
            return self.on_ready_read(device);
        }
        let (bytes, class) = (device.bytes_available(), device.class_name());
        let mut text = format!("{class}: {bytes} bytes have been unread for {patience:?}");
        let mut places = device.ready_read.places();
        places.retain(|place| !is_ours(place));
        if places.is_empty() {
            text.push_str("; no slot is connected to ready_read");
        } else {
            text.push_str("; slots of ready_read were connected at");
            for (number, place) in places.iter().enumerate() {
                let _ = write!(text, "{} {place}", if number > 0 { "," } else { "" });
            }
        }
        log::warn!("{text}");
    }
}

fn has_unread(device: &QIODevice) -> bool {
    device.is_open() && device.bytes_available() > 0
}

/// Calls `f` with the device and its watch, if they are still there.
fn with_watch(node: &Weak<DeviceNode>, f: impl FnOnce(&QIODevice, &ReadWatch)) {
    if let Some(node) = node.upgrade() {
        let device = QIODevice::from_node(node);
        if let Some(watch) = device.watch_in_use() {
            f(&device, watch);
        }
    }
}

/// Returns whether a slot is one of this crate's own.
fn is_ours(place: &Location<'_>) -> bool {
    let sources = file!().strip_suffix("io_device/watch.rs");
    sources.is_some_and(|sources| place.file().starts_with(sources))
}

/// Makes the loop look whether bytes are left.
struct Look {
    device: Weak<DeviceNode>,
    /// The number of the device. The loop keeps the level only of deliveries to an object. Outside
    /// of all loops there is no level to come back to, and this is no object.
    id: ObjectId,
}

impl Deliver for Look {
    fn deliver(&self) {
        with_watch(&self.device, |device, watch| watch.look(device));
    }

    fn cancel(&self) -> Option<Box<dyn Any>> {
        with_watch(&self.device, |_, watch| watch.is_posted.set(false));
        None
    }

    fn receiver(&self) -> ObjectId {
        self.id
    }

    fn kind(&self) -> u16 {
        0
    }
}
