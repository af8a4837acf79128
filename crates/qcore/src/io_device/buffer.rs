//! A device in memory.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use super::{DeviceBackend, DeviceError, DeviceErrorKind, OpenMode, QIODevice, class::FinalDevice};
use crate::{
    classes::{Class, Handle, Life, Node, Object},
    object::QObject,
};

crate::library_class! {
    /// A device over bytes in memory.
    ///
    /// The event loop emits `ready_read` and `bytes_written` in its next turn, once for all writes
    /// until then. Stands for Qt's [QBuffer](https://doc.qt.io/qt-5/qbuffer.html).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_WRITE)?;
    /// buffer.write("hello world")?;
    /// buffer.seek(6)?;
    /// assert_eq!(buffer.read_all(), b"world");
    /// assert_eq!(buffer.data(), b"hello world");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub struct QBuffer(BufferNode): QIODevice = base;
    virtual (FinalDevice, <QObject as Class>::Virtual)
}

/// The object behind a [`QBuffer`].
pub struct BufferNode {
    base: QIODevice,
    memory: Rc<Memory>,
}

/// The device itself. It is a type of its own, because functions of the node would appear on the
/// handle next to the device's.
struct Memory {
    node: Weak<BufferNode>,
    data: RefCell<Vec<u8>>,
    at: Cell<usize>,
    /// How many bytes were written since the last `bytes_written`.
    written: Cell<usize>,
    telling: Cell<bool>,
}

impl Node for BufferNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        self.base.clear_buffer();
    }
}

impl QBuffer {
    /// Creates an empty buffer that is not open.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        let node = Rc::new_cyclic(|this: &Weak<BufferNode>| BufferNode {
            base: QIODevice::embed(&life),
            memory: Rc::new(Memory {
                node: this.clone(),
                data: RefCell::default(),
                at: Cell::new(0),
                written: Cell::new(0),
                telling: Cell::new(false),
            }),
        });
        let memory: Rc<dyn DeviceBackend> = node.memory.clone();
        node.base.set_backend(Rc::downgrade(&memory));
        QBuffer(Handle::new(node))
    }

    /// Returns a copy of the bytes.
    #[doc(alias = "buffer")]
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        self.memory.data.borrow().clone()
    }

    /// Replaces the bytes. While the buffer is open the function logs a warning and does nothing.
    #[doc(alias = "setData")]
    #[doc(alias = "setBuffer")]
    pub fn set_data(&self, data: impl Into<Vec<u8>>) {
        if self.is_open() {
            crate::q_warning!("QBuffer::setData: Buffer is open");
            return;
        }
        self.memory.data.replace(data.into());
    }
}

impl Memory {
    /// Makes the loop emit the signals for this write and all earlier ones.
    fn note_written(&self, count: usize) {
        self.written.set(self.written.get() + count);
        let Some(node) = self.node.upgrade() else { return };
        let heard = node.base.bytes_written.is_connected() || node.base.ready_read.is_connected();
        if !heard || node.base.signals_blocked() || self.telling.replace(true) {
            return;
        }
        let buffer = self.node.clone();
        node.life().dispatcher().post(move || {
            if let Some(node) = buffer.upgrade() {
                node.tell();
            }
        });
    }
}

impl BufferNode {
    /// Emits the signals. As in Qt, the next emission counts what a slot writes meanwhile.
    fn tell(&self) {
        struct Told<'a>(&'a Cell<bool>);
        impl Drop for Told<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        let _told = Told(&self.memory.telling);
        self.base.bytes_written.emit(self.memory.written.get());
        self.memory.written.set(0);
        self.base.announce();
    }
}

