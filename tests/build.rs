//! Writes the Rust programs of the chapters on porting to one file, as functions and a table of
//! them. `tests/cookbook.rs` includes the file.

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

// The tests use all of it.
#[allow(dead_code, unreachable_pub)]
#[path = "support/chapters.rs"]
mod chapters;

use chapters::{Language, Program};

fn main() {
    println!("cargo::rerun-if-changed=support/chapters.rs");
    println!("cargo::rerun-if-changed=../docs/porting");
    let mut functions = String::new();
    let mut table = String::from("pub(super) const PROGRAMS: Programs = &[\n");
    for file in chapters::files(Path::new("../docs")) {
        println!("cargo::rerun-if-changed={}", file.display());
        let programs = chapters::programs(&file);
        for program in programs.iter().filter(|program| program.language == Language::Rust) {
            let name = &program.name;
            writeln!(functions, "fn {name}() -> Outcome {{\n{}\n}}\n", body(program))
                .expect("text");
            writeln!(table, "({name:?}, {name}),").expect("text");
        }
    }
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("OUT_DIR")).join("programs.rs");
    fs::write(output, functions + &table + "];\n").expect("OUT_DIR can be written");
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
