//! Finds the declarations of public items in the sources of the crates, with their aliases.
//!
//! It reads lines that rustfmt has formatted, not Rust as such: enough to find the items that
//! docs/api-map.tsv names.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The declarations in both crates.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// By the name of the type or trait and the name of the item; a type itself has no owner.
    declarations: BTreeMap<(String, String), Vec<Declaration>>,
    /// The classes of objects: the name of the node, and the crate.
    classes: BTreeMap<String, Class>,
    texts: Vec<String>,
}

/// One declaration of an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declaration {
    pub(crate) aliases: Vec<String>,
    /// The text from `fn` to the body, for a function.
    pub(crate) signature: String,
    /// Whether the type that a function belongs to has type parameters.
    pub(crate) generic_owner: bool,
    /// Whether the item belongs to a trait.
    pub(crate) is_of_trait: bool,
}

#[derive(Clone, Debug)]
struct Class {
    crate_name: &'static str,
    node: String,
    base: String,
}

impl Sources {
    /// Reads the sources of both crates; `root` is the workspace's folder.
    pub(crate) fn read(root: &Path) -> io::Result<Sources> {
        let mut sources = Sources::default();
        for crate_name in ["qcore", "qnetwork"] {
            for file in rust_files(&root.join("crates").join(crate_name).join("src"))? {
                let text = fs::read_to_string(file)?;
                sources.scan(crate_name, &text);
                sources.texts.push(text);
            }
        }
        Ok(sources)
    }

    /// The declarations of an item; several if blocks for different types have the same name.
    pub(crate) fn find(&self, owner: &str, name: &str) -> &[Declaration] {
        self.declarations.get(&(owner.to_owned(), name.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The crate of a class whose objects are handles, or `None` if it is no such class.
    pub(crate) fn crate_of_class(&self, class: &str) -> Option<&'static str> {
        self.classes.get(class).map(|class| class.crate_name)
    }

    /// The struct that has the signals of a class as its fields.
    pub(crate) fn node_of_class(&self, class: &str) -> Option<&str> {
        self.classes.get(class).map(|class| class.node.as_str())
    }

    /// Whether a class derives from another one.
    pub(crate) fn derives_from(&self, class: &str, base: &str) -> bool {
        let Some(class) = self.classes.get(class) else { return false };
        class.base == base || self.derives_from(&class.base, base)
    }

    /// Whether a table of a macro has a row with this name and this alias.
    pub(crate) fn is_in_table(&self, name: &str, alias: &str) -> bool {
        let entry = format!("{name} \"{alias}\"");
        self.texts.iter().any(|text| text.contains(&entry))
    }

    fn scan(&mut self, crate_name: &'static str, text: &str) {
        let mut container: Option<Container> = None;
        let mut aliases: Vec<String> = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let code = line.trim_start();
            let indent = line.len() - code.len();
            if code.starts_with("//") || code.is_empty() {
                continue;
            }
            if code.starts_with("#[") {
                if code.contains("doc(alias") {
                    aliases.extend(code.split('"').skip(1).step_by(2).map(str::to_owned));
                }
                continue;
            }
            if container.as_ref().is_some_and(|container| indent <= container.indent) {
                container = None;
            }
            let aliases = std::mem::take(&mut aliases);
            match &container {
                None => {
                    let code = without_visibility(code);
                    if let Some((class, node, base)) = class_of(code) {
                        self.classes.insert(class.clone(), Class { crate_name, node, base });
                        self.add("", &class, Declaration { aliases, ..Declaration::default() });
                    } else if let Some(found) = Container::of(code, indent) {
                        self.add("", &found.name, Declaration { aliases, ..Default::default() });
                        if code.ends_with('{') {
                            container = Some(found);
                        }
                    } else if let Some(name) = name_behind(code, "fn ") {
                        self.add("", name, Declaration { aliases, ..Declaration::default() });
                    }
                }
                Some(inside) if indent == inside.indent + 4 => {
                    let Some((name, is_function)) = inside.item(code) else { continue };
                    let mut declaration = Declaration { aliases, ..Declaration::default() };
                    declaration.is_of_trait = inside.keyword == "trait";
                    if is_function {
                        declaration.generic_owner = inside.is_generic;
                        declaration.signature = code.to_owned();
                        let ends = |line: &str| line.ends_with('{') || line.ends_with(['}', ';']);
                        while !ends(&declaration.signature) {
                            let Some(line) = lines.next() else { break };
                            declaration.signature.push(' ');
                            declaration.signature.push_str(line.trim());
                        }
                    }
                    let owner = inside.name.clone();
                    self.add(&owner, name, declaration);
                }
                Some(_) => {}
            }
        }
    }

    fn add(&mut self, owner: &str, name: &str, declaration: Declaration) {
        let key = (owner.to_owned(), name.to_owned());
        self.declarations.entry(key).or_default().push(declaration);
    }
}

/// A block whose items are looked at.
struct Container {
    name: String,
    keyword: &'static str,
    indent: usize,
    is_generic: bool,
}

impl Container {
    fn of(code: &str, indent: usize) -> Option<Container> {
        for keyword in ["struct", "enum", "trait"] {
            if let Some(name) = name_behind(code, &format!("{keyword} ")) {
                let name = name.to_owned();
                return Some(Container { name, keyword, indent, is_generic: false });
            }
        }
        let header = code.strip_prefix("impl")?;
        let is_trait = header.contains(" for ");
        let header = match header.strip_prefix('<') {
            Some(parameters) => parameters.split_once("> ")?.1,
            None => header.trim_start(),
        };
        let name = leading_name(header)?.to_owned();
        let is_generic = header[name.len()..].starts_with("<") && !header.contains("<'");
        // Items that implement a trait have the names of the trait.
        (!is_trait).then_some(Container { name, keyword: "impl", indent, is_generic })
    }

