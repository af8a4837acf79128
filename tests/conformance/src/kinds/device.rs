//! The methods and signals that all devices share.

use qcore::{DeviceError, OpenMode, QIODevice};

use super::call_object;
use crate::{args::Args, error::Result, value::Value, world::Recorder};

/// The flags with their names, in the order of the trace.
const MODES: [(&str, OpenMode); 7] = [
    ("ReadWrite", OpenMode::READ_WRITE),
    ("ReadOnly", OpenMode::READ_ONLY),
    ("WriteOnly", OpenMode::WRITE_ONLY),
    ("Append", OpenMode::APPEND),
    ("Truncate", OpenMode::TRUNCATE),
    ("Text", OpenMode::TEXT),
    ("Unbuffered", OpenMode::UNBUFFERED),
];

/// Calls a method of QIODevice or of QObject.
pub(super) fn call_device(device: &QIODevice, class: &str, args: &Args<'_>) -> Result<Value> {
    Ok(match args.method {
        "openMode" => show_mode(device.open_mode()),
        "setOpenMode" => device.set_open_mode(open_mode(args)?).into(),
        "isOpen" => device.is_open().into(),
        "isReadable" => device.is_readable().into(),
        "isWritable" => device.is_writable().into(),
        "isTextModeEnabled" => device.is_text_mode_enabled().into(),
        "setTextModeEnabled" => device.set_text_mode_enabled(args.boolean()?).into(),
        "isSequential" => device.is_sequential().into(),
        "open" => device.open(open_mode(args)?).is_ok().into(),
        "pos" => device.pos().into(),
        "size" => device.size().into(),
        "seek" => device.seek(args.number()?).is_ok().into(),
        "reset" => device.reset().is_ok().into(),
        "errorString" => device.error_string().into(),
        "setErrorString" => device.set_error_string(args.text()?).into(),
        "bytesAvailable" => device.bytes_available().into(),
        "bytesToWrite" => device.bytes_to_write().into(),
        "close" => device.close().into(),
        "write" => count(device.write(args.bytes()?)),
        "putChar" => device.put_char(args.character()?).is_ok().into(),
        "read" => device.read(args.number()?).into(),
        "readAll" => device.read_all().into(),
        "peek" => device.peek(args.number()?).into(),
        "skip" => count(device.skip(args.number()?)),
        "getChar" => device.get_char().map_or(Value::None, |byte| Value::Bytes(vec![byte])),
        "ungetChar" => device.unget_char(args.character()?).into(),
        "canReadLine" => device.can_read_line().into(),
        "readLine" if args.left() == 0 => device.read_line().into(),
        "readLine" => device.read_line_with_max_size(args.number()?).into(),
        "atEnd" => device.at_end().into(),
        "startTransaction" => device.start_transaction().into(),
        "commitTransaction" => device.commit_transaction().into(),
        "rollbackTransaction" => device.rollback_transaction().into(),
        "isTransactionStarted" => device.is_transaction_started().into(),
        _ => return call_object(device, class, args),
    })
}

/// Records the signals of QIODevice and of QObject.
pub(super) fn watch_device(recorder: &Recorder, device: &QIODevice) {
    recorder.plain(&device.ready_read, "readyRead");
    recorder.one(&device.bytes_written, "bytesWritten", |count| *count);
    recorder.plain(&device.about_to_close, "aboutToClose");
    recorder.plain(&device.read_channel_finished, "readChannelFinished");
    recorder.plain(&device.destroyed, "destroyed");
}

/// Takes an open mode from the arguments.
pub(super) fn open_mode(args: &Args<'_>) -> Result<OpenMode> {
    args.flags(mode_named, |one, other| one | other)
}

/// Returns the number of an open mode, for comparisons.
pub(crate) fn mode_number(name: &str) -> Option<i64> {
    mode_named(name).map(|mode| mode.bits().into())
}

fn mode_named(name: &str) -> Option<OpenMode> {
    if name == "NotOpen" {
        return Some(OpenMode::NOT_OPEN);
    }
    MODES.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode)
}

fn show_mode(mode: OpenMode) -> Value {
    let mut names = Vec::new();
    let mut rest = mode;
    for (name, flag) in MODES {
        if rest.contains(flag) {
            names.push(name);
            rest -= flag;
        }
    }
    let shown = if names.is_empty() { "NotOpen".to_owned() } else { names.join("|") };
    Value::Enum(shown, mode.bits().into())
}

/// Converts a count for the trace. A failure is Qt's -1.
pub(super) fn count(count: std::result::Result<usize, DeviceError>) -> Value {
    count.map_or(Value::Number(-1), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_in_order() {
        let shown = |mode| match show_mode(mode) {
            Value::Enum(shown, _) => shown,
            _ => panic!(),
        };
        assert_eq!(shown(OpenMode::NOT_OPEN), "NotOpen");
        assert_eq!(shown(OpenMode::UNBUFFERED | OpenMode::READ_WRITE), "ReadWrite|Unbuffered");
        assert_eq!(shown(OpenMode::WRITE_ONLY | OpenMode::TEXT), "WriteOnly|Text");
        assert_eq!(mode_number("ReadWrite"), Some(3));
    }
}
