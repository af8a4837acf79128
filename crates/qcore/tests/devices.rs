//! User-defined devices: the cases of Qt's own tests of QIODevice, and backends that misbehave.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use qcore::{
    DeviceError, DeviceErrorKind, OpenMode, QBuffer, QDeadlineTimer, QIODevice, QSignalSpy,
    io_device::DeviceBackend,
};

/// A readable device, as a stream or with positions. It logs how many bytes each read asks for.
#[derive(Default)]
struct Memory {
    data: RefCell<Vec<u8>>,
    at: Cell<usize>,
    sequential: bool,
    /// The most bytes to return at once; 0 means no limit.
    most: usize,
    asked: RefCell<Vec<usize>>,
}

#[derive(Clone)]
struct Shared(Rc<Memory>);

impl DeviceBackend for Shared {
    fn class_name(&self) -> &'static str {
        "Memory"
    }

    fn is_sequential(&self) -> bool {
        self.0.sequential
    }

    fn size(&self) -> i64 {
        self.0.data.borrow().len() as i64
    }

    fn seek(&self, _: &QIODevice, position: i64) -> Result<(), DeviceError> {
        self.0.at.set(position as usize);
        Ok(())
    }

    fn bytes_available(&self) -> usize {
        self.0.data.borrow().len() - self.0.at.get()
    }

    fn read_data(&self, _: &QIODevice, out: &mut [u8]) -> Result<usize, DeviceError> {
        self.0.asked.borrow_mut().push(out.len());
        let data = self.0.data.borrow();
        let rest = data.get(self.0.at.get()..).unwrap_or_default();
        let most = if self.0.most == 0 { usize::MAX } else { self.0.most };
        let count = rest.len().min(out.len()).min(most);
        out[..count].copy_from_slice(&rest[..count]);
        self.0.at.set(self.0.at.get() + count);
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, new: &[u8]) -> Result<usize, DeviceError> {
        let mut data = self.0.data.borrow_mut();
        let at = if self.0.sequential { data.len() } else { self.0.at.get() };
        let end = at + new.len();
        let size = data.len().max(end);
        data.resize(size, 0);
        data[at..end].copy_from_slice(new);
        if !self.0.sequential {
            self.0.at.set(end);
        }
        Ok(new.len())
    }
}

fn memory(data: &[u8], sequential: bool, most: usize, mode: OpenMode) -> (QIODevice, Rc<Memory>) {
    let data = RefCell::new(data.to_vec());
    let memory = Rc::new(Memory { data, sequential, most, ..Memory::default() });
    let device = QIODevice::new(Shared(memory.clone()));
    device.open(mode).unwrap();
    (device, memory)
}

/// Runs a test in four ways: as a stream or with positions, with a read buffer or without.
fn in_every_way(data: &[u8], test: impl Fn(&QIODevice, &str)) {
    for sequential in [true, false] {
        for mode in [OpenMode::READ_ONLY, OpenMode::READ_ONLY | OpenMode::UNBUFFERED] {
            let (device, _) = memory(data, sequential, 0, mode);
            test(&device, &format!("sequential: {sequential}, {mode:?}"));
        }
    }
}

fn numbers(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}

// ---- the cases of Qt's tests

#[test]
fn get_set_check() {
    let (device, _) = memory(b"", true, 0, OpenMode::READ_ONLY);
    for mode in [OpenMode::NOT_OPEN, OpenMode::READ_ONLY, OpenMode::READ_WRITE] {
        device.set_open_mode(mode);
        assert_eq!(device.open_mode(), mode);
    }
}

#[test]
fn constructing_qfile() {
    let (device, _) = memory(b"one\ntwo two\nthree", false, 0, OpenMode::READ_ONLY);
    assert_eq!((device.read_line(), device.pos()), (b"one\n".to_vec(), 4));
    device.seek(0).unwrap();
    assert_eq!((device.read_line_with_max_size(100), device.pos()), (b"one\n".to_vec(), 4));
    assert_eq!((device.read(3), device.pos()), (b"two".to_vec(), 7));
    device.seek(12).unwrap();
    assert_eq!((device.read_all(), device.pos()), (b"three".to_vec(), 17));
    device.close();
    device.open(OpenMode::READ_ONLY).unwrap();
    assert_eq!((device.pos(), device.read(3)), (0, b"one".to_vec()));
}

