//! Counts the instructions of hot paths and compares them with `crates/qbench/counts.tsv`.
//!
//! ```sh
//! cargo run --profile dist -p qbench --bin qcount              # fails if a count rose by over 5 %
//! cargo run --profile dist -p qbench --bin qcount -- --renew   # writes the counts into the file
//! ```
//!
//! Valgrind's tool callgrind runs each row in a process of its own and counts the instructions in
//! user mode, one by one. Unlike a time, a count does not depend on what else the machine does. It
//! depends on the compiler and the profile. The file names both, and with others the check is
//! skipped. It is also skipped where valgrind is missing.
//!
//! `--only TEXT` runs the rows whose name contains the text.

mod rows;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

/// A count may be this many times as high as the recorded one.
const ROOM: f64 = 1.05;

const RENEW: &str = "cargo run --profile dist -p qbench --bin qcount -- --renew";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (renew, only) = match words[..] {
        ["--row", name] => return rows::run(name),
        [] => (false, ""),
        ["--only", text] => (false, text),
        ["--renew"] => (true, ""),
        _ => {
            eprintln!("usage: qcount [--renew | --only TEXT]");
            return ExitCode::from(2);
        }
    };
    match check(renew, only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("qcount: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn check(renew: bool, only: &str) -> Result<(), String> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no valgrind");
        return Ok(());
    }
    let build = build()?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.tsv");
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    let recorded_build = recorded.lines().find_map(|line| line.strip_prefix("# build: "));
    if !renew && recorded_build != Some(&build) {
        println!("skipped: the counts are those of another build");
        println!("  recorded: {}", recorded_build.unwrap_or("none"));
        println!("  this one: {build}");
        println!("`{RENEW}` records them anew");
        return Ok(());
    }

    let bounds = bounds(&recorded)?;
    let mut lines = format!(
        "# Instructions in user mode, counted by callgrind. `{RENEW}`\n\
         # writes this file. CI fails if a count is over 5 % higher than here.\n\
         # build: {build}\n"
    );
    let (mut risen, mut fallen) = (Vec::new(), 0);
    println!("{:24} {:>12} {:>12}", "instructions for one", "now", "recorded");
    for name in rows::names().filter(|name| name.contains(only)) {
        let count = count(name)?;
        let bound = bounds.get(name).copied();
        let change = bound.map_or(0.0, |bound| (count / bound - 1.0) * 100.0);
        let was = bound.map_or("none".to_owned(), |bound| format!("{bound:.1}"));
        println!("{name:24} {count:12.1} {was:>12} {change:+6.1} %");
        lines += &format!("{name}\t{count:.1}\n");
        match bound {
            Some(bound) if count <= bound * ROOM => fallen += usize::from(count * ROOM < bound),
            _ => risen.push(name),
        }
    }
    if renew {
        return fs::write(&path, lines).map_err(|error| format!("{}: {error}", path.display()));
    }
    if fallen > 0 {
        println!("{fallen} counts have fallen by over 5 %: `{RENEW}` keeps the gain");
    }
    if risen.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more than 5 % above the recorded count, or not recorded: {}. If this is intended, \
         `{RENEW}` records the counts anew",
        risen.join(", ")
    ))
}

/// Names what the counts depend on: the compiler, the processor and the profile. The profile is the
/// folder in which this program is.
fn build() -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(&rustc).arg("--version").output();
    let output = output.map_err(|error| format!("{}: {error}", rustc.display()))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let program = program()?;
    let profile = program.parent().and_then(Path::file_name).unwrap_or_default();
    Ok(format!("{version}, {}, profile {}", env::consts::ARCH, profile.display()))
}

fn program() -> Result<PathBuf, String> {
    env::current_exe().map_err(|error| format!("this program: {error}"))
}

fn bounds(recorded: &str) -> Result<BTreeMap<&str, f64>, String> {
    let lines = recorded.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, count) = line.split_once('\t').ok_or(line)?;
            Ok((name, count.parse().map_err(|_| line)?))
        })
        .collect::<Result<_, &str>>()
        .map_err(|line| format!("counts.tsv: {line}"))
}

/// Runs a row under callgrind, and returns its instructions for one operation.
fn count(name: &str) -> Result<f64, String> {
    let section = format!("--toggle-collect=*{}*", rows::SECTION);
    // Valgrind counts a repeated string instruction once for each repetition. Whether the C library
    // uses these instructions depends on the processor, so this setting switches them off.
    let tunables = "glibc.cpu.x86_rep_movsb_threshold=1000000000\
                    :glibc.cpu.x86_rep_stosb_threshold=1000000000";
    let output = Command::new("valgrind")
        .env("GLIBC_TUNABLES", tunables)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", &section])
        .arg(program()?)
        .args(["--row", name])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let operations = out.lines().find_map(|line| line.strip_prefix("operations ")?.parse().ok());
    let collected = |line: &str| line.split_once("Collected : ")?.1.trim().parse::<f64>().ok();
    match (operations, err.lines().find_map(collected)) {
        (Some(operations), Some(count)) if output.status.success() && count > 0.0 => {
            let operations: u32 = operations;
            Ok(count / f64::from(operations))
        }
        _ => Err(format!("{name}: {}\n{out}{err}", output.status)),
    }
}
