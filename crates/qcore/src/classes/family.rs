//! An object's parent and children.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
};

use super::{Life, Object, life::Held};
use crate::event::EventType;

/// Makes an object a child of another one. Logs a warning and changes nothing if the parent is
/// dead, or is the child itself or one of its descendants.
#[doc(hidden)]
pub fn adopt(child: &impl Object, parent: &impl Object) {
    let (child, parent) = (child.life(), parent.life());
    if parent.is_dead() || child.is_ancestor_of(parent) {
        crate::q_warning!("QObject::setParent: Cannot set this parent");
        return;
    }
    child.set_parent(Some(parent));
}

/// The parent and the children of an object. A parent holds its children as a handle does.
#[derive(Default)]
pub(super) struct Family {
    parent: Cell<Weak<Life>>,
    /// Most objects have no children.
    children: OnceCell<Box<RefCell<Children>>>,
    /// The index of this object in the parent's list of children.
    place: Cell<u32>,
}

impl Family {
    fn with_parent<R>(&self, f: impl FnOnce(&Weak<Life>) -> R) -> R {
        let parent = self.parent.take();
        let result = f(&parent);
        self.parent.set(parent);
        result
    }
}

/// The children, in the order in which they were added. Each child knows its index, so that its
/// removal costs the same however many children there are. When more than half of the entries are
/// empty, they are removed.
#[derive(Default)]
struct Children {
    places: Vec<Option<Held>>,
    count: u32,
    /// All entries before this index are empty. It is used only when the parent dies.
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

    /// Takes the oldest child. After the first call, empty entries are no longer removed.
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
        self.family().with_parent(Weak::upgrade)
    }

    /// Returns the children, in the order in which they were added.
    pub(crate) fn children(&self) -> Vec<Rc<Life>> {
        let Some(children) = self.family().children.get() else { return Vec::new() };
        let children = children.borrow();
        children.places.iter().flatten().map(|child| child.life().clone()).collect()
    }

    /// Sets or removes the parent of the object. The object must not be an ancestor of the new
    /// parent.
    pub(crate) fn set_parent(self: &Rc<Self>, parent: Option<&Rc<Life>>) {
        let own = self.family();
        if own.with_parent(Weak::as_ptr) == parent.map_or(std::ptr::null(), Rc::as_ptr) {
            return;
        }
        // The parent may have held the object alone, and its handler gets an event about the
        // removal. So the object is held meanwhile.
        let _held = self.leave_parent();
        let Some(parent) = parent else { return };
        // The handler may have run any code, so the conditions are checked again.
        let has_parent = own.with_parent(Weak::strong_count) > 0;
        if parent.is_dead() || self.is_dead() || has_parent || self.is_ancestor_of(parent) {
            return;
        }
        own.parent.set(Rc::downgrade(parent));
        parent.family().children.get_or_init(Box::default).borrow_mut().add(Held::new(self));
        self.tell_parent(parent, EventType::CHILD_ADDED);
    }

    /// Removes the object from its parent, and sends the parent an event. Returns the hold of the
    /// parent on the object.
    pub(super) fn leave_parent(&self) -> Option<Held> {
        let own = self.family();
        let parent = own.parent.take().upgrade()?;
        let child = parent.family().children.get()?.borrow_mut().remove(own.place.get());
        if child.is_some() {
            self.tell_parent(&parent, EventType::CHILD_REMOVED);
        }
        child
    }

    fn tell_parent(&self, parent: &Rc<Life>, kind: EventType) {
        parent.tell(|| Some(self.base()?.child_event(kind)));
    }

    /// Destroys the children, oldest first, and takes them one at a time: the destructor of a child
    /// may destroy a sibling.
    pub(super) fn destroy_children(&self) {
        while let Some(child) = self.next_child() {
            child.life().family().parent.set(Weak::new());
            child.life().destroy();
        }
    }

    fn next_child(&self) -> Option<Held> {
        self.family().children.get()?.borrow_mut().take_next()
    }

    /// Returns whether `self` is `other` or one of its ancestors.
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
