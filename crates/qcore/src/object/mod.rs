//! Objects: handles, parents and children, and how they die.
//!
//! A class of this library, for example [`QTimer`](crate::QTimer) or a socket, is a *handle*: a
//! small value that is cloned and dropped in a few nanoseconds. All clones refer to the same
//! object. A handle points to a chain of nodes, one for each class from the object's own class down
//! to [`QObject`]:
//!
//! ```text
//!   QTcpSocket ─► AbstractSocketNode ─► DeviceNode ─► ObjectNode    each node has its signals
//!                        └──────────────────┴───────────────┴──► Life
//!                                                           handles, parent, connections
//! ```
//!
//! Each node embeds the handle of its base class and derefs to it. So `socket.ready_read`, a field
//! of the node of [`QIODevice`](crate::QIODevice), is also a field of a socket, and a `&QTcpSocket`
//! converts to a `&QIODevice` or a `&QObject`. A handle of a base class, for example a `QObject` in
//! a list of children, keeps the whole object alive.
//!
//! # Death
//!
//! An object dies when its last handle is dropped, when its parent dies, or when
//! [`delete_later()`](QObject::delete_later) takes effect, whichever comes first. In the last two
//! cases it dies even if there are handles. The steps are, in this order:
//!
//! 1. The destructor runs. For example, a connected socket aborts in it and emits the signals for
//!    that.
//! 2. Weak references to the object become empty, and it emits
//!    [`destroyed`](ObjectNode::destroyed).
//! 3. All connections from and to the object are cut, and the closures of its slots are dropped.
//! 4. The children of the object die, in the order in which they were added.
//!
//! The remaining handles refer to a dead object. [`is_deleted()`](QObject::is_deleted) returns
//! `true`, the object's state is closed, and functions that can fail return a typed error. All of
//! this is safe code.
//!
//! # Classes of your own
//!
//! [`class!`](crate::class!) declares a class that derives from `QObject` or from any other class:
//!
//! ```
//! use std::cell::Cell;
//! use qcore::{QObject, Signal, class};
//!
//! class! {
//!     /// Counts.
//!     pub struct Counter: QObject {
//!         pub changed: Signal<i32>,
//!         value: Cell<i32> = Cell::new(0),
//!     }
//! }
//!
//! impl Counter {
//!     pub fn new() -> Self {
//!         Self::derive(QObject::new())
//!     }
//!
//!     pub fn add(&self, number: i32) {
//!         self.value.set(self.value.get() + number);
//!         self.changed.emit(self.value.get());
//!     }
//! }
//!
//! let (first, second) = (Counter::new(), Counter::new());
//! first.changed.connect_slot(&second, Counter::add);
//! first.add(5);
//! assert_eq!(second.value.get(), 5);
//! ```
//!
//! A plain struct in an `Rc` can receive signals as well. Its signals are made by [`Signal::new`],
//! or by [`Signal::of`] an object that it holds.

mod blocker;
mod child_event;
mod class_name;
mod handler;
mod pointer;
mod properties;
mod search;
mod sender;

use std::{
    any::{Any, TypeId},
    cell::Cell,
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
    classes::{Base, Class, Inherits, IntoBase, IsClass, NoClass, adopt},
    event::{EventType, QEvent},
    signal::{Receiver, Signal},
};

/// The base class of all objects: it has a name, a parent and children, and signals.
///
/// A `QObject` is a handle: clones refer to the same object, and `==` compares identity. Every
/// handle of a derived class derefs to a `QObject` and converts to one with `From`.
/// [`cast`](QObject::cast) returns a handle of a derived class. See [the module](crate::object) for
/// what happens when an object dies. Stands for Qt's
/// [QObject](https://doc.qt.io/qt-5/qobject.html).
///
/// # Examples
///
/// A struct with a `QObject` in it. [The module](crate::object#classes-of-your-own) shows a class.
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
/// counter.changed.emit(2); // no slot gets this value
/// ```
#[derive(Clone)]
pub struct QObject(Handle<ObjectNode>);

