//! Text streams whose device closes: its `about_to_close` flushes them. The tests repeat what real
//! Qt did.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use qcore::{
    DeviceError, DeviceErrorKind, OpenMode, QBuffer, QIODevice, QTextStream,
    io_device::DeviceBackend,
    text_stream::{TextCodec, TextStreamStatus},
};

fn writing() -> QBuffer {
    let buffer = QBuffer::new();
    buffer.open(OpenMode::WRITE_ONLY).unwrap();
    buffer
}

/// Records the content of the buffer at `about_to_close`.
fn record(buffer: &QBuffer) -> Rc<RefCell<Vec<Vec<u8>>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (of_slot, buffer_of_slot) = (seen.clone(), buffer.clone());
    buffer.about_to_close.connect(move |()| of_slot.borrow_mut().push(buffer_of_slot.data()));
    seen
}

#[test]
fn closing_the_device_flushes_the_stream() {
    let buffer = QBuffer::new();
    buffer.set_data("abc");
    buffer.open(OpenMode::READ_WRITE).unwrap();
    let mut out = QTextStream::new(&buffer);
    out.write("XY");
    buffer.close();
    assert_eq!((buffer.data().as_slice(), out.status()), (&b"XYc"[..], TextStreamStatus::Ok));

    out.write("more").flush();
    assert_eq!(out.status(), TextStreamStatus::WriteFailed);
    out.reset_status();
    buffer.open(OpenMode::WRITE_ONLY | OpenMode::APPEND).unwrap();
    out.write("Z");
    buffer.close();
    assert_eq!((buffer.data().as_slice(), out.status()), (&b"XYcZ"[..], TextStreamStatus::Ok));
}

#[test]
fn slots_find_the_text_in_the_order_of_connection() {
    let buffer = writing();
    let before = record(&buffer);
    let mut out = QTextStream::new(&buffer);
    let after = record(&buffer);
    out.write("abc");
    buffer.close();
    assert_eq!((&*before.borrow(), &*after.borrow()), (&vec![vec![]], &vec![b"abc".to_vec()]));
}

#[test]
fn a_slot_writes_the_last_text() {
    for is_before in [true, false] {
        let buffer = writing();
        let out = Rc::new(RefCell::new(QTextStream::default()));
        let connect = || {
            buffer.about_to_close.connect_to(&out, |out, ()| {
                out.borrow_mut().write("tail");
            })
        };
        if is_before {
            connect();
        }
        out.borrow_mut().set_device(&buffer);
        if !is_before {
            connect();
        }
        buffer.close();
        assert_eq!(buffer.data(), if is_before { &b"tail"[..] } else { b"" });
        out.borrow_mut().flush();
        let status = out.borrow().status();
        assert_eq!(status == TextStreamStatus::Ok, is_before);
    }
}

#[test]
fn several_streams_of_one_device() {
    let buffer = writing();
    let (mut one, mut two) = (QTextStream::new(&buffer), QTextStream::new(&buffer));
    two.write("two");
    one.write("one");
    buffer.close();
    assert_eq!(buffer.data(), b"onetwo");
}

#[test]
fn another_device() {
    let (first, second) = (writing(), writing());
    let mut out = QTextStream::new(&first);
    out.write("first");
    out.set_device(&second);
    assert_eq!((first.about_to_close.receivers(), second.about_to_close.receivers()), (0, 1));
    out.write("second");
    first.close();
    assert_eq!((first.data().as_slice(), second.data().as_slice()), (&b"first"[..], &b""[..]));
    second.close();
    assert_eq!(second.data(), b"second");

    out.set_string("");
    assert_eq!(second.about_to_close.receivers(), 0);
}

#[test]
fn dropping_the_stream_disconnects() {
    let buffer = writing();
    for _ in 0..100 {
        QTextStream::new(&buffer).write("x");
    }
    assert_eq!(buffer.about_to_close.receivers(), 0);

    // In a slot that runs before that of the stream.
    let buffer = writing();
    let out = Rc::new(RefCell::new(None));
    buffer.about_to_close.connect_to(&out, |out, ()| drop(out.take()));
    *out.borrow_mut() = Some(QTextStream::new(&buffer));
    out.borrow_mut().as_mut().unwrap().write("abc");
    buffer.close();
    assert_eq!((buffer.data().as_slice(), out.borrow().is_none()), (&b"abc"[..], true));
}

#[test]
fn the_slot_keeps_no_device() {
    let buffer = writing();
    let mut out = Box::new(QTextStream::new(&buffer));
    out.write("abc");
    let weak = qcore::QPointer::new(&buffer);
    drop((buffer, out));
    assert!(weak.is_null());
}

#[test]
fn closing_in_a_slot_of_about_to_close() {
    let buffer = writing();
    let is_first = Cell::new(true);
    let buffer_of_slot = buffer.clone();
    buffer.about_to_close.connect(move |()| {
        if is_first.take() {
            buffer_of_slot.close();
        }
    });
    let mut out = QTextStream::new(&buffer);
    out.write("abc");
    buffer.close();
    assert_eq!((buffer.data().as_slice(), out.status()), (&b"abc"[..], TextStreamStatus::Ok));
}

