//! docs/api-map.tsv names what stands for each member of Qt's classes.
//!
//! The build script makes a use of each item that the file names. They are compiled here, so the
//! file names no item that does not exist.

#[path = "api_map/map.rs"]
mod map;
#[path = "api_map/sources.rs"]
#[allow(dead_code)] // the build script needs the rest
mod sources;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use self::{
    map::{Item, Row},
    sources::Sources,
};

/// The uses.
#[allow(dead_code, unused_imports, deprecated, let_underscore_drop, clippy::all)]
mod uses {
    include!(concat!(env!("OUT_DIR"), "/api_map.rs"));
}

/// How many members may be missing: 5.5 %.
const MOST: usize = 68;

/// Classes of which only members without a meaning in Rust may be missing.
const WHOLE: &[&str] = &[
    "QAbstractSocket",
    "QDataStream",
    "QEventLoop",
    "QHostAddress",
    "QIODevice",
    "QNetworkProxy",
    "QSslSocket",
    "QTcpServer",
    "QTextStream",
    "QTimer",
    "QUdpSocket",
];

/// The members of those classes that have no meaning here.
const WITHOUT_MEANING: &[(&str, &str)] = &[
    ("QSslSocket", "preSharedKeyAuthenticationRequired"),
    ("QTextStream", "locale"),
    ("QTextStream", "setLocale"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn rows() -> Vec<Row> {
    Row::read(&root().join("docs/api-map.tsv")).unwrap()
}

#[test]
fn each_member_has_one_row() {
    let rows = rows();
    assert_eq!(rows.len(), 1231);
    let members: BTreeSet<_> =
        rows.iter().map(|row| (&row.class, &row.kind, &row.member)).collect();
    assert_eq!(members.len(), rows.len());
    let kinds: BTreeSet<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["enum", "method", "signal"].into());
}

#[test]
fn few_members_are_missing() {
    let rows = rows();
    let missing: Vec<_> = rows.iter().filter(|row| row.item.is_none()).collect();
    for row in &missing {
        assert!(!row.note.is_empty(), "{row:?} has no reason");
    }
    assert!(missing.len() <= MOST, "{} of {} members are missing", missing.len(), rows.len());
    let missing = missing.iter().map(|row| (row.class.as_str(), row.member.as_str()));
    let missing: BTreeSet<_> = missing.filter(|(class, _)| WHOLE.contains(class)).collect();
    assert_eq!(missing, WITHOUT_MEANING.iter().copied().collect());
}

/// A signal is a field, and everything else is none.
#[test]
fn kinds_fit() {
    for row in rows() {
        let Some(item) = &row.item else { continue };
        let is_field = matches!(item, Item::Field { .. });
        assert_eq!(is_field, row.kind == "signal", "{row:?}");
    }
}

/// Searching the documentation for Qt's name finds each item.
#[test]
fn items_have_qts_names() {
    let sources = Sources::read(root()).unwrap();
    let mut without = BTreeMap::new();
    for row in rows() {
        let Some(item) = &row.item else { continue };
        let (owner, name) = match item {
            Item::Free { name, .. } => ("", name.as_str()),
            Item::Associated { owner, name, .. } => (owner.as_str(), name.as_str()),
            Item::Field { owner, name, .. } => {
                (sources.node_of_class(owner).expect("a class"), name.as_str())
            }
        };
        let member = row.member.trim_end_matches('_');
        let qualified = format!("{}::{member}", row.class);
        let is_alias = |alias: &String| alias == member || *alias == qualified;
        let found = name == member
            || sources.find(owner, name).iter().any(|found| found.aliases.iter().any(is_alias))
            || sources.is_in_table(name, member);
        if !found {
            without.insert((owner.to_owned(), name.to_owned()), row.member);
        }
    }
    assert!(without.is_empty(), "these have no #[doc(alias)]: {without:#?}");
}

/// The rows are the members of PySide2's classes.
#[test]
fn members_are_those_of_pyside2() {
    const SCRIPT: &str = "
import sys
from PySide2 import QtCore, QtNetwork
for name in sys.argv[1:]:
    of = getattr(QtCore, name, None) or getattr(QtNetwork, name)
    for member in vars(of):
        if member[0] != '_' and member != 'staticMetaObject' and '.' not in member:
            kind = type(getattr(of, member)).__name__
            if kind in ('method_descriptor', 'builtin_function_or_method'):
                kind = 'method'
            kind = {'Signal': 'signal', 'method': 'method'}.get(kind, 'enum')
            print(name, kind, member, sep='\\t')
";
    let rows = rows();
    let classes: BTreeSet<_> = rows.iter().map(|row| row.class.as_str()).collect();
    let python = Command::new("/usr/bin/python3").args(["-c", SCRIPT]).args(&classes).output();
    let Ok(output) = python else {
        return println!("skipped: there is no /usr/bin/python3");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && said.contains("PySide2") {
        return println!("skipped: there is no PySide2");
    }
    assert!(output.status.success(), "{said}");
    let members = String::from_utf8(output.stdout).unwrap();
    let members: BTreeSet<String> = members.lines().map(str::to_owned).collect();
    let rows = rows.iter().map(|row| format!("{}\t{}\t{}", row.class, row.kind, row.member));
    let rows: BTreeSet<String> = rows.collect();
    let differences: Vec<_> = rows.symmetric_difference(&members).collect();
    assert!(differences.is_empty(), "{differences:#?}");
}