#[test]
fn read_qbytearray() {
    in_every_way(b"abc", |device, way| {
        assert!(device.read(0).is_empty() && device.peek(0).is_empty(), "{way}");
        assert_eq!((device.skip(0), device.read_into(&mut [])), (Ok(0), Ok(0)));
        assert_eq!((device.pos(), device.bytes_available()), (0, 3), "{way}");
        assert_eq!(device.read_all(), b"abc", "{way}");
    });
}

#[test]
fn unget() {
    in_every_way(b"abc\n", |device, way| {
        let before = |back: i64| if device.is_sequential() { 0 } else { -back };
        device.unget_char(b'2');
        device.unget_char(b'1');
        assert_eq!((device.pos(), device.bytes_available()), (before(2), 6), "{way}");
        assert_eq!(device.get_char(), Some(b'1'));
        assert!(device.read_line_with_max_size(1).is_empty());
        assert_eq!(device.read_line_with_max_size(4), b"2ab", "{way}");
        assert_eq!(device.read_line_with_max_size(2), b"c");
        assert_eq!(device.read_line_with_max_size(2), b"\n");
        assert!(device.read_line_with_max_size(2).is_empty());
        device.unget_char(b'x');
        assert_eq!((device.read_all(), device.get_char()), (b"x".to_vec(), None), "{way}");
    });
}

#[test]
fn peek() {
    in_every_way(b"abcdef", |device, way| {
        assert_eq!((device.peek(3), device.pos()), (b"abc".to_vec(), 0), "{way}");
        assert_eq!(device.peek(100), b"abcdef", "{way}");
        let mut four = [0; 4];
        assert_eq!((device.peek_into(&mut four), &four), (Ok(4), b"abcd"), "{way}");
        assert_eq!(device.read(2), b"ab");
        assert_eq!((device.peek(2), device.bytes_available()), (b"cd".to_vec(), 4), "{way}");
        assert_eq!(device.read_all(), b"cdef", "{way}");
    });
    let buffer = QBuffer::new();
    let buffer: &QIODevice = &buffer;
    buffer.open(OpenMode::READ_WRITE).unwrap();
    buffer.write("ZZZZ").unwrap();
    buffer.seek(0).unwrap();
    assert_eq!(buffer.peek(4), b"ZZZZ");
    buffer.write("YY").unwrap();
    buffer.seek(0).unwrap();
    assert_eq!(buffer.peek(4), b"YYZZ");
    let mut all = [0; 9];
    assert_eq!((buffer.peek_into(&mut all), &all[..4]), (Ok(4), &b"YYZZ"[..]));
}

#[test]
fn peek_and_read() {
    let data = numbers(26_000);
    in_every_way(&data, |device, way| {
        let (mut at, mut size) = (0, 1);
        while at < data.len() {
            size = size * 7 % 1009;
            let want = &data[at..(at + size).min(data.len())];
            assert_eq!(device.peek(size), want, "{way} {at}");
            if size % 3 > 0 {
                assert_eq!(device.read(size), want, "{way} {at}");
                at += want.len();
            }
        }
    });
}

#[test]
fn read_line() {
    for length in [1, 4093, 4094, 4095, 4096, 8191, 8192, 8193, 16_383, 16_384, 16_385] {
        let line = [vec![b'a'; length], vec![b'\n']].concat();
        in_every_way(&[&*line, b"second\n"].concat(), |device, way| {
            let first = if length % 2 == 0 {
                device.read_line()
            } else {
                device.read_line_with_max_size(length + 2)
            };
            assert_eq!(first, line, "{way} {length}");
            assert_eq!(device.read_line_with_max_size(8), b"second\n", "{way} {length}");
            assert!(device.read_line().is_empty());
        });
    }
}

