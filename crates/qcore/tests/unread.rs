//! Bytes that a program leaves unread: `set_level_triggered()`.

use std::{cell::Cell, rc::Rc};

use qcore::{
    DeviceError, OpenMode, QBuffer, QCoreApplication, QEventLoop, QIODevice, QTimer,
    io_device::DeviceBackend, wait_until,
};

/// A sequential device whose bytes come from the test.
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

fn device() -> QIODevice {
    let device = QIODevice::new(Fed);
    device.open(OpenMode::READ_WRITE).unwrap();
    device
}

fn feed(device: &QIODevice, data: &str) {
    device.append_to_buffer(data);
    device.ready_read.emit(());
}

fn turns(count: usize) {
    for _ in 0..count {
        QCoreApplication::instance().process_events();
    }
}

/// Reads one byte for each emission, and counts the emissions.
fn slow_reader(device: &QIODevice) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    device.ready_read.connect_to(device, move |device, ()| {
        counted.set(counted.get() + 1);
        let _ = device.get_char();
    });
    count
}

#[test]
fn it_emits_once_a_turn_while_bytes_are_left() {
    let device = device();
    let emitted = slow_reader(&device);
    feed(&device, "abc");
    turns(3);
    assert_eq!((emitted.get(), device.bytes_available()), (1, 2), "as in Qt");
    assert!(!device.is_level_triggered());
    device.set_level_triggered(true);
    assert!(device.is_level_triggered());
    for left in [1, 0, 0] {
        turns(1);
        assert_eq!(device.bytes_available(), left);
    }
    assert_eq!(emitted.get(), 3);
    feed(&device, "de");
    assert_eq!(emitted.get(), 4);
    device.set_level_triggered(false);
    turns(3);
    assert_eq!((emitted.get(), device.bytes_available()), (4, 1));
}

/// Feeds a device whose slot runs a loop of its own. Returns how often the slot was called from
/// within itself at most. `run` runs the loop until the function returns `true`.
fn deepest_call(run: impl FnOnce(&dyn Fn() -> bool)) -> u32 {
    let device = device();
    device.set_level_triggered(true);
    let (depth, deepest) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (now, most) = (depth.clone(), deepest.clone());
    device.ready_read.connect_to(&device, move |device, ()| {
        now.set(now.get() + 1);
        most.set(most.get().max(now.get()));
        if device.bytes_available() > 3 {
            let nested = QEventLoop::new();
            QTimer::single_shot_to(5, &nested, |nested| nested.quit());
            nested.exec();
        }
        let _ = device.get_char();
        now.set(now.get() - 1);
    });
    let fed = device.clone();
    QTimer::single_shot(0, move || feed(&fed, "abcde"));
    let most = deepest.clone();
    run(&move || most.get() > 0 && depth.get() == 0 && device.bytes_available() == 0);
    deepest.get()
}

#[test]
fn a_nested_loop_does_not_emit_again() {
    let deepest = deepest_call(|is_done| {
        let outer = QEventLoop::new();
        let ticks = QTimer::with_interval(1);
        let ended = outer.clone();
        // The timer must not ask while the slot runs its loop: the outer loop ends by itself.
        ticks.timeout.connect(move |()| ended.quit());
        while !is_done() {
            ticks.start();
            outer.exec();
        }
    });
    assert_eq!(deepest, 1);
}

/// A loop without another one around it cannot tell that a slot has started it. The calls do not
/// go deeper all the same.
#[test]
fn a_loop_outside_of_all_others_emits_once() {
    let deepest = deepest_call(|is_done| assert!(wait_until(5000, is_done)));
    assert!(deepest <= 2, "{deepest}");
}

#[test]
fn slots_may_close_and_delete_the_device() {
    for delete in [true, false] {
        let device = device();
        device.set_level_triggered(true);
        let emitted = slow_reader(&device);
        feed(&device, "abcdef");
        turns(1);
        assert_eq!(emitted.get(), 2);
        if delete {
            let weak = qcore::QPointer::new(&device);
            drop(device);
            turns(3);
            assert!(weak.is_null());
        } else {
            device.close();
            turns(3);
        }
        assert_eq!(emitted.get(), 2);
    }
}

#[test]
fn disconnecting_everything_does_not_stop_it() {
    let device = device();
    device.set_level_triggered(true);
    feed(&device, "abc");
    device.ready_read.disconnect_all();
    let emitted = slow_reader(&device);
    turns(4);
    assert_eq!((emitted.get(), device.bytes_available()), (3, 0));
}

#[test]
fn a_buffer_is_level_triggered_too() {
    let buffer = QBuffer::new();
    buffer.set_data("ab");
    buffer.open(OpenMode::READ_ONLY).unwrap();
    let emitted = slow_reader(&buffer);
    buffer.set_level_triggered(true);
    turns(4);
    assert_eq!(emitted.get(), 2);
}