impl DeviceBackend for Memory {
    fn class_name(&self) -> &'static str {
        "QBuffer"
    }

    /// Opens the buffer. `APPEND` and `TRUNCATE` imply writing.
    fn open(&self, device: &QIODevice, mut mode: OpenMode) -> Result<(), DeviceError> {
        if mode.intersects(OpenMode::APPEND | OpenMode::TRUNCATE) {
            mode |= OpenMode::WRITE_ONLY;
        }
        if !mode.intersects(OpenMode::READ_WRITE) {
            crate::q_warning!("QBuffer::open: Buffer access not specified");
            return Err(DeviceErrorKind::InvalidArgument.into());
        }
        if mode.contains(OpenMode::TRUNCATE) {
            self.data.borrow_mut().clear();
        }
        self.at.set(0);
        device.open_device(mode | OpenMode::UNBUFFERED);
        Ok(())
    }

    fn size(&self) -> i64 {
        self.data.borrow().len() as i64
    }

    /// Moves to a position. In a buffer open for writing, a position beyond the end appends zeros.
    fn seek(&self, device: &QIODevice, position: i64) -> Result<(), DeviceError> {
        let size = self.size();
        let target = usize::try_from(position).map_err(|_| DeviceErrorKind::InvalidArgument)?;
        if position > size {
            if !device.is_writable() {
                crate::q_warning!("QBuffer::seek: Invalid pos: {position}");
                return Err(DeviceErrorKind::InvalidArgument.into());
            }
            let gap = target - size as usize;
            let mut data = self.data.borrow_mut();
            data.try_reserve(gap).map_err(|_| out_of_memory())?;
            data.resize(target, 0);
            drop(data);
            self.note_written(gap);
        }
        self.at.set(target);
        Ok(())
    }

    fn can_read_line(&self, device: &QIODevice) -> bool {
        let data = self.data.borrow();
        let from = usize::try_from(device.pos()).unwrap_or(0).min(data.len());
        device.is_open() && data[from..].contains(&b'\n')
    }

    /// Returns the bytes of the buffer as they are: with carriage returns even in text mode, and
    /// without bytes that [`unget_char`](QIODevice::unget_char) has put back.
    fn peek(&self, device: &QIODevice, max_size: usize) -> Option<Vec<u8>> {
        let data = self.data.borrow();
        let from = usize::try_from(device.pos()).unwrap_or(0).min(data.len());
        Some(data[from..][..max_size.min(data.len() - from)].to_vec())
    }

    fn peek_into(&self, device: &QIODevice, out: &mut [u8]) -> Option<usize> {
        let data = self.data.borrow();
        let from = usize::try_from(device.pos()).unwrap_or(0).min(data.len());
        let count = out.len().min(data.len() - from);
        out[..count].copy_from_slice(&data[from..][..count]);
        Some(count)
    }

    /// Finds the end of the line in one search. In text mode the default runs instead, because it
    /// removes carriage returns.
    fn read_line_data(&self, device: &QIODevice, out: &mut [u8]) -> Result<usize, DeviceError> {
        if device.is_text_mode_enabled() {
            return device.read_line_data(out);
        }
        let data = self.data.borrow();
        let rest = data.get(self.at.get()..).unwrap_or_default();
        let rest = &rest[..rest.len().min(out.len())];
        let count = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1);
        if count == 0 {
            return Err(DeviceErrorKind::Closed.into());
        }
        out[..count].copy_from_slice(&rest[..count]);
        self.at.set(self.at.get() + count);
        Ok(count)
    }

    fn read_data(&self, _: &QIODevice, out: &mut [u8]) -> Result<usize, DeviceError> {
        let data = self.data.borrow();
        let rest = data.get(self.at.get()..).unwrap_or_default();
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at.set(self.at.get() + count);
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, new: &[u8]) -> Result<usize, DeviceError> {
        let at = self.at.get();
        let end = at.checked_add(new.len()).ok_or_else(out_of_memory)?;
        let mut data = self.data.borrow_mut();
        let length = data.len();
        if end > length {
            data.try_reserve(end - length).map_err(|_| out_of_memory())?;
        }
        if at > length {
            data.resize(at, 0);
        }
        let (over, beyond) = new.split_at(new.len().min(data.len() - at));
        data[at..at + over.len()].copy_from_slice(over);
        data.extend_from_slice(beyond);
        drop(data);
        self.at.set(end);
        self.note_written(new.len());
        Ok(new.len())
    }
}

fn out_of_memory() -> DeviceError {
    DeviceError::new(DeviceErrorKind::Device, "Memory allocation error")
}

impl fmt::Debug for BufferNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferNode").field("size", &self.memory.size()).finish_non_exhaustive()
    }
}
