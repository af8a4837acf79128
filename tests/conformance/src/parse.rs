//! The parser of scenarios.

use std::sync::Arc;

use crate::{
    error::{Error, Result},
    lex::{Token, Word, tokens},
    syntax::{
        Action, Block, Call, Comparison, Condition, Event, Expr, KindName, PeerOption, Statement,
    },
};

/// The default time limit of `run until`, in milliseconds.
pub(crate) const DEFAULT_WITHIN: u64 = 5000;

/// How many spaces a block is indented from its `on`.
const INDENT: usize = 2;

/// Parses the text of a scenario.
///
/// # Errors
///
/// If the text is not in the language. The error has the line.
pub(crate) fn parse(text: &str) -> Result<Block> {
    let mut lines = Lines { lines: lines(text)?, at: 0 };
    let block = lines.block(0)?;
    for statement in block.iter().skip(1) {
        if statement.action == Action::Global {
            return Err(Error::new("`global` is the first statement").at(statement.line));
        }
    }
    Ok(block)
}

struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

/// Returns the lines that are not empty and not comments, without their indentation.
fn lines(text: &str) -> Result<Vec<Line<'_>>> {
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let text = line.trim_start_matches(' ').trim_end();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let number = index + 1;
        if text.starts_with(char::is_whitespace) {
            return Err(Error::new("lines are indented with spaces").at(number));
        }
        out.push(Line { number, indent: line.len() - line.trim_start_matches(' ').len(), text });
    }
    Ok(out)
}

struct Lines<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

impl Lines<'_> {
    /// Parses the statements from here on with this indentation.
    fn block(&mut self, indent: usize) -> Result<Block> {
        let mut out = Vec::new();
        while let Some(line) = self.lines.get(self.at).filter(|line| line.indent >= indent) {
            let (number, depth, text) = (line.number, line.indent, line.text);
            if depth > indent {
                return Err(Error::new("indented without an `on` before it").at(number));
            }
            self.at += 1;
            let statement = Words::of(text).and_then(|words| words.statement());
            let mut action = statement.map_err(|error| error.at(number))?;
            if action == Action::Global && indent > 0 {
                return Err(Error::new("`global` stands in no block").at(number));
            }
            if let Action::On { block, .. } | Action::In { block, .. } = &mut action {
                *block = self.inner(indent, number)?;
            }
            out.push(Statement { line: number, action });
        }
        Ok(out.into())
    }

    fn inner(&mut self, indent: usize, number: usize) -> Result<Block> {
        match self.lines.get(self.at) {
            Some(line) if line.indent == indent + INDENT => self.block(indent + INDENT),
            Some(line) if line.indent > indent => {
                Err(Error::new("a block stands two spaces deeper than its `on`").at(line.number))
            }
            _ => Err(Error::new("`on` without a block").at(number)),
        }
    }
}

