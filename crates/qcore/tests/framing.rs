//! Messages over devices.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    error::Error,
    fmt::Debug,
    rc::Rc,
};

use proptest::prelude::*;
use qcore::{
    DeviceError, DeviceErrorKind, OpenMode, QBuffer, QEventLoop, QIODevice, QObject, QSignalSpy,
    framing::{
        Codec, DataBlocks, Decoded, Delimited, FrameError, FrameErrorKind, Framed, LengthPrefix,
        Lines, Netstrings, PrefixSize,
    },
    io_device::{DeviceBackend, WhenFull},
    stream::ByteOrder,
};

/// A stream. What the other end sends is in the read buffer, or in the backend.
#[derive(Default)]
pub(crate) struct Pipe {
    pub(crate) waiting: RefCell<VecDeque<u8>>,
    pub(crate) ended: Cell<bool>,
    pub(crate) written: RefCell<Vec<u8>>,
    pub(crate) limit: Cell<usize>,
    /// How many written bytes have not been passed on.
    pub(crate) unsent: Cell<usize>,
}

struct Backend(Rc<Pipe>);

impl DeviceBackend for Backend {
    fn class_name(&self) -> &'static str {
        "Pipe"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn bytes_available(&self) -> usize {
        self.0.waiting.borrow().len()
    }

    fn read_buffer_size(&self) -> usize {
        self.0.limit.get()
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        let mut waiting = self.0.waiting.borrow_mut();
        if waiting.is_empty() && self.0.ended.get() {
            return Err(DeviceErrorKind::Closed.into());
        }
        let count = data.len().min(waiting.len());
        data.iter_mut().zip(waiting.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.0.written.borrow_mut().extend(data);
        Ok(data.len())
    }

    fn bytes_to_write(&self) -> usize {
        self.0.unsent.get()
    }
}

/// How bytes come into the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Copied,
    Chunk,
    Shared,
    Backend,
}

const WAYS: [Way; 4] = [Way::Copied, Way::Chunk, Way::Shared, Way::Backend];

pub(crate) fn pipe() -> (QIODevice, Rc<Pipe>) {
    let pipe = Rc::new(Pipe::default());
    let device = QIODevice::new(Backend(pipe.clone()));
    device.open_device(OpenMode::READ_WRITE);
    (device, pipe)
}

pub(crate) fn feed(device: &QIODevice, pipe: &Pipe, bytes: &[u8], way: Way) {
    match way {
        Way::Copied => device.append_to_buffer(bytes),
        Way::Chunk => device.append_chunk(bytes.to_vec()),
        Way::Shared => device.append_chunk(Rc::<[u8]>::from(bytes)),
        Way::Backend => pipe.waiting.borrow_mut().extend(bytes),
    }
    device.ready_read.emit(());
}

pub(crate) fn end(device: &QIODevice, pipe: &Pipe) {
    pipe.ended.set(true);
    device.read_channel_finished.emit(());
}

pub(crate) fn turn() {
    QEventLoop::new().process_events();
}

/// Collects what a `Framed` emits, as text.
fn watch<C: Codec<Message: Debug>>(framed: &Framed<QIODevice, C>) -> Rc<RefCell<Vec<String>>> {
    let log = Rc::new(RefCell::new(Vec::new()));
    framed.message.connect_to(&log, |log, message| log.borrow_mut().push(format!("{message:?}")));
    framed.error.connect_to(&log, |log, error| {
        log.borrow_mut().push(format!("{:?}", error.kind()));
    });
    log
}

