//! [`Life`]: the part of an object that all its handles share.

use std::{
    any::{Any, TypeId},
    cell::{Cell, OnceCell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use super::{
    Base, IsClass, Node, Object, Objects, connections::Connections, events::EventSide,
    family::Family,
};
use crate::{
    event::{EventType, QEvent},
    event_loop::{Deliver, Dispatcher, Which},
    id::ObjectId,
};

/// The stage of an object's life.
///
/// ```text
///   Alive ── last handle dropped, parent died, or delete_later() ──► Dying
///   Dying ── destructor done ──────────────────────────────────────► Dead
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A handle or the parent holds the object.
    Alive,
    /// The destructor is running. Slots still get handles to the object, and its signals are still
    /// emitted.
    Dying,
    /// The object is closed. The remaining handles refer to a dead object, and there are no new
    /// handles.
    Dead,
}

type AnyClass = fn(&mut IsClass<'_>) -> bool;

/// The life of an object.
///
/// An object consists of a chain of nodes, one for each class from its own down to `QObject`. All
/// of them share one `Life`. It counts the handles and keeps the outermost node alive while there
/// are any, so that a handle of a base class keeps the whole object. It also stores the connections
/// to cut when the object dies.
///
/// The fields that an emission reads come first, so that they share a cache line.
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
    base: OnceCell<Weak<dyn Base>>,
    connections: Connections,
    family: Family,
    /// The `any_class` function of the object's class, if its outermost node belongs to a base
    /// class.
    class: Cell<Option<AnyClass>>,
}

impl Life {
    /// Creates a life on the event loop of this thread. This is the first step in making an object
    /// of a class of your own. The last one is [`Handle::new`](super::Handle::new).
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
            base: OnceCell::new(),
            connections: Connections::default(),
            family: Family::default(),
            class: Cell::new(None),
        })
    }

    /// Returns the event loop of the object.
    #[must_use]
    pub fn dispatcher(&self) -> &Rc<Dispatcher> {
        &self.dispatcher
    }

    #[inline]
    pub(crate) fn id(&self) -> ObjectId {
        self.id
    }

    /// Returns whether the object is dead: its destructor has run.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.stage.get() == Stage::Dead
    }

    /// Returns whether the object's destructor has begun. It may also have ended.
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
        // A base class may have marked the object as one of its own class by `set_class`.
        self.class.set(None);
        *self.whole.borrow_mut() = Some(whole);
    }

    /// Sets the node of the innermost base class.
    pub(crate) fn set_base(&self, base: Weak<dyn Base>) {
        let _ = self.base.set(base);
    }

    /// Returns the node of the innermost base class. This works even if the object is dead, while
    /// any handle to it exists.
    #[inline]
    pub(crate) fn base(&self) -> Option<Rc<dyn Base>> {
        self.base.get()?.upgrade()
    }

    #[inline]
    pub(super) fn add_handle(&self) {
        self.handles.set(self.handles.get() + 1);
    }

    /// A handle is not counted any more, and the object lives on.
    pub(super) fn forget_handle(&self) {
        self.handles.set(self.handles.get() - 1);
    }

    /// Panics unless `node` is the object's outermost one.
    #[track_caller]
    pub(super) fn expect_outermost(&self, node: &dyn Node) {
        let whole = self.whole.borrow();
        let outermost = whole.as_deref().is_some_and(|whole| std::ptr::addr_eq(whole, node));
        assert!(outermost, "the object given to derive() is of a derived class already");
    }

    #[inline]
    pub(super) fn drop_handle(self: &Rc<Self>) {
        let left = self.handles.get() - 1;
        self.handles.set(left);
        // An object under construction has no outermost node yet.
        if left == 0 && self.stage.get() == Stage::Alive && self.whole.borrow().is_some() {
            self.destroy();
        }
    }

    /// Holds the object as a handle does, unless the object is dead.
    #[inline]
    pub(super) fn hold(self: &Rc<Self>) -> Option<Held> {
        if self.is_dead() { None } else { Some(Held::new(self)) }
    }

    // ---- death

    /// Destroys the object immediately, even if there are handles to it, as `delete` does in C++.
    pub(crate) fn destroy(self: &Rc<Self>) {
        if self.stage.get() != Stage::Alive {
            return;
        }
        self.stage.set(Stage::Dying);
        // If a slot panics in here, the guard still completes the death of the object.
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
        // Weak references become empty before `destroyed` is emitted. It is emitted even if the
        // signals are blocked.
        self.stage.set(Stage::Dead);
        self.signals_blocked.set(false);
        if self.connections.has_signals()
            && let Some(base) = self.base()
        {
            base.emit_destroyed();
        }
        drop(burial);
    }

    /// Cuts all connections from and to the object, destroys the children, and drops the nodes.
    fn bury(&self) {
        // If a child's slot or the drop of a closure panics in here, the guard completes the
        // remaining steps.
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

    /// Requests the deletion of the object. The event loop destroys it when control returns to the
    /// level of this call.
    pub(crate) fn delete_later(self: &Rc<Self>) {
        if self.is_dying() || self.deletion_posted.replace(true) {
            return;
        }
        if !self.dispatcher.post_for_this_level(self.clone()) {
            self.deletion_posted.set(false);
        }
    }

    // ---- the parts of a life

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

    /// Returns whether anything is posted to the object.
    pub(crate) fn has_posted(&self) -> bool {
        self.dispatcher.has_posted_to(self.id)
    }

    /// Passes an event to the object's class. Returns whether the class has handled it.
    pub(super) fn node_event(&self, event: &QEvent) -> bool {
        let whole = self.whole.borrow().clone();
        whole.is_some_and(|whole| whole.event(event))
    }

    // ---- class

    /// Sets the class of the object to `T`, which only adds methods to the class of the outermost
    /// node.
    pub fn set_class<T: Object>(&self) {
        self.class.set(Some(T::any_class));
    }

    /// Returns the object as a handle of class `T`, or `None` if it is not of that class or one
    /// derived from it.
    #[doc(hidden)]
    #[must_use]
    pub fn cast<T: Object>(&self) -> Option<T> {
        let whole = self.whole.borrow().clone()?;
        let class = TypeId::of::<T>();
        let is_one = self.any_class(&*whole, &mut |one, _| one == class);
        if is_one && !self.is_dead() { T::from_whole(whole) } else { None }
    }

    fn any_class(&self, whole: &dyn Node, is: &mut IsClass<'_>) -> bool {
        match self.class.get() {
            Some(any_class) => any_class(is),
            None => whole.any_class(is),
        }
    }

    /// Calls `is` with the names of the object's class and its base classes, until it returns
    /// `true`. Returns whether it has. A dead object has no class any more.
    pub(crate) fn any_class_name(&self, mut is: impl FnMut(&'static str) -> bool) -> bool {
        let whole = self.whole.borrow().clone().filter(|_| !self.is_dead());
        whole.is_some_and(|whole| self.any_class(&*whole, &mut |_, name| is(name)))
    }
}

/// The deletion of the object, which [`delete_later`](Life::delete_later) posts.
impl Deliver for Life {
    fn deliver(&self) {
        let Some(life) = self.objects.find(self.id) else { return };
        // From here on another deletion can be requested.
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

/// A hold on an object, which counts as one of the object's handles.
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