#[test]
fn read_line2() {
    let data = b"one\r\ntwo\r\n\r\nlast";
    in_every_way(data, |device, way| {
        for line in ["one\r\n", "two\r\n", "\r\n", "last", ""] {
            assert_eq!(device.read_line(), line.as_bytes(), "{way}");
        }
    });
    in_every_way(data, |device, way| {
        device.set_text_mode_enabled(true);
        for line in ["one\n", "two\n", "\n", "last", ""] {
            assert_eq!(device.read_line(), line.as_bytes(), "{way}");
        }
    });
}

/// In a line from the read buffer, only the final `\r\n` is converted. Without a buffer, all
/// carriage returns are removed.
#[test]
fn carriage_returns_within_lines() {
    for (mode, lines) in [
        (OpenMode::READ_ONLY, ["ab\n", "c\r\n", "d\r"]),
        (OpenMode::READ_ONLY | OpenMode::UNBUFFERED, ["ab\n", "c\n", "d"]),
    ] {
        for sequential in [true, false] {
            let (device, _) = memory(b"a\rb\r\nc\r\r\nd\r", sequential, 0, mode | OpenMode::TEXT);
            for line in lines {
                assert_eq!(device.read_line(), line.as_bytes(), "{mode:?} {sequential}");
            }
            assert!(device.read_line().is_empty());
        }
    }
}

#[test]
fn text_mode_reads_on_behind_what_it_leaves_out() {
    in_every_way(b"\r\nabc\r\r\rd\r", |device, way| {
        device.set_text_mode_enabled(true);
        assert_eq!((device.peek(4), device.pos()), (b"\nabc".to_vec(), 0), "{way}");
        assert_eq!(device.get_char(), Some(b'\n'), "{way}");
        assert_eq!((device.skip(2), device.read(2)), (Ok(2), b"cd".to_vec()), "{way}");
        assert_eq!(device.get_char(), None, "{way}");
    });
}

/// A device that returns the letters of the alphabet and ignores seeks, like the one in Qt's test.
struct Alphabet {
    next: Cell<u8>,
    sequential: bool,
}

impl DeviceBackend for Alphabet {
    fn class_name(&self) -> &'static str {
        "Alphabet"
    }

    fn is_sequential(&self) -> bool {
        self.sequential
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        for byte in data.iter_mut() {
            *byte = b'a' + self.next.get();
            self.next.set((self.next.get() + 1) % 26);
        }
        Ok(data.len())
    }

    fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::NotWritable.into())
    }
}

#[test]
fn peek_bug() {
    let unbuffered = OpenMode::READ_ONLY | OpenMode::UNBUFFERED;
    // A stream keeps the peeked bytes. A device with positions is asked to seek back, which this
    // one does not do.
    for (sequential, expected) in
        [(true, ["ab", "a", "bc", "bcd"]), (false, ["ab", "c", "de", "fgh"])]
    {
        let device = QIODevice::new(Alphabet { next: Cell::new(0), sequential });
        device.open(unbuffered).unwrap();
        assert_eq!(device.peek(2), expected[0].as_bytes());
        assert_eq!(device.read(1), expected[1].as_bytes());
        assert_eq!(device.peek(2), expected[2].as_bytes());
        assert_eq!(device.read(3), expected[3].as_bytes());
    }
    for sequential in [true, false] {
        let device = QIODevice::new(Alphabet { next: Cell::new(0), sequential });
        device.open(unbuffered).unwrap();
        let mut two = [0; 2];
        assert_eq!((device.peek_into(&mut two), &two), (Ok(2), b"ab"));
    }
    for sequential in [true, false] {
        let (device, _) = memory(b"0123456789", sequential, 0, unbuffered);
        assert_eq!((device.peek(1), device.read(1)), (b"0".to_vec(), b"0".to_vec()));
        assert_eq!((device.peek(4), device.read(2)), (b"1234".to_vec(), b"12".to_vec()));
        assert_eq!(device.peek(2), b"34");
        assert_eq!(device.read_all(), b"3456789");
    }
}

#[test]
fn read_all_keep_position() {
    let data = numbers(20_000);
    let (device, _) = memory(&data, true, 0, OpenMode::READ_ONLY);
    assert_eq!((device.pos(), device.size(), device.bytes_available()), (0, 20_000, 20_000));
    assert_eq!((device.read_channel_count(), device.write_channel_count()), (1, 0));
    assert_eq!(device.read(1), data[..1]);
    assert_eq!((device.pos(), device.bytes_available()), (0, 19_999));
    assert_eq!(device.read_all(), data[1..]);
    assert_eq!((device.pos(), device.bytes_available()), (0, 0));
    assert!(device.at_end());
}