/// Sends the messages, and receives them in pieces of these sizes, in each way, and from a buffer.
fn round_trip<C>(make: impl Fn() -> C, sent: &[&C::Sent], expected: &[C::Message], sizes: &[usize])
where
    C: Codec<Message: Clone + Debug + PartialEq>,
{
    let (device, pipe) = pipe();
    let sender = Framed::new(&device, make());
    for message in sent {
        sender.send(message).unwrap();
    }
    let bytes = pipe.written.take();
    for way in WAYS {
        let (device, pipe) = self::pipe();
        let framed = Framed::new(&device, make());
        let (spy, errors) = (QSignalSpy::new(&framed.message), QSignalSpy::new(&framed.error));
        let mut rest = &bytes[..];
        for &size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            feed(&device, &pipe, piece, way);
        }
        assert_eq!(spy.values(), expected, "{way:?}");
        end(&device, &pipe);
        assert_eq!(errors.count(), 0);
        assert_eq!(device.bytes_available(), 0);
    }
    let buffer = QBuffer::new();
    buffer.set_data(bytes);
    buffer.open(OpenMode::READ_ONLY).unwrap();
    let framed = Framed::new(&buffer, make());
    let spy = QSignalSpy::new(&framed.message);
    turn();
    assert_eq!(spy.values(), expected);
    assert!(buffer.at_end());
}

fn bytes_round_trip<C>(make: impl Fn() -> C, messages: &[Vec<u8>], sizes: &[usize])
where
    C: Codec<Message = Vec<u8>, Sent = [u8]>,
{
    let sent: Vec<&[u8]> = messages.iter().map(|message| &message[..]).collect();
    round_trip(make, &sent, messages, sizes);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, failure_persistence: None, ..Default::default()
    })]
    #[test]
    fn any_messages_in_any_pieces(
        mut messages in prop::collection::vec(
            prop_oneof![
                4 => prop::collection::vec(any::<u8>(), 0..30),
                1 => prop::collection::vec(any::<u8>(), 0..3000),
            ],
            0..20,
        ),
        sizes in prop::collection::vec(prop_oneof![3 => 1usize..40, 1 => 1usize..5000], 1..10),
        which in 0..4usize,
    ) {
        bytes_round_trip(Netstrings::new, &messages, &sizes);
        let size = [PrefixSize::U16, PrefixSize::U32, PrefixSize::U64, PrefixSize::U32][which];
        bytes_round_trip(|| LengthPrefix::new(size), &messages, &sizes);
        bytes_round_trip(
            || {
                let codec = LengthPrefix::new(size).with_byte_order(ByteOrder::LittleEndian);
                codec.with_inclusive_length()
            },
            &messages,
            &sizes,
        );
        let varint = LengthPrefix::new(PrefixSize::Varint(2));
        bytes_round_trip(|| varint.clone(), &messages, &sizes);
        bytes_round_trip(|| varint.clone().with_inclusive_length(), &messages, &sizes);
        let texts: Vec<String> = messages
            .iter()
            .map(|message| String::from_utf8_lossy(message).replace(['\n', '\r'], ""))
            .collect();
        let lines: Vec<&str> = texts.iter().map(|text| &text[..]).collect();
        round_trip(Lines::new, &lines, &texts, &sizes);
        round_trip(Lines::with_crlf, &lines, &texts, &sizes);
        let values: Vec<&String> = texts.iter().collect();
        round_trip(|| DataBlocks::<String>::new(PrefixSize::U32), &values, &texts, &sizes);
        for message in &mut messages {
            message.retain(|&byte| byte != 9);
            message.truncate(250);
        }
        bytes_round_trip(|| Delimited::new(*b"\x09"), &messages, &sizes);
        bytes_round_trip(|| Delimited::new(*b"\x09\x09\x08"), &messages, &sizes);
        bytes_round_trip(|| LengthPrefix::new(PrefixSize::U8), &messages, &sizes);
        for message in &mut messages {
            message.resize(message.len().max(3), 7);
        }
        bytes_round_trip(|| LengthPrefix::new(size).with_header_size(3), &messages, &sizes);
        bytes_round_trip(|| varint.clone().with_header_size(2), &messages, &sizes);
    }

    #[test]
    fn any_bytes_give_the_same_in_any_pieces(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), b'0'..=b':', Just(b'\n')], 0..300),
        size in 1usize..40,
    ) {
        fn receive<C>(codec: C, bytes: &[u8], size: usize) -> String
        where
            C: Codec<Message: Debug + Clone>,
        {
            let (device, pipe) = pipe();
            let framed = Framed::new(&device, codec);
            let (messages, errors) =
                (QSignalSpy::new(&framed.message), QSignalSpy::new(&framed.error));
            for piece in bytes.chunks(size) {
                feed(&device, &pipe, piece, Way::Copied);
            }
            end(&device, &pipe);
            assert!(errors.count() <= 1);
            assert!(errors.count() == 1 || device.bytes_available() == 0);
            format!("{:?} {:?}", messages.values(), errors.values())
        }
        fn check<C: Codec<Message: Debug + Clone> + Clone>(codec: C, bytes: &[u8], size: usize) {
            let in_pieces = receive(codec.clone(), bytes, size);
            assert_eq!(in_pieces, receive(codec, bytes, bytes.len().max(1)));
        }
        check(Netstrings::new().with_limit(100), &bytes, size);
        check(Lines::new().with_limit(100), &bytes, size);
        check(LengthPrefix::new(PrefixSize::U16).with_inclusive_length(), &bytes, size);
        let varint = LengthPrefix::new(PrefixSize::Varint(4)).with_limit(100);
        check(varint.clone().with_inclusive_length(), &bytes, size);
        check(varint.with_header_size(2), &bytes, size);
        check(DataBlocks::<Vec<(String, u32)>>::new(PrefixSize::U8), &bytes, size);
        check(Delimited::new(*b"\n0").with_limit(9), &bytes, size);
        #[cfg(feature = "json")]
        check(qcore::framing::JsonLines::<u64>::new().with_limit(9), &bytes, size);
    }
}

