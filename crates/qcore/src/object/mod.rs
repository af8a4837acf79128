//! Objects: handles, parents and children, and how they die.
//!
//! A class of this library, [`QTimer`](crate::QTimer) or a socket, is a *handle*: a small value
//! that is cloned and dropped in a few nanoseconds. All clones are the same object. Below the
//! handle lies a chain of nodes, one for each class from the object's own down to [`QObject`]:
//!
//! ```text
//!   QTcpSocket ─► AbstractSocketNode ─► DeviceNode ─► ObjectNode        (each node has its signals)
//!                        └──────────────────┴───────────────┴──► Life   (handles, parent, connections)
//! ```
//!
//! Each node embeds its base class's handle and derefs to it. That is why `socket.ready_read`, a
//! field of the [`QIODevice`](crate::QIODevice)'s node, can be named on a socket, and why a
//! `&QTcpSocket` can be given wherever a `&QIODevice` or a `&QObject` is wanted. A handle of a base
//! class, say a `QObject` in a parent's list, keeps the whole object.
//!
//! # Death
//!
//! An object dies when its last handle is dropped, when its parent dies, or when
//! [`delete_later()`](QObject::delete_later) comes due, whichever is first. The last two do not ask
//! how many handles there are. Then, in this order:
//!
//! 1. its destructor runs; a connected socket aborts in it and says so by its signals;
//! 2. weak references to it turn empty, and [`destroyed`](ObjectNode::destroyed) is emitted;
//! 3. all connections from it and to it are cut, and the slots' closures dropped;
//! 4. its children die, in the order in which they came.
//!
//! Handles that are left are to a dead object: [`is_deleted()`](QObject::is_deleted) says so, its
//! state is closed and what could fail fails with a typed error. Nothing of this is unsafe.
//!
//! A struct with a `QObject` in it and signals made by [`Signal::of`] is enough for most programs.
//! [The module of classes](crate::classes) is for those who write classes like those of this
//! library.

mod blocker;
mod child_event;
mod handler;
mod pointer;
mod search;
mod sender;

use std::{
    any::{Any, TypeId},
    cell::RefCell,
    fmt,
    rc::{Rc, Weak},
};

pub use self::{
    blocker::QSignalBlocker,
    child_event::QChildEvent,
    handler::{EventHandler, handle_event},
    pointer::QPointer,
    search::FindChildOptions,
    sender::sender,
};
#[doc(no_inline)]
pub use crate::classes::{Handle, Life, Lineage, Node, Object};
use crate::{
    classes::Base,
    event::{EventType, QEvent},
    signal::{Receiver, Signal},
};

/// The base class of all objects: a name, a parent and children, and an orderly death.
///
/// Made by [`QObject::new()`], or reached from any derived handle by `Deref`. `QObject` is a
/// handle: clones are the same object and `==` compares identity. See [the module](crate::object)
/// for what happens when an object dies. Stands for Qt's
/// [QObject](https://doc.qt.io/qt-5/qobject.html).
///
/// # Examples
///
/// A class of your own: a struct with a `QObject` in it.
///
/// ```
/// use qcore::{QObject, Signal};
///
/// struct Counter {
///     object: QObject,
///     changed: Signal<i32>,
/// }
///
/// let object = QObject::new();
/// let counter = Counter { changed: Signal::of(&object), object };
/// counter.changed.connect(|value| println!("now {value}"));
/// counter.changed.emit(1);
/// counter.object.block_signals(true);
/// counter.changed.emit(2); // nobody hears of this
/// ```
#[derive(Clone)]
pub struct QObject(Handle<ObjectNode>);

/// The signals that every object has. Reached as fields of any handle.
pub struct ObjectNode {
    /// The object has died; the argument is a handle to what is left of it, good for comparing.
    ///
    /// Emitted after the destructor, even if signals are blocked. Weak references to the object are
    /// empty by then; its children still live.
    pub destroyed: Signal<QObject>,
    /// The object has a new name.
    #[doc(alias = "objectNameChanged")]
    pub object_name_changed: Signal<String>,
    name: RefCell<String>,
    life: Rc<Life>,
}

