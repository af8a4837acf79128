//! Runs the ported examples against each other: Rust, and PySide2 where it is installed.

mod chat;
mod device;
mod lines;
#[cfg(feature = "tls")]
mod mud;
mod multicast;
mod single;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
};

use crate::{PATIENCE, PYTHON, Running, example, has_pyside2, run, text, watched};

/// The language of a ported program.
#[derive(Clone, Copy, Debug)]
enum Language {
    Rust,
    Python,
}

use Language::{Python, Rust};

/// Returns the folder of the ported examples.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ported")
}

/// Returns the command for a ported example.
fn ported(language: Language, name: &str) -> Command {
    match language {
        Rust => example(&format!("ported-{name}")),
        Python => {
            let mut command = Command::new(PYTHON);
            command.arg(folder().join(format!("{name}.py")));
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        }
    }
}

/// Calls `test` with each language that can run here, at the same time.
fn in_each_language(test: impl Fn(Language) + Sync) {
    let languages = if has_pyside2() { vec![Rust, Python] } else { vec![Rust] };
    at_once(&languages, |&language| test(language));
}

/// Calls `test` with each pair of languages that can run here, at the same time.
fn in_each_pair(test: impl Fn(Language, Language) + Sync) {
    let mut pairs = vec![(Rust, Rust)];
    if has_pyside2() {
        pairs.extend([(Rust, Python), (Python, Rust), (Python, Python)]);
    }
    at_once(&pairs, |&(one, other)| test(one, other));
}

/// Calls `test` with each item, each in a thread. A failed assertion names the item.
fn at_once<T: Sync + std::fmt::Debug>(items: &[T], test: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        let threads: Vec<_> = items.iter().map(|item| scope.spawn(|| test(item))).collect();
        let failed: Vec<_> = threads
            .into_iter()
            .zip(items)
            .filter_map(|(thread, item)| thread.join().is_err().then_some(item))
            .collect();
        assert!(failed.is_empty(), "failed: {failed:?}");
    });
}

/// A running program, with its standard input and the lines that it prints.
struct Talker {
    child: Running,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
}

impl Talker {
    fn new(mut command: Command) -> Self {
        command.stdin(Stdio::piped());
        let (mut child, lines) = watched(command);
        let input = child.0.stdin.take().unwrap();
        Talker { child, input, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a further line")
    }

    #[track_caller]
    fn says(&self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.line(), *line);
        }
    }

    fn hears(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.write_all(bytes.as_ref()).unwrap();
    }

    /// Closes the program's input and waits for its end. It must print `lines` until then.
    #[track_caller]
    fn ends(self, code: i32, lines: &[&str]) {
        drop(self.input);
        let output = self.child.output();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert_eq!(self.lines.iter().collect::<Vec<_>>(), lines);
    }
}

#[test]
fn each_prints_its_usage() {
    in_each_language(|language| {
        for name in ["chat", "device", "multicast", "single"] {
            let output = run(ported(language, name));
            assert_eq!(output.status.code(), Some(1));
            assert!(text(&output.stderr).starts_with("usage: "), "{}", text(&output.stderr));
            assert_eq!(text(&output.stdout), "");
        }
    });
}
