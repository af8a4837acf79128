//! The rows of docs/api-map.tsv.

use std::{fs, path::Path};

/// What stands for one member of one of Qt's classes.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) class: String,
    pub(crate) kind: String,
    pub(crate) member: String,
    /// The item, or `None` if there is no such thing here.
    pub(crate) item: Option<Item>,
    pub(crate) note: String,
}

/// An item of one of the crates, as a row names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A type, a trait or a free function: `qnetwork::SocketState`, `qcore::sender`.
    Free { path: String, name: String },
    /// An associated function, a constant or a variant: `qnetwork::SocketState::Connected`.
    Associated { path: String, owner: String, name: String },
    /// A signal, which is a field: `qcore::QTimer.timeout`.
    Field { owner_path: String, owner: String, name: String },
}

impl Row {
    /// Reads the file. Returns an error that names the line which is not a row.
    pub(crate) fn read(file: &Path) -> Result<Vec<Row>, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{file:?}: {error}"))?;
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        if header != "class\tkind\tmember\trust\tnote" {
            return Err(format!("the header is {header:?}"));
        }
        lines.map(Row::parse).collect()
    }

    fn parse(line: &str) -> Result<Row, String> {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[class, kind, member, item, note] = columns.as_slice() else {
            return Err(format!("{line:?} has {} columns, not 5", columns.len()));
        };
        let item = match item {
            "-" => None,
            path => Some(Item::parse(path).ok_or_else(|| format!("{line:?} has no valid path"))?),
        };
        Ok(Row {
            class: class.to_owned(),
            kind: kind.to_owned(),
            member: member.to_owned(),
            item,
            note: note.to_owned(),
        })
    }
}

impl Item {
    fn parse(path: &str) -> Option<Item> {
        let (front, field) = match path.split_once('.') {
            Some((front, field)) => (front, Some(field)),
            None => (path, None),
        };
        let segments: Vec<&str> = front.split("::").collect();
        let all_names = segments.iter().chain(&field).all(|segment| is_name(segment));
        if !all_names || !matches!(segments[0], "qcore" | "qnetwork") {
            return None;
        }
        let (&name, before) = segments.split_last()?;
        let owner = before.last().copied().filter(|segment| is_type(segment));
        Some(match (field, owner) {
            (Some(field), None) => Item::Field {
                owner_path: front.to_owned(),
                owner: name.to_owned(),
                name: field.to_owned(),
            },
            (None, Some(owner)) => Item::Associated {
                path: path.to_owned(),
                owner: owner.to_owned(),
                name: name.to_owned(),
            },
            (None, None) if segments.len() >= 2 => {
                Item::Free { path: path.to_owned(), name: name.to_owned() }
            }
            _ => return None,
        })
    }
}

fn is_name(segment: &str) -> bool {
    !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_type(segment: &str) -> bool {
    segment.starts_with(|c: char| c.is_ascii_uppercase())
}
