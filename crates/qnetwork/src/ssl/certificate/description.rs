//! Descriptions of extensions as text.

/// The description of an extension.
pub(super) enum Description {
    /// The extension is known but cannot be read.
    Malformed,
    Unknown,
    Text(String),
    /// Lines with their indentation.
    Lines(String),
    /// Names, values, or both. An empty list is described as empty; otherwise nothing is printed.
    Values {
        values: Vec<Value>,
        is_list: bool,
    },
}

pub(super) type Value = (Option<String>, Option<String>);
