//! The warnings of devices, with Qt's texts. They have a process of their own, because the message
//! handler belongs to the process.

use std::sync::mpsc;

use qcore::{OpenMode, QBuffer, install_message_handler};

#[test]
fn in_the_wrong_state() {
    let (tell, told) = mpsc::channel();
    install_message_handler(Some(Box::new(move |_, text| drop(tell.send(text.to_owned())))));
    let warned = |text: &str| assert_eq!(told.try_iter().collect::<Vec<_>>(), [text]);
    let buffer = QBuffer::new();
    for mode in [OpenMode::NOT_OPEN, OpenMode::TEXT, OpenMode::UNBUFFERED] {
        buffer.open(mode).unwrap_err();
        warned("QBuffer::open: Buffer access not specified");
    }
    buffer.read_into(&mut [0]).unwrap_err();
    warned("QIODevice::read (QBuffer): device not open");
    buffer.open(OpenMode::WRITE_ONLY).unwrap();
    buffer.read_into(&mut [0]).unwrap_err();
    warned("QIODevice::read (QBuffer): WriteOnly device");
    buffer.write("abc").unwrap();
    buffer.seek(-1).unwrap_err();
    warned("QBuffer::seek: Invalid pos: -1");
    assert_eq!(buffer.pos(), 3);
    buffer.close();
    buffer.open(OpenMode::READ_ONLY).unwrap();
    buffer.write("x").unwrap_err();
    warned("QIODevice::write (QBuffer): ReadOnly device");
    install_message_handler(None);
}
