//! The programs of the chapters on porting: each in Rust runs, each in Python runs where PySide2 is
//! installed, and the two of a section print the same.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    path::Path,
    process::{self, Command},
    thread,
};

use integration::{
    LIMIT,
    chapters::{self, Language, Program},
};

type Outcome = Result<(), Box<dyn Error>>;

/// The programs in Rust: their names and functions.
type Programs = &'static [(&'static str, fn() -> Outcome)];

// Each begins with the same imports. A handle is hashed by identity.
#[allow(unused_imports, dead_code, clippy::mutable_key_type)]
mod programs {
    use super::{Outcome, Programs};

    include!(concat!(env!("OUT_DIR"), "/programs.rs"));
}

/// Names the program that a child process runs.
const CHILD: &str = "QT_TEST_PROGRAM";
const BEGIN: &str = "the output of the program:\n";
const END: &str = "the end of the output\n";

#[test]
fn programs_run_and_print_the_same_as_in_python() {
    if let Some(name) = env::var_os(CHILD) {
        return run_as_child(name.to_str().unwrap());
    }
    let mut problems = Vec::new();
    let mut printed = BTreeMap::new();
    for (name, _) in programs::PROGRAMS {
        match run(name) {
            Ok(output) if output.is_empty() => problems.push(format!("{name} prints nothing")),
            Ok(output) => {
                printed.insert((*name).to_owned(), output);
            }
            Err(output) => problems.push(format!("{name} failed:\n{output}")),
        }
    }
    match run_python() {
        Ok(outputs) => {
            println!("compared: {} of {} programs", outputs.len(), printed.len());
            problems.extend(outputs.iter().filter_map(|output| difference(output, &printed)));
        }
        Err(Skipped(reason)) => println!("skipped: {reason}"),
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Runs a program, for the process that waits for its output.
fn run_as_child(name: &str) {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!("the program has not ended after {LIMIT:?}");
        process::abort();
    });
    let (_, program) = programs::PROGRAMS.iter().find(|(known, _)| *known == name).unwrap();
    print!("{BEGIN}");
    program().unwrap();
    print!("{END}");
}

/// Runs a program in a process of its own, as each has its own application. Returns its output.
fn run(name: &str) -> Result<String, String> {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "cookbook::programs_run_and_print_the_same_as_in_python"])
        .args(["--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let printed = told.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    match printed {
        Some((printed, _)) if output.status.success() => Ok(printed.to_owned()),
        _ => Err(told + &String::from_utf8_lossy(&output.stderr)),
    }
}

/// Returns how the output of a program in Python differs from that of the same in Rust.
fn difference(
    (name, python): &(String, String),
    printed: &BTreeMap<String, String>,
) -> Option<String> {
    // The whole program has a section for each language.
    let Some(rust) = printed.get(&name.replace("in_python", "in_rust")) else {
        return Some(format!("{name} is not there in Rust, or failed"));
    };
    // Truth values and lists as Rust prints them.
    let python = python.replace("True", "true").replace("False", "false").replace('\'', "\"");
    (python != *rust).then(|| format!("{name} prints in Python:\n{python}and in Rust:\n{rust}"))
}

/// Why the programs in Python did not run.
struct Skipped(String);

/// Checks the programs in Python and runs them. Returns their names and outputs.
fn run_python() -> Result<Vec<(String, String)>, Skipped> {
    let python = Path::new("/usr/bin/python3");
    if !python.exists() {
        return Err(Skipped(format!("there is no {}", python.display())));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = env::temp_dir().join(format!("qt-cookbook-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut names = Vec::new();
    for file in chapters::files(&root.join("../docs")) {
        for Program { name, language, code } in chapters::programs(&file) {
            if language == Language::Python {
                let code = chapters::prelude(language).to_owned() + &code;
                fs::write(folder.join(format!("{name}.py")), code).unwrap();
                names.push(name);
            }
        }
    }
    assert!(names.len() > 50, "{names:?}");
    let script = root.join("tests/cookbook/run.py");
    let output = Command::new(python).arg(script).arg(&folder).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let outputs = names.into_iter().map(|name| {
        let output = fs::read_to_string(folder.join(format!("{name}.out")));
        (name, output.unwrap_or_default())
    });
    let outputs = outputs.collect();
    fs::remove_dir_all(&folder).unwrap();
    if let Some(reason) = told.strip_prefix("skipped: ") {
        return Err(Skipped(reason.trim_end().to_owned()));
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}{errors}");
    Ok(outputs)
}
