//! Handles: what a class of this library is to its users.

use std::{
    any::{Any, TypeId},
    fmt,
    ops::Deref,
    rc::{Rc, Weak},
};

use super::Life;
use crate::QEvent;

/// One class's part of an object: its signals and its state.
///
/// A class writes [`life`](Node::life), and the others if it has anything to do there.
pub trait Node: Lineage {
    /// The life that all nodes of the object share.
    fn life(&self) -> &Rc<Life>;

    /// An event has come that no filter has ended. Returns whether it is one for this class, or for its
    /// base class; else the object's [`EventHandler`](crate::EventHandler) gets it.
    fn event(&self, event: &QEvent) -> bool {
        let _ = event;
        false
    }

    /// What the object does when it dies, while its signals still reach their slots. A class calls
    /// its base class's last.
    fn destructor(&self) {}
}

/// From which classes a node's class derives, and where their nodes are. Written by
/// [`class!`](crate::class).
pub trait Lineage: 'static {
    /// Whether the node's class is `class`, a handle type, or derives from it.
    fn derives_from(&self, class: TypeId) -> bool;

    /// The node of that type, this one or a base class's.
    fn find(self: Rc<Self>, node: TypeId) -> Option<Rc<dyn Any>>;
}

/// A counted reference to one class's node of an object.
///
/// `Handle<N>` is what the types that [`class!`](crate::class) makes are built of. Cloning gives the
/// same object; the last clone that is dropped ends it, whatever class the clone was for.
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
/// Written for you by [`class!`](crate::class).
pub trait Object: Clone + 'static {
    /// A reference that does not keep the object. [`QPointer`](crate::QPointer) is the comfortable form.
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

