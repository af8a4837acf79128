//! What an extension says, as text.

/// What an extension says.
pub(super) enum Description {
    /// It is known but cannot be read.
    Malformed,
    Unknown,
    Text(String),
    /// Lines, with their indentation.
    Lines(String),
    /// Names, values, or both. A list may be empty and says so; else nothing is said.
    Values {
        values: Vec<Value>,
        is_list: bool,
    },
}

pub(super) type Value = (Option<String>, Option<String>);
