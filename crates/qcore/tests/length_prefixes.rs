//! Lengths of a variable size, headers in front of lengths, and messages in several parts.

use std::rc::Rc;

use qcore::{
    framing::{Codec, DataBlocks, Decoded, FrameErrorKind, Framed, LengthPrefix, PrefixSize},
    io_device::WhenFull,
};

use super::framing::pipe;

fn encoded(codec: &mut LengthPrefix, message: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    codec.encode(message, &mut out).unwrap();
    out.split_off(6)
}

#[test]
fn a_length_takes_as_many_bytes_as_it_needs() {
    let mut codec = LengthPrefix::new(PrefixSize::Varint(3)).with_limit(usize::MAX);
    for (length, prefix) in [
        (0, &b"\0"[..]),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (2_097_151, b"\xff\xff\x7f"),
    ] {
        let (message, bytes) = (vec![1; length], encoded(&mut codec, &vec![1; length]));
        assert!(bytes.starts_with(prefix) && bytes.len() == prefix.len() + length, "{length}");
        assert_eq!(codec.decode(&bytes).unwrap(), Decoded::Message(message, bytes.len()));
        for end in 1..prefix.len() {
            assert_eq!(codec.decode(&bytes[..end]).unwrap(), Decoded::Need(end + 1));
        }
    }
    let error = codec.encode(&vec![1; 2_097_152], &mut Vec::new()).unwrap_err();
    assert_eq!(error, FrameErrorKind::TooLong);
}

#[test]
fn a_length_that_counts_itself_and_grows_by_that() {
    let mut codec = LengthPrefix::new(PrefixSize::Varint(2)).with_inclusive_length();
    assert!(encoded(&mut codec, &[1; 126]).starts_with(b"\x7f\x01"));
    assert!(encoded(&mut codec, &[1; 127]).starts_with(b"\x81\x01\x01"));
    assert_eq!(codec.decode(b"\0").unwrap_err(), FrameErrorKind::Invalid);
    let longest = vec![1; 16_383 - 2];
    assert_eq!(encoded(&mut codec, &longest).len(), 16_383);
    let error = codec.encode(&[1; 16_383 - 1], &mut Vec::new()).unwrap_err();
    assert_eq!(error, FrameErrorKind::TooLong);
}

#[test]
fn lengths_that_are_too_long() {
    let decode = |most, bytes: &[u8]| {
        LengthPrefix::new(PrefixSize::Varint(most)).with_limit(usize::MAX).decode(bytes)
    };
    assert_eq!(decode(4, b"\xff\xff\xff\xff").unwrap_err(), FrameErrorKind::Invalid);
    assert_eq!(decode(4, b"\x80\x80\x80\x80\0").unwrap_err(), FrameErrorKind::Invalid);
    // A number of more than 64 bits, and the greatest one of 64.
    let mut bytes = [0xff; 10];
    bytes[9] = 2;
    assert_eq!(decode(10, &bytes).unwrap_err(), FrameErrorKind::TooLong);
    bytes[9] = 1;
    assert_eq!(decode(10, &bytes).unwrap_err(), FrameErrorKind::TooLong);
    // A maximum out of range.
    assert_eq!(decode(0, b"\x80").unwrap_err(), FrameErrorKind::Invalid);
    assert_eq!(decode(255, &[0x80; 9]).unwrap(), Decoded::Need(10));
    assert_eq!(decode(255, &[0x80; 10]).unwrap_err(), FrameErrorKind::Invalid);
    // The limit counts as soon as the length is there.
    let mut codec = LengthPrefix::new(PrefixSize::Varint(4)).with_limit(5).with_header_size(2);
    assert_eq!(codec.decode(b"hd\x06").unwrap_err(), FrameErrorKind::TooLong);
    assert_eq!(codec.decode(b"hd\x05").unwrap(), Decoded::Need(8));
    assert_eq!(codec.decode(b"h").unwrap(), Decoded::Need(3));
}

#[test]
fn a_header_in_front_of_the_length() {
    let mut codec = LengthPrefix::new(PrefixSize::U16).with_header_size(2);
    assert_eq!(encoded(&mut codec, b"hdbody"), b"hd\0\x04body");
    assert_eq!(encoded(&mut codec, b"hd"), b"hd\0\0");
    let error = codec.encode(b"h", &mut Vec::new()).unwrap_err();
    assert_eq!(error, FrameErrorKind::Invalid);

    // A block of a data stream, whose first value is in front of the length.
    let mut codec = DataBlocks::<(u16, u32)>::with_prefix(codec);
    let mut out = Vec::new();
    codec.encode(&(7, 9), &mut out).unwrap();
    assert_eq!(out, b"\0\x07\0\x04\0\0\0\x09");
    assert_eq!(codec.decode(&out).unwrap(), Decoded::Message((7, 9), 8));
}

#[test]
fn parts_make_one_message() {
    for size in [0, 10, 127, 128, 100_000] {
        let (device, pipe) = pipe();
        let codec = LengthPrefix::new(PrefixSize::Varint(4)).with_header_size(3);
        let framed = Framed::new(&device, codec.clone());
        let shared: Rc<[u8]> = vec![7; size].into();
        // The header is in two parts.
        framed.send_parts_with_chunk(&[b"h", b"", b"eadfirst", b"second"], shared.clone()).unwrap();
        let mut whole = b"headfirstsecond".to_vec();
        whole.extend(&shared[..]);
        assert_eq!(pipe.written.take(), encoded(&mut codec.clone(), &whole), "{size}");

        framed.send_parts(&[b"h", b"", b"eadfirst", b"second", &shared]).unwrap();
        assert_eq!(pipe.written.take(), encoded(&mut codec.clone(), &whole), "{size}");

        let error = framed.send_parts(&[b"h", b"e"]).unwrap_err();
        assert_eq!(error, FrameErrorKind::Invalid);
        let error = framed.send_parts_with_chunk(&[b"he"], shared).unwrap_err();
        assert_eq!(error, FrameErrorKind::Invalid);
        assert_eq!(pipe.written.take(), b"");
        if size == 0 {
            let plain = Framed::new(&device, LengthPrefix::new(PrefixSize::U8));
            plain.send_parts_with_chunk(&[], "all of it").unwrap();
            assert_eq!(pipe.written.take(), b"\x09all of it");
        }
    }
}

#[test]
fn a_full_device_takes_all_parts_or_none() {
    let (device, pipe) = pipe();
    device.write_flow().set_marks(0, 4);
    device.write_flow().set_when_full(WhenFull::Refuse);
    let framed = Framed::new(&device, LengthPrefix::new(PrefixSize::U32));
    let shared: Rc<[u8]> = vec![7; 1000].into();
    // The first part alone fills the device.
    pipe.unsent.set(3);
    framed.send_parts_with_chunk(&[b"head"], shared.clone()).unwrap();
    assert_eq!(pipe.written.take().len(), 4 + 4 + 1000);
    pipe.unsent.set(5);
    device.write("x").unwrap();
    assert_eq!(pipe.written.take(), b"x");
    assert_eq!(framed.send_parts_with_chunk(&[b"head"], shared).unwrap_err(), FrameErrorKind::Full);
    let error = framed.send_parts_with_chunk(&[b"head"], "short").unwrap_err();
    assert_eq!(error, FrameErrorKind::Full);
    assert_eq!(framed.send_parts(&[b"head", b"short"]).unwrap_err(), FrameErrorKind::Full);
    assert_eq!(pipe.written.take(), b"");
}
