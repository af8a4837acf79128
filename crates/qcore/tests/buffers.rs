//! A device in memory: the cases of Qt's own tests of QBuffer.

use std::{cell::Cell, rc::Rc};

use qcore::{DeviceErrorKind, OpenMode, QBuffer, QCoreApplication, QIODevice, QTimer};

fn opened(data: &[u8], mode: OpenMode) -> QBuffer {
    let buffer = QBuffer::new();
    buffer.set_data(data);
    buffer.open(mode).unwrap();
    buffer
}

#[test]
fn open() {
    let buffer = QBuffer::new();
    for mode in [OpenMode::NOT_OPEN, OpenMode::TEXT, OpenMode::UNBUFFERED] {
        assert_eq!(buffer.open(mode).unwrap_err(), DeviceErrorKind::InvalidArgument);
        assert!(!buffer.is_open());
    }
    for (mode, position, data) in [
        (OpenMode::READ_ONLY, 0, "Hello"),
        (OpenMode::WRITE_ONLY, 0, "Hello"),
        (OpenMode::READ_WRITE, 0, "Hello"),
        (OpenMode::APPEND, 5, "Hello"),
        (OpenMode::TRUNCATE, 0, ""),
    ] {
        let buffer = opened(b"Hello", mode);
        assert!(buffer.is_open() && buffer.open_mode().contains(mode | OpenMode::UNBUFFERED));
        let writes = mode != OpenMode::READ_ONLY;
        assert_eq!((buffer.pos(), buffer.is_writable()), (position, writes), "{mode:?}");
        assert_eq!(buffer.data(), data.as_bytes(), "{mode:?}");
    }
}

#[test]
fn get_set_check() {
    let buffer = QBuffer::new();
    assert_eq!((buffer.data(), buffer.size()), (Vec::new(), 0));
    buffer.set_data("abc");
    assert_eq!((buffer.data(), buffer.size()), (b"abc".to_vec(), 3));
    buffer.open(OpenMode::READ_ONLY).unwrap();
    buffer.set_data("not while it is open");
    assert_eq!(buffer.data(), b"abc");
}

#[test]
fn read_block() {
    let mut block = [0; 10];
    let buffer = QBuffer::new();
    assert_eq!(buffer.read_into(&mut block).unwrap_err(), DeviceErrorKind::NotOpen);
    buffer.open(OpenMode::WRITE_ONLY).unwrap();
    assert_eq!(buffer.read_into(&mut block).unwrap_err(), DeviceErrorKind::NotReadable);
    buffer.close();
    buffer.open(OpenMode::READ_ONLY).unwrap();
    assert_eq!(buffer.read_into(&mut block), Ok(0));
    assert!(buffer.at_end());
    let buffer = opened(b"abcdef", OpenMode::READ_ONLY);
    assert_eq!(buffer.read_into(&mut block[..3]), Ok(3));
    assert_eq!((&block[..3], buffer.pos()), (&b"abc"[..], 3));
    assert!(!buffer.at_end());
}

#[test]
fn read_block_past_end() {
    let buffer = opened(&[1; 100], OpenMode::READ_ONLY);
    let mut block = [0; 4096];
    assert_eq!(buffer.read_into(&mut block), Ok(100));
    assert_eq!(buffer.read_into(&mut block), Ok(0));
    assert_eq!(buffer.read_into(&mut []), Ok(0));
}

#[test]
fn write_block() {
    let buffer = opened(b"", OpenMode::WRITE_ONLY);
    assert_eq!(buffer.write("1234567890"), Ok(10));
    assert_eq!(buffer.data(), b"1234567890");
    buffer.seek(3).unwrap();
    assert_eq!(buffer.write("xyz"), Ok(3));
    assert_eq!((&*buffer.data(), buffer.pos()), (&b"123xyz7890"[..], 6));
    buffer.seek(9).unwrap();
    buffer.write("longer").unwrap();
    assert_eq!(buffer.data(), b"123xyz789longer");
}

#[test]
fn seek() {
    let buffer = opened(b"", OpenMode::READ_WRITE);
    buffer.seek(10).unwrap();
    assert_eq!((buffer.pos(), buffer.size(), buffer.data()), (10, 10, vec![0; 10]));
    assert_eq!(buffer.seek(-1).unwrap_err(), DeviceErrorKind::InvalidArgument);
    assert_eq!(buffer.pos(), 10);
    buffer.write("end").unwrap();
    buffer.reset().unwrap();
    assert_eq!(buffer.read_all(), b"\0\0\0\0\0\0\0\0\0\0end");
    assert_eq!(buffer.seek(i64::MAX).unwrap_err(), DeviceErrorKind::Device);
    assert_eq!((buffer.pos(), buffer.size()), (13, 13));

    let buffer = opened(b"abc", OpenMode::READ_ONLY);
    buffer.seek(3).unwrap();
    assert_eq!(buffer.seek(4).unwrap_err(), DeviceErrorKind::InvalidArgument);
    buffer.close();
    assert_eq!(buffer.seek(0).unwrap_err(), DeviceErrorKind::NotOpen);
}

