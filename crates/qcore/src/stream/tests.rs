use proptest::prelude::*;

use super::*;

#[test]
fn strings_on_the_wire() {
    // What Qt 5.15 writes.
    let mut out = QDataStream::from_bytes(Vec::new());
    out.write_qstring("aé");
    out.write_qstring("");
    out.write_uint16(0x0102);
    assert_eq!(out.into_bytes(), b"\0\0\0\x04\0a\0\xe9\0\0\0\0\x01\x02");

    let mut out = QDataStream::from_bytes(Vec::new());
    out.set_byte_order(ByteOrder::LittleEndian);
    out.write_qstring("a");
    assert_eq!(out.into_bytes(), b"\x02\0\0\0a\0");
}

#[test]
fn a_null_string_is_read_as_an_empty_one() {
    let mut input = QDataStream::from_bytes(*b"\xff\xff\xff\xff\0\x01");
    assert_eq!(input.read_qstring(), "");
    assert_eq!(input.read_uint16(), 1);
    assert_eq!(input.status(), StreamStatus::Ok);
}

#[test]
fn an_odd_length_is_corrupt_and_a_claimed_one_takes_no_memory() {
    let mut input = QDataStream::from_bytes(*b"\0\0\0\x03abc");
    assert_eq!(input.read_qstring(), "");
    assert_eq!(input.status(), StreamStatus::ReadCorruptData);

    let mut input = QDataStream::from_bytes(*b"\xff\xff\xff\xfeab");
    assert_eq!(input.read_qstring(), "");
    assert_eq!(input.status(), StreamStatus::ReadPastEnd);
}

#[test]
fn transactions_roll_back_what_is_incomplete() {
    let whole = b"\0\0\0\x04\0a\0b";
    for cut in 0..whole.len() {
        let mut stream = QDataStream::from_bytes(&whole[..cut]);
        stream.start_transaction();
        assert_eq!(stream.read_qstring(), "");
        assert!(!stream.commit_transaction());
        stream.write_raw_data(&whole[cut..]);
        stream.start_transaction();
        stream.start_transaction();
        assert_eq!(stream.read_qstring(), "ab");
        assert!(stream.commit_transaction());
        assert!(stream.commit_transaction());
        assert!(stream.at_end());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn anything_can_be_read(bytes: Vec<u8>, little: bool) {
        let mut input = QDataStream::from_bytes(bytes);
        if little {
            input.set_byte_order(ByteOrder::LittleEndian);
        }
        while !input.at_end() && input.status() == StreamStatus::Ok {
            input.read_qstring();
            input.read_uint8();
        }
    }

    #[test]
    fn strings_come_back(text: String, little: bool) {
        let order = if little { ByteOrder::LittleEndian } else { ByteOrder::BigEndian };
        let mut out = QDataStream::from_bytes(Vec::new());
        out.set_byte_order(order);
        out.write_qstring(&text);
        let mut input = QDataStream::from_bytes(out.into_bytes());
        input.set_byte_order(order);
        prop_assert_eq!(input.read_qstring(), text);
        prop_assert!(input.at_end());
    }
}
