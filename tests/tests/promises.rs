//! Each row of docs/promises.md names the tests that check it. They must exist.

use std::{fs, path::Path};

use crate::qt_behaviour::Repository;

/// Returns the errors in the tables of the chapter, one a line, and the number of rows.
fn problems(chapter: &str, repository: &mut Repository) -> (Vec<String>, usize) {
    let mut problems = Vec::new();
    let mut rows = 0;
    let is_row = |line: &&str| line.starts_with('|') && !line.starts_with("| ---");
    for line in chapter.lines().filter(is_row) {
        let row = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")).unwrap_or(line);
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let &[fault, _, _, tests] = cells.as_slice() else {
            problems.push(format!("four columns are wanted: {line}"));
            continue;
        };
        if fault == "fault" {
            continue;
        }
        rows += 1;
        if cells.contains(&"") {
            problems.push(format!("an empty cell: {line}"));
        }
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            problems.push(format!("no test: {line}"));
        }
        problems.extend(tests.into_iter().filter_map(|test| repository.problem(test)));
    }
    (problems, rows)
}

#[test]
fn what_checks_a_promise_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let chapter = fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let (problems, rows) = problems(&chapter, &mut Repository::new(root));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(rows > 40, "there are {rows} rows");
}

#[test]
fn mistakes_in_the_chapter_are_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut repository = Repository::new(root);
    let mut wrong = |row: &str| {
        let chapter = format!(
            "# Title\n\n| fault | holds | told | tests |\n| --- | --- | --- | --- |\n{row}\n"
        );
        problems(&chapter, &mut repository).0
    };
    let test = "`tests/tests/promises.rs::mistakes_in_the_chapter_are_found`";
    assert_eq!(wrong(&format!("| a fault | a promise | a signal | {test} |")), [""; 0]);
    assert_eq!(wrong(&format!("| a fault | a promise | – | {test}, {test} |")), [""; 0]);
    for row in [
        "| a fault | a promise | a signal |".to_owned(),
        "| a fault | a promise | a signal | tests |".to_owned(),
        format!("| a fault |  | a signal | {test} |"),
        format!("| a fault | a promise |  | {test} |"),
        "| a fault | a promise | a signal | `tests/tests/promises.rs::problems` |".to_owned(),
        "| a fault | a promise | a signal | `tests/tests/no_such_file.rs::test` |".to_owned(),
    ] {
        assert!(!wrong(&row).is_empty(), "{row}");
    }
}