impl Node for ObjectNode {
    fn life(&self) -> &Rc<Life> {
        &self.life
    }
}

impl Lineage for ObjectNode {
    fn derives_from(&self, class: TypeId) -> bool {
        QObject::derives_from(class)
    }

    fn find(self: Rc<Self>, node: TypeId) -> Option<Rc<dyn Any>> {
        if node == TypeId::of::<ObjectNode>() { Some(self) } else { None }
    }
}

impl ObjectNode {
    fn make(life: &Rc<Life>) -> Rc<ObjectNode> {
        let node = Rc::new(ObjectNode {
            destroyed: Signal::in_life(life),
            object_name_changed: Signal::in_life(life),
            name: RefCell::default(),
            life: life.clone(),
        });
        let base: Weak<ObjectNode> = Rc::downgrade(&node);
        life.set_base(base);
        node
    }
}

impl Base for ObjectNode {
    fn emit_destroyed(self: Rc<Self>) {
        if self.destroyed.is_connected() {
            let object = QObject::from_node(self.clone());
            self.destroyed.emit(object);
        }
    }

    fn child_event(self: Rc<Self>, kind: EventType) -> QEvent {
        QEvent::of_child(kind, QObject::from_node(self))
    }

    fn into_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

impl QObject {
    /// A new object without a parent or a name.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        QObject(Handle::new(ObjectNode::make(&Life::new())))
    }

    /// The base part of a new object of a derived class, to be embedded in that class's node.
    #[must_use]
    pub fn embed(life: &Rc<Life>) -> Self {
        QObject(Handle::embed(ObjectNode::make(life)))
    }

    pub(crate) fn from_node(node: Rc<ObjectNode>) -> Self {
        QObject(Handle::from_node(node))
    }

    pub(crate) fn object_node(&self) -> &Rc<ObjectNode> {
        self.0.node()
    }

    /// A handle to an object, unless it is dead.
    pub(crate) fn of(life: &Life) -> Option<Self> {
        if life.is_dead() { None } else { Self::remains_of(life) }
    }

    /// A handle to an object, or to what is left of it.
    fn remains_of(life: &Life) -> Option<Self> {
        Some(QObject::from_node(life.base()?.into_any().downcast().ok()?))
    }

    // ---- name

    /// The object's name, empty by default.
    #[doc(alias = "objectName")]
    #[must_use]
    pub fn object_name(&self) -> String {
        self.0.name.borrow().clone()
    }

    fn has_name(&self, name: &str) -> bool {
        *self.0.name.borrow() == name
    }

    /// Names the object; emits [`object_name_changed`](ObjectNode::object_name_changed) if the name
    /// is another than before.
    #[doc(alias = "setObjectName")]
    pub fn set_object_name(&self, name: impl Into<String>) {
        let name = name.into();
        if *self.0.name.borrow() == name {
            return;
        }
        self.0.name.replace(name.clone());
        self.0.object_name_changed.emit(name);
    }

    // ---- family

