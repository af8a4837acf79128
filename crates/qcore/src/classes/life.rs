//! The part of an object that all its handles share: who holds it, and whether it lives.

use std::{
    any::{Any, TypeId},
    cell::{Cell, OnceCell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use super::{
    Base, Node, Object, Objects, connections::Connections, events::EventSide, family::Family,
};
use crate::{
    event::{EventType, QEvent},
    event_loop::{Deliver, Dispatcher, Which},
    id::ObjectId,
};

/// How far an object has come.
///
/// ```text
///   Alive ── last handle dropped, parent died, delete_later() ──► Dying ── destructor has run ──► Dead
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Somebody holds it: a handle or its parent.
    Alive,
    /// Its destructor runs: slots still get handles to it, and what it closes it announces.
    Dying,
    /// Handles that are left find it closed; nobody gets a new one.
    Dead,
}

type DerivesFrom = fn(TypeId) -> bool;

/// The life of one object.
///
/// A class is a chain of nodes, one for each base class, and all of them share one `Life`. It
/// counts the handles, keeps the outermost node alive as long as there are any (so that a handle to
/// a base class keeps the whole object), and knows the connections that have to be cut when the
/// object dies.
///
/// What an emission looks at comes first, so that it is in one line of the cache.
#[repr(C)]
pub struct Life {
    id: ObjectId,
    dispatcher: Rc<Dispatcher>,
    objects: Rc<Objects>,
    events: OnceCell<Box<EventSide>>,
    signals_blocked: Cell<bool>,
    stage: Cell<Stage>,
    deletion_posted: Cell<bool>,
    handles: Cell<u32>,
    whole: RefCell<Option<Rc<dyn Node>>>,
    base: RefCell<Option<Weak<dyn Base>>>,
    connections: Connections,
    family: Family,
    /// Whether the object's class is that or derives from it, if its outermost node does not tell.
    class: Cell<Option<DerivesFrom>>,
}

impl Life {
    /// A new life, on the event loop of this thread. The first step in making an object of a class
    /// of your own; [`Handle::new`](super::Handle::new) is the last.
    #[must_use]
    pub fn new() -> Rc<Life> {
        let (dispatcher, objects) = Objects::current();
        Rc::new_cyclic(|this| Life {
            id: objects.add(this),
            dispatcher,
            objects,
            events: OnceCell::new(),
            signals_blocked: Cell::new(false),
            stage: Cell::new(Stage::Alive),
            deletion_posted: Cell::new(false),
            handles: Cell::new(0),
            whole: RefCell::new(None),
            base: RefCell::new(None),
            connections: Connections::default(),
            family: Family::default(),
            class: Cell::new(None),
        })
    }

    /// The event loop that the object lives on.
    #[must_use]
    pub fn dispatcher(&self) -> &Rc<Dispatcher> {
        &self.dispatcher
    }

    #[inline]
    pub(crate) fn id(&self) -> ObjectId {
        self.id
    }

    /// Whether the object is dead: its destructor has run.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.stage.get() == Stage::Dead
    }

    /// Whether the object's destructor has begun; it may have ended, too.
    #[must_use]
    pub fn is_dying(&self) -> bool {
        self.stage.get() != Stage::Alive
    }

    pub(crate) fn signals_blocked(&self) -> bool {
        self.signals_blocked.get()
    }

    pub(crate) fn block_signals(&self, block: bool) -> bool {
        self.signals_blocked.replace(block)
    }

    // ---- handles

    pub(super) fn own(&self, whole: Rc<dyn Node>) {
        // A base class may have said that it is of that class.
        self.class.set(None);
        *self.whole.borrow_mut() = Some(whole);
    }

    /// Says which node is that of the innermost base class.
    pub(crate) fn set_base(&self, base: Weak<dyn Base>) {
        *self.base.borrow_mut() = Some(base);
    }

    /// The node of the innermost base class. Also when the object is dead, for as long as anybody
    /// holds what is left of it.
    #[inline]
    pub(crate) fn base(&self) -> Option<Rc<dyn Base>> {
        self.base.borrow().as_ref()?.upgrade()
    }

    #[inline]
    pub(super) fn add_handle(&self) {
        self.handles.set(self.handles.get() + 1);
    }

    #[inline]
    pub(super) fn drop_handle(self: &Rc<Self>) {
        let left = self.handles.get() - 1;
        self.handles.set(left);
        // One that is still being made has none yet.
        if left == 0 && self.stage.get() == Stage::Alive && self.whole.borrow().is_some() {
            self.destroy();
        }
    }

    /// Holds the object as a handle does, unless it is dead.
    #[inline]
    pub(super) fn hold(self: &Rc<Self>) -> Option<Held> {
        if self.is_dead() { None } else { Some(Held::new(self)) }
    }

    // ---- death

    /// Ends the object now, whatever handles there are: what C++ calls `delete`.
    pub(crate) fn destroy(self: &Rc<Self>) {
        if self.stage.get() != Stage::Alive {
            return;
        }
        self.stage.set(Stage::Dying);
        // A slot that panics in here must not leave half an object behind.
        struct Burial<'a>(&'a Rc<Life>);
        impl Drop for Burial<'_> {
            fn drop(&mut self) {
                self.0.bury();
            }
        }
        let burial = Burial(self);
        let whole = self.whole.borrow().clone();
        if let Some(whole) = &whole {
            whole.destructor();
        }
        // Weak references are empty before destroyed() is emitted, and it is emitted in any case.
        self.stage.set(Stage::Dead);
        self.signals_blocked.set(false);
        if self.connections.has_signals()
            && let Some(base) = self.base()
        {
            base.emit_destroyed();
        }
        drop(burial);
    }

    /// Cuts all connections, both ways, ends the children and lets the nodes go.
    fn bury(&self) {
        // A panic in here, in a child's slot or where a closure is dropped, must not stop the rest.
        struct Rest<'a>(&'a Life);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                self.0.bury();
            }
        }
        let rest = Rest(self);
        self.stage.set(Stage::Dead);
        self.connections.cut();
        if self.has_posted() {
            self.dispatcher.remove_posted(&Which::new(Some(self.id), None));
        }
        if let Some(events) = self.events.get() {
            events.clear(&self.dispatcher);
        }
        self.destroy_children();
        self.leave_parent();
        let whole = self.whole.take();
        std::mem::forget(rest);
        drop(whole);
    }

    /// Asks the event loop to end the object, once control is back at the level of this call.
    pub(crate) fn delete_later(self: &Rc<Self>) {
        if self.is_dying() || self.deletion_posted.replace(true) {
            return;
        }
        if !self.dispatcher.post_for_this_level(self.clone()) {
            self.deletion_posted.set(false);
        }
    }

    // ---- its parts

    #[inline]
    pub(super) fn objects(&self) -> &Objects {
        &self.objects
    }

    #[inline]
    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    #[inline]
    pub(super) fn family(&self) -> &Family {
        &self.family
    }

    pub(super) fn event_side(&self) -> &EventSide {
        self.events.get_or_init(Box::default)
    }

    #[inline]
    pub(super) fn existing_event_side(&self) -> Option<&EventSide> {
        self.events.get().map(|events| &**events)
    }

    /// Whether anything is posted to the object.
    pub(crate) fn has_posted(&self) -> bool {
        self.dispatcher.has_posted_to(self.id)
    }

    /// What the object's class has to say to an event: whether it was for it.
    pub(super) fn node_event(&self, event: &QEvent) -> bool {
        let whole = self.whole.borrow().clone();
        whole.is_some_and(|whole| whole.event(event))
    }

    // ---- class

    /// Says of which class the object is: one that adds only methods to that of its outermost node.
    pub fn set_class<T: Object>(&self) {
        self.class.set(Some(T::derives_from));
    }

    /// The object as one of class `T`, if it is.
    pub(crate) fn cast<T: Object>(&self) -> Option<T> {
        let whole = self.whole.borrow().clone()?;
        let class = TypeId::of::<T>();
        let is_one = match self.class.get() {
            Some(derives_from) => derives_from(class),
            None => whole.derives_from(class),
        };
        if is_one && !self.is_dead() { T::from_whole(whole) } else { None }
    }
}

