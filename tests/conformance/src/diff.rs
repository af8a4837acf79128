//! Unified diffs of two texts.

use std::fmt::Write;

/// The number of unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// Returns the difference between two texts as `diff -u` prints it, or an empty text if there is
/// none.
#[must_use]
pub(crate) fn unified(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let (old_lines, new_lines): (Vec<_>, Vec<_>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let steps = steps(&old_lines, &new_lines);
    let mut out = format!("--- {old_name}\n+++ {new_name}\n");
    for hunk in hunks(&steps) {
        write_hunk(&mut out, &steps[hunk]);
    }
    out
}

/// One line of the difference: unchanged, removed or added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step<'a> {
    mark: char,
    line: &'a str,
    /// How many lines of each text come before it.
    old: usize,
    new: usize,
}

/// Returns a shortest sequence of steps. It follows a longest common subsequence of the parts
/// between the common beginning and the common end.
fn steps<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Step<'a>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);

    // common[i][j]: the length of the longest common subsequence of a[i..] and b[j..].
    let mut common = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }

    let mut out: Vec<Step<'a>> = Vec::new();
    let (mut i, mut j) = (0, 0);
    let mut step = |mark, line, i, j| out.push(Step { mark, line, old: i, new: j });
    for (index, line) in old[..head].iter().enumerate() {
        step(' ', line, index, index);
    }
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            step(' ', a[i], head + i, head + j);
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || common[i + 1][j] >= common[i][j + 1]) {
            step('-', a[i], head + i, head + j);
            i += 1;
        } else {
            step('+', b[j], head + i, head + j);
            j += 1;
        }
    }
    for (index, line) in old_rest[a.len()..].iter().enumerate() {
        step(' ', line, head + a.len() + index, head + b.len() + index);
    }
    out
}

/// Returns the ranges of steps to show: the changes with their context.
fn hunks(steps: &[Step<'_>]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if step.mark == ' ' {
            continue;
        }
        let (start, end) = (index.saturating_sub(CONTEXT), (index + 1 + CONTEXT).min(steps.len()));
        match out.last_mut().filter(|last| last.end >= start) {
            Some(last) => last.end = end,
            None => out.push(start..end),
        }
    }
    out
}

fn write_hunk(out: &mut String, steps: &[Step<'_>]) {
    let Some(first) = steps.first() else { return };
    let range = |before: usize, other: char| {
        let count = steps.iter().filter(|step| step.mark != other).count();
        match count {
            1 => format!("{}", before + 1),
            0 => format!("{before},0"),
            _ => format!("{},{count}", before + 1),
        }
    };
    let (old, new) = (range(first.old, '+'), range(first.new, '-'));
    writeln!(out, "@@ -{old} +{new} @@").ok();
    for step in steps {
        write!(out, "{}{}", step.mark, step.line).ok();
        if !step.line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        let text = unified("old", old, "new", new);
        text.strip_prefix("--- old\n+++ new\n").unwrap_or(&text).to_owned()
    }

    #[test]
    fn equal_texts_have_none() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
    }

    #[test]
    fn a_change_has_its_context() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(diff(old, new), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    }

    #[test]
    fn changes_that_are_far_from_each_other_are_apart() {
        let old: String = (1..=20).map(|number| format!("{number}\n")).collect();
        let new = old.replace("1\n2\n", "2\n").replace("20\n", "20\n21\n");
        assert_eq!(
            diff(&old, &new),
            "@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -18,3 +17,4 @@\n 18\n 19\n 20\n+21\n"
        );
    }

    #[test]
    fn texts_may_be_empty_or_lack_the_last_newline() {
        assert_eq!(diff("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(diff("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
        assert_eq!(diff("a", "b\n"), "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n");
    }

    #[test]
    fn what_is_common_is_found() {
        let (old, new) = ("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n");
        let text = diff(old, new);
        let kept = text.lines().filter(|line| line.starts_with(' ')).count();
        assert_eq!(kept, 4, "{text}");
    }
}
