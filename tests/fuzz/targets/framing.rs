#![no_main]

use std::{cell::Cell, fmt::Debug, rc::Rc};

use qcore::{
    DeviceError, DeviceErrorKind, OpenMode, QIODevice,
    framing::{
        Codec, DataBlocks, Delimited, Framed, JsonLines, LengthPrefix, Lines, Netstrings,
        PrefixSize,
    },
    io_device::DeviceBackend,
    stream::ByteOrder,
};

/// The limit of a message, in bytes.
const LIMIT: usize = 1000;

/// A stream whose bytes are put into the read buffer.
struct Pipe {
    ended: Rc<Cell<bool>>,
}

impl DeviceBackend for Pipe {
    fn class_name(&self) -> &'static str {
        "Pipe"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
        if self.ended.get() { Err(DeviceErrorKind::Closed.into()) } else { Ok(0) }
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        Ok(data.len())
    }
}

// The first byte selects the codec, the second the size of the pieces in which the others arrive.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [which, size, data @ ..] = data else { return };
    let size = usize::from(*size).max(1);
    let sizes = [PrefixSize::U8, PrefixSize::U16, PrefixSize::U32, PrefixSize::Varint(10)];
    let prefix = LengthPrefix::new(sizes[usize::from(which / 8 % 4)]).with_limit(LIMIT);
    let prefix = prefix.with_header_size(usize::from(which / 32 % 4));
    match which % 8 {
        0 => check(|| Lines::new().with_limit(LIMIT), data, size),
        1 => check(|| Lines::with_crlf().with_limit(LIMIT).allow_unterminated(), data, size),
        2 => check(|| Delimited::new(b"\r\n\r\n").with_limit(LIMIT), data, size),
        3 => check(|| prefix.clone(), data, size),
        4 => {
            let prefix = prefix.with_byte_order(ByteOrder::LittleEndian).with_inclusive_length();
            check(|| prefix.clone(), data, size);
        }
        5 => check(|| DataBlocks::<Vec<(String, u8)>>::with_prefix(prefix.clone()), data, size),
        6 => check(|| Netstrings::new().with_limit(LIMIT), data, size),
        _ => check(|| JsonLines::<serde_json::Value>::new().with_limit(LIMIT), data, size),
    }
});

/// The same bytes in one piece and in many give the same messages and the same error, and what the
/// device keeps of a message that is not complete is bounded.
fn check<C>(codec: impl Fn() -> C, data: &[u8], size: usize)
where
    C: Codec<Message: Clone + Debug + PartialEq>,
{
    let whole = receive(codec(), data, data.len().max(1));
    let pieces = receive(codec(), data, size);
    assert_eq!(whole, pieces);
}

fn receive<C>(codec: C, data: &[u8], size: usize) -> (Vec<C::Message>, Option<String>)
where
    C: Codec<Message: Clone>,
{
    let ended = Rc::new(Cell::new(false));
    let device = QIODevice::new(Pipe { ended: ended.clone() });
    device.open_device(OpenMode::READ_WRITE);
    let framed = Framed::new(&device, codec);
    let messages = qcore::QSignalSpy::new(&framed.message);
    let errors = qcore::QSignalSpy::new(&framed.error);
    for piece in data.chunks(size) {
        device.append_to_buffer(piece);
        device.ready_read.emit(());
        assert!(errors.count() > 0 || device.bytes_available() <= LIMIT + 30);
    }
    ended.set(true);
    device.read_channel_finished.emit(());
    assert!(errors.count() <= 1);
    assert!(errors.count() == 1 || device.bytes_available() == 0);
    (messages.values(), errors.values().first().map(ToString::to_string))
}