/// The object's end, posted by [`delete_later`](Life::delete_later).
impl Deliver for Life {
    fn deliver(&self) {
        let Some(life) = self.objects.find(self.id) else { return };
        // From here on another one can be asked for.
        self.deletion_posted.set(false);
        if !life.is_filtered(|| QEvent::new(EventType::DEFERRED_DELETE)) {
            life.destroy();
        }
    }

    fn cancel(&self) -> Option<Box<dyn Any>> {
        self.deletion_posted.set(false);
        None
    }

    fn receiver(&self) -> ObjectId {
        self.id
    }

    fn kind(&self) -> u16 {
        EventType::DEFERRED_DELETE.raw()
    }

    fn is_wanted(&self) -> bool {
        !self.is_dying()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.objects.remove(self.id);
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life")
            .field("stage", &self.stage.get())
            .field("handles", &self.handles.get())
            .finish_non_exhaustive()
    }
}

/// A hold on an object: it counts as one of the object's handles.
pub(super) struct Held(Rc<Life>);

impl Held {
    #[inline]
    pub(super) fn new(life: &Rc<Life>) -> Self {
        life.add_handle();
        Held(life.clone())
    }

    #[inline]
    pub(super) fn life(&self) -> &Rc<Life> {
        &self.0
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        self.0.drop_handle();
    }
}