#[test]
fn seek_test() {
    for count in [1, 16, 4096, 4097, 16_384] {
        let buffer = opened(b"", OpenMode::READ_WRITE);
        buffer.seek(count - 1).unwrap();
        buffer.put_char(b'X').unwrap();
        assert_eq!((buffer.size(), buffer.pos()), (count, count));
        buffer.seek(count - 1).unwrap();
        assert_eq!(buffer.get_char(), Some(b'X'));
        buffer.seek(0).unwrap();
        buffer.put_char(b'Y').unwrap();
        let rest = buffer.read(usize::MAX);
        assert_eq!(rest.len() as i64, count - 1);
        assert_eq!(rest.last(), if count > 1 { Some(&b'X') } else { None });
    }
}

#[test]
fn read_rawdata() {
    let buffer = opened(b"a\0b\0\0c", OpenMode::READ_ONLY);
    assert_eq!(buffer.read(3), b"a\0b");
    assert_eq!(buffer.read_all(), b"\0\0c");
}

#[test]
fn read_null() {
    let buffer = QBuffer::new();
    buffer.open(OpenMode::READ_ONLY).unwrap();
    assert!(buffer.read(10).is_empty() && buffer.read_all().is_empty());
    assert!(buffer.read_line().is_empty() && buffer.peek(3).is_empty());
}

#[test]
fn is_sequential() {
    assert!(!QBuffer::new().is_sequential());
}

#[test]
fn signal_test() {
    let app = QCoreApplication::new();
    let buffer = opened(b"", OpenMode::READ_WRITE);
    let (reads, written) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (reads_in, written_in) = (reads.clone(), written.clone());
    buffer.ready_read.connect(move |()| reads_in.set(reads_in.get() + 1));
    buffer.bytes_written.connect(move |count| written_in.set(written_in.get() + count));
    for (round, size) in [1, 10, 4097].into_iter().enumerate() {
        let before = written.get();
        buffer.write(vec![b'a'; size]).unwrap();
        buffer.write("b").unwrap();
        assert_eq!((reads.get(), written.get()), (round, before));
        app.process_events();
        assert_eq!((reads.get(), written.get()), (round + 1, before + size + 1));
    }
    app.process_events();
    assert_eq!(reads.get(), 3);
}

#[test]
fn is_closed_after_close() {
    let buffer = opened(b"abc", OpenMode::READ_ONLY);
    buffer.close();
    assert!(!buffer.is_open());
    assert_eq!((buffer.pos(), buffer.size()), (0, 3));
}

#[test]
fn read_line() {
    let buffer = opened(b"line1\n\nline3\nno newline", OpenMode::READ_ONLY);
    for line in ["line1\n", "\n", "line3\n", "no newline", ""] {
        assert_eq!(buffer.read_line(), line.as_bytes());
    }
    assert!(buffer.at_end());
}

#[test]
fn read_line_boundaries() {
    let long = |size: usize| [vec![b'A'; size], vec![b'\n']].concat();
    for size in [127, 128, 129, 4095, 16_383, 16_384, 40_000] {
        let data = [long(size), long(3), long(size)].concat();
        let buffer = opened(&data, OpenMode::READ_ONLY);
        assert_eq!(buffer.read_line(), long(size), "{size}");
        assert_eq!(buffer.pos(), size as i64 + 1);
        assert_eq!(buffer.read_line_with_max_size(size + 2).len(), 4);
        assert_eq!(buffer.read_line_with_max_size(size + 1).len(), size, "{size}");
        assert_eq!(buffer.read_line_with_max_size(size), b"\n");
    }
}

#[test]
fn can_read_line() {
    let buffer = QBuffer::new();
    buffer.set_data("one\ntwo");
    assert!(!buffer.can_read_line());
    buffer.open(OpenMode::READ_ONLY).unwrap();
    assert!(buffer.can_read_line());
    buffer.seek(3).unwrap();
    assert!(buffer.can_read_line());
    buffer.seek(4).unwrap();
    assert!(!buffer.can_read_line());
    buffer.unget_char(b'\n');
    assert!(buffer.can_read_line());
}

#[test]
fn at_end() {
    let buffer = opened(b"heisann", OpenMode::READ_ONLY);
    assert!(!buffer.at_end());
    assert_eq!(buffer.read(7), b"heisann");
    assert!(buffer.at_end());
    buffer.reset().unwrap();
    assert!(!buffer.at_end());
    buffer.close();
    assert!(buffer.at_end());
}

/// The bytes cannot be replaced while the buffer is open, but they can while it is closed.
#[test]
fn write_after_qbytearray_resize() {
    let buffer = opened(b"", OpenMode::WRITE_ONLY);
    buffer.write(vec![b'a'; 1000]).unwrap();
    buffer.close();
    buffer.set_data(vec![b'b'; 1]);
    buffer.open(OpenMode::APPEND).unwrap();
    assert_eq!(buffer.write("0123"), Ok(4));
    assert_eq!(buffer.data(), b"b0123");
}

