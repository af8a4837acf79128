//! The part of an object that all its handles share: who holds it, and whether it lives.

use std::{
    any::TypeId,
    cell::{Cell, OnceCell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use super::{Node, Object, ObjectNode, QObject, children::Children};
use crate::{
    event::{EventSide, EventType, QEvent},
    event_loop::{Dispatcher, ObjectId, Waiting, Which},
    signal::{Connection, SlotList},
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
    events: OnceCell<Box<EventSide>>,
    signals_blocked: Cell<bool>,
    stage: Cell<Stage>,
    deletion_posted: Cell<bool>,
    handles: Cell<u32>,
    /// The events and queued calls that wait for the object, and its deletion.
    waiting: Waiting,
    sweep_at: Cell<u32>,
    whole: RefCell<Option<Rc<dyn Node>>>,
    object: RefCell<Weak<ObjectNode>>,
    /// The signals of this object that anybody was ever connected to.
    signals: RefCell<Vec<Rc<dyn SlotList>>>,
    /// The connections that this object receives. Those cut already are swept out now and then.
    incoming: RefCell<Vec<Connection>>,
    parent: RefCell<Weak<Life>>,
    children: RefCell<Children>,
    /// The place among the parent's children.
    place: Cell<usize>,
    /// Whether the object's class is that or derives from it, if its outermost node does not tell.
    class: Cell<Option<DerivesFrom>>,
}

impl Life {
    /// A new life, on the event loop of this thread. The first step in making an object of a class
    /// of your own; [`Handle::new`](super::Handle::new) is the last.
    #[must_use]
    pub fn new() -> Rc<Life> {
        let dispatcher = Dispatcher::current();
        Rc::new_cyclic(|this| Life {
            id: dispatcher.add_object(this),
            handles: Cell::new(0),
            stage: Cell::new(Stage::Alive),
            signals_blocked: Cell::new(false),
            deletion_posted: Cell::new(false),
            dispatcher,
            whole: RefCell::new(None),
            object: RefCell::new(Weak::new()),
            signals: RefCell::default(),
            incoming: RefCell::default(),
            sweep_at: Cell::new(16),
            parent: RefCell::default(),
            children: RefCell::default(),
            place: Cell::new(0),
            class: Cell::new(None),
            waiting: Waiting::default(),
            events: OnceCell::new(),
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

    pub(super) fn set_object(&self, object: Weak<ObjectNode>) {
        *self.object.borrow_mut() = object;
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

    /// A handle to the object, unless it is dead.
    pub(crate) fn object(&self) -> Option<QObject> {
        if self.is_dead() {
            return None;
        }
        let node = self.object.borrow().upgrade()?;
        Some(QObject::from_node(node))
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
        let object = self.object.borrow().upgrade();
        if let Some(object) = object {
            object.emit_destroyed();
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
        for signal in self.signals.take() {
            signal.disconnect_all();
        }
        for connection in self.incoming.take() {
            connection.disconnect();
        }
        if self.has_posted() {
            self.dispatcher.remove_posted(&Which::new(Some(self), None));
        }
        if let Some(events) = self.events.get() {
            for timer in events.timers.take() {
                self.dispatcher.stop_timer(timer);
            }
            events.clear();
        }
        // One at a time: a child's destructor may end a sibling.
        while let Some(child) = self.next_child() {
            *child.life().parent.borrow_mut() = Weak::new();
            child.life().destroy();
        }
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
        if !self.dispatcher.post_deletion(Rc::downgrade(self)) {
            self.forget_deletion();
        }
    }

    /// What was asked for is under way, or will not come.
    pub(crate) fn forget_deletion(&self) {
        self.deletion_posted.set(false);
    }

    // ---- events

    pub(crate) fn event_side(&self) -> &EventSide {
        self.events.get_or_init(Box::default)
    }

    #[inline]
    pub(crate) fn existing_event_side(&self) -> Option<&EventSide> {
        self.events.get().map(|events| &**events)
    }

    pub(crate) fn has_posted(&self) -> bool {
        !self.waiting.is_empty()
    }

    #[inline]
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// What the object's class has to say to an event: whether it was for it.
    pub(crate) fn node_event(&self, event: &QEvent) -> bool {
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

    // ---- connections

    pub(crate) fn add_signal(&self, signal: Rc<dyn SlotList>) {
        let mut signals = self.signals.borrow_mut();
        if signals.len() < 4 {
            // Most objects have few with slots.
            signals.reserve_exact(1);
        }
        signals.push(signal);
    }

    /// A signal is gone before its object.
    pub(crate) fn remove_signal<T>(&self, signal: &Rc<T>) {
        let mut signals = self.signals.borrow_mut();
        let signal = Rc::as_ptr(signal);
        if let Some(at) = signals.iter().position(|one| std::ptr::addr_eq(Rc::as_ptr(one), signal))
        {
            // The caller holds it as well, so that nothing of the user's is dropped here.
            signals.remove(at);
        }
    }

    pub(crate) fn add_incoming(&self, connection: &Connection) {
        if self.incoming.borrow().len() >= self.sweep_at.get() as usize {
            self.sweep_incoming();
        }
        let mut incoming = self.incoming.borrow_mut();
        if incoming.len() < 4 {
            // Most receive few.
            incoming.reserve_exact(1);
        }
        incoming.push(connection.clone());
    }

    /// Forgets the connections that were cut. Their receivers are asked, which may be anybody's
    /// code.
    fn sweep_incoming(&self) {
        let mut swept = self.incoming.take();
        swept.retain(Connection::is_connected);
        let mut incoming = self.incoming.borrow_mut();
        swept.append(&mut incoming);
        self.sweep_at.set((swept.len() as u32 * 2).max(16));
        *incoming = swept;
    }

    pub(crate) fn disconnect_signals(&self, receiver: Option<usize>) -> bool {
        let signals: Vec<_> = self.signals.borrow().clone();
        let mut any = false;
        for signal in signals {
            any |= match receiver {
                Some(receiver) => signal.disconnect_receiver(receiver, None),
                None => signal.disconnect_all(),
            };
        }
        any
    }

    // ---- family

    pub(super) fn parent(&self) -> Option<QObject> {
        let parent = self.parent.borrow().upgrade()?;
        parent.object()
    }

    pub(super) fn children(&self) -> Vec<QObject> {
        self.children.borrow().list()
    }

    fn next_child(&self) -> Option<QObject> {
        self.children.borrow_mut().take_next()
    }

    pub(super) fn set_place(&self, place: usize) {
        self.place.set(place);
    }

    pub(super) fn set_parent(self: &Rc<Self>, child: &QObject, parent: Option<&Rc<Life>>) {
        if self.parent.borrow().as_ptr() == parent.map_or(std::ptr::null(), Rc::as_ptr) {
            return;
        }
        // The parent may have been the last to hold the object, and be told of its going.
        let _held = self.leave_parent();
        let Some(parent) = parent else { return };
        // A slot or handler that was told may have done anything.
        let has_parent = self.parent.borrow().strong_count() > 0;
        if parent.is_dead() || self.is_dead() || has_parent || self.is_ancestor_of(parent) {
            return;
        }
        *self.parent.borrow_mut() = Rc::downgrade(parent);
        parent.children.borrow_mut().add(child.clone());
        parent.tell(|| QEvent::of_child(EventType::CHILD_ADDED, child.clone()));
    }

    /// Leaves the parent, which is told. Returns the handle that it had.
    fn leave_parent(&self) -> Option<QObject> {
        let parent = std::mem::take(&mut *self.parent.borrow_mut()).upgrade()?;
        let child = parent.children.borrow_mut().remove(self.place.get());
        if let Some(child) = &child {
            parent.tell(|| QEvent::of_child(EventType::CHILD_REMOVED, child.clone()));
        }
        child
    }

    /// Whether `self` is `other` or one of its ancestors.
    pub(super) fn is_ancestor_of(self: &Rc<Self>, other: &Rc<Life>) -> bool {
        let mut at = Some(other.clone());
        while let Some(life) = at {
            if Rc::ptr_eq(self, &life) {
                return true;
            }
            at = life.parent.borrow().upgrade();
        }
        false
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.dispatcher.remove_object(self.id);
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