/// The words of one line, which are read from left to right.
struct Words<'a> {
    line: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Result<Self> {
        Ok(Words { line, tokens: tokens(line)?, at: 0 })
    }

    // ---- statements

    fn statement(mut self) -> Result<Action> {
        let first = self.name("a statement")?;
        let action =
            if self.next_is(".") { self.call_statement(first)? } else { self.other(&first)? };
        match self.tokens.get(self.at) {
            None => Ok(action),
            Some(token) => Err(Error::new(format!("unexpected `{}`", &self.line[token.start..]))),
        }
    }

    fn call_statement(&mut self, object: String) -> Result<Action> {
        let start = self.tokens[self.at].end;
        let call = self.call_of(object)?;
        Ok(Action::Call { call, text: self.line[start..].trim_start().to_owned() })
    }

    fn other(&mut self, word: &str) -> Result<Action> {
        Ok(match word {
            "global" => Action::Global,
            "del" => Action::Delete(self.name("an object")?),
            "sleep" => Action::Sleep(self.count("milliseconds")?),
            "run" => return self.run(),
            "on" => return self.on(),
            "meanwhile" => {
                Action::Meanwhile { delay: self.count("milliseconds")?, call: self.call()? }
            }
            "set" => return self.set(),
            "in" => return self.within_thread(),
            _ => match KindName::named(word) {
                Some(kind) => return self.make(kind),
                None => return Err(Error::new(format!("no statement begins with `{word}`"))),
            },
        })
    }

    fn run(&mut self) -> Result<Action> {
        match &*self.name("`for` or `until`")? {
            "for" => Ok(Action::RunFor(self.count("milliseconds")?)),
            "until" => {
                let within = self.take_within()?;
                let start = self.tokens.get(self.at).map_or(0, |token| token.start);
                let condition = Arc::new(self.condition()?);
                let text = self.line[start..self.tokens[self.at - 1].end].to_owned();
                Ok(Action::RunUntil { condition, text, within })
            }
            word => Err(Error::new(format!("expected `for` or `until`, found `{word}`"))),
        }
    }

    /// Takes `within MS` off the end of the line.
    fn take_within(&mut self) -> Result<u64> {
        let Some(at) = self.tokens.len().checked_sub(2).filter(|at| *at > self.at) else {
            return Ok(DEFAULT_WITHIN);
        };
        match (&self.tokens[at].word, &self.tokens[at + 1].word) {
            (Word::Name(name), Word::Number(number)) if name == "within" => {
                let within = u64::try_from(*number).map_err(|_| Error::new("time runs forward"))?;
                self.tokens.truncate(at);
                Ok(within)
            }
            _ => Ok(DEFAULT_WITHIN),
        }
    }

    fn condition(&mut self) -> Result<Condition> {
        let object = self.name("an object")?;
        self.expect(".")?;
        let method = self.name("a signal or a method")?;
        if !self.next_is("(") {
            return Ok(Condition::Signal(Event::Signal { object, signal: method }));
        }
        let call = Call { object, method, args: self.args()? };
        let comparison = match self.tokens.get(self.at).map(|token| &token.word) {
            None => return Ok(Condition::True(call)),
            Some(Word::Symbol("==")) => Comparison::Equal,
            Some(Word::Symbol("!=")) => Comparison::NotEqual,
            Some(Word::Symbol("<")) => Comparison::Less,
            Some(Word::Symbol("<=")) => Comparison::LessOrEqual,
            Some(Word::Symbol(">")) => Comparison::Greater,
            Some(Word::Symbol(">=")) => Comparison::GreaterOrEqual,
            Some(_) => return Err(self.unexpected("a comparison")),
        };
        self.at += 1;
        match self.expr()? {
            Expr::Call(_) | Expr::Port(_) => Err(Error::new("the second value is none of a call")),
            value => Ok(Condition::Compare { call, comparison, value }),
        }
    }

    fn on(&mut self) -> Result<Action> {
        let first = self.name("an object or `slot`")?;
        let event = if first == "slot" && !self.next_is(".") {
            Event::Slot(self.name("a label")?)
        } else {
            self.expect(".")?;
            Event::Signal { object: first, signal: self.name("a signal")? }
        };
        let mut times = None;
        if self.at < self.tokens.len() {
            let word = self.name("`times`")?;
            if word != "times" {
                return Err(Error::new(format!("expected `times`, found `{word}`")));
            }
            times = Some(self.count("a number of times")?);
        }
        Ok(Action::On { event, times, block: Arc::default() })
    }

    fn within_thread(&mut self) -> Result<Action> {
        let thread = self.name("a thread")?;
        let wait = self.at < self.tokens.len();
        if wait {
            let word = self.name("`wait`")?;
            if word != "wait" {
                return Err(Error::new(format!("expected `wait`, found `{word}`")));
            }
        }
        Ok(Action::In { thread, wait, block: Arc::default() })
    }

    fn set(&mut self) -> Result<Action> {
        let word = self.name("`argN`")?;
        let argument = word.strip_prefix("arg").and_then(|digits| digits.parse().ok());
        let argument = argument.filter(|argument| *argument > 0);
        let argument = argument.ok_or_else(|| Error::new(format!("`{word}` is not `argN`")))?;
        let method = self.name("a setter")?;
        let Expr::Text(text) = self.expr()? else { return Err(Error::new("expected a text")) };
        Ok(Action::Set { argument, method, text: utf8(text)? })
    }

    fn make(&mut self, kind: KindName) -> Result<Action> {
        let name = self.name("the object's name")?;
        if self.next_is("=") {
            if kind.is_peer() {
                return Err(Error::new("no call returns a peer"));
            }
            self.at += 1;
            return Ok(Action::Take { kind, name, call: self.call()? });
        }
        let (mut options, mut thread) = (Vec::new(), None);
        while self.at < self.tokens.len() {
            let word = self.name("an option")?;
            if matches!(kind, KindName::Obj | KindName::Loop) && word == "in" {
                thread = Some(self.name("a thread")?);
                continue;
            }
            let option = match (kind, &*word) {
                (KindName::Peer | KindName::UdpPeer, "ipv6") => PeerOption::Ipv6,
                (KindName::Peer, "closed") => PeerOption::Closed,
                (KindName::Peer, "full") => PeerOption::Full,
                _ => return Err(Error::new(format!("`{}` has no option `{word}`", kind.word()))),
            };
            options.push(option);
        }
        if options.contains(&PeerOption::Closed) && options.contains(&PeerOption::Full) {
            return Err(Error::new("a peer is `closed` or `full`"));
        }
        Ok(Action::Make { kind, name, options, thread })
    }

    // ---- expressions

    fn call(&mut self) -> Result<Call> {
        let object = self.name("an object")?;
        self.call_of(object)
    }

    fn call_of(&mut self, object: String) -> Result<Call> {
        self.expect(".")?;
        let method = self.name("a method")?;
        Ok(Call { object, method, args: self.args()? })
    }

    fn args(&mut self) -> Result<Vec<Expr>> {
        let mut out = Vec::new();
        self.expect("(")?;
        if !self.next_is(")") {
            out.push(self.expr()?);
            while self.next_is(",") {
                self.at += 1;
                out.push(self.expr()?);
            }
        }
        self.expect(")")?;
        Ok(out)
    }

    fn expr(&mut self) -> Result<Expr> {
        match self.tokens.get(self.at).map(|token| token.word.clone()) {
            Some(Word::Text(text)) => {
                self.at += 1;
                Ok(Expr::Text(text))
            }
            Some(Word::Number(number)) => {
                self.at += 1;
                Ok(Expr::Number(number))
            }
            Some(Word::Name(name)) => {
                self.at += 1;
                self.named(name)
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    /// Parses an expression that begins with a name.
    fn named(&mut self, name: String) -> Result<Expr> {
        if name == "repeat" && self.next_is("(") {
            return match &*self.args()? {
                [Expr::Text(text), Expr::Number(times)] => {
                    let times = usize::try_from(*times);
                    Ok(Expr::Text(
                        text.repeat(times.map_err(|_| Error::new("repeated less than never"))?),
                    ))
                }
                _ => Err(Error::new("it is repeat(\"text\", N)")),
            };
        }
        if self.next_is(".") {
            self.at += 1;
            let method = self.name("a method or `port`")?;
            return match &*method {
                _ if self.next_is("(") => {
                    Ok(Expr::Call(Call { object: name, method, args: self.args()? }))
                }
                "port" => Ok(Expr::Port(name)),
                _ => Err(Error::new(format!("`{name}.{method}` is neither a call nor a port"))),
            };
        }
        let mut names = vec![name];
        while self.next_is("|") {
            self.at += 1;
            names.push(self.name("a name")?);
        }
        Ok(Expr::Names(names))
    }

    // ---- words

    fn next_is(&self, symbol: &str) -> bool {
        let next = self.tokens.get(self.at);
        matches!(next, Some(Token { word: Word::Symbol(s), .. }) if *s == symbol)
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if !self.next_is(symbol) {
            return Err(self.unexpected(&format!("`{symbol}`")));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self, what: &str) -> Result<String> {
        match self.tokens.get(self.at).map(|token| &token.word) {
            Some(Word::Name(name)) => {
                self.at += 1;
                Ok(name.clone())
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn count(&mut self, what: &str) -> Result<u64> {
        match self.tokens.get(self.at).map(|token| &token.word) {
            Some(Word::Number(number)) if *number >= 0 => {
                self.at += 1;
                Ok(number.unsigned_abs())
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn unexpected(&self, what: &str) -> Error {
        match self.tokens.get(self.at) {
            Some(token) => {
                let found = &self.line[token.start..token.end];
                Error::new(format!("expected {what}, found `{found}`"))
            }
            None => Error::new(format!("expected {what}, found the end of the line")),
        }
    }
}

fn utf8(text: Vec<u8>) -> Result<String> {
    String::from_utf8(text).map_err(|_| Error::new("a text that is no UTF-8"))
}

#[cfg(test)]
mod tests;
