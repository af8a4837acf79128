//! Reads what a source file imports from its own crate.

/// The imports and other findings of one file.
#[derive(Default)]
pub(crate) struct Source {
    pub(crate) imports: Vec<Import>,
    /// The modules that are compiled for tests or fuzzing only.
    pub(crate) tests: Vec<Vec<String>>,
    /// The names of the macros that the file exports.
    pub(crate) macros: Vec<String>,
}

/// A path to something of the same crate, from the crate's root.
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
    /// A macro is called by the path.
    pub(crate) is_macro: bool,
}

/// Finds the imports of a module: `use` declarations, and paths in code. Comments, strings and code
/// for tests only do not count.
pub(crate) fn scan(module: &[String], text: &str) -> Source {
    let tokens = tokens(text);
    let mut scanner = Scanner {
        tokens: &tokens,
        at: 0,
        module: module.to_vec(),
        inline: Vec::new(),
        depth: 0,
        source: Source::default(),
    };
    scanner.run();
    scanner.source
}

struct Scanner<'a> {
    tokens: &'a [Token],
    at: usize,
    /// The module that the scanner is in.
    module: Vec<String>,
    /// For each inline module that the scanner is in, the depth of braces at which it began.
    inline: Vec<usize>,
    depth: usize,
    source: Source,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "#" if self.is("[", 1) => self.attribute(),
                // `use<..>`, which names what a type captures, is not an import.
                "use" if !self.is("<", 1) => self.import(),
                "mod" if self.is("{", 2) => {
                    self.module.push(self.tokens[self.at + 1].text.clone());
                    self.inline.push(self.depth);
                    self.at += 2;
                }
                "macro_rules" => {
                    let attributes = &self.tokens[self.at.saturating_sub(3)..self.at];
                    if attributes.iter().any(|token| token.text == "macro_export") {
                        self.source.macros.push(self.tokens[self.at + 2].text.clone());
                    }
                    self.at += 3;
                }
                "crate" | "self" | "super" if self.is("::", 1) => self.path(),
                "{" => {
                    self.depth += 1;
                    self.at += 1;
                }
                "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.inline.last() == Some(&self.depth) {
                        self.inline.pop();
                        self.module.pop();
                    }
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    fn is(&self, text: &str, ahead: usize) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.text == text)
    }

    fn text(&self) -> &str {
        self.tokens.get(self.at).map_or("", |token| &token.text)
    }

    /// Skips an attribute, and its item too if that is for tests only.
    fn attribute(&mut self) {
        let start = self.at;
        self.skip_group();
        let words: Vec<_> = self.tokens[start..self.at].iter().map(|token| &*token.text).collect();
        let is_test = matches!(
            words[..],
            ["#", "[", "cfg", "(", "test" | "fuzzing", ")", "]"]
                | ["#", "[", "cfg", "(", "all", "(", "test" | "fuzzing", ",", ..]
        );
        if is_test {
            self.skip_item();
        }
    }

    /// Moves behind the next group in brackets.
    fn skip_group(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            let text = self.text().to_owned();
            self.at += 1;
            match text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    fn skip_item(&mut self) {
        while self.text() == "#" {
            self.skip_group();
        }
        let mut is_use = false;
        while self.at < self.tokens.len() {
            match self.text() {
                "mod" if self.is(";", 2) => {
                    let name = self.tokens[self.at + 1].text.clone();
                    let path = self.module.iter().cloned().chain([name]).collect();
                    self.source.tests.push(path);
                    self.at += 1;
                }
                "use" => {
                    is_use = true;
                    self.at += 1;
                }
                ";" => {
                    self.at += 1;
                    return;
                }
                "{" if !is_use => return self.skip_group(),
                "(" | "[" | "{" => self.skip_group(),
                _ => self.at += 1,
            }
        }
    }

    /// Reads a `use` declaration.
    fn import(&mut self) {
        self.at += 1;
        self.tree(&[]);
    }

    /// Reads a tree of a `use` declaration, below a path.
    fn tree(&mut self, above: &[String]) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let mut path = above.to_vec();
        loop {
            match self.text() {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(), "}" | ";" | "") {
                        self.tree(&path);
                        if self.text() == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => self.at += 2,
                "," | ";" | "}" | "" => break,
                name => {
                    path.push(name.to_owned());
                    self.at += 1;
                }
            }
        }
        self.note(line, path, false);
    }

    /// Reads a path in code.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.text().to_owned()];
        self.at += 1;
        while self.text() == "::" {
            self.at += 1;
            let name = self.text();
            if !name.starts_with(|first: char| first.is_alphabetic() || first == '_') {
                break;
            }
            path.push(name.to_owned());
            self.at += 1;
        }
        let is_macro = self.text() == "!";
        self.note(line, path, is_macro);
    }

    /// Notes a path if it leads to something of the crate that is not in this module.
    fn note(&mut self, line: usize, path: Vec<String>, is_macro: bool) {
        let mut from = self.module.clone();
        let mut names = path.as_slice();
        match names.first().map(String::as_str) {
            Some("crate") => {
                from.clear();
                names = &names[1..];
            }
            Some("self") => names = &names[1..],
            Some("super") => {
                while names.first().is_some_and(|name| name == "super") {
                    from.pop();
                    names = &names[1..];
                }
            }
            // Something of another crate, or of this module.
            _ => return,
        }
        let names = names.iter().filter(|name| !matches!(name.as_str(), "self" | "*"));
        let path = from.into_iter().chain(names.cloned()).collect();
        self.source.imports.push(Import { line, path, is_macro });
    }
}

// ---- tokens

/// A word, `::`, or any other single character. A number is a word. A lifetime is a word without
/// its `'`.
struct Token {
    text: String,
    line: usize,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = ignored(rest) {
            length
        } else {
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let length = match first {
                ':' if rest.starts_with("::") => 2,
                _ if is_word(first) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            if !first.is_whitespace() {
                tokens.push(Token { text: rest[..length].to_owned(), line });
            }
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// Returns the length of the comment, string, character or `'` of a lifetime with which the text
/// begins, if it begins with one.
fn ignored(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(comment(text));
    }
    let without_b = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let prefix = text.len() - without_b.len();
    if let Some(raw) = without_b.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let content = &raw[hashes + 1..];
            let length = content.find(&end).map_or(content.len(), |at| at + end.len());
            return Some(prefix + 1 + hashes + 1 + length);
        }
    }
    if without_b.starts_with('"') {
        return Some(prefix + quoted(without_b, '"'));
    }
    if without_b.starts_with('\'') {
        let mut letters = without_b.chars().skip(1);
        let is_character = match letters.next() {
            Some('\\') => true,
            Some(_) => letters.next() == Some('\''),
            None => false,
        };
        return Some(prefix + if is_character { quoted(without_b, '\'') } else { 1 });
    }
    None
}

fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str, end: char) -> usize {
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if letter == end {
            return at + 1;
        }
    }
    text.len()
}
