//! Every finished scenario gives the recorded trace.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn finished_scenarios_come_out_as_recorded() {
    check(&[], &listed("finished.txt"));
}

#[test]
fn so_they_do_by_a_socks5_proxy() {
    check(&["--proxy", "socks5"], &listed("proxies.txt"));
}

#[test]
fn so_they_do_by_an_http_proxy() {
    check(&["--proxy", "http"], &listed("proxies.txt"));
}

#[test]
fn so_they_do_in_the_simulated_network() {
    let left_out = listed("not-simulated.txt");
    let mut scenarios = listed("finished.txt");
    let all = scenarios.len();
    scenarios.retain(|name| !left_out.contains(name));
    assert!(left_out.len() * 20 <= all, "more than 5 % are left out");
    check(&["--simulated"], &scenarios);
}

#[test]
fn a_seed_determines_a_simulated_run() {
    let name = "server-several-pending.scn";
    let run = |seed: &str| {
        let scenario = Path::new(HERE).join("scenarios").join(name);
        let run = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .args(["--simulated", "--seed", seed])
            .arg(scenario)
            .output()
            .expect("the runner runs");
        assert!(run.status.success());
        run.stdout
    };
    assert_eq!(run("1"), run("1"));
    assert_eq!(run("1"), run("2"));
}

fn check(options: &[&str], scenarios: &[String]) {
    assert!(!scenarios.is_empty());
    let run = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(options)
        .arg("--check")
        .args(scenarios)
        .current_dir(Path::new(HERE).join("scenarios"))
        .output()
        .expect("the runner runs");
    let report = String::from_utf8_lossy(&run.stdout);
    let messages = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{report}{messages}");
    // The report names the skipped scenarios.
    println!("{report}");
}

#[test]
fn a_wrong_scenario_is_said_to_be_wrong() {
    let folder = own_folder("wrong");
    for (name, text, message) in [
        ("unreadable", "obj o\no.emit(fired, 1\n", "unreadable.scn:2: expected `)`, found the end"),
        (
            "in-block",
            "obj o\non slot A\n  x.y()\no.connectSlot(fired, A)\no.emit(fired, 1)\n",
            "in-block.scn:3: there is no x",
        ),
        ("method", "obj o\no.frob()\n", "method.scn:2: QObject has no method frob"),
        ("dead", "obj o\ndel o\no.parent()\n", "dead.scn:3: o is destroyed"),
        ("twice", "obj o\nobj o\n", "twice.scn:2: the name o is taken"),
        ("too-many", "timer t\nt.stop(1)\n", "too-many.scn:2: 1 argument(s) too many"),
        (
            "meanwhile",
            "peer p\nmeanwhile 1 p.send(\"x\")\nrun for 500\n",
            "meanwhile: the peer has no connection",
        ),
    ] {
        let path = folder.join(format!("{name}.scn"));
        fs::write(&path, text).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_conformance")).arg(&path).output().unwrap();
        let messages = String::from_utf8_lossy(&run.stderr);
        assert!(messages.contains(message), "{name}: {messages}");
        assert_eq!(run.status.code(), Some(3), "{name}");
        assert!(run.stdout.is_empty(), "{name}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_difference_is_shown_and_what_is_ours_goes_first() {
    let folder = own_folder("ours");
    let check = |wanted: &str, text: &str| {
        fs::write(folder.join("obj.scn"), "obj o\no.signalsBlocked()\n").unwrap();
        fs::write(folder.join(wanted), text).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .args(["--check", "obj.scn"])
            .current_dir(&folder)
            .output()
            .unwrap();
        (run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    let (code, report) = check("obj.trace", "o > signalsBlocked()\no < true\n");
    assert_eq!(code, Some(1));
    assert!(report.contains("\n-o < true\n+o < false\n"), "{report}");
    assert!(report.ends_with("\n0 passed, 1 failed\n"), "{report}");

    let ours = check("obj.ours", "o > signalsBlocked()\no < false\n");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(ours, (Some(0), "1 passed, 0 failed\n".to_owned()));
}

/// Returns a folder for this process alone, because the tests may run several times at once.
fn own_folder(name: &str) -> PathBuf {
    let name = format!("{name}-{}", std::process::id());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns the names of the scenarios that a file lists.
fn listed(file: &str) -> Vec<String> {
    let list = fs::read_to_string(Path::new(HERE).join(file)).unwrap();
    let patterns =
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (out, wanted): (Vec<&str>, Vec<&str>) = patterns.partition(|line| line.starts_with('!'));
    let mut names: Vec<String> = fs::read_dir(Path::new(HERE).join("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".scn"))
        .collect();
    names.sort();
    let matches = |pattern: &str, name: &str| glob(pattern, name.trim_end_matches(".scn"));
    for pattern in out.iter().map(|line| &line[1..]).chain(wanted.iter().copied()) {
        assert!(names.iter().any(|name| matches(pattern, name)), "{pattern} matches nothing");
    }
    names.retain(|name| {
        wanted.iter().any(|pattern| matches(pattern, name))
            && !out.iter().any(|line| matches(&line[1..], name))
    });
    names
}

/// Returns whether a name matches a pattern. A `*` stands for any text.
fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len())
                .filter(|at| name.is_char_boundary(*at))
                .any(|at| glob(rest, &name[at..]))
        }),
    }
}

#[test]
fn patterns() {
    assert!(glob("tcp-*", "tcp-connect"));
    assert!(glob("death-*-slot", "death-timer-in-slot"));
    assert!(!glob("death-*-slot", "death-timer"));
    assert!(!glob("format", "format-slots"));
}
