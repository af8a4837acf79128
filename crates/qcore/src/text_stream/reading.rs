//! Reading lines, words and characters.

use super::{Medium, QTextStream, TextStreamStatus};

/// # Reading text
///
/// Reading returns the text that the device has now and never waits. A socket may have received
/// only a part of a line. Call [`can_read_line`](crate::io_device::QIODevice::can_read_line) of the
/// socket before the stream reads the first line, because the stream reads ahead.
///
/// Characters are counted as Rust's `char`s. In Qt, a character outside the basic multilingual
/// plane counts as two.
impl QTextStream {
    /// Reads a line. Returns it without the line feed, and without a carriage return before that.
    /// Returns `None` at the end.
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut input = QTextStream::from_string("one\r\n\nthree");
    /// assert_eq!(input.read_line().as_deref(), Some("one"));
    /// assert_eq!(input.read_line().as_deref(), Some(""));
    /// assert_eq!(input.read_line().as_deref(), Some("three"));
    /// assert_eq!(input.read_line(), None);
    /// ```
    #[doc(alias = "readLine")]
    #[inline]
    pub fn read_line(&mut self) -> Option<String> {
        if let Some((line, length)) = whole_line(self.rest()) {
            // Made from the whole line, the string allocates what it needs at once.
            let line = line.to_owned();
            self.consume(length);
            return Some(line);
        }
        self.read_line_with_maxlen(0)
    }

    /// Reads a line, at most `maxlen` characters of it, or all of it if `maxlen` is 0. The next
    /// call returns the rest. The line feed counts as a character: if a line has exactly `maxlen`
    /// characters before its line feed, the next call returns an empty line.
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut input = QTextStream::from_string("abcde\n");
    /// assert_eq!(input.read_line_with_maxlen(3).as_deref(), Some("abc"));
    /// assert_eq!(input.read_line_with_maxlen(3).as_deref(), Some("de"));
    /// assert_eq!(input.read_line_with_maxlen(3), None);
    /// ```
    #[doc(alias = "readLine")]
    pub fn read_line_with_maxlen(&mut self, maxlen: usize) -> Option<String> {
        let mut line = String::new();
        self.take_line(maxlen, &mut line).then_some(line)
    }

    /// Reads a line into `line`, and reuses its memory. Returns `false` at the end; then `line` is
    /// empty.
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut input = QTextStream::from_string("one\ntwo\n");
    /// let (mut line, mut letters) = (String::new(), 0);
    /// while input.read_line_into(&mut line) {
    ///     letters += line.len();
    /// }
    /// assert_eq!(letters, 6);
    /// ```
    #[doc(alias = "readLineInto")]
    pub fn read_line_into(&mut self, line: &mut String) -> bool {
        line.clear();
        if let Some((text, length)) = whole_line(self.rest()) {
            line.push_str(text);
            self.consume(length);
            return true;
        }
        self.take_line(0, line)
    }

    /// Reads a line into `line`, at most `maxlen` characters of it, as
    /// [`read_line_with_maxlen`](QTextStream::read_line_with_maxlen) does.
    #[doc(alias = "readLineInto")]
    pub fn read_line_into_with_maxlen(&mut self, line: &mut String, maxlen: usize) -> bool {
        line.clear();
        self.take_line(maxlen, line)
    }

    /// Reads all text that the device has now.
    ///
    /// ```
    /// let mut input = qcore::QTextStream::from_string("one two three");
    /// assert_eq!(input.read_word(), "one");
    /// assert_eq!(input.read_all(), " two three");
    /// ```
    #[doc(alias = "readAll")]
    pub fn read_all(&mut self) -> String {
        let mut all = String::new();
        if self.has_medium() {
            loop {
                all.push_str(self.rest());
                self.consume(self.rest().len());
                if !self.more() {
                    break;
                }
            }
        }
        all
    }

    /// Reads at most `maxlen` characters.
    ///
    /// ```
    /// let mut input = qcore::QTextStream::from_string("fünf");
    /// assert_eq!(input.read(2), "fü");
    /// assert_eq!(input.read(9), "nf");
    /// ```
    pub fn read(&mut self, maxlen: usize) -> String {
        let mut text = String::new();
        if !self.has_medium() {
            return text;
        }
        let mut left = maxlen;
        while left > 0 {
            let rest = self.rest();
            // Looks at no more of the rest than it takes.
            let mut end = rest.len().min(left);
            if rest.as_bytes()[..end].is_ascii() {
                left -= end;
            } else {
                end = 0;
                for c in rest.chars().take(left) {
                    end += c.len_utf8();
                    left -= 1;
                }
            }
            text.push_str(&rest[..end]);
            self.consume(end);
            if left > 0 && !self.more() {
                break;
            }
        }
        text
    }

    /// Reads a character, white space included. At the end returns NUL and sets the status to
    /// [`ReadPastEnd`](TextStreamStatus::ReadPastEnd).
    ///
    /// ```
    /// let mut input = qcore::QTextStream::from_string("é ");
    /// assert_eq!((input.read_char(), input.read_char()), ('é', ' '));
    /// assert_eq!(input.read_char(), '\0');
    /// ```
    #[doc(alias = "operator>>")]
    pub fn read_char(&mut self) -> char {
        if !self.has_medium() {
            return '\0';
        }
        match self.peek(0) {
            Some(c) => {
                self.consume(c.len_utf8());
                c
            }
            None => {
                self.set_status(TextStreamStatus::ReadPastEnd);
                '\0'
            }
        }
    }

