//! The names of object identifiers.

use super::oids::OIDS;

/// Returns the short name of an object identifier, or the identifier if it has no name.
pub(super) fn short_name(oid: &str) -> &str {
    find(oid).map_or(oid, |(_, short, _)| short)
}

/// Returns the long name of an object identifier, or the identifier if it has no name.
pub(super) fn long_name(oid: &str) -> &str {
    find(oid).map_or(oid, |(_, _, long)| long)
}

fn find(oid: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let index = OIDS.binary_search_by_key(&oid, |(oid, ..)| oid).ok()?;
    Some(&OIDS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(OIDS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(short_name("2.5.4.3"), "CN");
        assert_eq!(long_name("1.2.3.4.5"), "1.2.3.4.5");
    }
}
