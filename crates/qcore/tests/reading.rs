//! The calls that a read makes on its device, one by one, compared with those of real Qt.
//!
//! Real Qt wrote `data/reading.tsv`; `data/reading.cpp` is the program, and describes the format.
//! The table contains the calls as well as their results, so that both sides do the same.

use std::{
    cell::{Cell, RefCell},
    fmt::Write,
    rc::Rc,
};

use qcore::{DeviceError, DeviceErrorKind, OpenMode, QIODevice, io_device::DeviceBackend};

const GOLDEN: &str = include_str!("data/reading.tsv");

/// The cases where Qt errs: the device, Qt's result and ours. `deviations.md` gives the reasons.
const DEVIATIONS: [(&str, &str, &str); 2] = [
    // In Qt a peek that fails after reading only carriage returns moves the position.
    (
        "ran unb data=\\r\\r\\r text end=-1",
        "peek 3\tR3=3 R3=-1\t\"\"\t3\t0",
        "peek 3\tR3=3 R3=-1\t\"\"\t0\t0",
    ),
    // Qt loses the part of a line in the read buffer if the device cannot seek to the rest.
    (
        "ran unb data=3000@31@0 most=11 ignore",
        "read_line_with_max_size 4\tR0\t\"\"\t-1\t1",
        "read_line_with_max_size 4\tR0\t\"X\"\t-1\t1",
    ),
];

/// The device that the words in a line of the table describe.
#[derive(Default)]
struct Described {
    log: RefCell<Vec<String>>,
    bytes: RefCell<Vec<u8>>,
    packets: RefCell<Vec<Vec<u8>>>,
    at: Cell<usize>,
    reads: Cell<usize>,
    most: usize,
    fail: usize,
    fails_at_end: bool,
    sequential: bool,
    cut: bool,
    claim: bool,
    ignore: bool,
    noseek: bool,
    own_lines: bool,
}

impl Described {
    fn new(words: &str) -> (QIODevice, Rc<Described>) {
        let mut device = Described::default();
        let mut mode = OpenMode::READ_WRITE;
        for word in words.split(' ') {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || value.parse().unwrap();
            match key {
                "ran" | "buf" => {}
                "seq" => device.sequential = true,
                "unb" => mode |= OpenMode::UNBUFFERED,
                "text" => mode |= OpenMode::TEXT,
                "data" if value.contains('@') => device.bytes = generate(value).into(),
                "data" => device.bytes = unescaped(value).into(),
                "packets" => {
                    device.packets = value.split('|').map(unescaped).collect::<Vec<_>>().into();
                }
                "cut" => device.cut = true,
                "most" => device.most = number(),
                "fail" => device.fail = number(),
                "end" => device.fails_at_end = true,
                "claim" => device.claim = true,
                "ignore" => device.ignore = true,
                "noseek" => device.noseek = true,
                "line" => device.own_lines = true,
                _ => panic!("no such word: {word}"),
            }
        }
        let shared = Rc::new(device);
        let device = QIODevice::new(Shared(shared.clone()));
        device.open(mode).unwrap();
        (device, shared)
    }

    fn note(&self, text: String) {
        self.log.borrow_mut().push(text);
    }

    fn take_log(&self) -> String {
        let log = self.log.take();
        let runs = log.chunk_by(|one, other| one == other).map(|run| match run.len() {
            1 => run[0].clone(),
            times => format!("{}x{times}", run[0]),
        });
        runs.collect::<Vec<_>>().join(" ")
    }

    fn give(&self, data: &mut [u8]) -> Option<usize> {
        self.reads.set(self.reads.get() + 1);
        if self.reads.get() == self.fail {
            return None;
        }
        let mut packets = self.packets.borrow_mut();
        if let Some(packet) = packets.first_mut() {
            let count = packet.len().min(data.len());
            data[..count].copy_from_slice(&packet[..count]);
            packet.drain(..count);
            if self.cut || packet.is_empty() {
                packets.remove(0);
            }
            return Some(count);
        }
        let bytes = self.bytes.borrow();
        let rest = bytes.get(self.at.get()..).unwrap_or_default();
        let most = if self.most == 0 { usize::MAX } else { self.most };
        let count = rest.len().min(data.len()).min(most);
        if count == 0 {
            return (!self.fails_at_end).then_some(0);
        }
        data[..count].copy_from_slice(&rest[..count]);
        self.at.set(self.at.get() + count);
        Some(count)
    }
}

