//! Lists, maps and pairs.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash},
};

use super::{FromStream, QDataStream, StreamStatus, ToStream};

/// The greatest depth of nested containers. Each level uses some of the stack.
const MAX_DEPTH: u32 = 128;

impl QDataStream {
    /// Reads a count and as many items. `item` reads one item, and `add` adds it to the container.
    /// After an error the container is empty.
    ///
    /// Outside a transaction, an earlier error does not prevent reading, but it stays in the
    /// status.
    pub(super) fn read_counted<C: Default, I>(
        &mut self,
        item: impl Fn(&mut Self) -> I,
        add: impl Fn(&mut C, I),
    ) -> C {
        if self.depth >= MAX_DEPTH {
            self.set_status(StreamStatus::ReadCorruptData);
            return C::default();
        }
        let earlier = self.status;
        if !self.medium.is_transaction_started() {
            self.reset_status();
        }
        self.depth += 1;
        let container = self.read_items(item, add);
        self.depth -= 1;
        if earlier != StreamStatus::Ok {
            self.status = earlier;
        }
        container.unwrap_or_default()
    }

    fn read_items<C: Default, I>(
        &mut self,
        item: impl Fn(&mut Self) -> I,
        add: impl Fn(&mut C, I),
    ) -> Option<C> {
        let mut container = C::default();
        for _ in 0..self.read_uint32() {
            let before = self.taken;
            let item = item(self);
            if self.status != StreamStatus::Ok {
                return None;
            }
            // Refuse items that take no bytes: the length of the data would not limit their number.
            if self.taken == before {
                self.set_status(StreamStatus::ReadCorruptData);
                return None;
            }
            add(&mut container, item);
        }
        Some(container)
    }

    /// Writes the number of items, then the items.
    pub(super) fn write_counted<I>(
        &mut self,
        items: impl ExactSizeIterator<Item = I>,
        write: impl Fn(&mut Self, I),
    ) {
        if self.depth >= MAX_DEPTH {
            return self.set_status(StreamStatus::WriteFailed);
        }
        if !self.write_length(items.len()) {
            return;
        }
        self.depth += 1;
        for item in items {
            if self.status != StreamStatus::Ok {
                break;
            }
            write(self, item);
        }
        self.depth -= 1;
    }
}

impl<T: FromStream> FromStream for Vec<T> {
    fn read_from(stream: &mut QDataStream) -> Self {
        T::read_list(stream)
    }
}

impl<T: ToStream> ToStream for Vec<T> {
    fn write_to(&self, stream: &mut QDataStream) {
        T::write_list(self, stream);
    }
}

impl<T: ToStream> ToStream for [T] {
    fn write_to(&self, stream: &mut QDataStream) {
        T::write_list(self, stream);
    }
}

/// Reads a map. If a key occurs more than once, its last value counts.
impl<K: FromStream + Ord, V: FromStream> FromStream for BTreeMap<K, V> {
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_counted(QDataStream::read::<(K, V)>, |map: &mut Self, (key, value)| {
            map.insert(key, value);
        })
    }
}

impl<K: ToStream, V: ToStream> ToStream for BTreeMap<K, V> {
    fn write_to(&self, stream: &mut QDataStream) {
        // Qt writes the last key first.
        stream.write_counted(self.iter().rev(), |stream, (key, value)| {
            stream.write(key).write(value);
        });
    }
}

/// Reads a map. If a key occurs more than once, its last value counts.
impl<K, V, S> FromStream for HashMap<K, V, S>
where
    K: FromStream + Eq + Hash,
    V: FromStream,
    S: BuildHasher + Default,
{
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_counted(QDataStream::read::<(K, V)>, |map: &mut Self, (key, value)| {
            map.insert(key, value);
        })
    }
}

impl<K: ToStream, V: ToStream, S> ToStream for HashMap<K, V, S> {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_counted(self.iter(), |stream, (key, value)| {
            stream.write(key).write(value);
        });
    }
}

impl<A: FromStream, B: FromStream> FromStream for (A, B) {
    fn read_from(stream: &mut QDataStream) -> Self {
        (stream.read(), stream.read())
    }
}

impl<A: ToStream, B: ToStream> ToStream for (A, B) {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write(&self.0).write(&self.1);
    }
}
