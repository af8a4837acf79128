//! The editor of which one instance runs.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::{Language, Talker, in_each_pair, ported, run, text};
use crate::local_name;

fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    local_name(&format!("single-{}", COUNT.fetch_add(1, Ordering::Relaxed)))
}

fn start(language: Language, name: &str, arguments: &[&str]) -> Talker {
    let mut command = ported(language, "single");
    command.arg(name).args(arguments);
    Talker::new(command)
}

/// Starts an instance that is not the first one. Returns what it prints.
fn ask(language: Language, name: &str, arguments: &[&str]) -> String {
    let mut command = ported(language, "single");
    command.arg(name).args(arguments);
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim_end().to_owned()
}

#[test]
fn a_second_start_asks_the_first() {
    in_each_pair(|one, other| {
        let name = name();
        let first = start(one, &name, &["a.txt", "b.txt"]);
        first.says(&["opened 2, open 2"]);
        for (arguments, answer) in [
            (&["b.txt", "grün \u{1f600}.txt"][..], "opened 1, open 3"),
            (&["--close", "a.txt", "none.txt"], "closed 1, open 2"),
            (&["--list"], "b.txt, grün \u{1f600}.txt"),
            (&["--close", "b.txt", "grün \u{1f600}.txt"], "closed 2, open 0"),
            (&["--list"], "no file is open"),
            (&["--quit"], "the editor ends"),
        ] {
            assert_eq!(ask(other, &name, arguments), answer);
            first.says(&[answer]);
        }
        first.ends(0, &[]);
        assert!(!Path::new(&name).exists());
    });
}

#[test]
fn a_crashed_instance_is_replaced() {
    in_each_pair(|one, other| {
        let name = name();
        drop(UnixListener::bind(&name).unwrap());
        // A program that another thread starts has a copy of the listener for a moment.
        while UnixStream::connect(&name).is_ok() {
            thread::yield_now();
        }
        let first = start(one, &name, &["a.txt"]);
        first.says(&["opened 1, open 1"]);
        assert_eq!(ask(other, &name, &["--quit"]), "the editor ends");
        first.ends(0, &["the editor ends"]);
        fs::remove_file(&name).unwrap_err();
    });
}

#[test]
fn of_many_starts_one_is_the_first() {
    in_each_pair(|one, other| {
        let name = name();
        let files = ["a", "b", "c", "d"];
        let languages = [one, other, one, other];
        let instances: Vec<_> = files
            .iter()
            .zip(languages)
            .map(|(file, language)| start(language, &name, &[file]))
            .collect();
        let answers: BTreeSet<_> = instances.iter().map(Talker::line).collect();
        let expected = (1..=4).map(|count| format!("opened 1, open {count}"));
        assert_eq!(answers, expected.collect());

        let listed = ask(other, &name, &["--list"]);
        assert_eq!(listed.split(", ").collect::<BTreeSet<_>>(), BTreeSet::from(files));
        assert_eq!(ask(one, &name, &["--quit"]), "the editor ends");
        for instance in instances {
            assert_eq!(instance.child.output().status.code(), Some(0));
        }
    });
}
