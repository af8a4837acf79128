//! [`WriteFlow`]: marks for written bytes that wait to be sent.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use super::{DeviceError, DeviceErrorKind, DeviceNode, QIODevice};
use crate::{
    classes::Object,
    signal::{ScopedConnection, Signal},
};

/// What a device does with bytes that are written while it is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// It keeps them, as Qt does. Memory is the only limit.
    #[default]
    Buffer,
    /// It takes nothing, and the write fails with [`DeviceErrorKind::Full`].
    Refuse,
}

/// Limits how many written bytes wait in a device. [`QIODevice::write_flow`] returns it.
///
/// A device is *full* as soon as [`unsent_bytes`](QIODevice::unsent_bytes) reaches the high mark.
/// It stays full until the number falls to the low mark. Then it emits
/// [`drained`](WriteFlow::drained).
///
/// ```text
///   unsent bytes
///   high mark ─ ─ ─ ─ ─ ─ ─╱╲─ ─ ─ ─ ─ ─ ─   full from here
///                         ╱  ╲
///   low mark  ─ ─ ─ ─ ─ ─╱─ ─ ╲ ─ ─ ─ ─ ─    emits drained here
///                       ╱      ╲
/// ```
///
/// By default the low mark is 0 and the high mark is `usize::MAX`, so that no device is ever full.
///
/// The marks apply to slots and tasks. If the device is full, a write in a slot succeeds, or fails
/// with [`DeviceErrorKind::Full`] if [`WhenFull::Refuse`] is set. A task that writes to the
/// [stream](QIODevice::stream) of the device waits. A device that is not full takes all data of one
/// write, so the unsent bytes may exceed the high mark by that much.
///
/// If the connection ends while the device is full, the device does not emit `drained`. A device
/// that the program closes or opens again is no longer full, and does not emit `drained` for that.
pub struct WriteFlow {
    /// Emitted when the device was full, and the number of unsent bytes has fallen to the low mark.
    /// The event loop emits it, or a function that sends, such as `flush()`. Not emitted while the
    /// signals of the device are blocked.
    pub drained: Signal<()>,
    device: Weak<DeviceNode>,
    low: Cell<usize>,
    high: Cell<usize>,
    when_full: Cell<WhenFull>,
    /// The high mark was reached, and `drained` has not been emitted since.
    owes_drained: Cell<bool>,
    /// The slots that watch the unsent bytes. There are none while the device is not full, because
    /// a socket without slots at its `bytes_written` sends earlier.
    watch: RefCell<Option<[ScopedConnection; 2]>>,
}

/// # Back-pressure
impl QIODevice {
    /// Returns the marks for unsent bytes of this device. They change nothing until the program
    /// sets a high mark.
    ///
    /// # Examples
    ///
    /// A slot that writes until the device is full, and continues when the device has sent enough:
    ///
    /// ```
    /// use std::cell::Cell;
    /// use qcore::{DeviceErrorKind, QIODevice, io_device::WhenFull};
    ///
    /// /// Writes the numbers from `next` to 1,000,000.
    /// fn write_more(device: &QIODevice, next: &Cell<u32>) {
    ///     while next.get() <= 1_000_000 {
    ///         match device.write(format!("{}\n", next.get())) {
    ///             Ok(_) => next.set(next.get() + 1),
    ///             Err(error) if error == DeviceErrorKind::Full => return,
    ///             Err(error) => return eprintln!("{error}"),
    ///         }
    ///     }
    /// }
    ///
    /// fn start(device: &QIODevice) {
    ///     let flow = device.write_flow();
    ///     flow.set_marks(64 * 1024, 256 * 1024);
    ///     flow.set_when_full(WhenFull::Refuse);
    ///     let next = Cell::new(1);
    ///     write_more(device, &next);
    ///     flow.drained.connect_to(device, move |device, ()| write_more(device, &next));
    /// }
    /// # let _ = start;
    /// ```
    #[must_use]
    pub fn write_flow(&self) -> &WriteFlow {
        self.extras().flow.get_or_init(|| WriteFlow {
            drained: Signal::in_life(Object::life(self)),
            device: self.to_weak(),
            low: Cell::new(0),
            high: Cell::new(usize::MAX),
            when_full: Cell::default(),
            owes_drained: Cell::new(false),
            watch: RefCell::default(),
        })
    }

