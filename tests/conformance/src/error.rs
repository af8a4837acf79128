//! Errors in a scenario.

use std::fmt;

/// Why a scenario cannot be read or run. It is a fault of the scenario, never a difference in
/// behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    message: String,
    line: Option<usize>,
}

/// The result type of most functions of the runner.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error without a line.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Error { message: message.into(), line: None }
    }

    /// Adds a line, unless the error has one already.
    #[must_use]
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// Returns the error in the format of compilers.
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
