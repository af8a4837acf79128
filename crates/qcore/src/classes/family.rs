//! An object's parent and children.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use super::{Life, life::Held};
use crate::event::EventType;

/// Where an object stands among others. A parent holds its children, as a handle would.
#[derive(Default)]
pub(super) struct Family {
    parent: RefCell<Weak<Life>>,
    children: RefCell<Children>,
    /// The place among the parent's children.
    place: Cell<u32>,
}

/// Children in the order in which they came. Each knows its place, so that one of many leaves as
/// fast as one of few; places that are empty are closed up when they are half of all.
#[derive(Default)]
struct Children {
    places: Vec<Option<Held>>,
    count: u32,
    /// Before this place all are empty; only used when the parent dies.
    next: u32,
}

impl Children {
    fn add(&mut self, child: Held) {
        child.life().family().place.set(self.places.len() as u32);
        self.places.push(Some(child));
        self.count += 1;
    }

    fn remove(&mut self, place: u32) -> Option<Held> {
        let child = self.places.get_mut(place as usize)?.take()?;
        self.count -= 1;
        if self.next == 0 && (self.count as usize) * 2 < self.places.len() {
            self.places.retain(Option::is_some);
            for (place, child) in self.places.iter().flatten().enumerate() {
                child.life().family().place.set(place as u32);
            }
        }
        Some(child)
    }

    /// Takes the oldest out. From now on no place is closed up.
    fn take_next(&mut self) -> Option<Held> {
        while let Some(place) = self.places.get_mut(self.next as usize) {
            self.next += 1;
            if let Some(child) = place.take() {
                self.count -= 1;
                return Some(child);
            }
        }
        None
    }
}

impl Life {
    pub(crate) fn parent(&self) -> Option<Rc<Life>> {
        self.family().parent.borrow().upgrade()
    }

    /// The children, oldest first.
    pub(crate) fn children(&self) -> Vec<Rc<Life>> {
        let children = self.family().children.borrow();
        children.places.iter().flatten().map(|child| child.life().clone()).collect()
    }

    /// Gives the object a parent, or none. It must not be an ancestor of that parent.
    pub(crate) fn set_parent(self: &Rc<Self>, parent: Option<&Rc<Life>>) {
        let own = self.family();
        if own.parent.borrow().as_ptr() == parent.map_or(std::ptr::null(), Rc::as_ptr) {
            return;
        }
        // The parent may have been the last to hold the object, and be told of its going.
        let _held = self.leave_parent();
        let Some(parent) = parent else { return };
        // A slot or handler that was told may have done anything.
        let has_parent = own.parent.borrow().strong_count() > 0;
        if parent.is_dead() || self.is_dead() || has_parent || self.is_ancestor_of(parent) {
            return;
        }
        *own.parent.borrow_mut() = Rc::downgrade(parent);
        parent.family().children.borrow_mut().add(Held::new(self));
        self.tell_parent(parent, EventType::CHILD_ADDED);
    }

    /// Leaves the parent, which is told. Returns the hold that it had.
    pub(super) fn leave_parent(&self) -> Option<Held> {
        let own = self.family();
        let parent = std::mem::take(&mut *own.parent.borrow_mut()).upgrade()?;
        let child = parent.family().children.borrow_mut().remove(own.place.get());
        if child.is_some() {
            self.tell_parent(&parent, EventType::CHILD_REMOVED);
        }
        child
    }

    fn tell_parent(&self, parent: &Rc<Life>, kind: EventType) {
        parent.tell(|| Some(self.base()?.child_event(kind)));
    }

    /// Ends the children, oldest first. One at a time: a child's destructor may end a sibling.
    pub(super) fn destroy_children(&self) {
        while let Some(child) = self.next_child() {
            *child.life().family().parent.borrow_mut() = Weak::new();
            child.life().destroy();
        }
    }

    fn next_child(&self) -> Option<Held> {
        self.family().children.borrow_mut().take_next()
    }

    /// Whether `self` is `other` or one of its ancestors.
    pub(crate) fn is_ancestor_of(self: &Rc<Self>, other: &Rc<Life>) -> bool {
        let mut at = Some(other.clone());
        while let Some(life) = at {
            if Rc::ptr_eq(self, &life) {
                return true;
            }
            at = life.parent();
        }
        false
    }
}
