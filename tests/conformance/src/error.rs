//! What is wrong with a scenario.

use std::fmt;

/// Why a scenario cannot be read or run: its own fault, never a difference in behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    message: String,
    line: Option<usize>,
}

/// What most functions of the runner return.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that does not know its line yet.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Error { message: message.into(), line: None }
    }

    /// The same error, of that line unless it knows a closer one.
    #[must_use]
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// The error as a compiler would print it.
    #[must_use]
    pub(crate) fn of_file(&self, path: &str) -> String {
        match self.line {
            Some(line) => format!("{path}:{line}: {}", self.message),
            None => format!("{path}: {}", self.message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::new(error.to_string())
    }
}