#[test]
fn an_error_does_not_depend_on_how_many_digits_have_arrived() {
    let mut codec = Netstrings::new().with_limit(1000);
    let bytes = b"0797715896143";
    assert_eq!(codec.decode(&bytes[..1]).unwrap(), Decoded::Need(0));
    for count in 2..=bytes.len() {
        let error = codec.decode(&bytes[..count]).unwrap_err();
        assert_eq!(error, FrameErrorKind::Invalid, "{count}");
    }
}

#[test]
fn half_a_message_at_the_end_is_an_error() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    feed(&device, &pipe, b"whole\nhal", Way::Copied);
    assert_eq!(*log.borrow(), ["\"whole\""]);
    end(&device, &pipe);
    assert_eq!(*log.borrow(), ["\"whole\"", "Incomplete"]);
    // Once, and the bytes are still there.
    framed.pause();
    framed.resume();
    turn();
    assert_eq!(log.borrow().len(), 2);
    assert_eq!(framed.detach().read_all(), b"hal");
}

#[test]
fn a_device_that_reports_its_end_only_by_the_signal_ends_as_well() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    feed(&device, &pipe, b"whole\nhal", Way::Copied);
    device.read_channel_finished.emit(());
    assert_eq!(*log.borrow(), ["\"whole\"", "Incomplete"]);
}

#[test]
fn one_message_is_encoded_once_for_many_devices() {
    let pipes = [(); 3].map(|()| pipe());
    let framed = pipes.each_ref().map(|(device, _)| Framed::new(device, Netstrings::new()));
    for size in [1, 100_000] {
        let encoded = framed[0].encode(&vec![b'x'; size]).unwrap();
        for framed in &framed {
            framed.send_encoded(encoded.clone()).unwrap();
        }
        let expected = format!("{size}:{},", "x".repeat(size));
        for (_, pipe) in &pipes {
            assert_eq!(pipe.written.take(), expected.as_bytes());
        }
    }
    let refused = framed[0].encode(&vec![0; 2 << 20]).unwrap_err();
    assert_eq!(refused, FrameErrorKind::TooLong);
    pipes[0].0.close();
    assert_eq!(framed[0].send_encoded("1:a,").unwrap_err(), FrameErrorKind::Device);
}

#[test]
fn errors_carry_what_caused_them() {
    let error = Lines::new().decode(b"\xff\n").unwrap_err();
    assert!(error.source().is_some_and(|source| source.is::<std::str::Utf8Error>()));
    let (device, _) = pipe();
    device.close();
    let error = Framed::new(&device, Lines::new()).send("a").unwrap_err();
    assert!(error.source().is_some_and(|source| source.is::<DeviceError>()));
}