#[test]
fn skip() {
    in_every_way(&numbers(20_000), |device, way| {
        assert_eq!((device.skip(6), device.get_char()), (Ok(6), Some(6)), "{way}");
        assert_eq!((device.skip(9_993), device.get_char()), (Ok(9_993), Some(211)), "{way}");
        assert_eq!(device.skip(50_000), Ok(9_999), "{way}");
        assert_eq!((device.skip(1), device.get_char()), (Ok(0), None), "{way}");
    });
}

#[test]
fn skip_after_peek() {
    let data = numbers(30_000);
    in_every_way(&data, |device, way| {
        let (mut at, mut size) = (0, 1);
        while at + size <= data.len() {
            assert_eq!(device.peek(size), data[at..at + size], "{way} {at}");
            assert_eq!(device.skip(size), Ok(size), "{way} {at}");
            at += size;
            size *= 2;
        }
        assert_eq!(device.read_all(), data[at..], "{way}");
    });
}

#[test]
fn transaction() {
    let data = b"0123456789";
    for cut in 0..=data.len() {
        in_every_way(data, |device, way| {
            assert!(!device.is_transaction_started());
            device.start_transaction();
            assert!(device.is_transaction_started());
            assert_eq!(
                (device.read(cut), device.peek(1)),
                (data[..cut].to_vec(), data[cut..].iter().take(1).copied().collect())
            );
            device.rollback_transaction();
            assert_eq!((device.pos(), device.bytes_available()), (0, 10), "{way} {cut}");
            device.start_transaction();
            assert_eq!((device.read(cut), device.skip(1).is_ok()), (data[..cut].to_vec(), true));
            device.commit_transaction();
            let rest = data.get(cut + 1..).unwrap_or_default();
            assert!(!device.is_transaction_started());
            assert_eq!(
                (device.bytes_available(), device.read_all()),
                (rest.len(), rest.to_vec()),
                "{way} {cut}"
            );
        });
    }
}

// ---- reads of a backend

#[test]
fn reading_ahead() {
    let asked = |mode, sequential| {
        let (device, memory) = memory(b"abcdef", sequential, 0, mode);
        assert_eq!(device.get_char(), Some(b'a'));
        assert_eq!(device.read(2), b"bc");
        memory.asked.take()
    };
    for sequential in [true, false] {
        assert_eq!(asked(OpenMode::READ_ONLY, sequential), [16_384]);
        assert_eq!(asked(OpenMode::READ_ONLY | OpenMode::UNBUFFERED, sequential), [1, 2]);
    }
}

/// As in Qt, a read ends when the device has returned less than it was asked for.
#[test]
fn short_reads() {
    for sequential in [true, false] {
        let (device, _) = memory(b"0123456789abcdefghij", sequential, 3, OpenMode::READ_ONLY);
        assert_eq!((device.read(10), device.read(1)), (b"012".to_vec(), b"3".to_vec()));
        assert_eq!((device.peek(5), device.peek(9)), (b"45678".to_vec(), b"456789ab".to_vec()));
        assert_eq!(device.skip(7), Ok(7));
        let rest: &[u8] = if sequential { b"bcdefghij" } else { b"bcde" };
        assert_eq!(device.read_all(), rest);
    }
    for mode in [OpenMode::READ_ONLY, OpenMode::READ_ONLY | OpenMode::UNBUFFERED] {
        let (device, _) = memory(b"abc\ndef\nghi", false, 2, mode);
        for line in ["abc\n", "def\n", "ghi", ""] {
            assert_eq!(device.read_line(), line.as_bytes());
        }
    }
}

