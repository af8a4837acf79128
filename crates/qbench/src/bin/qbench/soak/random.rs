//! Random numbers, and the bytes that ends of connections send.

use std::cell::Cell;

/// How many bytes precede the pattern in each direction of a connection.
pub(super) const HEADER: u64 = 16;

/// Returns a number that looks random and follows from `number`.
pub(super) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The random numbers of a thread. They follow from the seed.
pub(super) struct Random(Cell<u64>);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(Cell::new(mixed(seed)))
    }

    pub(super) fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(1));
        mixed(self.0.get())
    }

    /// Returns a number below `end`, which is not 0.
    pub(super) fn below(&self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Returns whether a case that happens once in `times` cases happens.
    pub(super) fn one_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Returns a size below `end`. Small sizes are as likely as large ones.
    pub(super) fn size(&self, end: usize) -> usize {
        let bits = end.ilog2() as usize;
        self.below((2 << self.below(bits + 1)).min(end))
    }
}

/// Returns the header of the stream of the end `id`. It tells the receiver which bytes follow, and
/// whether the sender closes its connection only when both ends have received everything.
pub(super) fn header(id: u64, is_clean: bool) -> [u8; HEADER as usize] {
    let mut header = [0; HEADER as usize];
    header[..8].copy_from_slice(&id.to_le_bytes());
    header[8..].copy_from_slice(&(check_of(id) | u64::from(is_clean)).to_le_bytes());
    header
}

/// Returns the sender of a header and whether it is clean, or `None` if the bytes are no header.
pub(super) fn sender_of(header: &[u8]) -> Option<(u64, bool)> {
    let (id, check) = header.split_at(8);
    let id = u64::from_le_bytes(id.try_into().ok()?);
    let check = u64::from_le_bytes(check.try_into().ok()?);
    (check & !1 == check_of(id)).then_some((id, check & 1 == 1))
}

fn check_of(id: u64) -> u64 {
    mixed(!id) & !1
}

/// Returns how many bytes a clean end sends, with the header.
pub(super) fn quota(id: u64) -> u64 {
    let number = mixed(id ^ 0x5151);
    HEADER + (mixed(number) & ((1 << (number % 18)) - 1))
}

/// Returns `size` bytes from position `at` of the stream of the end `id`.
pub(super) fn bytes(id: u64, is_clean: bool, at: u64, size: usize) -> Vec<u8> {
    let header = header(id, is_clean);
    let mut data = Vec::with_capacity(size + 8);
    let mut place = at;
    while place < HEADER && data.len() < size {
        data.push(header[place as usize]);
        place += 1;
    }
    if data.len() < size {
        let block = mixed(id ^ mixed(place / 8)).to_le_bytes();
        data.extend_from_slice(&block[(place % 8) as usize..]);
        place = (place / 8 + 1) * 8;
        while data.len() < size {
            data.extend_from_slice(&mixed(id ^ mixed(place / 8)).to_le_bytes());
            place += 8;
        }
    }
    data.truncate(size);
    data
}
