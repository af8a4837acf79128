//! [`class!`](crate::class!): declares a class.

/// Declares a class: a handle type for a node or for a base class.
///
/// ```text
/// // A class with its own node:
/// class! {
///     /// docs
///     pub struct QSslServer(SslServerNode): QTcpServer, QObject = base
/// }
///
/// // A class that only adds methods:
/// class! {
///     /// docs
///     pub struct QTcpSocket(QAbstractSocket): QIODevice, QObject;
/// }
/// ```
///
/// The first form is for a class with its own node. After the colon come the base class, then
/// the base classes of that, up to `QObject`. The second form is for a class that only adds methods
/// to its base class. After the colon come the base classes of that; it may have none.
///
/// For each class named there, the macro implements `From<Class>` and `From<&Class>`. They return
/// the same object as a handle of the base class.
///
/// For the first form, write the node: a struct with the handle of the base class, made by its
/// `embed` function, in the field that the declaration names last. The node implements
/// [`Node`](crate::classes::Node). The handle type gets `Clone`, `Debug`, comparison by identity,
/// and [`Object`](crate::classes::Object), so that it can receive signals. It derefs to the node,
/// and so gives access to the fields of the node and to everything in the base class.
///
/// The second form adds a private function `derive`, which makes an object of the class from an
/// object of the base class. An object made without `derive` does not know its class, and cannot be
/// [cast](crate::QObject::cast) to it.
///
/// # Examples
///
/// A class with a signal, state and a destructor, and a class that derives from it:
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{QObject, Signal, class};
/// use qcore::classes::{Handle, Life, Node, Object};
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
///         self.set_open(false); // slots still get this signal
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
///     pub struct HeavyDoor(Door): QObject;
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
/// let object = QObject::from(&door);
/// assert!(object.cast::<HeavyDoor>().is_some());
/// drop((door, object));
/// assert_eq!(seen.get(), 4);
/// ```
#[macro_export]
macro_rules! class {
    (
        $(#[$doc:meta])*
        $vis:vis struct $class:ident($node:ident) : $base:ident $(, $ancestor:ident)* = $field:ident
    ) => {
        $crate::class! { @handle $(#[$doc])* $vis struct $class($crate::classes::Handle<$node>): $base }
        $crate::class! { @upcasts $class: $base $($ancestor)* }

        impl $crate::classes::Lineage for $node {
            fn derives_from(&self, class: ::std::any::TypeId) -> bool {
                <$class as $crate::classes::Object>::derives_from(class)
            }

            fn find(
                self: ::std::rc::Rc<Self>,
                node: ::std::any::TypeId,
            ) -> ::std::option::Option<::std::rc::Rc<dyn ::std::any::Any>> {
                if node == ::std::any::TypeId::of::<$node>() {
                    return ::std::option::Option::Some(self);
                }
                $crate::classes::Object::find_node(&self.$field, node)
            }
        }

        impl $class {
            /// Returns a handle to the object that `node` is a part of.
            #[inline]
            #[allow(dead_code)]
            pub(crate) fn from_node(node: ::std::rc::Rc<$node>) -> Self {
                $class($crate::classes::Handle::from_node(node))
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
    (
        $(#[$doc:meta])*
        $vis:vis struct $class:ident($base:ident) $(: $ancestor:ident $(, $more:ident)*)? ;
    ) => {
        $crate::class! { @handle $(#[$doc])* $vis struct $class($base): $base }
        $crate::class! { @upcasts $class: $base $($ancestor $($more)*)? }

        impl $class {
            /// Makes an object of this class from an object of its base class.
            #[allow(dead_code)]
            fn derive(base: $base) -> Self {
                $crate::classes::Object::life(&base).set_class::<$class>();
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
    (@upcasts $class:ident: $($base:ident)+) => {
        $(
            impl ::std::convert::From<$class> for $base {
                /// Returns the same object as a handle of its base class.
                fn from(object: $class) -> $base {
                    <$base as ::std::convert::From<&$class>>::from(&object)
                }
            }

            impl ::std::convert::From<&$class> for $base {
                /// Returns the same object as a handle of its base class.
                fn from(object: &$class) -> $base {
                    let base: &$base = object;
                    ::std::clone::Clone::clone(base)
                }
            }
        )+
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
            /// Returns whether both are handles to the same object.
            fn eq(&self, other: &Self) -> bool {
                use $crate::classes::Object;
                ::std::rc::Rc::ptr_eq(Object::life(self), Object::life(other))
            }
        }

        impl ::std::cmp::Eq for $class {}

        impl ::std::hash::Hash for $class {
            fn hash<H: ::std::hash::Hasher>(&self, state: &mut H) {
                let life = $crate::classes::Object::life(self);
                ::std::ptr::hash(::std::rc::Rc::as_ptr(life), state);
            }
        }

        impl $crate::classes::Object for $class {
            type Weak = <$inner as $crate::classes::Object>::Weak;

            #[inline]
            fn life(&self) -> &::std::rc::Rc<$crate::classes::Life> {
                $crate::classes::Object::life(&self.0)
            }

            #[inline]
            fn to_weak(&self) -> Self::Weak {
                $crate::classes::Object::to_weak(&self.0)
            }

            #[inline]
            fn from_weak(weak: &Self::Weak) -> ::std::option::Option<Self> {
                $crate::classes::Object::from_weak(weak).map($class)
            }

            fn is_alive(weak: &Self::Weak) -> bool {
                <$inner as $crate::classes::Object>::is_alive(weak)
            }

            fn derives_from(class: ::std::any::TypeId) -> bool {
                class == ::std::any::TypeId::of::<$class>()
                    || <$base as $crate::classes::Object>::derives_from(class)
            }

            fn from_whole(
                whole: ::std::rc::Rc<dyn $crate::classes::Node>,
            ) -> ::std::option::Option<Self> {
                <$inner as $crate::classes::Object>::from_whole(whole).map($class)
            }

            fn find_node(
                &self,
                node: ::std::any::TypeId,
            ) -> ::std::option::Option<::std::rc::Rc<dyn ::std::any::Any>> {
                $crate::classes::Object::find_node(&self.0, node)
            }
        }
    };
}