/// The signals that every object has, as fields of every handle.
pub struct ObjectNode {
    /// Emitted when the object has died. The argument is a handle to the dead object, which can
    /// only be compared.
    ///
    /// It is emitted after the destructor, even if the object's signals are blocked. At that time
    /// weak references to the object are already empty, and its children are still alive.
    pub destroyed: Signal<QObject>,
    /// Emitted when the name of the object has changed. The argument is the new name.
    #[doc(alias = "objectNameChanged")]
    pub object_name_changed: Signal<String>,
    /// `None` is the empty name, which most objects have.
    name: Cell<Option<Box<str>>>,
    life: Rc<Life>,
}

impl Node for ObjectNode {
    fn life(&self) -> &Rc<Life> {
        &self.life
    }
}

impl Lineage for ObjectNode {
    fn any_class(&self, is: &mut IsClass<'_>) -> bool {
        <QObject as Object>::any_class(is)
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
            name: Cell::new(None),
            life: life.clone(),
        });
        let base: Weak<ObjectNode> = Rc::downgrade(&node);
        life.set_base(base);
        node
    }

    fn with_name<V>(&self, f: impl FnOnce(&str) -> V) -> V {
        let name = self.name.take();
        let value = f(name.as_deref().unwrap_or_default());
        self.name.set(name);
        value
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
    /// Creates an object without a parent or a name.
    #[must_use]
    #[allow(clippy::new_without_default)] // `new` creates an object, not a value
    pub fn new() -> Self {
        QObject(Handle::new(ObjectNode::make(&Life::new())))
    }

    /// Creates the base part of a new object of a derived class, to be embedded in the node of that
    /// class.
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

    /// Returns a handle to an object, or `None` if it is dead.
    pub(crate) fn of(life: &Life) -> Option<Self> {
        if life.is_dead() { None } else { Self::remains_of(life) }
    }

    /// Returns a handle to an object even if it is dead.
    fn remains_of(life: &Life) -> Option<Self> {
        Some(QObject::from_node(life.base()?.into_any().downcast().ok()?))
    }

    // ---- name

    /// Returns the object's name, empty by default.
    #[doc(alias = "objectName")]
    #[must_use]
    pub fn object_name(&self) -> String {
        self.0.with_name(str::to_owned)
    }

    fn has_name(&self, name: &str) -> bool {
        self.0.with_name(|own| own == name)
    }

    /// Sets the object's name. If it has changed, emits
    /// [`object_name_changed`](ObjectNode::object_name_changed) before it returns.
    #[doc(alias = "setObjectName")]
    pub fn set_object_name(&self, name: impl Into<String>) {
        let name = name.into();
        if self.has_name(&name) {
            return;
        }
        let stored = Some(name.clone()).filter(|name| !name.is_empty());
        self.0.name.set(stored.map(String::into_boxed_str));
        self.0.object_name_changed.emit(name);
    }

    // ---- family

    /// Returns the parent, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<QObject> {
        QObject::of(&*Object::life(self).parent()?)
    }

    /// Returns the children, in the order in which they were added.
    #[must_use]
    pub fn children(&self) -> Vec<QObject> {
        let children = Object::life(self).children();
        children.iter().filter_map(|child| QObject::remains_of(child)).collect()
    }

    /// Sets or removes the parent of the object.
    ///
    /// A parent keeps its children alive: a child needs no handle. A child dies with its parent
    /// even if there are handles to it. An object without a parent and without handles dies. The
    /// function logs a warning and changes nothing if the new parent is dead, or if it is the
    /// object itself or one of its descendants. [`with_parent`](QObject::with_parent) is the short
    /// form for a new object.
    ///
    /// ```
    /// use qcore::{QObject, QTimer};
    ///
    /// let (parent, timer) = (QObject::new(), QTimer::new());
    /// timer.set_parent(Some(&parent));
    /// drop(parent);
    /// assert!(timer.is_deleted());
    /// ```
    #[doc(alias = "setParent")]
    pub fn set_parent(&self, parent: Option<&QObject>) {
        match parent {
            Some(parent) => adopt(self, parent),
            None => Object::life(self).set_parent(None),
        }
    }

    /// Sets the parent of a new object, and returns the object.
    ///
    /// Each class has this function, classes of your own too. It follows a constructor, where a
    /// PySide2 program passes the parent to the constructor: `QTimer(parent)`.
    /// [`set_parent`](QObject::set_parent) describes what a parent does.
    ///
    /// ```
    /// use qcore::{QObject, QTimer};
    ///
    /// let parent = QObject::new();
    /// let timer = QTimer::new().with_parent(&parent);
    /// assert!(timer.parent() == Some(parent));
    /// ```
    #[allow(clippy::return_self_not_must_use)] // a parent alone may hold the object
    pub fn with_parent(self, parent: &impl Object) -> Self {
        adopt(&self, parent);
        self
    }

    // ---- signals

    /// Blocks (`true`) or unblocks (`false`) all signals of this object except
    /// [`destroyed`](ObjectNode::destroyed). Returns whether they were blocked before.
    ///
    /// Slots never get the values that are emitted while signals are blocked. [`QSignalBlocker`]
    /// blocks the signals for a scope.
    #[doc(alias = "blockSignals")]
    pub fn block_signals(&self, block: bool) -> bool {
        Object::life(self).block_signals(block)
    }

    /// Returns whether the signals of this object are blocked. The default is `false`.
    #[doc(alias = "signalsBlocked")]
    #[must_use]
    pub fn signals_blocked(&self) -> bool {
        Object::life(self).signals_blocked()
    }

    /// Disconnects all slots from all signals of this object. Returns whether there were any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_all(&self) -> bool {
        Object::life(self).disconnect_signals(None)
    }

    /// Disconnects all slots of `receiver` from all signals of this object. Returns whether there
    /// were any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_receiver<R: Receiver>(&self, receiver: &R) -> bool {
        Object::life(self).disconnect_signals(Some(receiver.identity()))
    }

    // ---- death

    /// Destroys the object when control returns to the event loop from which this function was
    /// called, even if there are handles to it.
    ///
    /// A nested event loop does not destroy the object, so a slot that runs one can continue to use
    /// the object. If the function is called outside of all event loops, the next loop that runs
    /// destroys the object. Further calls have no effect.
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

    /// Returns whether the object is dead.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        Object::life(self).is_dead()
    }

    /// Formats a handle of any class for debug output: the class, the name if there is one, and
    /// whether the object is dead.
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
        let name = self.with_name(str::to_owned);
        f.debug_struct("ObjectNode").field("name", &name).finish_non_exhaustive()
    }
}

impl PartialEq for QObject {
    /// Returns whether both are handles to the same object.
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

impl Class for QObject {
    type Inner = Handle<ObjectNode>;
    type Virtual = (QObject, NoClass);

    #[inline]
    fn wrap(inner: Handle<ObjectNode>) -> Self {
        QObject(inner)
    }

    #[inline]
    fn inner(&self) -> &Handle<ObjectNode> {
        &self.0
    }

    fn into_inner(self) -> Handle<ObjectNode> {
        self.0
    }

    fn any_class(is: &mut IsClass<'_>) -> bool {
        is(TypeId::of::<QObject>(), "QObject")
    }
}

impl Inherits<QObject> for QObject {
    #[inline]
    fn as_base(&self) -> &QObject {
        self
    }
}

/// The same object, as one of its base class.
impl<D: IntoBase<QObject>> From<D> for QObject {
    fn from(object: D) -> Self {
        object.into_base()
    }
}
