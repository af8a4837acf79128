//! Comparison with real Qt. All other tests are in the crate's tests folder.

mod goldens;
mod values;

use super::*;

fn reading(bytes: &[u8]) -> QDataStream {
    QDataStream::from_bytes(bytes)
}

fn writing() -> QDataStream {
    QDataStream::from_bytes(Vec::new())
}

#[test]
fn what_is_too_long_for_32_bits_is_not_written() {
    for length in [u32::MAX as usize, u32::MAX as usize + 1, usize::MAX] {
        let mut out = writing();
        assert!(!out.write_length(length));
        assert_eq!(out.status(), StreamStatus::WriteFailed);
        assert_eq!(out.into_bytes(), b"");
    }
    let mut out = writing();
    out.write_counted(0..u32::MAX, |_, _| unreachable!());
    assert_eq!(out.status(), StreamStatus::WriteFailed);
    let mut out = writing();
    assert!(out.write_length(u32::MAX as usize - 1));
    assert_eq!(out.into_bytes(), b"\xff\xff\xff\xfe");
}
