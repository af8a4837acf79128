//! Handles: what a class of this library is to its users.

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
/// A class writes [`life`](Node::life), and the others if it has anything to do there.
pub trait Node: Lineage {
    /// The life that all nodes of the object share.
    fn life(&self) -> &Rc<Life>;

    /// An event has come that no filter has ended. Returns whether it is one for this class, or for
    /// its base class; else the object's [`EventHandler`](crate::EventHandler) gets it.
    fn event(&self, event: &QEvent) -> bool {
        let _ = event;
        false
    }

    /// What the object does when it dies, while its signals still reach their slots. A class calls
    /// its base class's last.
    fn destructor(&self) {}
}

/// From which classes a node's class derives, and where their nodes are. Written by
/// [`class!`](crate::class!).
pub trait Lineage: 'static {
    /// Whether the node's class is `class`, a handle type, or derives from it.
    fn derives_from(&self, class: TypeId) -> bool;

    /// The node of that type, this one or a base class's.
    fn find(self: Rc<Self>, node: TypeId) -> Option<Rc<dyn Any>>;
}

/// The node of the innermost base class, that of `QObject`, as a life knows it.
pub(crate) trait Base: 'static {
    /// Emits `destroyed`.
    fn emit_destroyed(self: Rc<Self>);

    /// The event that tells a parent that this child has come or gone.
    fn child_event(self: Rc<Self>, kind: EventType) -> QEvent;

    /// The node itself.
    fn into_any(self: Rc<Self>) -> Rc<dyn Any>;
}

/// A counted reference to one class's node of an object.
///
/// `Handle<N>` is what the types that [`class!`](crate::class!) makes are built of. Cloning gives
/// the same object; the last clone that is dropped ends it, whatever class the clone was for.
pub struct Handle<N: Node> {
    node: Rc<N>,
    /// `None` where the handle is a base class's, embedded in the node of the derived class: such a
    /// one is not counted, as the object would otherwise hold itself.
    life: Option<Rc<Life>>,
}

impl<N: Node> Handle<N> {
    /// Completes a new object, `node` being its outermost one.
    #[must_use]
    pub fn new(node: Rc<N>) -> Self {
        let whole: Rc<dyn Node> = node.clone();
        node.life().own(whole);
        Self::from_node(node)
    }

    /// A handle to embed in the node of a derived class.
    #[must_use]
    pub fn embed(node: Rc<N>) -> Self {
        Handle { node, life: None }
    }

    /// A counted handle to the object that `node` is a part of.
    #[inline]
    #[must_use]
    pub fn from_node(node: Rc<N>) -> Self {
        let life = node.life().clone();
        life.add_handle();
        Handle { node, life: Some(life) }
    }

    /// The node.
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

/// A handle type of any class: [`QObject`](crate::QObject) and all that derive from it.
///
/// Written for you by [`class!`](crate::class!).
pub trait Object: Clone + 'static {
    /// A reference that does not keep the object. [`QPointer`](crate::QPointer) is the comfortable
    /// form.
    type Weak: Clone + 'static;

    /// The life that all handles of the object share; its address is the object's identity.
    fn life(&self) -> &Rc<Life>;

    /// Makes a weak reference.
    fn to_weak(&self) -> Self::Weak;

    /// A handle, unless the object is dead.
    fn from_weak(weak: &Self::Weak) -> Option<Self>;

    /// Whether [`from_weak`](Object::from_weak) would give a handle.
    fn is_alive(weak: &Self::Weak) -> bool;

    /// Whether this class is `class` or derives from it.
    fn derives_from(class: TypeId) -> bool;

    /// A handle to the object with the outermost node `whole`, if it has a node of this class.
    fn from_whole(whole: Rc<dyn Node>) -> Option<Self>;

    /// The node of that type, of this class or of a base class.
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
