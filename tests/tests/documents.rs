//! The documents: their links lead somewhere, on GitHub and in the book, and what they quote is
//! what is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use integration::chapters::{self, Block, Language, blocks};

/// The address of a file of this repository on GitHub, for links that leave the book.
const REPOSITORY: [&str; 2] = [
    "https://github.com/qcore-rs/qcore/blob/main/",
    "https://github.com/qcore-rs/qcore/tree/main/",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the documents, as paths from the repository's root.
fn documents() -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                collect(&path, found);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    collect(&root, &mut found);
    let relative = found.iter().map(|path| path.strip_prefix(&root).unwrap());
    let mut relative: Vec<_> = relative.map(|path| path.to_str().unwrap().to_owned()).collect();
    relative.sort();
    assert!(relative.len() > 20, "{relative:?}");
    relative
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut problems = Vec::new();
    let mut count = 0;
    for document in documents() {
        for link in links(&read(&document)) {
            count += 1;
            if let Err(problem) = follow(&document, &link) {
                problems.push(format!("{document}: {link}: {problem}"));
            }
        }
    }
    assert!(count > 100, "{count} links");
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Follows a link within the repository.
fn follow(document: &str, link: &str) -> Result<(), String> {
    let on_github = REPOSITORY.iter().find_map(|prefix| link.strip_prefix(prefix));
    if on_github.is_none() && link.contains("://") {
        return Ok(());
    }
    let (path, anchor) = match on_github.unwrap_or(link).split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (on_github.unwrap_or(link), None),
    };
    let target = if on_github.is_some() {
        path.to_owned()
    } else if path.is_empty() {
        document.to_owned()
    } else {
        normal(&Path::new(document).parent().unwrap().join(path))?
    };
    if document.starts_with("docs/") && on_github.is_none() && !target.starts_with("docs/") {
        return Err(format!("in the book there is no {target}: link to {}{target}", REPOSITORY[0]));
    }
    if !root().join(&target).exists() {
        return Err(format!("there is no {target}"));
    }
    match anchor {
        Some(anchor) if !anchors(&read(&target)).contains(anchor) => {
            Err(format!("{target} has no heading #{anchor}"))
        }
        _ => Ok(()),
    }
}

/// Returns a path without `.` and `..`.
fn normal(path: &Path) -> Result<String, String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str().unwrap()),
            Component::ParentDir => {
                parts.pop().ok_or("the link leaves the repository")?;
            }
            _ => {}
        }
    }
    Ok(parts.join("/"))
}

/// Returns the text of a document without code.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            // Every second part is code.
            prose.extend(line.split('`').step_by(2).chain(["\n"]));
        }
    }
    prose
}

/// Returns the targets of the links of a document.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let definitions = prose.lines().filter_map(|line| {
        let (name, target) = line.strip_prefix('[')?.split_once("]: ")?;
        (!name.contains(']')).then_some(target)
    });
    inline.map(|(target, _)| target.to_owned()).chain(definitions.map(str::to_owned)).collect()
}

/// Returns what links to the headings of a document end in.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if let Some(heading) = heading(line).filter(|_| !in_code) {
            anchors.insert(anchor(heading));
        }
    }
    anchors
}

fn heading(line: &str) -> Option<&str> {
    line.starts_with('#').then(|| line.trim_start_matches('#').trim())
}

/// Returns the anchor of a heading. GitHub and mdBook make the same one.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn the_book_has_each_page_once() {
    let summary = read("docs/SUMMARY.md");
    let mut listed: Vec<_> = links(&summary).iter().map(|link| format!("docs/{link}")).collect();
    listed.sort();
    let pages = documents().into_iter().filter(|page| page.starts_with("docs/"));
    let pages: Vec<_> = pages.filter(|page| page != "docs/SUMMARY.md").collect();
    assert_eq!(listed, pages);
}

