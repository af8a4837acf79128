//! Operations that are repeated allocate nothing in the steady state.

#[path = "common/counting.rs"]
mod counting;

use std::{cell::Cell, rc::Rc, time::Duration};

use counting::allocations;
use qcore::{
    ConnectionType, DeviceError, Dispatcher, OpenMode, QBuffer, QCoreApplication, QIODevice,
    QObject, QTimer, Signal, TimerType, VirtualClock,
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

/// A connection takes its slot, and nothing more once the list has room. Disconnecting takes
/// nothing.
#[test]
fn connections() {
    let object = QObject::new();
    let signal: Signal<i64> = Signal::of(&object);
    let (sum, add) = counter();
    let mut connections = Vec::with_capacity(100);
    let mut round = |connecting: &mut usize, disconnecting: &mut usize| {
        *connecting += allocations(|| {
            for _ in 0..100 {
                let (sum, add) = (sum.clone(), add.clone());
                connections.push(signal.connect(move |value| add(&sum, value)));
            }
        });
        *disconnecting += allocations(|| {
            connections.drain(..).for_each(|connection| assert!(connection.disconnect()));
        });
    };
    round(&mut 0, &mut 0);
    let (mut connecting, mut disconnecting) = (0, 0);
    (0..100).for_each(|_| round(&mut connecting, &mut disconnecting));
    assert!(connecting <= 3 * 10_000, "{connecting} for 10,000 connections");
    assert!(disconnecting <= 100, "{disconnecting} for 10,000 disconnections");
}

#[test]
fn thousands_of_timers() {
    let app = QCoreApplication::new();
    let clock = VirtualClock::install();
    let fires = Rc::new(Cell::new(0));
    let timers: Vec<QTimer> = (0..10_000)
        .map(|_| {
            let timer = QTimer::new();
            timer.set_single_shot(true);
            timer.set_timer_type(TimerType::Precise);
            timer.timeout.connect_to(&fires, |fires, ()| fires.set(fires.get() + 1));
            timer
        })
        .collect();
    let round = || {
        for (timer, number) in timers.iter().zip(0u64..) {
            timer.start_with_interval(Duration::from_millis(number * 7919 % 1000));
        }
        for _ in 0..11 {
            clock.advance(Duration::from_millis(100));
            app.process_events();
        }
    };
    (0..3).for_each(|_| round());
    assert_eq!(fires.get(), 30_000);
    let count = allocations(|| (0..3).for_each(|_| round()));
    assert_eq!(fires.get(), 60_000);
    // A slot of the timer wheel that has held many timers gives its memory back, so that a burst of
    // timers does not keep it. No timer allocates by itself.
    assert!(count < 1000, "{count} for 30,000 timers");
}

#[test]
fn calls_of_another_thread() {
    let app = QCoreApplication::new();
    let poster = Dispatcher::current().poster().unwrap();
    let round = || {
        (0..100).for_each(|_| poster.post(|| ()).unwrap());
        app.process_events();
    };
    (0..10).for_each(|_| round());
    // The loop takes all calls of a batch at once. The next batch needs a new queue.
    let count = allocations(|| (0..100).for_each(|_| round()));
    assert!(count <= 2 * 100, "{count} for 100 batches of 100 calls");

    // A call that holds something takes a share of the memory of its batch.
    let (sender, received) = std::sync::mpsc::channel();
    let mut sum = 0;
    let mut round = || {
        for value in 0..100u64 {
            let sender = sender.clone();
            poster.post(move || sender.send(value).unwrap()).unwrap();
        }
        app.process_events();
        sum += received.try_iter().sum::<u64>();
    };
    (0..10).for_each(|_| round());
    let count = allocations(|| (0..100).for_each(|_| round()));
    assert!(count <= 2 * 10_000, "{count} for 10,000 calls");
    assert_eq!(sum, 110 * 4950);
}

#[cfg(feature = "tasks")]
mod tasks {
    use std::{
        cell::Cell,
        future::poll_fn,
        rc::Rc,
        task::{Poll, Waker},
    };

    use qcore::{QCoreApplication, Signal, spawn_local};

    use super::allocations;

    #[test]
    fn spawning_takes_what_the_future_needs() {
        let app = QCoreApplication::new();
        let done = Rc::new(Cell::new(0));
        let round = || {
            for _ in 0..100 {
                let done = done.clone();
                spawn_local(async move { done.set(done.get() + 1) });
            }
            app.process_events();
        };
        (0..10).for_each(|_| round());
        let count = allocations(|| (0..100).for_each(|_| round()));
        assert_eq!(done.get(), 11_000);
        assert!(count <= 2 * 10_000, "{count} for 10,000 tasks");
    }

    #[test]
    fn a_wake_up() {
        let app = QCoreApplication::new();
        let (waker, polls) = (Rc::new(Cell::new(None::<Waker>)), Rc::new(Cell::new(0)));
        let (kept, counted) = (waker.clone(), polls.clone());
        let _task = spawn_local(poll_fn(move |context| {
            counted.set(counted.get() + 1);
            kept.set(Some(context.waker().clone()));
            Poll::<()>::Pending
        }))
        .scoped();
        let round = || {
            app.process_events();
            waker.take().unwrap().wake();
        };
        (0..10).for_each(|_| round());
        assert_eq!(allocations(|| (0..1000).for_each(|_| round())), 0);
        assert_eq!(polls.get(), 1010);
    }

    #[test]
    fn an_awaited_signal() {
        let app = QCoreApplication::new();
        let signal = Rc::new(Signal::<u32>::new());
        let (awaited, seen) = (signal.clone(), Rc::new(Cell::new(0)));
        let counted = seen.clone();
        let _task = spawn_local(async move {
            while awaited.next().await.is_ok() {
                counted.set(counted.get() + 1);
            }
        })
        .scoped();
        app.process_events();
        let round = || {
            signal.emit(1);
            app.process_events();
        };
        (0..10).for_each(|_| round());
        let count = allocations(|| (0..1000).for_each(|_| round()));
        assert_eq!(seen.get(), 1010);
        // Each `next()` is a slot of its own.
        assert!(count <= 3 * 1000, "{count} for 1000 emissions");
    }
}