/// Makes a class: a handle type over a node, with a base class or none.
///
/// ```text
/// class! { /// docs
///          pub struct QTcpServer(TcpServerNode): QObject = base }     a class with a node of its own
/// class! { /// docs
///          pub struct QTcpSocket(QAbstractSocket); }                  one that adds only methods
/// ```
///
/// The node of the first form is a struct of yours with the base class's handle, made by its
/// `embed` function, in the field that is named last, and an implementation of [`Node`]. The handle
/// type gets `Clone`, `Debug`, comparison by identity, [`Object`](crate::object::Object) (so that it
/// can receive signals) and, by `Deref`, the fields of the node and all that the base class has. The
/// second form gets a private function `derive`, which makes an object of the class of one of its base
/// class; without it the object does not know that it is one, and cannot be
/// [cast](crate::QObject::cast) to it.
///
/// # Examples
///
/// A class with a signal, a state and a destructor, and one that derives from it:
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{QObject, Signal, class};
/// use qcore::object::{Handle, Life, Node, Object};
///
/// class! {
///     /// A door.
///     pub struct Door(DoorNode): QObject = base
/// }
///
/// pub struct DoorNode {
///     pub opened: Signal<bool>,
///     base: QObject,
///     open: Cell<bool>,
/// }
///
/// impl Node for DoorNode {
///     fn life(&self) -> &Rc<Life> {
///         Object::life(&self.base)
///     }
///
///     fn destructor(&self) {
///         self.set_open(false); // its slots still hear of it
///     }
/// }
///
/// impl DoorNode {
///     fn set_open(&self, open: bool) {
///         if self.open.replace(open) != open {
///             self.opened.emit(open);
///         }
///     }
/// }
///
/// impl Door {
///     pub fn new() -> Self {
///         let life = Life::new();
///         Door(Handle::new(Rc::new(DoorNode {
///             opened: Signal::in_life(&life),
///             base: QObject::embed(&life),
///             open: Cell::new(false),
///         })))
///     }
///
///     pub fn set_open(&self, open: bool) {
///         self.0.set_open(open);
///     }
/// }
///
/// class! {
///     /// A door that can be slammed.
///     pub struct HeavyDoor(Door);
/// }
///
/// impl HeavyDoor {
///     pub fn new() -> Self {
///         HeavyDoor::derive(Door::new())
///     }
///
///     pub fn slam(&self) {
///         self.set_open(false);
///     }
/// }
///
/// let (door, seen) = (HeavyDoor::new(), Rc::new(Cell::new(0)));
/// door.opened.connect_to(&seen, |seen, _| seen.set(seen.get() + 1));
/// door.set_object_name("front");
/// door.set_open(true);
/// door.slam();
/// door.set_open(true);
/// let object: QObject = door.cast().unwrap();
/// assert!(object.cast::<HeavyDoor>().is_some());
/// drop((door, object));
/// assert_eq!(seen.get(), 4);
/// ```
#[macro_export]
macro_rules! class {
    ($(#[$doc:meta])* $vis:vis struct $class:ident($node:ident) : $base:ident = $field:ident) => {
        $crate::class! { @handle $(#[$doc])* $vis struct $class($crate::object::Handle<$node>): $base }

        impl $crate::object::Lineage for $node {
            fn derives_from(&self, class: ::std::any::TypeId) -> bool {
                <$class as $crate::object::Object>::derives_from(class)
            }

            fn find(
                self: ::std::rc::Rc<Self>,
                node: ::std::any::TypeId,
            ) -> ::std::option::Option<::std::rc::Rc<dyn ::std::any::Any>> {
                if node == ::std::any::TypeId::of::<$node>() {
                    return ::std::option::Option::Some(self);
                }
                $crate::object::Object::find_node(&self.$field, node)
            }
        }

        impl $class {
            /// A handle to the object that `node` is a part of.
            #[inline]
            #[allow(dead_code)]
            pub(crate) fn from_node(node: ::std::rc::Rc<$node>) -> Self {
                $class($crate::object::Handle::from_node(node))
            }
        }

        impl ::std::ops::Deref for $class {
            type Target = $node;
            #[inline]
            fn deref(&self) -> &$node {
                &self.0
            }
        }

        impl ::std::ops::Deref for $node {
            type Target = $base;
            #[inline]
            fn deref(&self) -> &$base {
                &self.$field
            }
        }
    };
    ($(#[$doc:meta])* $vis:vis struct $class:ident($base:ident) ;) => {
        $crate::class! { @handle $(#[$doc])* $vis struct $class($base): $base }

        impl $class {
            /// An object of this class, made of one of its base class.
            #[allow(dead_code)]
            fn derive(base: $base) -> Self {
                $crate::object::Object::life(&base).set_class::<$class>();
                $class(base)
            }
        }

        impl ::std::ops::Deref for $class {
            type Target = $base;
            #[inline]
            fn deref(&self) -> &$base {
                &self.0
            }
        }
    };
    (@handle $(#[$doc:meta])* $vis:vis struct $class:ident($inner:ty): $base:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        $vis struct $class($inner);

        impl ::std::fmt::Debug for $class {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.debug_object(stringify!($class), f)
            }
        }

        impl ::std::cmp::PartialEq for $class {
            /// Whether both are the same object.
            fn eq(&self, other: &Self) -> bool {
                use $crate::object::Object;
                ::std::rc::Rc::ptr_eq(Object::life(self), Object::life(other))
            }
        }

        impl ::std::cmp::Eq for $class {}

        impl ::std::hash::Hash for $class {
            fn hash<H: ::std::hash::Hasher>(&self, state: &mut H) {
                let life = $crate::object::Object::life(self);
                ::std::ptr::hash(::std::rc::Rc::as_ptr(life), state);
            }
        }

        impl $crate::object::Object for $class {
            type Weak = <$inner as $crate::object::Object>::Weak;

            #[inline]
            fn life(&self) -> &::std::rc::Rc<$crate::object::Life> {
                $crate::object::Object::life(&self.0)
            }

            #[inline]
            fn to_weak(&self) -> Self::Weak {
                $crate::object::Object::to_weak(&self.0)
            }

            #[inline]
            fn from_weak(weak: &Self::Weak) -> ::std::option::Option<Self> {
                $crate::object::Object::from_weak(weak).map($class)
            }

            fn is_alive(weak: &Self::Weak) -> bool {
                <$inner as $crate::object::Object>::is_alive(weak)
            }

            fn derives_from(class: ::std::any::TypeId) -> bool {
                class == ::std::any::TypeId::of::<$class>()
                    || <$base as $crate::object::Object>::derives_from(class)
            }

            fn from_whole(
                whole: ::std::rc::Rc<dyn $crate::object::Node>,
            ) -> ::std::option::Option<Self> {
                <$inner as $crate::object::Object>::from_whole(whole).map($class)
            }

            fn find_node(
                &self,
                node: ::std::any::TypeId,
            ) -> ::std::option::Option<::std::rc::Rc<dyn ::std::any::Any>> {
                $crate::object::Object::find_node(&self.0, node)
            }
        }
    };
}