#[test]
fn the_rest_can_be_a_line() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new().allow_unterminated());
    let log = watch(&framed);
    feed(&device, &pipe, b"one\ntwo", Way::Backend);
    end(&device, &pipe);
    assert_eq!(*log.borrow(), ["\"one\"", "\"two\""]);
}

#[test]
fn what_follows_an_error_takes_no_memory() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Netstrings::new());
    let log = watch(&framed);
    feed(&device, &pipe, b"1:a,bad", Way::Copied);
    assert_eq!(device.peek(9), b"bad");
    for _ in 0..10 {
        feed(&device, &pipe, &[b'5'; 1000], Way::Copied);
    }
    assert_eq!(device.bytes_available(), 0);
    assert_eq!(*log.borrow(), ["[97]", "Invalid"]);
    // The next stream of the same device begins anew.
    end(&device, &pipe);
    pipe.ended.set(false);
    feed(&device, &pipe, b"1:b,", Way::Copied);
    assert_eq!(*log.borrow(), ["[97]", "Invalid", "[98]"]);
}

#[test]
fn a_slot_of_the_error_can_take_over() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Netstrings::new());
    framed.error.connect_to(&framed, |framed, _| drop(framed.detach()));
    feed(&device, &pipe, b"bad", Way::Copied);
    feed(&device, &pipe, b"more", Way::Copied);
    assert_eq!(device.read_all(), b"badmore");
    assert!(!framed.is_attached());
}

#[test]
fn limits_hold_before_the_bytes_arrive() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, LengthPrefix::new(PrefixSize::U64));
    let log = watch(&framed);
    feed(&device, &pipe, &[0xff; 8], Way::Copied);
    assert_eq!(*log.borrow(), ["TooLong"]);

    let (device, pipe) = self::pipe();
    let framed = Framed::new(&device, Lines::new().with_limit(4));
    let log = watch(&framed);
    feed(&device, &pipe, b"four\r\nfour\nfo", Way::Copied);
    feed(&device, &pipe, b"ur", Way::Copied);
    assert_eq!(log.borrow().len(), 2);
    feed(&device, &pipe, b"s\r", Way::Copied);
    assert_eq!(log.borrow()[2..], ["TooLong"]);
}

#[test]
fn a_message_longer_than_the_read_buffer_is_an_error() {
    let (device, pipe) = pipe();
    pipe.limit.set(10);
    let framed = Framed::new(&device, LengthPrefix::new(PrefixSize::U8));
    let log = watch(&framed);
    feed(&device, &pipe, b"\x09123456789\x0a12345", Way::Copied);
    assert_eq!(log.borrow()[1..], ["TooLong"]);

    let (device, pipe) = self::pipe();
    pipe.limit.set(4);
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    feed(&device, &pipe, b"1234", Way::Copied);
    assert_eq!(*log.borrow(), ["TooLong"]);
}

#[test]
fn slots_may_pause_and_resume() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    framed.message.connect_to(&framed, |framed, _| framed.pause());
    feed(&device, &pipe, b"one\ntwo\nthree", Way::Copied);
    feed(&device, &pipe, b"\n", Way::Copied);
    assert_eq!(log.borrow().len(), 1);
    assert!(framed.is_paused());
    // The program may read meanwhile.
    assert_eq!(device.read(3), b"two");
    framed.resume();
    assert_eq!(log.borrow().len(), 1);
    turn();
    assert_eq!(*log.borrow(), ["\"one\"", "\"\""]);
}

#[test]
fn a_pause_in_the_middle_of_a_line_forgets_what_was_searched() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    feed(&device, &pipe, b"abcdef", Way::Copied);
    framed.pause();
    assert_eq!(device.read(5), b"abcde");
    feed(&device, &pipe, b"\nnext line\n", Way::Copied);
    framed.resume();
    turn();
    assert_eq!(*log.borrow(), ["\"f\"", "\"next line\""]);
}

#[test]
fn slots_may_close_the_device() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    framed.message.connect_to(&framed, |framed, _| framed.device().close());
    feed(&device, &pipe, b"one\ntwo\nthr", Way::Copied);
    assert_eq!(*log.borrow(), ["\"one\""]);
}