struct Shared(Rc<Described>);

impl DeviceBackend for Shared {
    fn class_name(&self) -> &'static str {
        "Described"
    }

    fn is_sequential(&self) -> bool {
        self.0.sequential
    }

    fn size(&self) -> i64 {
        if self.0.claim { self.0.bytes.borrow().len() as i64 } else { 0 }
    }

    fn bytes_available(&self) -> usize {
        if self.0.claim { self.0.bytes.borrow().len() - self.0.at.get() } else { 0 }
    }

    fn seek(&self, _: &QIODevice, position: i64) -> Result<(), DeviceError> {
        self.0.note(format!("S{position}{}", if self.0.noseek { "!" } else { "" }));
        if self.0.noseek {
            return Err(DeviceErrorKind::Device.into());
        }
        if !self.0.ignore {
            self.0.at.set(position as usize);
        }
        Ok(())
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        if data.is_empty() {
            self.0.note("R0".to_owned());
            return Ok(0);
        }
        let given = self.0.give(data);
        let shown = given.map_or(-1, |count| count as i64);
        self.0.note(format!("R{}={shown}", data.len()));
        given.ok_or(DeviceErrorKind::Device.into())
    }

    fn read_line_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.0.note(format!("L{}", data.len()));
        if !self.0.own_lines {
            return device.read_line_data(data);
        }
        let bytes = self.0.bytes.borrow();
        let rest = bytes.get(self.0.at.get()..).unwrap_or_default();
        let line = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        let count = line.min(data.len());
        data[..count].copy_from_slice(&rest[..count]);
        self.0.at.set(self.0.at.get() + count);
        if count == 0 { Err(DeviceErrorKind::Closed.into()) } else { Ok(count) }
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.0.note(format!("W{}", data.len()));
        if !self.0.sequential {
            let (at, mut bytes) = (self.0.at.get(), self.0.bytes.borrow_mut());
            let size = bytes.len().max(at + data.len());
            // QByteArray::replace() fills a gap with blanks, too.
            bytes.resize(size, b' ');
            bytes[at..at + data.len()].copy_from_slice(data);
            self.0.at.set(at + data.len());
        }
        Ok(data.len())
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    text.replace("\\n", "\n").replace("\\r", "\r").into_bytes()
}

/// Generates the bytes of `N@LF@CR`, which `data/reading.cpp` describes.
fn generate(words: &str) -> Vec<u8> {
    let numbers: Vec<usize> = words.split('@').map(|word| word.parse().unwrap()).collect();
    let &[count, line_feeds, returns] = numbers.as_slice() else { panic!("{words}") };
    let is_every = |every: usize, at: usize| every != 0 && (at + 1).is_multiple_of(every);
    let byte = |at| match at {
        at if is_every(line_feeds, at) => b'\n',
        at if is_every(returns, at) => b'\r',
        at => b'a' + (at % 26) as u8,
    };
    (0..count).map(byte).collect()
}

fn shown(bytes: &[u8]) -> String {
    if bytes.len() > 40 {
        let fnv = |hash: u32, &byte: &u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
        return format!("{}:{:x}", bytes.len(), bytes.iter().fold(2_166_136_261, fnv));
    }
    let text = str::from_utf8(bytes).unwrap();
    format!("\"{}\"", text.replace('\n', "\\n").replace('\r', "\\r"))
}

/// Returns the result of a function that reads into a slice.
fn into(size: &str, read: impl FnOnce(&mut [u8]) -> Result<usize, DeviceError>) -> String {
    let mut data = vec![0; size.parse().unwrap()];
    read(&mut data).map_or("-1".to_owned(), |count| shown(&data[..count]))
}