/// Reads everything from a device that reports a large size. The reported size is trusted up to a
/// limit.
#[test]
fn large_reads() {
    let data = numbers(3_000_000);
    in_every_way(&data, |device, way| {
        assert_eq!(device.peek(400_000), data[..400_000], "{way}");
        assert_eq!(device.read(1_000_000), data[..1_000_000], "{way}");
        assert_eq!(device.read(usize::MAX), data[1_000_000..], "{way}");
        assert!(device.read(usize::MAX).is_empty(), "{way}");
    });
    // A device that reports no size.
    for mode in [OpenMode::READ_ONLY, OpenMode::READ_ONLY | OpenMode::UNBUFFERED] {
        let device = QIODevice::new(Odd {
            sequential: true,
            claims: 0,
            answer: {
                let left = Cell::new(1_500_000);
                Box::new(move |_, data| {
                    let count = data.len().min(left.get());
                    data[..count].fill(b'x');
                    left.set(left.get() - count);
                    Ok(count)
                })
            },
        });
        device.open(mode).unwrap();
        assert_eq!(device.read(1_000_000).len(), 1_000_000);
        assert_eq!(device.read(usize::MAX).len(), 500_000);
    }
}

#[test]
fn lines_into_a_slice() {
    in_every_way(b"one\ntwo and three", |device, way| {
        let mut data = [b'.'; 6];
        assert_eq!((device.read_line_into(&mut data), &data), (Ok(4), b"one\n\0."), "{way}");
        assert_eq!((device.read_line_into(&mut data), &data), (Ok(5), b"two a\0"), "{way}");
        for size in [0, 1] {
            let error = device.read_line_into(&mut data[..size]).unwrap_err();
            assert_eq!(error, DeviceErrorKind::InvalidArgument);
        }
        assert_eq!((device.skip(100), &data), (Ok(8), b"two a\0"), "{way}");
        let end = device.read_line_into(&mut data);
        assert_eq!(&data, b"\0wo a\0", "{way}");
        if device.is_sequential() {
            assert_eq!(end, Ok(0));
        } else {
            assert_eq!(end.unwrap_err(), DeviceErrorKind::Closed);
        }
        device.close();
        assert_eq!(device.read_line_into(&mut data).unwrap_err(), DeviceErrorKind::NotOpen);
        assert_eq!(device.peek_into(&mut data).unwrap_err(), DeviceErrorKind::NotOpen);
    });
}

/// If a device implements `peek`, `peek_into` uses it.
#[test]
fn a_peek_of_its_own() {
    struct Own;
    impl DeviceBackend for Own {
        fn class_name(&self) -> &'static str {
            "Own"
        }

        fn peek(&self, _: &QIODevice, max_size: usize) -> Option<Vec<u8>> {
            Some(vec![b'p'; max_size.min(3)])
        }

        fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
            Ok(0)
        }

        fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
            Ok(data.len())
        }
    }
    let device = QIODevice::new(Own);
    device.open(OpenMode::READ_ONLY).unwrap();
    let mut data = [0; 5];
    assert_eq!((device.peek_into(&mut data), &data), (Ok(3), b"ppp\0\0"));
    assert_eq!((device.peek_into(&mut data[..2]), device.peek(9)), (Ok(2), b"ppp".to_vec()));
}

// ---- backends that misbehave

type Answer = Box<dyn Fn(&QIODevice, &mut [u8]) -> Result<usize, DeviceError>>;

/// A device with the given answers to reads and writes.
struct Odd {
    sequential: bool,
    claims: i64,
    answer: Answer,
}

impl DeviceBackend for Odd {
    fn class_name(&self) -> &'static str {
        "Odd"
    }

    fn is_sequential(&self) -> bool {
        self.sequential
    }

    fn size(&self) -> i64 {
        self.claims
    }

    fn bytes_available(&self) -> usize {
        usize::try_from(self.claims).unwrap_or(usize::MAX)
    }

    fn read_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        (self.answer)(device, data)
    }

    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        (self.answer)(device, &mut data.to_vec())
    }
}

