//! What the other end sends decides how much memory framing needs, not what it announces.

#[path = "common/peak.rs"]
mod peak;

use std::{cell::Cell, rc::Rc};

use peak::peak;
use qcore::{
    DeviceError, OpenMode, QIODevice,
    framing::{
        Codec, DataBlocks, Delimited, FrameErrorKind, Framed, LengthPrefix, Netstrings, PrefixSize,
    },
    io_device::DeviceBackend,
};

/// What is allowed besides the bytes of a message: buffers for reading.
const AT_LEAST: usize = 64 * 1024;

/// A stream whose bytes are put into the read buffer.
struct Stream;

impl DeviceBackend for Stream {
    fn class_name(&self) -> &'static str {
        "Stream"
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

/// Feeds a codec with pieces. Returns the number of messages, the error and the peak of the memory.
fn receive<'a, C: Codec>(
    codec: C,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (usize, Option<FrameErrorKind>, usize) {
    let device = QIODevice::new(Stream);
    device.open_device(OpenMode::READ_WRITE);
    let framed = Framed::new(&device, codec);
    let (count, error) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(None)));
    framed.message.connect_to(&count, |count, _| count.set(count.get() + 1));
    framed.error.connect_to(&error, |found, error| found.set(Some(error.kind())));
    let peak = peak(|| {
        for piece in pieces {
            device.append_to_buffer(piece);
            device.ready_read.emit(());
        }
    });
    (count.get(), error.get(), peak)
}

#[test]
fn an_announced_length_allocates_nothing() {
    let prefix = LengthPrefix::new(PrefixSize::U64).with_limit(usize::MAX);
    let huge = b"\x00\x00\xff\xff\xff\xff\xff\xffabc";
    let (count, error, peak) = receive(prefix.clone(), huge.chunks(1));
    assert_eq!((count, error), (0, None));
    assert!(peak < AT_LEAST, "{peak}");

    let (count, error, peak) =
        receive(Netstrings::new().with_limit(usize::MAX), b"99999999999999:abc".chunks(1));
    assert_eq!((count, error), (0, None));
    assert!(peak < AT_LEAST, "{peak}");

    // A list in a block announces more elements than the block has.
    let block = b"\x00\x00\x00\x08\xff\xff\xff\x00abcd";
    let codec = DataBlocks::<Vec<u64>>::new(PrefixSize::U32);
    let (count, error, peak) = receive(codec, block.chunks(3));
    assert_eq!((count, error), (0, Some(FrameErrorKind::Invalid)));
    assert!(peak < AT_LEAST, "{peak}");
}

#[test]
fn a_long_message_takes_its_length_a_few_times() {
    const SIZE: usize = 1 << 20;
    let mut message = (SIZE as u32).to_be_bytes().to_vec();
    message.resize(4 + SIZE, 7);
    for piece in [1000, 20_000, message.len()] {
        let (count, error, peak) =
            receive(LengthPrefix::new(PrefixSize::U32), message.chunks(piece));
        assert_eq!((count, error), (1, None));
        assert!(peak < 4 * SIZE + AT_LEAST, "{peak} in pieces of {piece}");
    }
    let mut line = vec![7; SIZE];
    line.extend(b"\r\n");
    let (count, error, peak) = receive(Delimited::new(b"\r\n"), line.chunks(1000));
    assert_eq!((count, error), (1, None));
    assert!(peak < 4 * SIZE + AT_LEAST, "{peak}");
}

#[test]
fn an_endless_message_takes_no_more_than_its_limit() {
    const LIMIT: usize = 100_000;
    let piece = [7; 1000];
    let endless = std::iter::repeat_n(&piece[..], 20_000);
    let (count, error, peak) = receive(Delimited::new(b"\n").with_limit(LIMIT), endless);
    assert_eq!((count, error), (0, Some(FrameErrorKind::TooLong)));
    assert!(peak < 4 * LIMIT + AT_LEAST, "{peak}");
}

#[test]
fn any_number_of_messages_takes_the_memory_of_one() {
    let message = b"100:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,";
    let many = std::iter::repeat_n(&message[..], 10_000);
    let (count, error, peak) = receive(Netstrings::new(), many);
    assert_eq!((count, error), (10_000, None));
    assert!(peak < AT_LEAST, "{peak}");
}
