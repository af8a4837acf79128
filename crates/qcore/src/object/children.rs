//! The children of an object.

use super::{Object, QObject};

/// Children in the order in which they came. Each knows its place, so that one of many leaves as fast
/// as one of few; places that are empty are closed up when they are half of all.
#[derive(Default)]
pub(super) struct Children {
    places: Vec<Option<QObject>>,
    count: usize,
    /// Before this place all are empty; only used when the parent dies.
    next: usize,
}

impl Children {
    pub(super) fn list(&self) -> Vec<QObject> {
        self.places.iter().flatten().cloned().collect()
    }

    pub(super) fn add(&mut self, child: QObject) {
        Object::life(&child).set_place(self.places.len());
        self.places.push(Some(child));
        self.count += 1;
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<QObject> {
        let child = self.places.get_mut(place)?.take()?;
        self.count -= 1;
        if self.next == 0 && self.count * 2 < self.places.len() {
            self.places.retain(Option::is_some);
            for (place, child) in self.places.iter().flatten().enumerate() {
                Object::life(child).set_place(place);
            }
        }
        Some(child)
    }

    /// Takes the oldest out. From now on no place is closed up.
    pub(super) fn take_next(&mut self) -> Option<QObject> {
        while let Some(place) = self.places.get_mut(self.next) {
            self.next += 1;
            if let Some(child) = place.take() {
                self.count -= 1;
                return Some(child);
            }
        }
        None
    }
}
