//! Random reads, writes, seeks and transactions, compared with a vector and a position.

use std::{
    cell::{Cell, RefCell},
    io::{self, Read, Write},
};

use proptest::prelude::*;
use qcore::{DeviceError, OpenMode, QBuffer, QIODevice, io_device::DeviceBackend};

/// A device over bytes. As a stream, written bytes are read later.
struct Memory {
    data: RefCell<Vec<u8>>,
    at: Cell<usize>,
    sequential: bool,
}

impl DeviceBackend for Memory {
    fn class_name(&self) -> &'static str {
        "Memory"
    }

    fn is_sequential(&self) -> bool {
        self.sequential
    }

    fn size(&self) -> i64 {
        self.data.borrow().len() as i64
    }

    fn seek(&self, _: &QIODevice, position: i64) -> Result<(), DeviceError> {
        self.at.set(position as usize);
        Ok(())
    }

    fn bytes_available(&self) -> usize {
        self.data.borrow().len() - self.at.get()
    }

    fn read_data(&self, _: &QIODevice, out: &mut [u8]) -> Result<usize, DeviceError> {
        let data = self.data.borrow();
        let rest = data.get(self.at.get()..).unwrap_or_default();
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at.set(self.at.get() + count);
        Ok(count)
    }

    fn write_data(&self, _: &QIODevice, new: &[u8]) -> Result<usize, DeviceError> {
        let mut data = self.data.borrow_mut();
        if self.sequential {
            data.extend_from_slice(new);
        } else {
            overwrite(&mut data, self.at.get(), new);
            self.at.set(self.at.get() + new.len());
        }
        Ok(new.len())
    }
}

fn overwrite(data: &mut Vec<u8>, at: usize, new: &[u8]) {
    let size = data.len().max(at + new.len());
    data.resize(size, 0);
    data[at..at + new.len()].copy_from_slice(new);
}

fn device(sequential: bool, data: &[u8]) -> QIODevice {
    let (data, at) = (RefCell::new(data.to_vec()), Cell::new(0));
    let device = QIODevice::new(Memory { data, at, sequential });
    device.open(OpenMode::READ_WRITE).unwrap();
    device
}

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    ReadInto(usize),
    ReadAll,
    ReadLine,
    ReadLineWith(usize),
    Peek(usize),
    Skip(usize),
    GetChar,
    /// Puts back the byte that was read last.
    Unget,
    Seek(usize),
    Write(Vec<u8>),
    Start,
    Commit,
    Rollback,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = || prop_oneof![8 => 0..12_usize, 1 => 100..300_usize, 1 => 16_000..17_000_usize];
    let bytes = prop::collection::vec(
        prop_oneof![4 => Just(b'a'), 1 => Just(b'\n'), 1 => any::<u8>()],
        0..40,
    );
    let step = prop_oneof![
        3 => size().prop_map(Step::Read),
        2 => size().prop_map(Step::ReadInto),
        1 => Just(Step::ReadAll),
        2 => Just(Step::ReadLine),
        2 => (2..20_usize).prop_map(Step::ReadLineWith),
        3 => size().prop_map(Step::Peek),
        2 => size().prop_map(Step::Skip),
        2 => Just(Step::GetChar),
        2 => Just(Step::Unget),
        3 => size().prop_map(Step::Seek),
        3 => bytes.prop_map(Step::Write),
        2 => Just(Step::Start),
        1 => Just(Step::Commit),
        2 => Just(Step::Rollback),
    ];
    prop::collection::vec(step, 1..60)
}

/// The model: all bytes, and the position of the next one.
struct Model {
    data: Vec<u8>,
    at: usize,
    transaction: Option<usize>,
    sequential: bool,
}

impl Model {
    fn take(&mut self, most: usize) -> Vec<u8> {
        let taken = self.data[self.at..][..most.min(self.left())].to_vec();
        self.at += taken.len();
        taken
    }

    fn left(&self) -> usize {
        self.data.len() - self.at
    }

    fn line(&mut self, most: usize) -> Vec<u8> {
        let end = self.data[self.at..].iter().position(|&byte| byte == b'\n');
        self.take(end.map_or(most, |end| most.min(end + 1)))
    }
}

