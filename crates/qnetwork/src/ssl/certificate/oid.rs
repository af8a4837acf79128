//! The names of object identifiers.

use std::{collections::HashMap, sync::OnceLock};

/// A line is an identifier, its short name and its long one.
const TABLE: &str = include_str!("oids.tsv");

/// How texts call it.
pub(super) struct Names {
    pub(super) short: &'static str,
    pub(super) long: &'static str,
}

/// The names of an identifier, if it has any.
pub(super) fn names(oid: &str) -> Option<&'static Names> {
    static NAMES: OnceLock<HashMap<&'static str, Names>> = OnceLock::new();
    let read = |line: &'static str| {
        let mut fields = line.split('\t');
        Some((fields.next()?, Names { short: fields.next()?, long: fields.next()? }))
    };
    NAMES.get_or_init(|| TABLE.lines().filter_map(read).collect()).get(oid)
}

/// Its short name, else the identifier.
pub(super) fn short_name(oid: &str) -> &str {
    names(oid).map_or(oid, |names| names.short)
}

/// Its long name, else the identifier.
pub(super) fn long_name(oid: &str) -> &str {
    names(oid).map_or(oid, |names| names.long)
}
