//! Writes Rust files that tests include: a use of each item in docs/api-map.tsv, so that a row that
//! names no item does not compile, and the programs of the chapters on porting.

#[path = "tests/api_map/map.rs"]
#[allow(dead_code)] // the test needs the rest
mod map;
#[path = "tests/api_map/sources.rs"]
#[allow(dead_code)] // the test needs the rest
mod sources;
#[path = "tests/api_map/uses.rs"]
mod uses;

#[path = "support/chapters.rs"]
#[allow(dead_code, unreachable_pub)] // the tests need the rest
mod chapters;

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use chapters::{Language, Program};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder");
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    write_api_map(root, &output.join("api_map.rs"));
    write_programs(&root.join("docs"), &output.join("programs.rs"));
}

/// Writes a function for each row of docs/api-map.tsv, which uses the item that the row names.
fn write_api_map(root: &Path, output: &Path) {
    for path in ["docs/api-map.tsv", "crates/qcore/src", "crates/qnetwork/src"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    println!("cargo::rerun-if-changed=tests/api_map");
    let sources = sources::Sources::read(root).expect("the sources are readable");
    let rows = map::Row::read(&root.join("docs/api-map.tsv"));
    let text = rows.and_then(|rows| uses::of_rows(&rows, &sources));
    match text {
        Ok(text) => fs::write(output, text).expect("OUT_DIR is writable"),
        Err(error) => println!("cargo::error=docs/api-map.tsv: {error}"),
    }
}

/// Writes a function for each Rust program of the chapters on porting, and a table of them.
fn write_programs(docs: &Path, output: &Path) {
    println!("cargo::rerun-if-changed=support/chapters.rs");
    println!("cargo::rerun-if-changed={}", docs.join("porting").display());
    let mut functions = String::new();
    let mut table = String::from("pub(super) const PROGRAMS: Programs = &[\n");
    for file in chapters::files(docs) {
        println!("cargo::rerun-if-changed={}", file.display());
        let programs = chapters::programs(&file);
        for program in programs.iter().filter(|program| program.language == Language::Rust) {
            let name = &program.name;
            let body = body(program);
            writeln!(functions, "fn {name}() -> Outcome {{\n{body}\n}}\n").expect("text");
            writeln!(table, "({name:?}, {name}),").expect("text");
        }
    }
    fs::write(output, functions + &table + "];\n").expect("OUT_DIR is writable");
}

/// Returns the body of the function for a program.
fn body(Program { code, .. }: &Program) -> String {
    if code.contains("\nfn main() ") {
        // A whole program has its own imports. Its documentation would be that of a module.
        let code = code.replace("//!", "//");
        format!("{code}\nOk(main()?)")
    } else {
        format!("{}\n{code}\nOk(())", chapters::prelude(Language::Rust))
    }
}