#[test]
fn the_book_includes_what_exists() {
    let mut count = 0;
    for document in documents().iter().filter(|document| document.starts_with("docs/")) {
        for directive in read(document).split("{{#include ").skip(1) {
            let target = directive.split([':', '}']).next().unwrap();
            let path = normal(&Path::new(document).parent().unwrap().join(target)).unwrap();
            // The text stands in another folder in the book, where relative links would break.
            let relative: Vec<_> =
                links(&read(&path)).into_iter().filter(|link| !link.contains("://")).collect();
            assert!(relative.is_empty(), "{path}: {relative:?}");
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn the_chapter_on_differences_leads_to_each_row() {
    let table = "tests/conformance/deviations.md";
    let chapter = links(&read("docs/porting/differences.md"));
    let (mut last, mut rows) = ("", 0);
    let text = read(table);
    for line in text.lines() {
        if let Some(heading) = heading(line) {
            last = heading;
        } else if line.starts_with("| ") {
            let link = format!("{}{table}#{}", REPOSITORY[0], anchor(last));
            assert!(chapter.contains(&link), "no link to {last:?}, which has the row {line}");
            rows += 1;
        }
    }
    assert!(rows > 150, "{rows} rows");
}

#[test]
fn readers_are_told_how_the_programs_begin() {
    let chapter = read("docs/porting.md");
    for language in [Language::Python, Language::Rust] {
        let indented = chapters::prelude(language).replace('\n', "\n  ");
        assert!(chapter.contains(&format!("  {}\n", indented.trim_end())), "{language:?}");
    }
}

const MISTAKES: &str = "crates/qcore/tests/mistakes";

/// Returns the chapters on the mistakes that the compiler finds.
fn chapters_on_mistakes() -> String {
    ["mistakes", "mistakes-in-classes", "mistakes-with-threads"]
        .map(|name| read(&format!("docs/porting/{name}.md")))
        .concat()
}

#[test]
fn the_chapters_on_mistakes_have_each_one() {
    let chapter = chapters_on_mistakes();
    let marked = chapter.lines().filter_map(|line| line.strip_prefix("<!-- mistake "));
    let mut shown: Vec<_> = marked.map(|rest| rest.trim_end_matches(" -->").to_owned()).collect();
    shown.sort();
    let files = fs::read_dir(root().join(MISTAKES)).unwrap().map(|file| file.unwrap().path());
    let sources = files.filter(|file| file.extension().is_some_and(|end| end == "rs"));
    let mut known: Vec<_> =
        sources.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    known.sort();
    assert!(known.len() >= 16);
    assert_eq!(shown, known);
}

#[test]
fn the_chapters_on_mistakes_quote_the_compiler() {
    let chapter = chapters_on_mistakes();
    for section in chapter.split("<!-- mistake ").skip(1) {
        let (name, section) = section.split_once(" -->").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let blocks = blocks(section);
        let shown = |info: &str| {
            let found = blocks.iter().find(|block| block.info == info);
            found.unwrap_or_else(|| panic!("{name} has no block {info}")).code.clone()
        };
        let source = read(&format!("{MISTAKES}/{name}.rs"));
        quoted(name, &shown("rust,ignore"), &source);
        quoted(name, &shown("text"), &read(&format!("{MISTAKES}/{name}.txt")));
        let corrected = blocks.iter().any(|block| block.info == "rust" && !block.hidden);
        assert!(corrected, "{name} has no corrected code");
    }
}

#[test]
fn the_steps_of_the_whole_program_are_parts_of_it() {
    let chapter = read("docs/porting/program.md");
    let blocks = blocks(&chapter);
    let listing = blocks.iter().rfind(|block| block.info == "rust").unwrap();
    let steps: Vec<&Block<'_>> =
        blocks.iter().filter(|block| block.info == "rust,ignore").collect();
    assert!(steps.len() >= 4);
    for Block { heading, code, .. } in steps {
        quoted(heading, code, &listing.code);
    }
}

/// Checks that a quotation has whole lines of the original, one below the other and with the same
/// indentation relative to each other, except where a line `...` stands for others.
#[track_caller]
fn quoted(name: &str, quotation: &str, original: &str) {
    let mut rest: Vec<&str> = original.lines().collect();
    for part in quotation.split("...\n").filter(|part| !part.is_empty()) {
        let part: Vec<&str> = part.lines().collect();
        let place = (0..rest.len()).find(|place| {
            let first = rest[*place];
            let indentation = first.len() - first.trim_start().len();
            let same = |(shown, there): (&&str, &&str)| {
                shown == there || there.get(indentation..) == Some(shown)
            };
            let there = &rest[*place..];
            there.len() >= part.len() && part.iter().zip(there).all(same)
        });
        let Some(place) = place else {
            panic!("{name}: not in the original:\n{}", part.join("\n"))
        };
        rest.drain(..place + part.len());
    }
}
