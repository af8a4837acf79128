//! Streams over bytes, over devices and over nothing, and transactions.

use std::collections::BTreeMap;

use qcore::{
    OpenMode, QBuffer, QDataStream, QIODevice,
    stream::{
        ByteOrder, FloatingPointPrecision, QBitArray, QVariant, StreamErrorKind, StreamStatus,
        StreamVersion,
    },
};

use self::pipe::Pipe;

fn reading(bytes: impl AsRef<[u8]>) -> QDataStream {
    QDataStream::from_bytes(bytes.as_ref())
}

fn writing() -> QDataStream {
    QDataStream::from_bytes(Vec::new())
}

fn buffer(bytes: impl AsRef<[u8]>) -> QBuffer {
    let buffer = QBuffer::new();
    buffer.set_data(bytes.as_ref());
    buffer.open(OpenMode::READ_ONLY).unwrap();
    buffer
}

#[test]
fn settings_and_device() {
    let mut stream = QDataStream::default();
    assert_eq!(stream.device(), None);
    let device = buffer(b"");
    stream.set_device(&device);
    assert_eq!(stream.device(), Some::<&QIODevice>(&device));
    stream.unset_device();
    assert_eq!(stream.device(), None);

    assert_eq!(stream.byte_order(), ByteOrder::BigEndian);
    stream.set_byte_order(ByteOrder::LittleEndian);
    assert_eq!(stream.byte_order(), ByteOrder::LittleEndian);

    assert_eq!(stream.floating_point_precision(), FloatingPointPrecision::DoublePrecision);
    stream.set_floating_point_precision(FloatingPointPrecision::SinglePrecision);
    assert_eq!(stream.floating_point_precision(), FloatingPointPrecision::SinglePrecision);

    assert_eq!(stream.version(), StreamVersion::QT_5_15);
    for number in 1..=19 {
        stream.set_version(StreamVersion::try_from(number).unwrap());
        assert_eq!(i32::from(stream.version()), number);
    }
    assert!(StreamVersion::QT_4_6 > StreamVersion::QT_4_5);
    assert_eq!(StreamVersion::QT_5_11, StreamVersion::QT_5_6);
    assert!(StreamVersion::try_from(0).is_err());
    assert!(StreamVersion::try_from(20).is_err());
}

#[test]
fn a_stream_over_nothing_reads_zeros_and_stays_ok() {
    let mut stream = QDataStream::default();
    assert_eq!(stream.read_int32(), 0);
    assert_eq!(stream.read_raw_data(&mut [1]), 0);
    assert_eq!(stream.skip_raw_data(2), 0);
    stream.write_int32(1);
    stream.start_transaction();
    assert!(stream.commit_transaction().is_err());
    assert!(stream.at_end());
    assert_eq!(stream.status(), StreamStatus::Ok);
    assert_eq!(stream.into_bytes(), b"");
}

#[test]
fn another_device_leaves_the_status() {
    let mut stream = QDataStream::new(&buffer(b""));
    stream.read_int8();
    stream.set_device(&buffer(b"\x05"));
    assert_eq!(stream.status(), StreamStatus::ReadPastEnd);
    assert_eq!(stream.read_int8(), 5);
    assert_eq!(stream.status(), StreamStatus::ReadPastEnd);
}

#[test]
fn at_end() {
    let pipe = Pipe::default();
    pipe.arrive(b"\0\x01");
    for mut stream in
        [reading(b"\0\x01"), QDataStream::new(&buffer(b"\0\x01")), QDataStream::new(&pipe.device())]
    {
        assert!(!stream.at_end());
        assert_eq!(stream.read_uint16(), 1);
        assert!(stream.at_end());
    }
}

#[test]
fn a_device_that_refuses_makes_write_failed() {
    let pipe = Pipe::default();
    let mut stream = QDataStream::new(&pipe.device());
    stream.write_int32(1);
    assert_eq!(stream.status(), StreamStatus::Ok);
    pipe.refuse(true);
    stream.write_qstring("a");
    assert_eq!(stream.status(), StreamStatus::WriteFailed);
    pipe.refuse(false);
    stream.write_int32(2);
    assert_eq!(pipe.len(), 4);
    stream.reset_status();
    stream.write_int32(2);
    assert_eq!(pipe.len(), 8);
}