/// As in Qt, a peek does not see bytes that were put back, and does not remove carriage returns.
#[test]
fn a_peek_sees_the_bytes_as_they_are() {
    let buffer = opened(b"a\r\nb", OpenMode::READ_WRITE | OpenMode::TEXT);
    assert_eq!(buffer.peek(3), b"a\r\n");
    assert_eq!(buffer.get_char(), Some(b'a'));
    buffer.unget_char(b'z');
    assert_eq!(buffer.peek(usize::MAX), b"a\r\nb");
    buffer.unget_char(b'y');
    assert_eq!((buffer.pos(), buffer.peek(1)), (-1, b"a".to_vec()));
    assert_eq!(buffer.read(4), b"yz\nb");
}

#[test]
fn what_is_written_takes_the_place_of_what_was_put_back() {
    let buffer = opened(b"0123456789", OpenMode::READ_WRITE);
    buffer.seek(5).unwrap();
    buffer.unget_char(b'b');
    buffer.unget_char(b'a');
    buffer.write("X").unwrap();
    assert_eq!((buffer.pos(), &*buffer.data()), (4, &b"012X456789"[..]));
    assert_eq!(buffer.read(2), b"b5");
}

/// Writing before the beginning fails. Bytes that were put back there can be read.
#[test]
fn positions_before_the_beginning() {
    let buffer = opened(b"abc", OpenMode::READ_WRITE);
    buffer.unget_char(b'\n');
    buffer.unget_char(b'q');
    assert_eq!((buffer.pos(), buffer.bytes_available()), (-2, 5));
    assert_eq!(buffer.write("no").unwrap_err(), DeviceErrorKind::InvalidArgument);
    assert_eq!(buffer.read_line(), b"q\n");
    assert_eq!(buffer.read_line(), b"abc");
}

#[test]
fn a_transaction_goes_on_where_an_open_buffer_is_opened_again() {
    let buffer = opened(b"abc", OpenMode::READ_ONLY);
    buffer.start_transaction();
    buffer.open(OpenMode::READ_WRITE).unwrap();
    assert!(buffer.is_transaction_started());
    buffer.close();
    assert!(!buffer.is_transaction_started());
}

#[test]
fn a_handle_left_over_is_closed() {
    let buffer = opened(b"abc\n", OpenMode::READ_WRITE);
    let (left, device): (QBuffer, QIODevice) = (buffer.clone(), QIODevice::from(&buffer));
    buffer.start_transaction();
    assert_eq!(buffer.get_char(), Some(b'a'));
    buffer.unget_char(b'z');
    drop(buffer);
    assert!(!left.is_deleted());
    left.delete_later();
    let app = QCoreApplication::new();
    QTimer::single_shot(0, || QCoreApplication::instance().quit());
    app.exec();
    assert!(left.is_deleted() && device.is_deleted());
    for handle in [&*left, &device] {
        assert!(!handle.is_open() && handle.at_end() && handle.read_all().is_empty());
        assert_eq!(handle.read_into(&mut [0; 3]).unwrap_err(), DeviceErrorKind::NotOpen);
        assert_eq!(handle.write("x").unwrap_err(), DeviceErrorKind::NotOpen);
        assert_eq!(handle.open(OpenMode::READ_ONLY).unwrap_err(), DeviceErrorKind::NotOpen);
        assert_eq!(handle.seek(0).unwrap_err(), DeviceErrorKind::NotOpen);
        assert_eq!(handle.skip(1).unwrap_err(), DeviceErrorKind::NotOpen);
        assert!(handle.read_line().is_empty() && handle.peek(1).is_empty());
        assert_eq!(handle.bytes_to_write(), 0);
        handle.unget_char(b'a');
        handle.rollback_transaction();
        handle.close();
    }
}

/// Only Windows has another line ending.
#[test]
fn write_in_text_mode() {
    let buffer = QBuffer::new();
    buffer.open(OpenMode::WRITE_ONLY | OpenMode::TEXT).unwrap();
    assert_eq!(buffer.write("two\nlines\n").unwrap(), 10);
    assert_eq!(buffer.pos(), 10);
    assert_eq!(buffer.data(), b"two\nlines\n");
}

/// Writes that begin within the bytes, end beyond them, or begin after them.
#[test]
fn writes_across_the_end() {
    let buffer = opened(b"abcd", OpenMode::READ_WRITE);
    buffer.seek(2).unwrap();
    assert_eq!(buffer.write("XYZ").unwrap(), 3);
    assert_eq!(buffer.data(), b"abXYZ");
    assert_eq!(buffer.write("!").unwrap(), 1);
    buffer.seek(1).unwrap();
    assert_eq!(buffer.write("_").unwrap(), 1);
    assert_eq!((buffer.data(), buffer.pos()), (b"a_XYZ!".to_vec(), 2));
    buffer.seek(8).unwrap();
    assert_eq!(buffer.write("end").unwrap(), 3);
    assert_eq!(buffer.data(), b"a_XYZ!\0\0end");
}
