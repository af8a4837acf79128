//! The table of lines in the README of the ported examples.

use std::{fmt::Write, fs};

use super::folder;

const PROGRAMS: [&str; 5] = ["chat", "device", "mud", "multicast", "single"];

/// The lines of a program.
#[derive(Clone, Copy, Default)]
struct Lines {
    /// All lines of the file.
    all: usize,
    /// Those that are neither blank nor comments.
    code: usize,
    /// Those of the code that have more than closing brackets.
    statements: usize,
}

impl Lines {
    fn of(text: &str, is_comment: impl Fn(&str) -> bool) -> Self {
        let code =
            || text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line));
        let closes = |line: &&str| line.chars().all(|c| "(){}[];,".contains(c));
        Lines {
            all: text.lines().count(),
            code: code().count(),
            statements: code().filter(|line| !closes(line)).count(),
        }
    }

    fn of_rust(text: &str) -> Self {
        Self::of(text, |line| line.starts_with("//"))
    }

    /// A docstring of these programs starts and ends in one line.
    fn of_python(text: &str) -> Self {
        Self::of(text, |line| line.starts_with('#') || line.starts_with("\"\"\""))
    }

    fn plus(self, other: Self) -> Self {
        Lines {
            all: self.all + other.all,
            code: self.code + other.code,
            statements: self.statements + other.statements,
        }
    }
}

fn ratio(rust: usize, python: usize) -> String {
    format!("{rust} / {python} = {:.2}", rust as f64 / python as f64)
}

fn row(name: &str, rust: Lines, python: Lines) -> String {
    let all = ratio(rust.all, python.all);
    let code = ratio(rust.code, python.code);
    format!("| {name} | {all} | {code} | {} |\n", ratio(rust.statements, python.statements))
}

#[test]
fn the_table_of_lines_is_right() {
    let read = |name: &str| fs::read_to_string(folder().join(name)).unwrap();
    let (mut all_rust, mut all_python) = (Lines::default(), Lines::default());
    let mut table = String::new();
    for name in PROGRAMS {
        let rust = Lines::of_rust(&read(&format!("{name}.rs")));
        let python = Lines::of_python(&read(&format!("{name}.py")));
        assert!(rust.statements as f64 <= python.statements as f64 * 1.15, "{name}");
        assert!((80..=250).contains(&python.code), "{name}");
        write!(table, "{}", row(&format!("`{name}`"), rust, python)).unwrap();
        (all_rust, all_python) = (all_rust.plus(rust), all_python.plus(python));
    }
    table += &row("all five", all_rust, all_python);
    assert!(read("README.md").contains(&table), "the table in README.md should be:\n{table}");
}

#[test]
fn lines_are_counted() {
    let rust =
        Lines::of_rust("//! A doc\n\nfn main() {\n    // A comment\n    f(|| {\n    });\n}\n");
    assert_eq!((rust.all, rust.code, rust.statements), (7, 4, 2));
    let python =
        Lines::of_python("\"\"\"A doc\"\"\"\n\nf(\n    1,\n)\n# A comment\ng(f\"\"\"x\n\"\"\")\n");
    assert_eq!((python.all, python.code, python.statements), (8, 4, 3));
}
