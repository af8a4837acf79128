//! [`kind_error!`]: an error type over the enum of its kinds.

/// Declares the error type `$error` whose only content is a `$kind`.
///
/// The kind is an enum that implements `Display` and has a method `io_kind`.
macro_rules! kind_error {
    ($(#[$meta:meta])* $error:ident of $kind:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $error {
            kind: $kind,
        }

        impl $error {
            /// Returns the kind of the error.
            #[must_use]
            pub fn kind(&self) -> $kind {
                self.kind
            }
        }

        impl From<$kind> for $error {
            fn from(kind: $kind) -> Self {
                $error { kind }
            }
        }

        impl PartialEq<$kind> for $error {
            fn eq(&self, kind: &$kind) -> bool {
                self.kind == *kind
            }
        }

        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.kind.fmt(f)
            }
        }

        impl std::error::Error for $error {}

        impl From<$error> for std::io::Error {
            fn from(error: $error) -> Self {
                std::io::Error::new(error.kind.io_kind(), error)
            }
        }
    };
}

pub(crate) use kind_error;
