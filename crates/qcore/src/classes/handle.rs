//! The parts of a class: handles and nodes.

use std::{
    any::{Any, TypeId},
    fmt,
    ops::Deref,
    rc::{Rc, Weak},
};

use super::Life;
use crate::event::{EventType, QEvent};

/// One class's part of an object: its signals and its state.
///
/// A class implements [`life`](Node::life). The other functions have defaults that do nothing.
pub trait Node: Lineage {
    /// Returns the life that all nodes of the object share.
    fn life(&self) -> &Rc<Life>;

    /// Handles an event that no filter has stopped. Returns whether this class or its base class
    /// has handled it. If not, the object's [`EventHandler`](crate::EventHandler) gets it. The
    /// default is `false`.
    fn event(&self, event: &QEvent) -> bool {
        let _ = event;
        false
    }

    /// Runs when the object dies, while its signals still reach their slots. A class calls the
    /// destructor of its base class at the end.
    fn destructor(&self) {}
}

/// Asked about each class of an object: its handle type and its name.
#[doc(hidden)]
pub type IsClass<'a> = dyn FnMut(TypeId, &'static str) -> bool + 'a;

/// The base classes of a node's class, and their nodes. [`class!`](crate::class!) implements it.
pub trait Lineage: 'static {
    /// Calls `is` with the node's class and its base classes. See [`Object::any_class`].
    #[doc(hidden)]
    fn any_class(&self, is: &mut IsClass<'_>) -> bool;

    /// Returns the node of type `node`: this one or that of a base class.
    fn find(self: Rc<Self>, node: TypeId) -> Option<Rc<dyn Any>>;
}

/// The node of the innermost base class, `QObject`, as a life uses it.
pub(crate) trait Base: 'static {
    /// Emits `destroyed`.
    fn emit_destroyed(self: Rc<Self>);

    /// Returns the event that tells a parent that it has gained or lost this child.
    fn child_event(self: Rc<Self>, kind: EventType) -> QEvent;

    /// Returns the node itself.
    fn into_any(self: Rc<Self>) -> Rc<dyn Any>;
}

/// A counted reference to an object, through the node of one of its classes.
///
/// [`class!`](crate::class!) makes handle types from `Handle<N>`. Cloning returns a handle to the
/// same object. The object dies when its last handle is dropped, whatever class that handle is of.
pub struct Handle<N: Node> {
    node: Rc<N>,
    /// The life of the object, or `None` if this is the handle of a base class, embedded in the
    /// node of the derived class. An embedded handle is not counted, because the object would
    /// otherwise keep itself alive.
    life: Option<Rc<Life>>,
}

impl<N: Node> Handle<N> {
    /// Completes a new object and returns its first handle. `node` is the outermost node of the
    /// object.
    #[must_use]
    pub fn new(node: Rc<N>) -> Self {
        let whole: Rc<dyn Node> = node.clone();
        node.life().own(whole);
        Self::from_node(node)
    }

    /// Makes `node`, which embeds `base`, the outermost one of the object that `base` is a handle
    /// of.
    ///
    /// # Panics
    ///
    /// If the object is of a class derived from that of `base`.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn extend<B: Object>(base: B, node: impl FnOnce(B) -> N) -> Self {
        let life = base.life().clone();
        if !life.is_dead() {
            life.expect_outermost(base.as_node());
        }
        let node = Rc::new(node(base.into_embedded()));
        // A dead object is past being made into another one.
        if !life.is_dead() {
            let whole: Rc<dyn Node> = node.clone();
            life.own(whole);
        }
        Self::from_node(node)
    }

    /// Creates a handle to embed in the node of a derived class.
    #[must_use]
    pub fn embed(node: Rc<N>) -> Self {
        Handle { node, life: None }
    }

    /// Returns a counted handle to the object that `node` is a part of.
    #[inline]
    #[must_use]
    pub fn from_node(node: Rc<N>) -> Self {
        let life = node.life().clone();
        life.add_handle();
        Handle { node, life: Some(life) }
    }

    /// Returns the node.
    #[inline]
    #[must_use]
    pub fn node(&self) -> &Rc<N> {
        &self.node
    }
}

impl<N: Node> Clone for Handle<N> {
    #[inline]
    fn clone(&self) -> Self {
        Self::from_node(self.node.clone())
    }
}

impl<N: Node> Drop for Handle<N> {
    #[inline]
    fn drop(&mut self) {
        if let Some(life) = &self.life {
            life.drop_handle();
        }
    }
}

impl<N: Node> Deref for Handle<N> {
    type Target = N;

    #[inline]
    fn deref(&self) -> &N {
        &self.node
    }
}

impl<N: Node> fmt::Debug for Handle<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:p}", Rc::as_ptr(self.node.life()))
    }
}

