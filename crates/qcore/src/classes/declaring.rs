//! The declaration of the classes of this library.

/// Makes a class of this library: a handle type over a node, with a base class.
///
/// ```text
/// library_class! { /// docs
///     pub struct QTcpServer(TcpServerNode): QObject = base }     a class with a node of its own
/// library_class! { /// docs
///     pub struct QTcpServer(TcpServerNode): QObject = base;
///     virtual (QTcpServer, ..) }                                 one that has virtual functions
/// library_class! { /// docs
///     pub struct QTcpSocket(QAbstractSocket); }                  one that adds only methods
/// ```
///
/// The node of the first two forms is a struct with the base class's handle, made by its `embed`
/// function, in the field that is named last, and an implementation of
/// [`Node`](crate::classes::Node). The handle type gets `Clone`, `Debug`, comparison by identity,
/// [`Object`](crate::classes::Object), conversions from derived classes and, by `Deref`, the fields
/// of the node and all that the base class has. The third form gets a private function `derive`,
/// which makes an object of the class of one of its base class.
#[doc(hidden)]
#[macro_export]
macro_rules! library_class {
    ($(#[$doc:meta])* $vis:vis struct $class:ident($node:ident) : $base:ident = $field:ident) => {
        $crate::library_class! {
            $(#[$doc])* $vis struct $class($node): $base = $field;
            virtual <$base as $crate::classes::Class>::Virtual
        }
    };
    (
        $(#[$doc:meta])* $vis:vis struct $class:ident($node:ident) : $base:ident = $field:ident;
        virtual $virtual:ty
    ) => {
        $crate::library_class! {
            @handle $(#[$doc])* $vis struct $class($crate::classes::Handle<$node>): $base = $virtual
        }
        $crate::library_class! { @node $class($node): $base = $field }

        impl $class {
            /// A handle to the object that `node` is a part of.
            #[inline]
            #[allow(dead_code)]
            pub(crate) fn from_node(node: ::std::rc::Rc<$node>) -> Self {
                $class($crate::classes::Handle::from_node(node))
            }
        }
    };
    ($(#[$doc:meta])* $vis:vis struct $class:ident($base:ident) ;) => {
        $crate::library_class! {
            @handle $(#[$doc])* $vis struct $class($base): $base =
                <$base as $crate::classes::Class>::Virtual
        }

        impl $class {
            /// An object of this class, made of one of its base class.
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
    // What a node and its handle need to be a part of the chain.
    (@node $class:ident($node:ty) : $base:ty = $field:ident) => {
        impl $crate::classes::Lineage for $node {
            fn any_class(&self, is: &mut $crate::classes::IsClass<'_>) -> bool {
                <$class as $crate::classes::Object>::any_class(is)
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
    // The handle type, and what it is to others.
    (@handle $(#[$doc:meta])* $vis:vis struct $class:ident($inner:ty): $base:ty = $virtual:ty) => {
        $(#[$doc])*
        #[derive(Clone)]
        $vis struct $class($inner);

        impl $class {
            /// Sets the parent of a new object, and returns the object. See
            /// [`QObject::with_parent`]($crate::QObject::with_parent).
            #[allow(dead_code, clippy::return_self_not_must_use)]
            $vis fn with_parent(self, parent: &impl $crate::classes::Object) -> Self {
                $crate::classes::adopt(&self, parent);
                self
            }
        }

        impl $crate::classes::Class for $class {
            type Inner = $inner;
            type Virtual = $virtual;

            #[inline]
            fn wrap(inner: $inner) -> Self {
                $class(inner)
            }

            #[inline]
            fn inner(&self) -> &$inner {
                &self.0
            }

            fn into_inner(self) -> $inner {
                self.0
            }

            fn any_class(is: &mut $crate::classes::IsClass<'_>) -> bool {
                is(::std::any::TypeId::of::<$class>(), ::std::stringify!($class))
                    || <$base as $crate::classes::Object>::any_class(is)
            }
        }

        impl $crate::classes::Inherits<$class> for $class {
            #[inline]
            fn as_base(&self) -> &$class {
                self
            }
        }

        #[diagnostic::do_not_recommend]
        impl<__Base: $crate::classes::Object> $crate::classes::Inherits<__Base> for $class
        where
            $base: $crate::classes::Inherits<__Base>,
        {
            #[inline]
            fn as_base(&self) -> &__Base {
                let base: &$base = self;
                $crate::classes::Inherits::as_base(base)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<__Base: $crate::classes::Object> $crate::classes::IntoBase<__Base> for $class
        where
            $base: $crate::classes::Inherits<__Base>,
        {
            fn into_base(self) -> __Base {
                let base: &$base = &self;
                $crate::classes::Inherits::<__Base>::as_base(base).clone()
            }
        }

        /// The same object, as one of its base class.
        impl<__Derived> ::std::convert::From<__Derived> for $class
        where
            __Derived: $crate::classes::IntoBase<$class>,
        {
            fn from(object: __Derived) -> Self {
                object.into_base()
            }
        }

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
            fn hash<__Hasher: ::std::hash::Hasher>(&self, state: &mut __Hasher) {
                let life = $crate::classes::Object::life(self);
                ::std::ptr::hash(::std::rc::Rc::as_ptr(life), state);
            }
        }
    };
}