/// Runs a test in every way and with each of the reported sizes.
fn odd<F>(claims: &[i64], answer: fn() -> F, test: impl Fn(&QIODevice))
where
    F: Fn(&QIODevice, &mut [u8]) -> Result<usize, DeviceError> + 'static,
{
    for (sequential, &claims) in
        [true, false].into_iter().flat_map(|s| claims.iter().map(move |c| (s, c)))
    {
        for mode in [OpenMode::READ_WRITE, OpenMode::READ_WRITE | OpenMode::UNBUFFERED] {
            let device = QIODevice::new(Odd { sequential, claims, answer: Box::new(answer()) });
            device.open(mode).unwrap();
            test(&device);
        }
    }
}

#[test]
fn one_that_fails_in_the_middle() {
    fn answer() -> impl Fn(&QIODevice, &mut [u8]) -> Result<usize, DeviceError> {
        let given = Cell::new(false);
        move |_, data| {
            if given.replace(true) {
                return Err(DeviceError::new(DeviceErrorKind::Device, "out of order"));
            }
            data.fill(b'x');
            Ok(data.len().min(5))
        }
    }
    odd(&[100], answer, |device| {
        assert_eq!(device.read_into(&mut [0; 20]), Ok(5));
        let error = device.read_into(&mut [0; 20]).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (DeviceErrorKind::Device, "out of order".into())
        );
        assert!(device.read_all().is_empty() && device.peek(3).is_empty());
        assert!(device.read_line().is_empty());
        assert_eq!(device.write("x").unwrap_err(), DeviceErrorKind::Device);
        device.unget_char(b'u');
        assert_eq!(device.read_into(&mut [0; 20]), Ok(1));
    });
}

#[test]
fn one_that_closes_the_device_while_it_is_read() {
    fn answer() -> impl Fn(&QIODevice, &mut [u8]) -> Result<usize, DeviceError> {
        |device, data| {
            device.close();
            data.fill(b'x');
            Ok(data.len())
        }
    }
    let reads: [fn(&QIODevice); 12] = [
        |device| drop(device.read(10)),
        |device| drop(device.read(1_000_000)),
        |device| drop(device.read_into(&mut [0; 10])),
        |device| drop(device.peek_into(&mut [0; 10])),
        |device| drop(device.read_line_into(&mut [0; 10])),
        |device| drop(device.read_all()),
        |device| drop(device.read_line()),
        |device| drop(device.peek(10)),
        |device| drop(device.skip(10)),
        |device| drop(device.read(100_000)),
        |device| {
            let _ = device.get_char();
        },
        |device| drop(device.write("abc")),
    ];
    for read in reads {
        for transaction in [false, true] {
            odd(&[0], answer, |device| {
                if transaction {
                    device.start_transaction();
                }
                read(device);
                assert!(!device.is_open() && !device.is_transaction_started());
                assert_eq!((device.pos(), device.buffer_len()), (0, 0));
                device.open(OpenMode::READ_ONLY).unwrap();
                device.unget_char(b'a');
                assert_eq!(device.buffer_len(), 1);
            });
        }
    }
}

#[test]
fn one_that_uses_the_device_while_it_is_read() {
    fn answer() -> impl Fn(&QIODevice, &mut [u8]) -> Result<usize, DeviceError> {
        let (depth, left) = (Cell::new(0), Cell::new(200));
        move |device, data| {
            depth.set(depth.get() + 1);
            if depth.get() < 4 {
                let _ = (device.read(3), device.peek(2), device.read_line(), device.skip(1));
                let _ = (device.peek_into(&mut [0; 3]), device.read_line_into(&mut [0; 3]));
                device.unget_char(b'u');
                let _ = (device.write("w"), device.seek(1), device.read_all());
            }
            depth.set(depth.get() - 1);
            data.fill(b'x');
            let count = data.len().min(3).min(left.get());
            left.set(left.get() - count);
            Ok(count)
        }
    }
    odd(&[0, 7], answer, |device| {
        device.start_transaction();
        let _ = (device.read(5), device.read_line_with_max_size(9), device.peek(4), device.skip(5));
        device.rollback_transaction();
        device.close();
        assert_eq!((device.pos(), device.buffer_len()), (0, 0));
    });
}