/// The handle type of a class: [`QObject`](crate::QObject) and all types that derive from it.
///
/// [`class!`](crate::class!) implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a class of objects",
    label = "not derived from `QObject`",
    note = "a class of your own is declared with `class! {{ pub struct Name: QObject {{ .. }} }}`"
)]
pub trait Object: Clone + 'static {
    /// A weak reference, which does not keep the object alive. [`QPointer`](crate::QPointer) is a
    /// convenient form of it.
    type Weak: Clone + 'static;

    /// Returns the life that all handles of the object share. Its address is the object's identity.
    fn life(&self) -> &Rc<Life>;

    /// Returns a weak reference to the object.
    fn to_weak(&self) -> Self::Weak;

    /// Returns a handle to the object, or `None` if it is dead.
    fn from_weak(weak: &Self::Weak) -> Option<Self>;

    /// Returns whether [`from_weak`](Object::from_weak) would return a handle.
    fn is_alive(weak: &Self::Weak) -> bool;

    /// Returns whether this class is `class` or derives from it.
    fn derives_from(class: TypeId) -> bool {
        Self::any_class(&mut |one, _| one == class)
    }

    /// Calls `is` with this class, its base class and so on down to `QObject`, until it returns
    /// `true`. Returns whether it has.
    #[doc(hidden)]
    fn any_class(is: &mut IsClass<'_>) -> bool;

    /// Returns a handle to the object with the outermost node `whole`, if it has a node of this
    /// class.
    fn from_whole(whole: Rc<dyn Node>) -> Option<Self>;

    /// Returns the node of type `node`, of this class or of a base class.
    fn find_node(&self, node: TypeId) -> Option<Rc<dyn Any>>;

    /// This class's node.
    #[doc(hidden)]
    fn as_node(&self) -> &dyn Node;

    /// The same handle, not counted any more, for the node of a derived class.
    #[doc(hidden)]
    fn into_embedded(self) -> Self;
}

impl<N: Node> Object for Handle<N> {
    type Weak = Weak<N>;

    #[inline]
    fn life(&self) -> &Rc<Life> {
        self.node.life()
    }

    #[inline]
    fn to_weak(&self) -> Weak<N> {
        Rc::downgrade(&self.node)
    }

    #[inline]
    fn from_weak(weak: &Weak<N>) -> Option<Self> {
        let node = weak.upgrade()?;
        if node.life().is_dead() { None } else { Some(Self::from_node(node)) }
    }

    fn is_alive(weak: &Weak<N>) -> bool {
        weak.upgrade().is_some_and(|node| !node.life().is_dead())
    }

    fn any_class(is: &mut IsClass<'_>) -> bool {
        is(TypeId::of::<Self>(), "Handle")
    }

    fn from_whole(whole: Rc<dyn Node>) -> Option<Self> {
        let node = whole.find(TypeId::of::<N>())?.downcast().ok()?;
        Some(Self::from_node(node))
    }

    fn find_node(&self, node: TypeId) -> Option<Rc<dyn Any>> {
        self.node.clone().find(node)
    }

    fn as_node(&self) -> &dyn Node {
        &*self.node
    }

    fn into_embedded(mut self) -> Self {
        if let Some(life) = self.life.take() {
            life.forget_handle();
        }
        self
    }
}

/// A handle type around another one: that of its own node, or that of its base class.
///
/// The macros that declare classes write this, and so make the type an [`Object`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a class of objects",
    label = "not derived from `QObject`"
)]
pub trait Class: Clone + 'static {
    /// What is inside.
    type Inner: Object;
    /// The classes whose virtual functions a derived class can override.
    type Virtual: super::Virtual;

    fn wrap(inner: Self::Inner) -> Self;
    fn inner(&self) -> &Self::Inner;
    fn into_inner(self) -> Self::Inner;
    fn any_class(is: &mut IsClass<'_>) -> bool;
}

#[diagnostic::do_not_recommend]
impl<C: Class> Object for C {
    type Weak = <C::Inner as Object>::Weak;

    #[inline]
    fn life(&self) -> &Rc<Life> {
        self.inner().life()
    }

    #[inline]
    fn to_weak(&self) -> Self::Weak {
        self.inner().to_weak()
    }

    #[inline]
    fn from_weak(weak: &Self::Weak) -> Option<Self> {
        Object::from_weak(weak).map(C::wrap)
    }

    fn is_alive(weak: &Self::Weak) -> bool {
        C::Inner::is_alive(weak)
    }

    fn any_class(is: &mut IsClass<'_>) -> bool {
        <C as Class>::any_class(is)
    }

    fn from_whole(whole: Rc<dyn Node>) -> Option<Self> {
        Object::from_whole(whole).map(C::wrap)
    }

    fn find_node(&self, node: TypeId) -> Option<Rc<dyn Any>> {
        self.inner().find_node(node)
    }

    fn as_node(&self) -> &dyn Node {
        self.inner().as_node()
    }

    fn into_embedded(self) -> Self {
        C::wrap(self.into_inner().into_embedded())
    }
}