#[test]
fn a_device_that_is_closed_or_open_otherwise() {
    let closed = QBuffer::new();
    closed.set_data(*b"abcd");
    let mut stream = QDataStream::new(&closed);
    stream.write_int8(1);
    assert_eq!(stream.status(), StreamStatus::WriteFailed);
    stream.reset_status();
    assert_eq!(stream.read_int8(), 0);
    assert_eq!(stream.status(), StreamStatus::ReadPastEnd);
    assert!(stream.at_end());
    assert_eq!(closed.data(), b"abcd");

    let mut stream = QDataStream::new(&buffer(b"abcd"));
    stream.write_int8(1);
    assert_eq!(stream.status(), StreamStatus::WriteFailed);
}

#[test]
fn after_any_error_nothing_is_written() {
    for status in
        [StreamStatus::ReadPastEnd, StreamStatus::ReadCorruptData, StreamStatus::WriteFailed]
    {
        let mut stream = writing();
        stream.set_status(status);
        stream.write_int8(1);
        stream.write(&vec![1, 2]).write("a").write(&QVariant::Int(1)).write(&QBitArray::new(3));
        assert_eq!(stream.status(), status);
        assert_eq!(stream.into_bytes(), b"");
    }
}

#[test]
fn skip_raw_data() {
    let bytes = [7; 10_000];
    let pipe = Pipe::default();
    pipe.arrive(&bytes);
    for mut stream in
        [reading(bytes), QDataStream::new(&buffer(bytes)), QDataStream::new(&pipe.device())]
    {
        assert_eq!(stream.skip_raw_data(0), 0);
        assert_eq!(stream.skip_raw_data(1), 1);
        assert_eq!(stream.skip_raw_data(9000), 9000);
        assert_eq!(stream.status(), StreamStatus::Ok);
        assert_eq!(stream.read_uint8(), 7);
        assert_eq!(stream.skip_raw_data(5000), 998);
        assert_eq!(stream.status(), StreamStatus::ReadPastEnd);
        assert!(stream.at_end());
    }
}

// ---- transactions

/// Writes a message with values of many types.
fn write_message(out: &mut QDataStream) {
    out.write_int8(-1);
    out.write_qstring("grüße");
    out.write_float(1.5);
    out.write(&vec![1u16, 2, 3]);
    out.write(&BTreeMap::from([("k".to_owned(), QVariant::from(vec![QVariant::from(5)]))]));
    out.write_c_string(c"c");
    out.write_raw_data(b"raw");
}

fn read_message(input: &mut QDataStream) {
    input.read_int8();
    input.read_qstring();
    input.read_float();
    assert!(matches!(input.read::<Vec<u16>>().len(), 0 | 3));
    input.read::<BTreeMap<String, QVariant>>();
    input.read_c_string();
    let mut raw = [0; 3];
    if input.read_raw_data(&mut raw) == 3 {
        assert_eq!(&raw, b"raw");
    }
}

#[test]
fn a_message_cut_anywhere_is_read_later() {
    let mut out = writing();
    write_message(&mut out);
    let message = out.into_bytes();
    for cut in 0..message.len() {
        let pipe = Pipe::default();
        let device = pipe.device();
        let mut input = QDataStream::new(&device);
        for end in [cut, message.len()] {
            pipe.arrive(&message[if end == cut { 0..cut } else { cut..end }]);
            let there = device.bytes_available();
            assert_eq!(there, end);
            input.start_transaction();
            read_message(&mut input);
            let whole = end == message.len();
            assert_eq!(input.commit_transaction().is_ok(), whole);
            let status = if whole { StreamStatus::Ok } else { StreamStatus::ReadPastEnd };
            assert_eq!(input.status(), status);
            assert_eq!(device.bytes_available(), if whole { 0 } else { there });
        }

        let mut short = QDataStream::new(&buffer(&message[..cut]));
        assert!(short.transaction(read_message).is_err());
        assert_eq!(short.device().unwrap().pos(), 0);
    }
}

#[test]
fn over_bytes_a_message_may_come_in_parts_as_well() {
    let mut out = writing();
    write_message(&mut out);
    let message = out.into_bytes();
    for cut in 0..message.len() {
        let mut stream = reading(&message[..cut]);
        assert!(stream.transaction(read_message).is_err());
        stream.reset_status();
        stream.write_raw_data(&message[cut..]);
        assert!(stream.transaction(read_message).is_ok());
        assert!(stream.at_end());
    }
}

