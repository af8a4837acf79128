//! [`Chunk`]: bytes that are passed on without a copy.

use std::{fmt, ops::Deref, rc::Rc};

use super::pool::{BufferPool, SCRATCH};

/// Bytes that are given away or shared; the argument of
/// [`write_chunk`](super::QIODevice::write_chunk).
///
/// A `Vec<u8>`, a `String`, an `Rc<[u8]>` and static bytes convert into a chunk without a copy.
/// With an `Rc<[u8]>` a program can write the same bytes to many sockets. The type takes the place
/// of Qt's `QByteArray`.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use qcore::io_device::Chunk;
///
/// let given = Chunk::from(vec![1, 2, 3]);
/// let forever = Chunk::from("hello");
/// let everybodys: Rc<[u8]> = Rc::from(*b"news");
/// let shared = Chunk::from(everybodys.clone());
/// assert_eq!((given.len(), forever.len(), shared.len()), (3, 5, 4));
/// assert_eq!(Rc::strong_count(&everybodys), 2);
/// ```
#[derive(Clone)]
pub struct Chunk(Bytes);

#[derive(Clone)]
enum Bytes {
    Owned(Vec<u8>),
    Shared(Rc<[u8]>),
    Static(&'static [u8]),
}

impl Chunk {
    /// Returns the buffer, if this chunk owns it.
    pub(super) fn as_mut_vec(&mut self) -> Option<&mut Vec<u8>> {
        match &mut self.0 {
            Bytes::Owned(data) => Some(data),
            Bytes::Shared(_) | Bytes::Static(_) => None,
        }
    }

    /// Returns whether the memory is a block for reading, of [`SCRATCH`] bytes.
    pub(super) fn is_block(&self) -> bool {
        matches!(&self.0, Bytes::Owned(data) if data.capacity() >= SCRATCH)
    }

    /// Drops the bytes and returns a reusable buffer to the pool.
    pub(super) fn recycle(mut self, pool: &BufferPool) {
        self.empty(pool);
    }

    /// Empties the chunk and returns a reusable buffer to the pool.
    #[inline]
    pub(super) fn empty(&mut self, pool: &BufferPool) {
        match &mut self.0 {
            Bytes::Owned(data) => pool.put(std::mem::take(data)),
            Bytes::Shared(_) | Bytes::Static(_) => *self = Chunk::default(),
        }
    }
}

impl Deref for Chunk {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Owned(data) => data,
            Bytes::Shared(data) => data,
            Bytes::Static(data) => data,
        }
    }
}

impl Default for Chunk {
    /// Creates a chunk without bytes.
    fn default() -> Self {
        Chunk(Bytes::Owned(Vec::new()))
    }
}

impl From<Vec<u8>> for Chunk {
    fn from(data: Vec<u8>) -> Self {
        Chunk(Bytes::Owned(data))
    }
}

impl From<String> for Chunk {
    fn from(text: String) -> Self {
        Chunk(Bytes::Owned(text.into_bytes()))
    }
}

impl From<Rc<[u8]>> for Chunk {
    fn from(data: Rc<[u8]>) -> Self {
        Chunk(Bytes::Shared(data))
    }
}

impl From<&'static [u8]> for Chunk {
    fn from(data: &'static [u8]) -> Self {
        Chunk(Bytes::Static(data))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Chunk {
    fn from(data: &'static [u8; N]) -> Self {
        Chunk(Bytes::Static(data))
    }
}

impl From<&'static str> for Chunk {
    fn from(text: &'static str) -> Self {
        Chunk(Bytes::Static(text.as_bytes()))
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chunk").field(&self.len()).finish()
    }
}
