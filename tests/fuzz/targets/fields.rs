#![no_main]

use qcore::framing::{Fields, PrefixSize};

// The first bytes are the steps, each of which takes a field of the rest. What is taken is a part of
// the rest, in its order, and a step that fails takes nothing.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((steps, message)) = data.split_first_chunk::<16>() else { return };
    let mut fields = Fields::new(message);
    for step in steps {
        let before = fields;
        let size = match step % 5 {
            0 => PrefixSize::U8,
            1 => PrefixSize::U16,
            2 => PrefixSize::U32,
            3 => PrefixSize::U64,
            _ => PrefixSize::Varint(step / 8),
        };
        let taken = match step % 7 {
            0 => fields.u8().map(|_| 1),
            1 => fields.u16().map(|_| 2),
            2 => fields.u32().map(|_| 4),
            3 => fields.u64().map(|_| 8),
            4 => fields.bytes(usize::from(*step)).map(<[u8]>::len),
            _ => fields.prefixed(size).map(|bytes| {
                let taken = before.len() - fields.len();
                assert!(taken > bytes.len() && taken <= bytes.len() + 10);
                let mut whole = before;
                let whole = whole.bytes(taken).expect("it was there");
                assert!(whole.ends_with(bytes));
                taken
            }),
        };
        assert_eq!(fields.len(), before.len() - taken.unwrap_or(0));
        assert!(taken.is_some() || fields == before);
    }
});
