//! The direction of imports: a folder of a crate uses only the folders below it, and names each
//! thing by the module that owns it.
//!
//! The order of the folders is written here. docs/architecture.md explains it and shows the same.

#[path = "layers/scan.rs"]
mod scan;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use self::scan::{Import, Source};

/// The folders of `qcore`, the lowest first. A file of the crate's top level counts as a folder.
const QCORE: &[&str] = &[
    "number",
    "message",
    "panics",
    "id",
    "time",
    "event_loop",
    "event",
    "classes",
    "signal",
    "thread_pool",
    "task",
    "object",
    "application",
    "thread",
    "timer",
    "io_device",
    "stream",
    "text_stream",
    "framing",
    "internals",
    "class",
];

/// The folders of `qnetwork`, the lowest first.
const QNETWORK: &[&str] = &[
    "common",
    "address",
    "auth",
    "simulation",
    "sys",
    "interface",
    "host_info",
    "datagram",
    "proxy",
    "engine",
    "socket",
    "heartbeat",
    "dns_lookup",
    "server",
    "local",
    "ssl",
    "reconnect",
    "pipe",
    "closing",
];

/// The order of the folders of a crate.
struct Order {
    name: &'static str,
    folders: &'static [&'static str],
    /// Whether each thing is imported from its owning module, and not by the crate's root.
    from_owners: bool,
}

const CRATES: &[Order] = &[
    Order { name: "qcore", folders: QCORE, from_owners: true },
    Order { name: "qnetwork", folders: QNETWORK, from_owners: true },
];