#[test]
fn what_is_corrupt_is_not_read_again() {
    let mut input = reading(b"\0\0\0\x01abc");
    input.start_transaction();
    input.read_qstring();
    assert_eq!(input.commit_transaction().unwrap_err(), StreamErrorKind::ReadCorruptData);
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    assert_eq!(input.read_int8(), b'a' as i8);

    let mut input = reading(b"abc");
    input.start_transaction();
    input.read_int8();
    input.abort_transaction();
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    assert_eq!(input.read_int8(), b'b' as i8);

    // Corrupt data is gone even after a rollback.
    input.start_transaction();
    input.set_status(StreamStatus::ReadCorruptData);
    input.rollback_transaction();
    assert_eq!(input.read_int8(), b'c' as i8);
}

#[test]
fn nested_transactions() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum End {
        Commit,
        Rollback,
        Abort,
    }
    use End::{Abort, Commit, Rollback};

    for first in [Commit, Rollback, Abort] {
        for second in [Commit, Rollback, Abort] {
            let mut input = QDataStream::new(&buffer(b"abcd"));
            input.start_transaction();
            for end in [first, second] {
                input.start_transaction();
                input.read_int8();
                match end {
                    Commit => {
                        let ok = first == Commit;
                        assert_eq!(input.commit_transaction().is_ok(), ok);
                    }
                    Rollback => input.rollback_transaction(),
                    Abort => input.abort_transaction(),
                }
            }
            let both = first == Commit && second == Commit;
            assert_eq!(input.commit_transaction().is_ok(), both);
            let (status, next) = match (first, second) {
                (Commit, Commit) => (StreamStatus::Ok, b'c'),
                (Commit, Abort) => (StreamStatus::ReadCorruptData, b'c'),
                (Abort, _) | (_, Abort) => (StreamStatus::ReadCorruptData, b'b'),
                _ => (StreamStatus::ReadPastEnd, b'a'),
            };
            assert_eq!(input.status(), status, "{first:?} {second:?}");
            assert_eq!(input.read_int8(), next as i8, "{first:?} {second:?}");
        }
    }
}

#[test]
fn ends_without_a_beginning() {
    let mut input = reading(b"a");
    assert_eq!(input.commit_transaction().unwrap_err(), StreamErrorKind::NoTransaction);
    assert_eq!(input.status(), StreamStatus::Ok);
    input.rollback_transaction();
    assert_eq!(input.status(), StreamStatus::ReadPastEnd);
    input.abort_transaction();
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    assert_eq!(input.read_int8(), b'a' as i8);
}

mod pipe {
    use qcore::{DeviceError, DeviceErrorKind, OpenMode, QIODevice, io_device::DeviceBackend};
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };

    /// A sequential device. The bytes written to it can be read from it.
    #[derive(Clone, Default)]
    pub(crate) struct Pipe(Rc<PipeState>);

    #[derive(Default)]
    struct PipeState {
        bytes: RefCell<Vec<u8>>,
        refuses: Cell<bool>,
    }

    impl Pipe {
        pub(crate) fn device(&self) -> QIODevice {
            let device = QIODevice::new(self.clone());
            device.open(OpenMode::READ_WRITE).unwrap();
            device
        }

        pub(crate) fn len(&self) -> usize {
            self.0.bytes.borrow().len()
        }

        /// Sets whether the device refuses writes.
        pub(crate) fn refuse(&self, refuse: bool) {
            self.0.refuses.set(refuse);
        }

        pub(crate) fn arrive(&self, bytes: &[u8]) {
            self.0.bytes.borrow_mut().extend_from_slice(bytes);
        }
    }

    impl DeviceBackend for Pipe {
        fn class_name(&self) -> &'static str {
            "Pipe"
        }

        fn is_sequential(&self) -> bool {
            true
        }

        fn bytes_available(&self) -> usize {
            self.len()
        }

        fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
            let mut bytes = self.0.bytes.borrow_mut();
            let count = bytes.len().min(data.len());
            data[..count].copy_from_slice(&bytes[..count]);
            bytes.drain(..count);
            Ok(count)
        }

        fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
            if self.0.refuses.get() {
                return Err(DeviceErrorKind::Device.into());
            }
            self.arrive(data);
            Ok(data.len())
        }
    }
}
