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

/// The base classes of a node's class, and their nodes. [`class!`](crate::class!) implements it.
pub trait Lineage: 'static {
    /// Returns whether the node's class has the handle type `class`, or derives from that class.
    fn derives_from(&self, class: TypeId) -> bool;

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
    fn derives_from(class: TypeId) -> bool;

    /// Returns a handle to the object with the outermost node `whole`, if it has a node of this
    /// class.
    fn from_whole(whole: Rc<dyn Node>) -> Option<Self>;

    /// Returns the node of type `node`, of this class or of a base class.
    fn find_node(&self, node: TypeId) -> Option<Rc<dyn Any>>;
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

    fn derives_from(class: TypeId) -> bool {
        TypeId::of::<Self>() == class
    }

    fn from_whole(whole: Rc<dyn Node>) -> Option<Self> {
        let node = whole.find(TypeId::of::<N>())?.downcast().ok()?;
        Some(Self::from_node(node))
    }

    fn find_node(&self, node: TypeId) -> Option<Rc<dyn Any>> {
        self.node.clone().find(node)
    }
}