    /// The parent, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<QObject> {
        QObject::of(&*Object::life(self).parent()?)
    }

    /// The children, oldest first.
    #[must_use]
    pub fn children(&self) -> Vec<QObject> {
        let children = Object::life(self).children();
        children.iter().filter_map(|child| QObject::remains_of(child)).collect()
    }

    /// Gives the object a parent, another one, or none.
    ///
    /// A parent keeps its children: a child needs no handle to live on, and dies with its parent
    /// whatever handles there are. An object that has neither a parent nor a handle dies. A parent
    /// that is dead, or that is the object itself or one of its descendants, is refused with a
    /// warning in the log, and nothing changes.
    ///
    /// ```
    /// use qcore::{QObject, QTimer};
    ///
    /// let parent = QObject::new();
    /// let timer = QTimer::new();
    /// timer.set_parent(Some(&parent));
    /// drop(parent);
    /// assert!(timer.is_deleted());
    /// ```
    #[doc(alias = "setParent")]
    pub fn set_parent(&self, parent: Option<&QObject>) {
        let life = Object::life(self);
        if let Some(parent) = parent {
            let parent = Object::life(parent);
            if parent.is_dead() || life.is_ancestor_of(parent) {
                crate::q_warning!("QObject::setParent: Cannot set this parent");
                return;
            }
        }
        life.set_parent(parent.map(Object::life));
    }

    // ---- signals

    /// Stops (`true`) or lets through (`false`) all signals of this object but
    /// [`destroyed`](ObjectNode::destroyed). Returns what was in force before.
    ///
    /// What is emitted meanwhile is lost. [`QSignalBlocker`] does this for a
    /// scope.
    #[doc(alias = "blockSignals")]
    pub fn block_signals(&self, block: bool) -> bool {
        Object::life(self).block_signals(block)
    }

    /// Whether [`block_signals(true)`](QObject::block_signals) is in force.
    #[doc(alias = "signalsBlocked")]
    #[must_use]
    pub fn signals_blocked(&self) -> bool {
        Object::life(self).signals_blocked()
    }

    /// Cuts every connection of every signal of this object. Returns whether there was any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_all(&self) -> bool {
        Object::life(self).disconnect_signals(None)
    }

    /// Cuts the connections of all signals of this object to `receiver`. Returns whether there was
    /// any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_receiver<R: Receiver>(&self, receiver: &R) -> bool {
        Object::life(self).disconnect_signals(Some(receiver.identity()))
    }

    // ---- death

    /// Ends the object when control is back in the event loop from which this was called, whatever
    /// handles there are.
    ///
    /// An event loop nested deeper does not do it, so a slot that runs one can go on using the
    /// object. Called outside of any loop, the first loop does it. Calling it again changes
    /// nothing.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QObject};
    ///
    /// let app = QCoreApplication::new();
    /// let object = QObject::new();
    /// object.destroyed.connect_to(&app, |app, _| app.quit());
    /// object.delete_later();
    /// assert!(!object.is_deleted());
    /// app.exec();
    /// assert!(object.is_deleted());
    /// ```
    #[doc(alias = "deleteLater")]
    pub fn delete_later(&self) {
        Object::life(self).delete_later();
    }

    /// Whether the object is dead, and this handle with it.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        Object::life(self).is_dead()
    }

    /// How handles of all classes print: class, name if any, and whether it is dead.
    #[doc(hidden)]
    pub fn debug_object(&self, class: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{class}({:p}", Rc::as_ptr(Object::life(self)))?;
        // A copy: what is written to may be anybody's, and use the object.
        let name = self.object_name();
        if !name.is_empty() {
            write!(f, ", {name:?}")?;
        }
        f.write_str(if self.is_deleted() { ", deleted)" } else { ")" })
    }
}

impl std::ops::Deref for QObject {
    type Target = ObjectNode;

    #[inline]
    fn deref(&self) -> &ObjectNode {
        &self.0
    }
}

impl fmt::Debug for QObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug_object("QObject", f)
    }
}

impl fmt::Debug for ObjectNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.borrow().clone();
        f.debug_struct("ObjectNode").field("name", &name).finish_non_exhaustive()
    }
}

impl PartialEq for QObject {
    /// Whether both are the same object.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(Object::life(self), Object::life(other))
    }
}

impl Eq for QObject {}

impl std::hash::Hash for QObject {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::hash(Rc::as_ptr(Object::life(self)), state);
    }
}

impl Object for QObject {
    type Weak = <Handle<ObjectNode> as Object>::Weak;

    #[inline]
    fn life(&self) -> &Rc<Life> {
        self.0.node().life()
    }

    fn to_weak(&self) -> Self::Weak {
        self.0.to_weak()
    }

    fn from_weak(weak: &Self::Weak) -> Option<Self> {
        Object::from_weak(weak).map(QObject)
    }

    fn is_alive(weak: &Self::Weak) -> bool {
        <Handle<ObjectNode> as Object>::is_alive(weak)
    }

    fn derives_from(class: TypeId) -> bool {
        class == TypeId::of::<QObject>()
    }

    fn from_whole(whole: Rc<dyn Node>) -> Option<Self> {
        Handle::from_whole(whole).map(QObject)
    }

    fn find_node(&self, node: TypeId) -> Option<Rc<dyn Any>> {
        self.0.find_node(node)
    }
}
