//! Operations that are repeated allocate nothing in the steady state.

#[path = "common/counting.rs"]
mod counting;

use std::{cell::Cell, rc::Rc};

use counting::allocations;
use qcore::{
    ConnectionType, DeviceError, Dispatcher, OpenMode, QBuffer, QCoreApplication, QIODevice,
    QObject, QTimer, Signal,
    framing::{Codec, Decoded, FrameError, Framed},
    io_device::DeviceBackend,
};

fn counter() -> (Rc<Cell<i64>>, impl Fn(&Cell<i64>, &i64) + Clone) {
    (Rc::new(Cell::new(0)), |sum: &Cell<i64>, value: &i64| sum.set(sum.get() + value))
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
}

#[test]
fn emissions() {
    let object = QObject::new();
    let signal = Signal::of(&object);
    let (sum, add) = counter();
    signal.connect_to(&sum, add.clone());
    let receiver = QObject::new();
    let shared = sum.clone();
    signal.connect_to(&receiver, move |_, value| add(&shared, value));
    assert_eq!(allocations(|| (0..1000).for_each(|value| signal.emit(value))), 0);
    assert_eq!(sum.get(), 999_000);
}

#[test]
fn queued_calls() {
    let app = QCoreApplication::new();
    let object = QObject::new();
    let signal = Signal::of(&object);
    let (sum, add) = counter();
    signal.connect_to_with_type(&sum, ConnectionType::QUEUED, add);
    let round = || {
        (0..100).for_each(|value| signal.emit(value));
        app.process_events();
    };
    round();
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
    assert_eq!(sum.get(), 101 * 4950);
}

#[test]
fn posted_calls_that_hold_nothing() {
    let app = QCoreApplication::new();
    let dispatcher = Dispatcher::current();
    let round = || {
        (0..100).for_each(|_| dispatcher.post(|| ()));
        app.process_events();
    };
    round();
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
}

/// A device whose bytes are put into its read buffer.
struct Fed;

impl DeviceBackend for Fed {
    fn class_name(&self) -> &'static str {
        "Fed"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
        Ok(0)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        Ok(data.len())
    }
}

/// Messages of one byte.
struct Bytes;

impl Codec for Bytes {
    type Message = u8;
    type Sent = u8;

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<u8>, FrameError> {
        Ok(Decoded::Message(bytes[0], 1))
    }

    fn encode(&mut self, message: &u8, out: &mut Vec<u8>) -> Result<(), FrameError> {
        out.push(*message);
        Ok(())
    }
}

#[test]
fn messages_that_are_framed() {
    let device = QIODevice::new(Fed);
    device.open(OpenMode::READ_WRITE).unwrap();
    let framed = Framed::new(&device, Bytes);
    let sum = Rc::new(Cell::new(0));
    framed.message.connect_to(&sum, |sum, message| sum.set(sum.get() + usize::from(*message)));
    let round = || {
        device.append_to_buffer([1; 100]);
        device.ready_read.emit(());
        framed.send(&1).unwrap();
    };
    round();
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
    assert_eq!(sum.get(), 10_100);
}

#[test]
fn timers_that_fire_and_start_anew() {
    let app = QCoreApplication::new();
    let timer = QTimer::new();
    let fires = Rc::new(Cell::new(0));
    timer.timeout.connect_to(&fires, |fires, ()| fires.set(fires.get() + 1));
    timer.start_with_interval(0);
    let restarted = QTimer::new();
    restarted.start_with_interval(1000);
    let round = || {
        app.process_events();
        restarted.start_with_interval(1000);
    };
    (0..1000).for_each(|_| round());
    assert_eq!(allocations(|| (0..1000).for_each(|_| round())), 0);
    assert_eq!(fires.get(), 2000);
}

#[test]
fn handles() {
    let object = QObject::new();
    assert_eq!(allocations(|| (0..100).for_each(|_| drop(object.clone()))), 0);
}

/// A device that returns `hello\n`, or as much of it as fits, at every other read.
struct Greeting(Cell<bool>);

impl DeviceBackend for Greeting {
    fn class_name(&self) -> &'static str {
        "Greeting"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        if data.is_empty() || !self.0.replace(!self.0.get()) {
            return Ok(0);
        }
        let count = data.len().min(6);
        data[..count].copy_from_slice(&b"hello\n"[..count]);
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        Ok(data.len())
    }
}

#[test]
fn reading_into_memory_of_ones_own() {
    for mode in [OpenMode::READ_ONLY, OpenMode::READ_ONLY | OpenMode::UNBUFFERED] {
        let device = QIODevice::new(Greeting(Cell::new(true)));
        device.open(mode).unwrap();
        let mut data = [0; 100];
        let mut round = || {
            let mut count = 0;
            count += device.peek_into(&mut data).unwrap_or(0);
            count += device.read_into(&mut data[..3]).unwrap_or(0);
            count += device.read_line_into(&mut data).unwrap_or(0);
            count += device.skip(2).unwrap_or(0);
            count + usize::from(device.get_char().is_some())
        };
        (0..100).for_each(|_| {
            round();
        });
        let mut count = 0;
        assert_eq!(allocations(|| (0..100).for_each(|_| count += round())), 0, "{mode:?}");
        assert!(count > 500, "{count}");
    }
    let buffer = QBuffer::new();
    buffer.set_data([b'x'; 1000]);
    buffer.open(OpenMode::READ_ONLY).unwrap();
    let mut data = [0; 100];
    let count = allocations(|| {
        assert_eq!((buffer.peek_into(&mut data), buffer.read_into(&mut data)), (Ok(100), Ok(100)));
        assert_eq!(buffer.read_line_into(&mut data), Ok(99));
    });
    assert_eq!(count, 0);
}

/// Returning bytes takes one allocation; returning no bytes takes none.
#[test]
fn bytes_that_are_returned() {
    let device = QIODevice::new(Greeting(Cell::new(true)));
    device.open(OpenMode::READ_ONLY | OpenMode::UNBUFFERED).unwrap();
    let reads: [fn(&QIODevice) -> Vec<u8>; 5] = [
        |device| device.read(1000),
        |device| device.read(100_000),
        |device| device.read(usize::MAX),
        |device| device.read_all(),
        |device| device.read_line(),
    ];
    for read in reads {
        (0..3).for_each(|_| drop(read(&device)));
        let (mut some, mut calls) = (0, 0);
        let count = allocations(|| {
            for _ in 0..20 {
                calls += 1;
                some += usize::from(!read(&device).is_empty());
            }
        });
        assert!(some > 5 && some <= calls);
        assert_eq!(count, some);
    }
}