#[test]
fn after_an_error_closing_does_not_flush() {
    let buffer = QBuffer::new();
    buffer.set_data("xyz");
    buffer.open(OpenMode::READ_WRITE).unwrap();
    let mut stream = QTextStream::new(&buffer);
    assert_eq!(stream.read_int32(), 0);
    stream.write("abc");
    buffer.close();
    assert_eq!(buffer.data(), b"xyz");
    stream.reset_status();
    buffer.open(OpenMode::WRITE_ONLY).unwrap();
    stream.flush();
    assert_eq!(buffer.data(), b"abc");
}

#[test]
fn a_device_that_is_opened_later() {
    let buffer = QBuffer::new();
    let mut out = QTextStream::new(&buffer);
    out.write("pre");
    buffer.open(OpenMode::WRITE_ONLY).unwrap();
    out.write("abc");
    buffer.close();
    assert_eq!(buffer.data(), b"preabc");
}

#[test]
fn the_codec_keeps_its_state() {
    let buffer = writing();
    let mut out = QTextStream::new(&buffer);
    out.set_codec(TextCodec::UTF16_LE);
    out.set_generate_byte_order_mark(true);
    out.write("a");
    buffer.close();
    assert_eq!(buffer.data(), b"\xff\xfea\0");
    assert!(!out.generate_byte_order_mark());
    buffer.open(OpenMode::WRITE_ONLY | OpenMode::APPEND).unwrap();
    out.write("b");
    buffer.close();
    assert_eq!(buffer.data(), b"\xff\xfea\0b\0");

    // A mark alone is not written.
    let buffer = writing();
    let mut out = QTextStream::new(&buffer);
    out.set_generate_byte_order_mark(true);
    buffer.close();
    assert_eq!((buffer.data().as_slice(), out.generate_byte_order_mark()), (&b""[..], true));
}

#[test]
fn what_was_read_ahead_stays() {
    let buffer = QBuffer::new();
    buffer.set_data("hello world");
    buffer.open(OpenMode::READ_WRITE).unwrap();
    let mut stream = QTextStream::new(&buffer);
    assert_eq!(stream.read_word(), "hello");
    stream.write("X");
    buffer.close();
    assert_eq!(buffer.data(), b"hello worldX");
    assert_eq!(stream.read_word(), "world");
}

#[test]
fn a_stream_over_bytes() {
    let mut out = QTextStream::from_bytes(Vec::new());
    out.write("abc");
    out.device().unwrap().close();
    assert_eq!(out.status(), TextStreamStatus::Ok);
    assert_eq!(out.device().unwrap().about_to_close.receivers(), 1);
    assert_eq!(out.into_bytes(), b"abc");
}

#[test]
fn a_device_with_blocked_signals() {
    let buffer = writing();
    let mut out = QTextStream::new(&buffer);
    out.write("abc");
    buffer.block_signals(true);
    buffer.close();
    assert_eq!((buffer.data().as_slice(), out.status()), (&b""[..], TextStreamStatus::Ok));
}

/// Returns how many bytes the device takes.
type First = fn(&QIODevice, &[u8]) -> usize;

/// A device that does something special with its first data, and keeps the rest.
struct Special {
    data: RefCell<Vec<u8>>,
    first: Cell<Option<First>>,
}

impl DeviceBackend for Special {
    fn class_name(&self) -> &'static str {
        "Special"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::Closed.into())
    }

    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        let count = self.first.take().map_or(data.len(), |first| first(device, data));
        self.data.borrow_mut().extend_from_slice(&data[..count]);
        Ok(count)
    }
}

fn special(first: First) -> (QIODevice, Rc<Special>) {
    let special = Rc::new(Special { data: RefCell::default(), first: Cell::new(Some(first)) });
    let device = QIODevice::new(SharedSpecial(special.clone()));
    device.open(OpenMode::WRITE_ONLY).unwrap();
    (device, special)
}

struct SharedSpecial(Rc<Special>);

impl DeviceBackend for SharedSpecial {
    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.0.read_data(device, data)
    }

    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.0.write_data(device, data)
    }
}

#[test]
fn a_device_that_takes_a_part() {
    let (device, special) = special(|_, _| 2);
    let mut out = QTextStream::new(&device);
    out.write("abc");
    device.close();
    assert_eq!(*special.data.borrow(), b"ab");
    assert_eq!(out.status(), TextStreamStatus::WriteFailed);
}

#[test]
fn a_device_that_closes_while_it_is_written() {
    let (device, special) = special(|device, data| {
        device.close();
        data.len()
    });
    let mut out = QTextStream::new(&device);
    out.write("abc").flush();
    assert_eq!(*special.data.borrow(), b"abc");
    assert!(!device.is_open());
}

#[test]
fn a_device_that_panics_while_it_closes() {
    let (device, special) = special(|_, _| panic!("the device is broken"));
    let mut out = QTextStream::new(&device);
    out.write("abc");
    assert!(catch_unwind(AssertUnwindSafe(|| device.close())).is_err());
    // As after any slot that panics, the device is open.
    out.write("def");
    device.close();
    assert_eq!(*special.data.borrow(), b"def");
    assert_eq!(out.status(), TextStreamStatus::Ok);
}

#[test]
fn a_deleted_device() {
    let (parent, buffer) = (qcore::QObject::new(), writing());
    buffer.set_parent(Some(&parent));
    let mut out = QTextStream::new(&buffer);
    out.write("abc");
    drop(parent);
    assert!(buffer.is_deleted());
    out.flush();
    assert_eq!(out.status(), TextStreamStatus::WriteFailed);
}