#[test]
fn folders_use_only_those_below_them() {
    let mut problems = Vec::new();
    for order in CRATES {
        let sources = Crate::read(&root().join("crates").join(order.name).join("src"));
        problems.extend(check(&sources, order));
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_chapter_on_the_architecture_shows_the_same_order() {
    let chapter = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for Order { name, folders, .. } in CRATES {
        let shown = shown(&chapter, name);
        let expected: Vec<_> = folders.iter().rev().map(|folder| (*folder).to_owned()).collect();
        assert_eq!(shown, expected, "the folders of {name} in docs/architecture.md");
    }
}

/// Returns the folders that the chapter lists for a crate: the first words in the block below the
/// heading.
fn shown(chapter: &str, name: &str) -> Vec<String> {
    let heading = format!("### The folders of `{name}`\n");
    let (_, section) = chapter.split_once(&heading).unwrap_or_else(|| panic!("no {heading:?}"));
    let (_, block) = section.split_once("```text\n").expect("a block");
    let (block, _) = block.split_once("```").expect("the end of the block");
    let first_word = |line: &str| line.split_whitespace().next().map(str::to_owned);
    block.lines().filter_map(first_word).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The sources of a crate, without those for tests only.
#[derive(Default)]
struct Crate {
    /// By the path of the module.
    sources: BTreeMap<Vec<String>, Source>,
    /// The exported macros, and the folders that they are in.
    macros: BTreeMap<String, String>,
    /// The names that the crate's root exports, and the folders that they come from.
    exports: BTreeMap<String, String>,
}

impl Crate {
    fn read(src: &Path) -> Crate {
        let mut sources = Vec::new();
        collect(src, &mut Vec::new(), &mut sources);
        assert!(!sources.is_empty(), "there are no sources in {}", src.display());
        Self::of(sources)
    }

    fn of(sources: Vec<(Vec<String>, String)>) -> Crate {
        let mut all = Crate::default();
        for (module, text) in sources {
            let source = scan::scan(&module, &text);
            all.sources.insert(module, source);
        }
        let tests: Vec<_> = all.sources.values().flat_map(|source| source.tests.clone()).collect();
        let is_test = |module: &Vec<String>| {
            module.iter().any(|part| part == "tests")
                || tests.iter().any(|test| module.starts_with(test))
        };
        all.sources.retain(|module, _| !is_test(module));
        for (module, source) in &all.sources {
            let Some(folder) = module.first() else {
                for Import { path, .. } in &source.imports {
                    if let (Some(folder), Some(name)) = (path.first(), path.last()) {
                        all.exports.insert(name.clone(), folder.clone());
                    }
                }
                continue;
            };
            for name in &source.macros {
                all.macros.insert(name.clone(), folder.clone());
            }
        }
        all
    }
}

fn collect(folder: &Path, module: &mut Vec<String>, sources: &mut Vec<(Vec<String>, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            module.push(name);
            collect(&entry.path(), module, sources);
            module.pop();
        } else if let Some(stem) = name.strip_suffix(".rs") {
            let mut path = module.clone();
            if !matches!(stem, "mod" | "lib") {
                path.push(stem.to_owned());
            }
            sources.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// Returns the faults of a crate's imports, one line each.
fn check(sources: &Crate, order: &Order) -> Vec<String> {
    let rank = |folder: &str| order.folders.iter().position(|other| *other == folder);
    let mut problems = Vec::new();
    for folder in order.folders {
        if !sources.sources.keys().any(|module| module.first().is_some_and(|part| part == folder)) {
            problems.push(format!("there is no folder {folder}"));
        }
    }
    for (module, source) in &sources.sources {
        // The top of the crate names everything.
        let Some(folder) = module.first() else { continue };
        let Some(own) = rank(folder) else {
            problems.push(format!("{folder} has no place in the order"));
            continue;
        };
        for Import { line, path, is_macro } in &source.imports {
            let mut complain = |what: String| {
                let imported = path.join("::");
                problems.push(format!("{}:{line}: crate::{imported}: {what}", module.join("/")));
            };
            let Some(owner) = path.first().and_then(|first| match rank(first) {
                Some(_) if !is_macro => Some(first),
                _ if path.len() == 1 && sources.macros.contains_key(first) => {
                    sources.macros.get(first)
                }
                _ if !order.from_owners => sources.exports.get(first),
                _ => None,
            }) else {
                complain("import from the owning module".to_owned());
                continue;
            };
            if rank(owner).is_some_and(|other| other > own) {
                complain(format!("{folder} is below {owner}"));
            }
        }
    }
    problems
}

// ---- the check itself

fn problems(sources: &[(&str, &str)], folders: &'static [&'static str]) -> Vec<String> {
    problems_with(sources, &Order { name: "", folders, from_owners: true })
}

fn problems_with(sources: &[(&str, &str)], order: &Order) -> Vec<String> {
    let path = |module: &str| {
        module.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let sources = sources.iter().map(|(module, text)| (path(module), (*text).to_owned())).collect();
    check(&Crate::of(sources), order)
}

/// Returns the faults of a file `low/file` with this text. The folder `low` is the lowest, and
/// `high` is above it.
fn wrong(text: &str) -> Vec<String> {
    let macros = "#[macro_export]\nmacro_rules! tall { () => { $crate::high::x } }";
    problems(&[("low/file", text), ("low", "mod file;"), ("high", macros)], &["low", "high"])
}

#[test]
fn it_finds_what_goes_upwards() {
    for text in [
        "use crate::high::Thing;",
        "use crate::{low::{self, Fine}, high::{Thing as Other}};",
        "pub(crate) use crate::high;",
        "fn f() { crate::high::g() }",
        "fn f(x: &crate::high::Thing) {}",
        "use super::super::high::Thing;",
        "mod inner { use super::super::super::high::Thing; }",
        "fn f() -> char { 'x' }\nuse crate::high::Thing;",
        "fn f<'a>() { let _ = (r#\"\"\"#, '\\'', \"\\\"\"); }\nuse crate::high::Thing;",
        "crate::tall! {}",
        "use crate::tall;",
        "#[cfg(unix)]\nuse crate::high::Thing;",
        "#[cfg(test)]\nmod tests { use crate::high::A; }\nuse crate::high::B;",
        "#[cfg(test)]\nuse crate::{high::A};\nuse crate::high::B;",
        "macro_rules! m { () => { $crate::high::f() } }",
    ] {
        let found = wrong(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].ends_with(": low is below high"), "{text}: {found:?}");
    }
}

#[test]
fn it_finds_what_comes_by_the_crates_root() {
    for text in [
        "use crate::Thing;",
        "use crate::{low::Fine, Thing};",
        "use crate::*;",
        "use super::super::Thing;",
        "fn f() { crate::Thing::new(); }",
    ] {
        let found = wrong(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].ends_with(": import from the owning module"), "{text}: {found:?}");
    }
}

#[test]
fn it_follows_the_crates_root_where_imports_may_come_by_it() {
    let root = "mod high;\nmod low;\npub use self::{high::Thing, low::{Fine, Other}};";
    let order = Order { name: "", folders: &["low", "high"], from_owners: false };
    let of = |text: &str| problems_with(&[("", root), ("low", text), ("high", "")], &order);
    assert_eq!(of("use crate::{Fine, low::Other};"), [""; 0]);
    assert_eq!(of("use crate::Thing;"), ["low:1: crate::Thing: low is below high"]);
    assert_eq!(of("use crate::None;"), ["low:1: crate::None: import from the owning module"]);
}

#[test]
fn it_leaves_the_rest_alone() {
    for text in [
        "use std::high::Thing;",
        "use super::Thing;",
        "use self::high::Thing;",
        "use crate::low::high::Thing;",
        "pub(crate) fn f() {}\npub(in crate::low) fn g() {}",
        "//! See [`Thing`](crate::high::Thing).\n/// use crate::high::Thing;\nfn f() {}",
        "/* use crate::high::Thing; /* and */ crate::high::Thing */",
        "#[doc = \"crate::high::Thing\"]\nfn f() { let _ = \"use crate::high::Thing;\"; }",
        "#[cfg(test)]\nmod tests {\n    use crate::{high::Thing, Other};\n}",
        "#[cfg(test)]\nfn f() { crate::high::g(); }",
        "#[cfg(test)]\n#[allow(unused)]\nuse crate::{high::Thing};",
    ] {
        assert_eq!(wrong(text), [""; 0], "{text}");
    }
}

#[test]
fn it_leaves_modules_for_tests_alone() {
    let upward = "use crate::high::Thing;";
    let modules = [("low", "#[cfg(test)]\nmod checks;"), ("high", "")];
    for module in ["low/checks", "low/checks/more", "low/tests", "low/tests/more"] {
        let sources = [modules[0], modules[1], (module, upward)];
        assert_eq!(problems(&sources, &["low", "high"]), [""; 0], "{module}");
    }
    let sources = [modules[0], modules[1], ("low/others", upward)];
    assert_eq!(problems(&sources, &["low", "high"]).len(), 1);
}

#[test]
fn it_wants_a_place_for_each_folder() {
    let sources = [("low", ""), ("high", "")];
    assert_eq!(problems(&sources, &["low"]), ["high has no place in the order"]);
    let found = problems(&sources, &["low", "middle", "high"]);
    assert_eq!(found, ["there is no folder middle"]);
}