#[test]
fn slots_may_drop_the_device() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    let dead = Rc::new(Cell::new(false));
    device.destroyed.connect_to(&dead, |dead, _| dead.set(true));
    let handle = Rc::new(RefCell::new(None));
    let (watched, last) = (dead.clone(), handle.clone());
    let signal = framed.message.connect(move |_| {
        drop(last.take());
        // `feed` has a handle still.
        assert!(!watched.get());
    });
    handle.replace(Some(framed));
    feed(&device, &pipe, b"one\n", Way::Copied);
    assert_eq!(log.borrow().len(), 1);
    drop(device);
    assert!(dead.get());
    assert!(!signal.is_connected());
}

#[test]
fn a_device_that_dies_in_a_slot_emits_no_more() {
    let (device, pipe) = pipe();
    let parent = QObject::new();
    device.set_parent(Some(&parent));
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    let parent = RefCell::new(Some(parent));
    framed.message.connect(move |_| drop(parent.take()));
    feed(&device, &pipe, b"one\ntwo\n", Way::Copied);
    assert!(device.is_deleted());
    assert!(!framed.is_attached());
    assert_eq!(framed.send("more").unwrap_err(), FrameErrorKind::Device);
    assert_eq!(*log.borrow(), ["\"one\""]);
}

#[test]
fn slots_may_replace_the_codec() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, LengthPrefix::new(PrefixSize::U8));
    let log = watch(&framed);
    framed.message.connect_to(&framed, |framed, message| {
        if message == b"wide" {
            framed.set_codec(LengthPrefix::new(PrefixSize::U16));
        }
    });
    feed(&device, &pipe, b"\x04wide\0\x01a\0\x01b", Way::Copied);
    assert_eq!(log.borrow()[1..], ["[97]", "[98]"]);
}

#[test]
fn messages_wait_for_a_slot_that_runs_the_loop() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let depth = Rc::new(Cell::new(0));
    let log = watch(&framed);
    let (inner, sender) = (pipe.clone(), device.to_owned());
    framed.message.connect_to(&depth, move |depth, line| {
        assert_eq!(depth.replace(1), 0);
        if line == "one" {
            feed(&sender, &inner, b"three\n", Way::Copied);
            turn();
        }
        depth.set(0);
    });
    feed(&device, &pipe, b"one\ntwo\n", Way::Copied);
    assert_eq!(*log.borrow(), ["\"one\"", "\"two\"", "\"three\""]);
    device.delete_later();
    turn();
}

#[test]
fn messages_follow_a_slot_that_panics() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    framed.message.connect(|line| assert!(line != "one", "a slot"));
    let fed = std::panic::AssertUnwindSafe(|| feed(&device, &pipe, b"one\ntwo\n", Way::Copied));
    assert!(std::panic::catch_unwind(fed).is_err());
    assert_eq!(*log.borrow(), ["\"one\""]);
    turn();
    assert_eq!(*log.borrow(), ["\"one\"", "\"two\""]);
}

#[test]
fn nothing_is_lost_while_signals_are_blocked() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, Lines::new());
    let log = watch(&framed);
    device.block_signals(true);
    feed(&device, &pipe, b"one\n", Way::Copied);
    framed.pause();
    framed.resume();
    turn();
    device.block_signals(false);
    feed(&device, &pipe, b"two\n", Way::Copied);
    assert_eq!(*log.borrow(), ["\"one\"", "\"two\""]);
}

#[test]
fn text_mode_and_transactions_work() {
    let (device, pipe) = pipe();
    device.set_text_mode_enabled(true);
    let framed = Framed::new(&device, Delimited::new(*b"\n"));
    let log = watch(&framed);
    feed(&device, &pipe, b"a\r\nb", Way::Copied);
    assert_eq!(*log.borrow(), ["[97]"]);
    device.set_text_mode_enabled(false);
    device.start_transaction();
    feed(&device, &pipe, b"\nc\n", Way::Copied);
    assert_eq!(log.borrow()[1..], ["[98]", "[99]"]);
    device.commit_transaction();
    assert_eq!(device.bytes_available(), 0);
}

