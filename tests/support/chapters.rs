//! Reads the programs that the chapters on porting consist of.
//!
//! A section, from one heading to the next, has at most one program in Python and one in Rust. The
//! program is made of the section's code blocks in that language, in their order. A comment in HTML
//! that begins with `<!-- python` or `<!-- rust` is a part of the program that readers do not see.
//! Blocks with an attribute (`rust,ignore`) are not part of a program.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The lines with which programs begin. docs/porting.md tells readers about them.
const PRELUDES: [&str; 2] = [
    "from PySide2.QtCore import *\n\
     from PySide2.QtNetwork import *\n",
    "use std::{cell::{Cell, RefCell}, collections::HashMap, rc::Rc, time::Duration};\n\
     use qcore::prelude::*;\n\
     use qnetwork::prelude::*;\n",
];

/// The language of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// PySide2.
    Python,
    /// This library.
    Rust,
}

/// The program of a section in one language.
#[derive(Clone, Debug)]
pub struct Program {
    /// The chapter and the heading, as a Rust identifier.
    pub name: String,
    /// Its language.
    pub language: Language,
    /// Its code, without the prelude.
    pub code: String,
}

/// A code block of a chapter, with the line that opens it (such as `rust,ignore`) and the heading
/// that it is under.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// The last heading above the block.
    pub heading: &'a str,
    /// What follows the opening fence.
    pub info: &'a str,
    /// Whether the block is a comment, which readers do not see.
    pub hidden: bool,
    /// The number of its first line of code, from 1.
    pub line: usize,
    /// Its code.
    pub code: String,
}

/// Returns the lines with which programs in a language begin.
#[must_use]
pub fn prelude(language: Language) -> &'static str {
    match language {
        Language::Python => PRELUDES[0],
        Language::Rust => PRELUDES[1],
    }
}

/// Returns the files of the chapters on porting, in the folder `docs` of the repository.
///
/// # Panics
///
/// If they cannot be read.
#[must_use]
pub fn files(docs: &Path) -> Vec<PathBuf> {
    let mut files = vec![docs.join("porting.md")];
    for file in fs::read_dir(docs.join("porting")).expect("the folder of the chapters") {
        files.push(file.expect("a chapter").path());
    }
    files.sort();
    files
}

/// Returns the code blocks of a chapter, hidden ones included.
///
/// # Panics
///
/// If a block does not end.
#[must_use]
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut heading = "";
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let (info, hidden) = match (line.strip_prefix("```"), line.strip_prefix("<!-- ")) {
            (Some(info), _) => (info, false),
            (None, Some(info @ ("python" | "rust"))) => (info, true),
            _ => {
                if line.starts_with('#') {
                    heading = line.trim_start_matches('#').trim();
                }
                continue;
            }
        };
        let end = if hidden { "-->" } else { "```" };
        let mut code = String::new();
        loop {
            match lines.next() {
                Some((_, line)) if line == end => break,
                Some((_, line)) => code.extend([line, "\n"]),
                None => panic!("the block in line {} does not end", number + 1),
            }
        }
        blocks.push(Block { heading, info, hidden, line: number + 2, code });
    }
    blocks
}

/// Returns the programs of a chapter. Their names begin with the name of its file.
///
/// # Panics
///
/// If the file cannot be read, if a block does not end, or if two sections have the same heading.
#[must_use]
pub fn programs(file: &Path) -> Vec<Program> {
    let text = fs::read_to_string(file).expect("a chapter");
    let chapter = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut programs: Vec<Program> = Vec::new();
    let mut last = "";
    for Block { heading, info, code, .. } in blocks(&text) {
        let language = match info {
            "python" => Language::Python,
            "rust" => Language::Rust,
            _ => continue,
        };
        let name = identifier(&format!("{chapter} {heading}"));
        let same = |known: &&mut Program| known.name == name && known.language == language;
        if let Some(known) = programs.iter_mut().find(same) {
            assert!(heading == last, "{chapter} has two sections {heading:?}");
            known.code.push_str(&code);
        } else {
            programs.push(Program { name, language, code });
        }
        last = heading;
    }
    programs
}

/// Returns text as a Rust identifier.
fn identifier(text: &str) -> String {
    let letters = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' });
    let letters = letters.collect::<String>().to_ascii_lowercase();
    letters.split_whitespace().collect::<Vec<_>>().join("_")
}