    /// The name of a public item in this block, and whether it is a function.
    fn item<'a>(&self, code: &'a str) -> Option<(&'a str, bool)> {
        let is_public = code.starts_with("pub ");
        let code = without_visibility(code);
        if let Some(name) = name_behind(code.trim_start_matches("const "), "fn ") {
            return (is_public || self.keyword == "trait").then_some((name, true));
        }
        if let Some(name) = name_behind(code, "const ") {
            return Some((name, false));
        }
        let name = leading_name(code)?;
        match self.keyword {
            "struct" => (is_public && code[name.len()..].starts_with(':')).then_some((name, false)),
            "enum" => Some((name, false)),
            _ => None,
        }
    }
}

/// `struct QTimer(TimerNode): QObject = base`: the class, its node and its base class. A class that
/// only adds functions has no node: `struct QTcpSocket(QAbstractSocket);`.
fn class_of(code: &str) -> Option<(String, String, String)> {
    let class = name_behind(code, "struct Q")?;
    let (_, behind) = code.split_once(&format!("struct {class}("))?;
    let node = leading_name(behind.trim_start_matches("Handle<"))?.to_owned();
    let base = match code.split_once("): ") {
        Some((_, base)) => leading_name(base)?.to_owned(),
        None if behind.starts_with("Handle<") => String::new(),
        None if node.starts_with('Q') => node.clone(),
        None => return None,
    };
    Some((class.to_owned(), node, base))
}

fn without_visibility(code: &str) -> &str {
    match code.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or(rest, |(_, code)| code),
        Some(rest) if rest.starts_with(' ') => rest.trim_start(),
        _ => code,
    }
}

/// The name that stands behind `keyword` if the code begins with the keyword's first word.
fn name_behind<'a>(code: &'a str, keyword: &str) -> Option<&'a str> {
    let word = keyword.split_once(' ').map_or(keyword, |(word, _)| word);
    let rest = code.strip_prefix(word)?.strip_prefix(' ')?;
    let begin = &keyword[word.len() + 1..];
    rest.starts_with(begin).then(|| leading_name(rest)).flatten()
}

fn leading_name(code: &str) -> Option<&str> {
    let end = code.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(code.len());
    (end > 0).then(|| &code[..end])
}

fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