    /// Returns the marks, if the program has asked for them.
    #[inline]
    pub(super) fn flow_in_use(&self) -> Option<&WriteFlow> {
        self.0.extras.get()?.flow.get()
    }

    /// The device was opened or closed: it is not full, and owes no signal.
    pub(super) fn forget_fullness(&self) {
        if let Some(flow) = self.flow_in_use() {
            flow.settle();
        }
    }

    /// Connects `wake` to the signals that are emitted when fewer bytes are unsent.
    pub(super) fn connect_sent(&self, wake: Rc<dyn Fn()>) -> [ScopedConnection; 2] {
        self.backend().connect_sent(self, wake).map(|connection| connection.scoped())
    }
}

impl WriteFlow {
    /// Sets the low and the high mark, in bytes. The low mark is at most the high one.
    ///
    /// A high mark of 0 counts as 1. If more bytes wait than the new high mark allows, the device
    /// is full from now on.
    pub fn set_marks(&self, low: usize, high: usize) {
        let high = high.max(1);
        self.high.set(high);
        self.low.set(low.min(high));
        if let Some(device) = self.device() {
            self.look(&device);
        }
    }

    /// Returns the low mark in bytes, 0 by default.
    #[must_use]
    pub fn low_mark(&self) -> usize {
        self.low.get()
    }

    /// Returns the high mark in bytes, `usize::MAX` by default.
    #[must_use]
    pub fn high_mark(&self) -> usize {
        self.high.get()
    }

    /// Sets what the device does with bytes that are written while it is full. By default it keeps
    /// them.
    pub fn set_when_full(&self, when_full: WhenFull) {
        self.when_full.set(when_full);
    }

    /// Returns what the device does with bytes that are written while it is full.
    #[must_use]
    pub fn when_full(&self) -> WhenFull {
        self.when_full.get()
    }

    /// Returns whether the device is full: the unsent bytes have reached the high mark, and have
    /// not fallen to the low mark since.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.owes_drained.get()
            && self.device().is_some_and(|device| self.look(&device) > self.low.get())
    }

    fn device(&self) -> Option<QIODevice> {
        self.device.upgrade().map(QIODevice::from_node)
    }

    /// Writes by calling `write`, unless the device is full and refuses.
    pub(super) fn write(
        &self,
        device: &QIODevice,
        write: impl FnOnce() -> Result<usize, DeviceError>,
    ) -> Result<usize, DeviceError> {
        if self.when_full.get() == WhenFull::Refuse && self.is_full() {
            return Err(DeviceErrorKind::Full.into());
        }
        let count = write()?;
        self.look(device);
        Ok(count)
    }

    /// Begins to watch the unsent bytes if there are too many. Returns their number.
    fn look(&self, device: &QIODevice) -> usize {
        if self.high.get() == usize::MAX && !self.owes_drained.get() {
            return 0;
        }
        let unsent = device.unsent_bytes();
        if unsent >= self.high.get() {
            self.owes_drained.set(true);
        }
        if self.owes_drained.get() && !self.is_watching() && !device.is_deleted() {
            let node = self.device.clone();
            let watch = device.connect_sent(Rc::new(move || {
                if let Some(device) = node.upgrade().map(QIODevice::from_node)
                    && let Some(flow) = device.flow_in_use()
                {
                    flow.on_sent(&device);
                }
            }));
            let before = self.watch.replace(Some(watch));
            drop(before);
        }
        unsent
    }

    /// Returns whether the slots are connected. Somebody may have disconnected them.
    fn is_watching(&self) -> bool {
        self.watch.borrow().as_ref().is_some_and(|watch| watch[0].connection().is_connected())
    }

    /// The device has sent bytes.
    fn on_sent(&self, device: &QIODevice) {
        if self.owes_drained.get() && device.unsent_bytes() <= self.low.get() {
            self.settle();
            self.drained.emit(());
        }
    }

    /// Stops watching.
    fn settle(&self) {
        self.owes_drained.set(false);
        let watch = self.watch.take();
        drop(watch);
    }
}

impl fmt::Debug for WriteFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteFlow")
            .field("low_mark", &self.low.get())
            .field("high_mark", &self.high.get())
            .field("when_full", &self.when_full.get())
            .field("is_full", &self.is_full())
            .finish_non_exhaustive()
    }
}