fn perform(device: &QIODevice, call: &str) -> String {
    let (name, argument) = call.split_once(' ').unwrap_or((call, ""));
    let number = || argument.parse().unwrap();
    match name {
        "read" => shown(&device.read(number())),
        "read_into" => into(argument, |data| device.read_into(data)),
        "peek" => shown(&device.peek(number())),
        "peek_into" => into(argument, |data| device.peek_into(data)),
        "read_all" => shown(&device.read_all()),
        "read_line" => shown(&device.read_line()),
        "read_line_with_max_size" => shown(&device.read_line_with_max_size(number())),
        "read_line_into" => into(argument, |data| device.read_line_into(data)),
        "skip" => device.skip(number()).map_or("-1".to_owned(), |count| count.to_string()),
        "get_char" => device.get_char().map_or("none".to_owned(), |byte| shown(&[byte])),
        "can_read_line" => device.can_read_line().to_string(),
        "at_end" => device.at_end().to_string(),
        "seek" => device.seek(number() as i64).is_ok().to_string(),
        "write" => device.write(argument).map_or("-1".to_owned(), |count| count.to_string()),
        _ => {
            match name {
                "unget_char" => device.unget_char(argument.as_bytes()[0]),
                "start" => device.start_transaction(),
                "commit" => device.commit_transaction(),
                "rollback" => device.rollback_transaction(),
                _ => panic!("no such call: {call}"),
            }
            String::new()
        }
    }
}

#[test]
fn a_device_is_asked_what_qt_asks() {
    let (mut devices, mut calls, mut wrong, mut deviations) = (0, 0, 0, 0);
    let mut report = String::new();
    let (mut words, mut device) = ("", Described::new("ran"));
    let mut story = String::new();
    // After a difference, further results mean nothing.
    let mut is_over = false;
    for line in GOLDEN.lines() {
        if let Some(new) = line.strip_prefix("# ") {
            devices += 1;
            (words, device) = (new, Described::new(new));
            story = format!("{line}\n");
            is_over = false;
            continue;
        }
        if is_over {
            continue;
        }
        calls += 1;
        let call = line.split('\t').next().unwrap();
        let (device, described) = &device;
        let result = perform(device, call);
        let asked = described.take_log();
        let (pos, available) = (device.pos(), device.bytes_available());
        let ours = format!("{call}\t{asked}\t{result}\t{pos}\t{available}");
        writeln!(story, "  {line}").unwrap();
        if ours == line {
            continue;
        }
        is_over = true;
        if DEVIATIONS.contains(&(words, line, &ours)) {
            deviations += 1;
            continue;
        }
        wrong += 1;
        if wrong <= 10 {
            writeln!(report, "{story}! {ours}").unwrap();
        }
    }
    assert_eq!(wrong, 0, "of {devices} devices these are asked otherwise:\n{report}");
    assert_eq!(deviations, DEVIATIONS.len());
    // Makes sure that the table was read.
    assert!(devices > 1000 && calls > 5000, "{devices} {calls}");
}

/// A device that drops the rest of a packet after a read is called once a read, however many bytes
/// are asked for.
#[test]
fn a_packet_a_read() {
    struct Packets {
        rest: RefCell<Vec<&'static [u8]>>,
    }
    impl DeviceBackend for Packets {
        fn class_name(&self) -> &'static str {
            "Packets"
        }

        fn is_sequential(&self) -> bool {
            true
        }

        fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
            let mut rest = self.rest.borrow_mut();
            if data.is_empty() || rest.is_empty() {
                return Ok(0);
            }
            let packet = rest.remove(0);
            let count = packet.len().min(data.len());
            data[..count].copy_from_slice(&packet[..count]);
            Ok(count)
        }

        fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
            Err(DeviceErrorKind::NotWritable.into())
        }
    }
    let open = |packets: &[&'static [u8]]| {
        let device = QIODevice::new(Packets { rest: RefCell::new(packets.to_vec()) });
        device.open(OpenMode::READ_ONLY | OpenMode::UNBUFFERED).unwrap();
        device
    };
    let three: [&[u8]; 3] = [b"hello", b"world", b"third"];
    // Tries different sizes.
    for size in [5, 10, 100, 20_000, 1 << 20, i32::MAX as usize, usize::MAX] {
        let device = open(&three);
        for packet in three {
            assert_eq!(device.read(size), packet, "{size}");
        }
        assert!(device.read(size).is_empty());
        let device = open(&three);
        assert_eq!((device.peek(10), device.read(10)), (b"hello".into(), b"helloworld".into()));
    }
    static LARGE: [u8; 200_000] = [b'x'; 200_000];
    let device = open(&[&LARGE, &LARGE[..7]]);
    assert_eq!((device.read(usize::MAX).len(), device.read(usize::MAX).len()), (200_000, 7));
    // After a packet that fits, the device is not asked again.
    let device = open(&three);
    assert_eq!((device.read(3), device.read(3)), (b"hel".to_vec(), b"wor".to_vec()));
}
