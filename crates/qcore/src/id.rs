//! The ids of objects.

/// The id of an object, unique in its thread: no two objects of a thread ever have the same one.
///
/// The id is one word because each emission stores it: a generation in the upper half, and in the
/// lower half an index into the thread's table of objects. The event loop uses the id as a key and
/// knows nothing of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectId(u64);

impl ObjectId {
    /// The id of no object. Its generation is 0, which no object has.
    pub(crate) const NONE: ObjectId = ObjectId(0);

    pub(crate) fn new(generation: u32, index: u32) -> Self {
        ObjectId((u64::from(generation) << 32) | u64::from(index))
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Returns the number that [`from_bits`](ObjectId::from_bits) makes the same id from.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        ObjectId(bits)
    }

    pub(crate) fn index(self) -> usize {
        self.0 as u32 as usize
    }
}