#[test]
fn one_that_lies() {
    fn answer() -> impl Fn(&QIODevice, &mut [u8]) -> Result<usize, DeviceError> {
        let left = Cell::new(3);
        move |_, data| {
            data.fill(b'x');
            let count = data.len().min(left.get());
            left.set(left.get() - count);
            Ok(count)
        }
    }
    odd(&[i64::MAX, i64::MIN, -1, 0, 1, 1 << 40], answer, |device| {
        let _ = (device.bytes_available(), device.size(), device.at_end());
        if device.is_sequential() {
            assert_eq!(device.peek(usize::MAX), b"xxx");
            device.unget_char(b'u');
            assert_eq!(device.bytes_available() == 0, device.at_end());
            assert_eq!(device.read(usize::MAX), b"uxxx");
        } else {
            assert_eq!(device.read(usize::MAX), b"xxx");
            device.unget_char(b'u');
            assert_eq!(device.get_char(), Some(b'u'));
        }
        assert!(device.read_line().is_empty() && device.read_all().is_empty());
    });
    // The device returns a count greater than the room.
    odd(
        &[0, 100],
        || |_: &QIODevice, data: &mut [u8]| Ok(data.len() + 1),
        |device| {
            assert_eq!(device.read(10).len(), 10);
            assert_eq!((device.peek(3).len(), device.skip(5)), (3, Ok(5)));
            assert!(device.get_char().is_some());
        },
    );
}

// ---- channels and waiting

#[test]
fn channels_come_and_go_with_the_open_mode() {
    let buffer = QBuffer::new();
    let counts = || (buffer.read_channel_count(), buffer.write_channel_count());
    assert_eq!(counts(), (0, 0));
    buffer.open(OpenMode::READ_ONLY).unwrap();
    assert_eq!(counts(), (1, 0));
    buffer.close();
    assert_eq!(counts(), (0, 0));
    buffer.open(OpenMode::READ_WRITE).unwrap();
    assert_eq!(counts(), (1, 1));
    buffer.set_open_mode(OpenMode::WRITE_ONLY);
    assert_eq!(counts(), (0, 1));
    assert_eq!((buffer.current_read_channel(), buffer.current_write_channel()), (0, 0));
}

#[test]
fn a_channel_that_there_is_not_has_nothing_and_takes_nothing() {
    let (device, _) = memory(b"one\ntwo\n", true, 0, OpenMode::READ_WRITE);
    assert_eq!(device.peek(3), b"one");
    device.set_current_read_channel(1);
    assert_eq!(device.current_read_channel(), 1);
    assert_eq!(device.bytes_available(), 0);
    assert!(device.at_end() && !device.can_read_line());
    assert_eq!(device.read_all(), b"");
    assert_eq!(device.read_line(), b"");
    assert_eq!(device.read_into(&mut [0; 4]).unwrap_err(), DeviceErrorKind::InvalidArgument);
    device.set_current_read_channel(0);
    assert_eq!(device.read_line(), b"one\n");

    device.set_current_write_channel(2);
    assert_eq!(device.write("x").unwrap_err(), DeviceErrorKind::InvalidArgument);
    assert_eq!((device.current_read_channel(), device.current_write_channel()), (0, 2));

    device.start_transaction();
    device.set_current_read_channel(1);
    assert_eq!(device.current_read_channel(), 0);
    device.rollback_transaction();
}

#[test]
fn a_device_waits_only_if_it_can() {
    struct Patient;
    impl DeviceBackend for Patient {
        fn class_name(&self) -> &'static str {
            "Patient"
        }

        fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
            Ok(0)
        }

        fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
            Ok(data.len())
        }

        fn wait_for_ready_read(
            &self,
            device: &QIODevice,
            deadline: QDeadlineTimer,
        ) -> Result<(), DeviceError> {
            if deadline.is_forever() {
                device.ready_read.emit(());
                return Ok(());
            }
            Err(DeviceErrorKind::TimedOut.into())
        }
    }
    let device = QIODevice::new(Patient);
    let spy = QSignalSpy::new(&device.ready_read);
    device.wait_for_ready_read(-1).unwrap();
    assert_eq!(spy.count(), 1);
    assert_eq!(device.wait_for_ready_read(1).unwrap_err(), DeviceErrorKind::TimedOut);
    assert_eq!(device.wait_for_bytes_written(-1).unwrap_err(), DeviceErrorKind::Unsupported);
}
