//! [`kind_error!`]: an error type over the enum of its kinds.

/// Declares the error type `$error`: a `$kind` and a text.
///
/// The kind is an enum that implements `Display`, and has a variant `Io` and a method `io_kind`.
macro_rules! kind_error {
    ($(#[$meta:meta])* $error:ident of $kind:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $error {
            kind: $kind,
            text: String,
        }

        impl $error {
            /// Returns the kind of the error.
            #[must_use]
            pub fn kind(&self) -> $kind {
                self.kind
            }

            /// Creates the error of a file that cannot be read, with the system's text.
            pub(crate) fn reading(error: &std::io::Error) -> Self {
                $error { kind: $kind::Io(error.kind()), text: error.to_string() }
            }
        }

        impl From<$kind> for $error {
            fn from(kind: $kind) -> Self {
                $error { kind, text: kind.to_string() }
            }
        }

        impl PartialEq<$kind> for $error {
            fn eq(&self, kind: &$kind) -> bool {
                self.kind == *kind
            }
        }

        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.text)
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
