//! `qt-behaviour.tsv` names the test that covers each case of Qt's own tests. These tests must
//! exist.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

#[test]
fn what_is_said_to_cover_a_row_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = fs::read_to_string(root.join("tests/qt-behaviour.tsv")).unwrap();
    let problems = problems(&table, &mut Repository::new(root));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Returns the errors in the table, one a line.
fn problems(table: &str, repository: &mut Repository) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    let mut header = false;
    for (number, line) in table.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let mut complain = |what: String| problems.push(format!("line {}: {what}", number + 1));
        if !header {
            header = true;
            if line != "section\trow\tcovered by" {
                complain("the header is not the one it should be".to_owned());
            }
            continue;
        }
        let &[section, row, covered] = line.split('\t').collect::<Vec<_>>().as_slice() else {
            complain(format!("three columns are wanted: {line}"));
            continue;
        };
        if !section.parse::<u32>().is_ok_and(|section| (1..=31).contains(&section)) {
            complain(format!("no section: {section:?}"));
        }
        if row.is_empty() || row.trim() != row {
            complain(format!("no name of a row: {row:?}"));
        }
        if !seen.insert((section, row)) {
            complain(format!("{section} {row} is there twice"));
        }
        for what in coverage_problems(covered, repository) {
            complain(what);
        }
    }
    if seen.is_empty() {
        problems.push("there are no rows".to_owned());
    }
    problems
}

fn coverage_problems(covered: &str, repository: &mut Repository) -> Vec<String> {
    if let Some(reason) = covered.strip_prefix('-') {
        let given = reason.strip_prefix(' ').is_some_and(|reason| reason.trim().len() > 3);
        return if given { Vec::new() } else { vec![format!("no reason: {covered:?}")] };
    }
    let items = covered.split("; ");
    items.filter_map(|item| repository.problem(item)).collect()
}

/// The files that the tables refer to.
pub(crate) struct Repository {
    root: PathBuf,
    tests: HashMap<String, HashSet<String>>,
}

impl Repository {
    pub(crate) fn new(root: PathBuf) -> Self {
        Repository { root, tests: HashMap::new() }
    }

    pub(crate) fn problem(&mut self, item: &str) -> Option<String> {
        if let Some(name) = item.strip_prefix("scenario ") {
            let scenario = self.root.join("tests/conformance/scenarios").join(name);
            let there = ["scn", "trace"].map(|end| scenario.with_extension(end).is_file());
            return (there != [true, true]).then(|| format!("no scenario {name} with its trace"));
        }
        let Some((path, test)) = item.split_once("::") else {
            return Some(format!("neither a test nor a scenario nor a reason: {item:?}"));
        };
        let tests = self.tests.entry(path.to_owned()).or_insert_with(|| {
            let source = fs::read_to_string(self.root.join(path)).unwrap_or_default();
            tests_in(&source).map(str::to_owned).collect()
        });
        (!tests.contains(test)).then(|| format!("no test {test} in {path}"))
    }
}

/// Returns the functions with `#[test]` above them, possibly with other attributes and comments
/// between.
fn tests_in(source: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    source.lines().filter_map(move |line| {
        let line = line.trim();
        if line == "#[test]" {
            marked = true;
        } else if let Some(function) = line.strip_prefix("fn ").filter(|_| marked) {
            marked = false;
            return function.split('(').next();
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            marked = false;
        }
        None
    })
}

#[test]
fn mistakes_in_the_table_are_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut repository = Repository::new(root);
    let mut wrong = |line: &str| {
        let table = format!("# A comment.\nsection\trow\tcovered by\n{line}\n");
        problems(&table, &mut repository)
    };
    let here = "tests/tests/qt_behaviour.rs";
    let test = format!("{here}::mistakes_in_the_table_are_found");
    assert_eq!(wrong(&format!("20\trow\t{test}; scenario buffer-basics")), [""; 0]);
    assert_eq!(wrong("20\trow\t- Qt 6 only"), [""; 0]);
    for line in [
        "20\trow".to_owned(),
        "20\trow\t".to_owned(),
        "20\trow\t-".to_owned(),
        "20\trow\t- ".to_owned(),
        "20\trow\tmoc".to_owned(),
        "99\trow\t- Qt 6 only".to_owned(),
        "20\t\t- Qt 6 only".to_owned(),
        "20\trow\t- Qt 6 only\tmore".to_owned(),
        "20\trow\t- Qt 6 only\n20\trow\t- Qt 6 only".to_owned(),
        "20\trow\tscenario no-such-thing".to_owned(),
        "20\trow\ttests/tests/no_such_file.rs::test".to_owned(),
        format!("20\trow\t{here}::tests_in"),
        format!("20\trow\t{test};{test}"),
        String::new(),
    ] {
        assert!(!wrong(&line).is_empty(), "{line}");
    }
}