#[test]
fn what_cannot_be_sent_is_not_sent() {
    let (device, pipe) = pipe();
    let lines = Framed::new(&device, Lines::new().with_limit(3));
    assert_eq!(lines.send("a\nb").unwrap_err(), FrameErrorKind::Invalid);
    assert_eq!(lines.send("a\r").unwrap_err(), FrameErrorKind::Invalid);
    assert_eq!(lines.send("four").unwrap_err(), FrameErrorKind::TooLong);
    let blocks = Framed::new(&lines.detach(), LengthPrefix::new(PrefixSize::U8));
    assert_eq!(blocks.send(&[0; 256]).unwrap_err(), FrameErrorKind::TooLong);
    let ends = Framed::new(&blocks.detach(), Delimited::new(*b"##"));
    assert_eq!(ends.send(b"a#").unwrap_err(), FrameErrorKind::Invalid);
    assert!(pipe.written.borrow().is_empty());
    device.close();
    assert_eq!(ends.send(b"a").unwrap_err(), FrameErrorKind::Device);
}

#[test]
fn a_full_device_takes_no_part_of_a_message() {
    let (device, pipe) = pipe();
    let flow = device.write_flow();
    flow.set_marks(5, 10);
    flow.set_when_full(WhenFull::Refuse);
    let framed = Framed::new(&device, Lines::new());
    // These wait after the first message.
    pipe.unsent.set(10);
    framed.send("fits").unwrap();
    for message in ["small", &"x".repeat(10_000)] {
        assert_eq!(framed.send(message).unwrap_err(), FrameErrorKind::Full);
    }
    assert_eq!(*pipe.written.borrow(), b"fits\n");
}

#[test]
fn long_messages_are_sent_whole() {
    let (device, pipe) = pipe();
    let framed = Framed::new(&device, LengthPrefix::new(PrefixSize::U32));
    framed.send(&[7; 100_000]).unwrap();
    framed.send(b"x").unwrap();
    assert_eq!(pipe.written.borrow().len(), 100_009);
}

/// Counts its calls, and breaks its contract as told.
struct Odd {
    calls: Rc<Cell<usize>>,
    decoded: Decoded<u8>,
}

impl Codec for Odd {
    type Message = u8;
    type Sent = u8;

    fn decode(&mut self, _: &[u8]) -> Result<Decoded<u8>, FrameError> {
        self.calls.set(self.calls.get() + 1);
        Ok(self.decoded)
    }

    fn encode(&mut self, _: &u8, _: &mut Vec<u8>) -> Result<(), FrameError> {
        Ok(())
    }
}

#[test]
fn codecs_that_err_cannot_make_the_loop_hang() {
    let lengths = [Decoded::Message(1, 0), Decoded::Message(1, 9), Decoded::Skip(0)];
    for decoded in lengths {
        let (device, pipe) = pipe();
        let calls = Rc::new(Cell::new(0));
        let framed = Framed::new(&device, Odd { calls: calls.clone(), decoded });
        let log = watch(&framed);
        feed(&device, &pipe, b"bytes", Way::Copied);
        assert_eq!((calls.get(), &log.borrow()[..]), (1, &["Invalid".to_owned()][..]));
    }
    // One that needs fewer bytes than it has is called once for all that there are.
    let (device, pipe) = pipe();
    let calls = Rc::new(Cell::new(0));
    let _framed = Framed::new(&device, Odd { calls: calls.clone(), decoded: Decoded::Need(1) });
    feed(&device, &pipe, b"bytes", Way::Copied);
    assert_eq!(calls.get(), 1);
}

#[test]
fn decode_is_not_called_before_there_are_enough_bytes() {
    let (device, pipe) = pipe();
    let calls = Rc::new(Cell::new(0));
    let _framed = Framed::new(&device, Odd { calls: calls.clone(), decoded: Decoded::Need(500) });
    for _ in 0..499 {
        feed(&device, &pipe, b"x", Way::Shared);
    }
    assert_eq!(calls.get(), 1);
    feed(&device, &pipe, b"x", Way::Shared);
    assert_eq!(calls.get(), 2);
}