fn drive(device: &QIODevice, data: &[u8], steps: &[Step]) -> Result<(), TestCaseError> {
    let sequential = device.is_sequential();
    let mut model = Model { data: data.to_vec(), at: 0, transaction: None, sequential };
    for step in steps {
        match step {
            Step::Read(size) => prop_assert_eq!(device.read(*size), model.take(*size)),
            Step::ReadInto(size) => {
                let mut data = vec![0; *size];
                let count = device.read_into(&mut data).unwrap();
                prop_assert_eq!(&data[..count], model.take(*size));
            }
            Step::ReadAll => prop_assert_eq!(device.read_all(), model.take(usize::MAX)),
            Step::ReadLine => prop_assert_eq!(device.read_line(), model.line(usize::MAX)),
            Step::ReadLineWith(size) => {
                prop_assert_eq!(device.read_line_with_max_size(*size), model.line(size - 1));
            }
            Step::Peek(size) => {
                let at = model.at;
                prop_assert_eq!(device.peek(*size), model.take(*size));
                model.at = at;
            }
            Step::Skip(size) => prop_assert_eq!(device.skip(*size), Ok(model.take(*size).len())),
            Step::GetChar => prop_assert_eq!(device.get_char(), model.take(1).pop()),
            Step::Unget => {
                if model.at > 0 && model.transaction.is_none() {
                    model.at -= 1;
                    device.unget_char(model.data[model.at]);
                }
            }
            Step::Seek(at) => {
                let there = *at <= model.data.len() && !model.sequential;
                if there {
                    model.at = *at;
                }
                if there || model.sequential {
                    prop_assert_eq!(device.seek(*at as i64).is_ok(), there);
                }
            }
            Step::Write(new) => {
                prop_assert_eq!(device.write(new), Ok(new.len()));
                if model.sequential {
                    model.data.extend(new);
                } else {
                    overwrite(&mut model.data, model.at, new);
                    model.at += new.len();
                }
            }
            Step::Start => {
                device.start_transaction();
                model.transaction.get_or_insert(model.at);
            }
            Step::Commit => {
                device.commit_transaction();
                model.transaction = None;
            }
            Step::Rollback => {
                device.rollback_transaction();
                model.at = model.transaction.take().unwrap_or(model.at);
            }
        }
        prop_assert_eq!(device.bytes_available(), model.left());
        prop_assert_eq!(device.at_end(), model.left() == 0);
        prop_assert_eq!(device.pos(), if sequential { 0 } else { model.at as i64 });
        prop_assert_eq!(device.is_transaction_started(), model.transaction.is_some());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn devices_behave_as_a_vector_and_a_position(
        data in prop::collection::vec(prop_oneof![6 => Just(b'x'), 1 => Just(b'\n')], 0..400),
        long in prop_oneof![3 => Just(0), 1 => 15_000..40_000_usize],
        steps in steps(),
    ) {
        let data = [data, vec![b'-'; long]].concat();
        for sequential in [true, false] {
            for mode in [OpenMode::READ_WRITE, OpenMode::READ_WRITE | OpenMode::UNBUFFERED] {
                let device = device(sequential, &data);
                device.close();
                device.open(mode).unwrap();
                drive(&device, &data, &steps)?;
            }
        }
        let buffer = QBuffer::new();
        buffer.set_data(&*data);
        let device: &QIODevice = &buffer;
        device.open(OpenMode::READ_WRITE).unwrap();
        drive(device, &data, &steps)?;
    }
}

/// Only `&QIODevice` implements the traits, and its own functions of the same names take
/// precedence.
fn end(device: &QIODevice) -> impl Read + Write {
    device
}

#[test]
fn reads_and_writes_of_the_standard_library() {
    let device = device(true, b"one two");
    let (mut end, mut data) = (end(&device), [0; 5]);
    assert_eq!(end.read(&mut []).unwrap(), 0);
    assert_eq!((end.read(&mut data).unwrap(), &data), (5, b"one t"));
    assert_eq!(end.write(b"!").unwrap(), 1);
    end.flush().unwrap();
    let mut rest = Vec::new();
    let error = end.read_to_end(&mut rest).unwrap_err();
    assert_eq!((error.kind(), &*rest), (io::ErrorKind::WouldBlock, &b"wo!"[..]));
    device.close();
    assert_eq!(end.read(&mut data).unwrap_err().kind(), io::ErrorKind::NotConnected);
    assert_eq!(end.write(b"x").unwrap_err().kind(), io::ErrorKind::NotConnected);
    device.open(OpenMode::READ_ONLY).unwrap();
    assert_eq!(end.write(b"x").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(io::read_to_string(&self::device(false, b"abc")).unwrap(), "abc");
}
