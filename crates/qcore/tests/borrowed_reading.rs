//! Reading without a copy.

use proptest::prelude::*;
use qcore::{DeviceErrorKind, OpenMode, QBuffer, QIODevice};

use super::framing::{Way, feed, pipe};

const WAYS: [Way; 4] = [Way::Copied, Way::Chunk, Way::Shared, Way::Backend];

#[test]
fn the_bytes_are_the_devices_own() {
    let (device, pipe) = pipe();
    let chunk = vec![7; 5000];
    let address = chunk.as_ptr();
    device.append_chunk(chunk);
    let bytes = device.fill_buf().unwrap();
    assert_eq!((bytes.as_ptr(), bytes.len()), (address, 5000));
    bytes.consume(1000);
    assert_eq!(device.bytes_available(), 4000);
    // Whatever arrives meanwhile follows.
    let bytes = device.fill_buf().unwrap();
    assert_eq!(bytes.as_ptr().addr(), address.addr() + 1000);
    feed(&device, &pipe, b"more", Way::Copied);
    bytes.consume(3999);
    assert_eq!(device.read_all(), b"\x07more");
}

#[test]
fn a_slice_that_is_dropped_returns_its_bytes() {
    let (device, pipe) = pipe();
    feed(&device, &pipe, b"hello", Way::Shared);
    drop(device.fill_buf().unwrap());
    device.fill_buf().unwrap().consume(0);
    assert_eq!(device.read_all(), b"hello");
    assert!(device.fill_buf().unwrap().is_empty());
    pipe.ended.set(true);
    assert_eq!(device.fill_buf().unwrap_err(), DeviceErrorKind::Closed);
}

#[test]
fn only_one_slice_at_a_time_exists() {
    let (device, pipe) = pipe();
    feed(&device, &pipe, b"hello", Way::Copied);
    let bytes = device.fill_buf().unwrap();
    assert_eq!(device.fill_buf().unwrap_err(), DeviceErrorKind::Busy);
    assert_eq!(device.bytes_available(), 0);
    bytes.consume(99);
    assert_eq!(device.bytes_available(), 0);
    assert!(device.fill_buf().unwrap().is_empty());
}

#[test]
fn bytes_of_a_stream_that_was_closed_do_not_return() {
    let (device, pipe) = pipe();
    for consumed in [None, Some(2)] {
        feed(&device, &pipe, b"old", Way::Copied);
        let bytes = device.fill_buf().unwrap();
        device.close();
        device.open_device(OpenMode::READ_WRITE);
        feed(&device, &pipe, b"new", Way::Copied);
        match consumed {
            Some(count) => bytes.consume(count),
            None => drop(bytes),
        }
        assert_eq!(device.read_all(), b"new");
    }
    device.close();
    assert_eq!(device.fill_buf().unwrap_err(), DeviceErrorKind::NotOpen);
}

#[test]
fn text_mode_and_transactions_get_a_copy() {
    let (device, pipe) = pipe();
    feed(&device, &pipe, b"a\r\nb\r\nc", Way::Copied);
    device.set_text_mode_enabled(true);
    let bytes = device.fill_buf().unwrap();
    assert_eq!(*bytes, *b"a\nb\nc");
    bytes.consume(3);
    device.set_text_mode_enabled(false);
    device.start_transaction();
    assert_eq!(device.read(2), b"\r\n");
    let bytes = device.fill_buf().unwrap();
    assert_eq!(*bytes, *b"c");
    bytes.consume(1);
    device.rollback_transaction();
    assert_eq!(device.read_all(), b"\r\nc");
}

#[test]
fn a_buffer_lends_what_follows_its_position() {
    let buffer = QBuffer::new();
    buffer.set_data("0123456789".repeat(1000));
    buffer.open(OpenMode::READ_ONLY).unwrap();
    buffer.seek(5).unwrap();
    let bytes = buffer.fill_buf_with_min_size(9000).unwrap();
    assert!(bytes.len() >= 9000 && bytes.starts_with(b"5678901"));
    bytes.consume(2);
    assert_eq!((buffer.pos(), buffer.read(2)), (7, b"78".to_vec()));
}

#[cfg(feature = "tasks")]
#[test]
fn a_task_waits_for_the_next_bytes() {
    use qcore::{block_on, spawn_local};

    use super::framing::{end, turn};

    let (device, pipe) = pipe();
    let mut stream = device.stream();
    let task = spawn_local(async move {
        let mut all = Vec::new();
        loop {
            let bytes = stream.fill_buf().await.unwrap();
            if bytes.is_empty() {
                return all;
            }
            all.push(bytes.to_vec());
            bytes.consume(2);
        }
    });
    turn();
    feed(&device, &pipe, b"abc", Way::Backend);
    turn();
    feed(&device, &pipe, b"d", Way::Chunk);
    turn();
    end(&device, &pipe);
    let all = block_on(task).unwrap().unwrap();
    assert_eq!(all, [b"abc".to_vec(), b"c".to_vec(), b"d".to_vec()]);
}

/// Reads all that there is, and returns it.
fn take(device: &QIODevice, least: usize, count: usize) -> Vec<u8> {
    let there = device.bytes_available();
    let bytes = device.fill_buf_with_min_size(least).unwrap();
    assert!(bytes.len() >= least.min(there), "{} of {least}, {there}", bytes.len());
    let taken = bytes[..count.min(bytes.len())].to_vec();
    bytes.consume(count);
    assert_eq!(device.bytes_available(), there - taken.len());
    taken
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_sizes_give_all_bytes_in_order(
        steps in prop::collection::vec(
            (0..4usize, 0..3000usize, 0..5000usize, 0..5000usize), 0..40
        ),
    ) {
        let (device, pipe) = pipe();
        let (mut sent, mut received) = (0u32, Vec::new());
        for (way, size, least, count) in steps {
            let bytes: Vec<u8> = (sent..).map(|number| (number % 251) as u8).take(size).collect();
            sent += size as u32;
            // A backend's bytes follow those of the read buffer.
            let way = if pipe.waiting.borrow().is_empty() { WAYS[way] } else { Way::Backend };
            feed(&device, &pipe, &bytes, way);
            received.extend(take(&device, least, count));
        }
        received.extend(device.read_all());
        let all: Vec<u8> = (0..sent).map(|number| (number % 251) as u8).collect();
        prop_assert_eq!(received, all);
    }
}