    /// Skips white space, then reads up to the next white space. If there is no word, returns an
    /// empty string and sets the status to [`ReadPastEnd`](TextStreamStatus::ReadPastEnd).
    ///
    /// ```
    /// let mut input = qcore::QTextStream::from_string("  one\n two ");
    /// assert_eq!((input.read_word(), input.read_word()), ("one".to_owned(), "two".to_owned()));
    /// assert_eq!(input.read_word(), "");
    /// ```
    #[doc(alias = "operator>>")]
    pub fn read_word(&mut self) -> String {
        if !self.has_medium() {
            return String::new();
        }
        if let Some((from, end)) = whole_word(self.rest()) {
            let word = self.rest()[from..end].to_owned();
            self.consume(end);
            return word;
        }
        self.skip_spaces();
        let mut scanned = 0;
        let end = loop {
            let rest = &self.rest()[scanned..];
            if let Some(end) = find_space(rest) {
                break scanned + end;
            }
            scanned += rest.len();
            if !self.more() {
                break scanned;
            }
        };
        let word = self.rest()[..end].to_owned();
        self.consume(end);
        if word.is_empty() {
            self.set_status(TextStreamStatus::ReadPastEnd);
        }
        word
    }

    /// Skips white space, up to the next other character or the end.
    #[doc(alias = "skipWhiteSpace")]
    pub fn skip_white_space(&mut self) {
        if self.has_medium() {
            self.skip_spaces();
        }
    }

    /// Returns whether there is no text to read now.
    #[doc(alias = "atEnd")]
    #[must_use]
    pub fn at_end(&self) -> bool {
        !self.has_medium() || self.is_at_end()
    }

    pub(super) fn is_at_end(&self) -> bool {
        match &self.medium {
            Medium::None => true,
            Medium::Device(input) => input.is_empty() && input.device().at_end(),
            Medium::Text { .. } => self.rest().is_empty(),
        }
    }

    pub(super) fn skip_spaces(&mut self) {
        loop {
            let rest = self.rest();
            let mut spaces = rest.bytes().take_while(|&byte| is_space(byte)).count();
            if rest.as_bytes().get(spaces).is_some_and(|byte| !byte.is_ascii()) {
                spaces = rest.len() - rest.trim_start().len();
            }
            let is_all = spaces == rest.len();
            self.consume(spaces);
            if !is_all || !self.more() {
                return;
            }
        }
    }

    /// Returns the character at `offset`, counted in bytes from the next character.
    pub(super) fn peek(&mut self, offset: usize) -> Option<char> {
        loop {
            if let Some(c) = self.rest()[offset..].chars().next() {
                return Some(c);
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn take_line(&mut self, maxlen: usize, line: &mut String) -> bool {
        if !self.has_medium() {
            return false;
        }
        let (mut scanned, mut left, mut found) = (0, maxlen, false);
        loop {
            let rest = &self.rest()[scanned..];
            if maxlen == 0 {
                let end = find_line_feed(rest.as_bytes());
                found = end.is_some();
                scanned += end.map_or(rest.len(), |end| end + 1);
            } else {
                // Stops at the limit: a search for the end of the line would repeat with each call.
                for c in rest.chars().take(left) {
                    left -= 1;
                    scanned += c.len_utf8();
                    found = c == '\n';
                    if found {
                        break;
                    }
                }
            }
            if found || (maxlen > 0 && left == 0) || !self.more() {
                break;
            }
        }
        // As in Qt, a carriage return at the end of the data may belong to a line feed to come.
        let is_whole = found
            || match &self.medium {
                Medium::Device(input) => input.device().at_end(),
                Medium::None | Medium::Text { .. } => scanned == self.rest().len(),
            };
        let mut text = &self.rest()[..scanned];
        text = text.strip_suffix('\n').unwrap_or(text);
        if is_whole {
            text = text.strip_suffix('\r').unwrap_or(text);
        }
        line.push_str(text);
        self.consume(scanned);
        scanned > 0
    }
}

/// Returns the line that `text` begins with, and its length with its end; `None` if its end is not
/// in `text`.
#[inline]
fn whole_line(text: &str) -> Option<(&str, usize)> {
    let end = find_line_feed(text.as_bytes())?;
    let line = &text[..end];
    Some((line.strip_suffix('\r').unwrap_or(line), end + 1))
}

/// Returns where a word is that `text` begins with, after white space; `None` if that is not ASCII
/// or its end is not in `text`.
fn whole_word(text: &str) -> Option<(usize, usize)> {
    let text = text.as_bytes();
    let from = text.iter().position(|&byte| !is_space(byte))?;
    let end = from + text[from..].iter().position(|&byte| is_space(byte) || !byte.is_ascii())?;
    is_space(text[end]).then_some((from, end))
}

#[inline]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    // The compiler compares a block at once.
    let mut blocks = bytes.chunks_exact(32);
    let mut before = 0;
    for block in &mut blocks {
        if block.iter().fold(false, |found, &byte| found | (byte == b'\n')) {
            break;
        }
        before += block.len();
    }
    let rest = &bytes[before..];
    let (words, _) = rest.as_chunks::<8>();
    let place = words.iter().enumerate().find_map(|(at, word)| {
        // The lowest bit set is that of the first line feed; higher ones may be wrong.
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        let differences = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'\n'));
        let zeros = differences.wrapping_sub(ONES) & !differences & (ONES << 7);
        (zeros != 0).then(|| at * 8 + zeros.trailing_zeros() as usize / 8)
    });
    let place = place.or_else(|| {
        let from = words.len() * 8;
        rest[from..].iter().position(|&byte| byte == b'\n').map(|at| from + at)
    });
    place.map(|at| before + at)
}

fn find_space(text: &str) -> Option<usize> {
    let end = text.bytes().position(|byte| is_space(byte) || !byte.is_ascii())?;
    if text.as_bytes()[end].is_ascii() {
        return Some(end);
    }
    text[end..].find(char::is_whitespace).map(|at| end + at)
}
