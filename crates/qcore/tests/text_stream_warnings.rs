//! What a text stream over nothing logs. The handler is the process's, so the test is alone here.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

use qcore::{
    DeviceErrorKind, QTextStream, install_message_handler,
    text_stream::{TextCodec, TextStreamStatus},
};

#[test]
fn construction() {
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let log = warnings.clone();
    install_message_handler(Some(Box::new(move |_, text| {
        log.lock().unwrap().push(text.to_owned())
    })));
    {
        let mut stream = QTextStream::default();
        assert!(stream.device().is_none() && stream.string().is_none());
        assert_eq!(stream.codec(), TextCodec::UTF8);
        assert!(stream.at_end());
        assert_eq!(stream.read_all(), "");
        assert_eq!((stream.read_line(), stream.pos()), (None, None));
        assert_eq!((stream.read_int32(), stream.read_double()), (0, 0.0));
        assert_eq!(stream.read(5), "");
        assert!(!stream.read_line_into(&mut String::from("old")));
        assert_eq!(stream.seek(0).unwrap_err(), DeviceErrorKind::NotOpen);
        stream.write(&5);
        stream.flush();
        assert!(write!(stream, "5").is_err());
        assert_eq!(stream.status(), TextStreamStatus::Ok);
    }
    install_message_handler(None);
    let warnings = warnings.lock().unwrap();
    let (position, other): (Vec<_>, Vec<_>) =
        warnings.iter().partition(|text| *text == "QTextStream::pos: no device");
    assert_eq!(position.len(), 1);
    assert_eq!(other.len(), 9, "{other:?}");
    assert!(other.iter().all(|text| *text == "QTextStream: No device"), "{other:?}");
}
