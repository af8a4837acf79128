//! Host names in ASCII, as the resolver needs them (RFC 3490).

/// The greatest length of a label.
const MAX_LABEL: usize = 63;

/// Converts a name to lower-case ASCII, with each label that is not ASCII in punycode. Returns
/// `None` if the name is not a valid host name.
pub(crate) fn to_ace(name: &str) -> Option<String> {
    let mut ace = String::with_capacity(name.len());
    let mut labels = name.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).peekable();
    while let Some(label) = labels.next() {
        let is_last = labels.peek().is_none();
        match label {
            // A name may end with a dot.
            "" if is_last && !ace.is_empty() => {}
            _ => push_label(label, &mut ace)?,
        }
        if !is_last {
            ace.push('.');
        }
    }
    Some(ace)
}

fn push_label(label: &str, ace: &mut String) -> Option<()> {
    let start = ace.len();
    if label.is_ascii() {
        ace.extend(label.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        let prepared = stringprep::nameprep(label).ok()?;
        if prepared.is_ascii() {
            ace.push_str(&prepared);
        } else if prepared.chars().count() <= MAX_LABEL {
            // A longer label is invalid, and its punycode numbers would overflow.
            ace.push_str("xn--");
            push_punycode(&prepared, ace);
        }
    }
    is_label(&ace[start..]).then_some(())
}

/// Returns whether `label` consists of letters, digits and inner hyphens. Underscores are not
/// allowed by the standard but are in use.
fn is_label(label: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Appends `text` in punycode (RFC 3492): first its ASCII characters, then the positions and values
/// of all others, as differences in a variable-length code.
fn push_punycode(text: &str, out: &mut String) {
    let ascii = text.chars().filter(char::is_ascii);
    let mut done = ascii.clone().count() as u32;
    out.extend(ascii);
    if done > 0 {
        out.push('-');
    }
    let mut bias = Bias::new();
    let (mut delta, mut low) = (0, 0x80);
    // Each round inserts all occurrences of the smallest remaining character.
    while let Some(next) = text.chars().map(u32::from).filter(|c| *c >= low).min() {
        delta += (next - low) * (done + 1);
        for c in text.chars().map(u32::from) {
            if c < next {
                delta += 1;
            } else if c == next {
                bias.push_number(delta, out);
                done += 1;
                bias.adapt(delta, done);
                delta = 0;
            }
        }
        delta += 1;
        low = next + 1;
    }
}

/// Decodes punycode. Returns `None` if `code` has a character that is not a digit, or if a position
/// or value is too large. As in Qt, a number at the end of the code may be incomplete: it ends
/// where the code ends.
#[cfg(any(feature = "dns", test))]
pub(crate) fn from_punycode(code: &str) -> Option<String> {
    let (ascii, code) = code.rsplit_once('-').unwrap_or(("", code));
    let mut text: Vec<char> = ascii.chars().collect();
    let mut bias = Bias::new();
    let (mut position, mut value) = (0, 0x80_u32);
    let mut digits = code.bytes();
    while digits.len() > 0 {
        let before = position;
        position = bias.take_number(&mut digits, position)?;
        let count = text.len() as u32 + 1;
        bias.adapt(position - before, count);
        value = value.checked_add(position / count)?;
        position %= count;
        text.insert(position as usize, char::from_u32(value)?);
        position += 1;
    }
    Some(text.into_iter().collect())
}

/// Punycode's adaptive bias.
struct Bias {
    value: u32,
    first: bool,
}

impl Bias {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    const SKEW: u32 = 38;
    const DAMP: u32 = 700;

    fn new() -> Self {
        Bias { value: 72, first: true }
    }

    fn push_number(&self, mut number: u32, out: &mut String) {
        let mut k = Self::BASE;
        loop {
            let threshold = k.saturating_sub(self.value).clamp(Self::T_MIN, Self::T_MAX);
            if number < threshold {
                return out.push(digit(number));
            }
            let base = Self::BASE - threshold;
            out.push(digit(threshold + (number - threshold) % base));
            number = (number - threshold) / base;
            k += Self::BASE;
        }
    }

    /// Reads a number and adds it to `sum`. Returns `None` if there is no such digit, or if the sum
    /// is too large.
    #[cfg(any(feature = "dns", test))]
    fn take_number(&self, digits: &mut impl Iterator<Item = u8>, sum: u32) -> Option<u32> {
        let (mut sum, mut weight) = (sum, 1_u32);
        let mut k = Self::BASE;
        for digit in digits {
            let digit = value(digit)?;
            sum = sum.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(self.value).clamp(Self::T_MIN, Self::T_MAX);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(Self::BASE - threshold)?;
            k += Self::BASE;
        }
        Some(sum)
    }

    fn adapt(&mut self, delta: u32, done: u32) {
        let damped = delta / if std::mem::take(&mut self.first) { Self::DAMP } else { 2 };
        let mut delta = damped + damped / done;
        let mut k = 0;
        while delta > (Self::BASE - Self::T_MIN) * Self::T_MAX / 2 {
            delta /= Self::BASE - Self::T_MIN;
            k += Self::BASE;
        }
        self.value = k + (Self::BASE - Self::T_MIN + 1) * delta / (delta + Self::SKEW);
    }
}

fn digit(value: u32) -> char {
    match value as u8 {
        value @ 0..26 => char::from(b'a' + value),
        value => char::from(b'0' + value - 26),
    }
}

#[cfg(any(feature = "dns", test))]
fn value(digit: u8) -> Option<u32> {
    match digit {
        b'a'..=b'z' => Some(u32::from(digit - b'a')),
        b'0'..=b'9' => Some(u32::from(digit - b'0') + 26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of `QUrl::toAce()` in Qt 5.15.8. An empty result means that the name is invalid.
    const ASKED: &[(&str, &str)] = &[
        ("a_b", "a_b"),
        ("_x", "_x"),
        ("-a", ""),
        ("a-", ""),
        ("-", ""),
        ("a--b", "a--b"),
        ("LOCALHOST", "localhost"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.de", "xn--bcher-kva.de"),
        ("b\u{fc}cher.de", "xn--bcher-kva.de"),
        ("B\u{dc}CHER.De", "xn--bcher-kva.de"),
        ("www.bu\u{308}cher.de", "www.xn--bcher-kva.de"),
        ("fa\u{df}.de", "fass.de"),
        ("\u{1e9e}.de", ""),
        ("\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}.gr", "xn--kxa6akbbkh.gr"),
        ("\u{65e5}\u{672c}\u{8a9e}.jp", "xn--wgv71a119e.jp"),
        ("\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}", "xn--r8jz45g.xn--zckzah"),
        ("\u{5d0}.il", "xn--4db.il"),
        ("\u{5d0}a.il", ""),
        ("xn--\u{fc}", "xn--xn---3ra"),
        ("xn--", ""),
        ("xn--a", "xn--a"),
        ("\u{2603}.net", "xn--n3h.net"),
        ("\u{1f600}.la", ""),
        ("\u{378}.x", ""),
        ("a\u{3002}b", "a.b"),
        ("a\u{ff0e}b", "a.b"),
        ("a\u{ff61}b", "a.b"),
        ("a\u{3002}", "a."),
        ("\u{3002}a", ""),
        ("\u{ff61}", ""),
        (".", ""),
        ("..", ""),
        (".a", ""),
        ("a.", "a."),
        ("a..b", ""),
        ("a\u{ad}b", "ab"),
        ("\u{ad}", ""),
        ("\u{200d}b", "b"),
        ("\u{ff41}\u{ff42}\u{ff43}", "abc"),
        ("\u{ff0d}.x", ""),
        ("\u{1f0}.x", "xn--ska.x"),
        ("\u{130}.x", "xn--i-9bb.x"),
        ("D\u{17e}", "xn--d-toa"),
        ("\u{661}.x", "xn--9hb.x"),
        ("a\u{661}.x", "xn--a-bqc.x"),
        ("\u{2460}.x", "1.x"),
        ("\u{bd}.x", "xn--12-c6t.x"),
        ("\u{fb01}.x", "fi.x"),
        ("\u{345}a", "xn--a-fmb"),
        ("\u{3b0}", "xn--lxa"),
        ("\u{2121}.x", "tel.x"),
        ("a b", ""),
        ("a\u{3000}b", ""),
        ("a\u{2028}b", ""),
        ("a\u{2024}b", ""),
        ("a/b", ""),
        ("a:b", ""),
        ("%61", ""),
        ("a\0b", ""),
        ("\0", ""),
    ];

    #[test]
    fn names_in_ascii_as_qt_makes_them() {
        for (name, ace) in ASKED {
            assert_eq!(to_ace(name).unwrap_or_default(), *ace, "{name:?}");
        }
        assert_eq!(to_ace(&"a".repeat(63)), Some("a".repeat(63)));
        assert_eq!(to_ace(&"a".repeat(64)), None);
        assert_eq!(to_ace(&"a.".repeat(130)), Some("a.".repeat(130)));
        let many = format!("xn--td{}", "a".repeat(40));
        assert_eq!(to_ace(&"\u{fc}".repeat(40)), Some(many));
        assert_eq!(to_ace(&"\u{fc}".repeat(60)), None);
        assert_eq!(to_ace(&"\u{4e00}\u{fc}".repeat(30_000)), None);
    }

    /// The examples of RFC 3492, section 7.1, without those that have capital letters.
    #[test]
    fn punycode_of_the_rfc() {
        for (text, code) in [
            (
                "\u{4ed6}\u{4eec}\u{4e3a}\u{4ec0}\u{4e48}\u{4e0d}\u{8bf4}\u{4e2d}\u{6587}",
                "ihqwcrb4cv8a8dqg056pqjye",
            ),
            (
                "\u{644}\u{64a}\u{647}\u{645}\u{627}\u{628}\u{62a}\u{643}\u{644}\u{645}\
                 \u{648}\u{634}\u{639}\u{631}\u{628}\u{64a}\u{61f}",
                "egbpdaj6bu4bxfgehfvwxn",
            ),
            ("3\u{5e74}b\u{7d44}\u{91d1}\u{516b}\u{5148}\u{751f}", "3b-ww4c5e180e575a65lsy2b"),
            ("-> $1.00 <-", "-> $1.00 <--"),
        ] {
            let mut out = String::new();
            push_punycode(text, &mut out);
            assert_eq!(out, code);
            assert_eq!(from_punycode(code).as_deref(), Some(text));
        }
    }
}
