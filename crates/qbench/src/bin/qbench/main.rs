//! Measures this library, other libraries and Qt on the same work, and writes
//! `docs/performance.md`.
//!
//! ```sh
//! cargo run --release -p qbench                          # everything: some minutes
//! cargo run --release -p qbench -- --only 'echo|timers'  # some of it, without writing the page
//! ```
//!
//! The measured programs are built with the profile `dist`, with whatever profile this program is
//! built itself: `qmicro` and `qserver` for this library, `crates/qbench/peers` for the other ones,
//! and `crates/qbench/qt` if Qt's headers are installed. The peers are a workspace of their own,
//! with their own `Cargo.lock`, so that no other build compiles them.
//!
//! In each round, the peers of one workload run one after another, in processes that are pinned to
//! a core. The page shows medians over the rounds, and the median of each round's ratio.
//!
//! The command `soak` measures nothing: it checks the library for some minutes. See `soak/mod.rs`.

mod broker;
mod machine;
mod page;
mod plot;
mod programs;
mod relay;
mod results;
mod soak;
mod workloads;

use std::{fs, path::Path, process::ExitCode, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};
use lexopt::{Arg, Parser, ValueExt};
use regex_lite::Regex;

use self::{
    programs::Programs,
    results::Results,
    workloads::{Peer, WORKLOADS, Workload},
};

const USAGE: &str = "\
usage: qbench [--rounds N] [--seconds S] [--only REGEX] [--no-build]
       qbench soak --help

Measures this library, other libraries and Qt, prints the medians, and writes docs/performance.md.

  --rounds N    how often everything is measured; 5 if it is not given
  --seconds S   how long one measurement lasts, where that can be chosen; 0.3 if it is not given
  --only REGEX  measures the workloads whose name, WORKLOAD/PEER, matches, and writes no page
  --no-build    measures the programs as they were built last
  --help        prints this text";

struct Options {
    rounds: u32,
    seconds: f64,
    only: Option<Regex>,
    build: bool,
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    let options = Options { rounds: 5, seconds: 0.3, only: None, build: true };
    read_options(1, options, |options, name, parser| {
        match name {
            "rounds" => options.rounds = parser.value()?.parse()?,
            "seconds" => options.seconds = parser.value()?.parse()?,
            "only" => options.only = Some(parser.value()?.parse_with(Regex::new)?),
            "no-build" => options.build = false,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Reads the options from the argument number `first` on. `take` stores the one with this name, and
/// returns whether there is such an option. Returns `None` if `--help` is given.
fn read_options<T>(
    first: usize,
    mut options: T,
    take: impl Fn(&mut T, &str, &mut Parser) -> Result<bool, lexopt::Error>,
) -> Result<Option<T>, lexopt::Error> {
    let mut parser = Parser::from_args(std::env::args_os().skip(first));
    while let Some(argument) = parser.next()? {
        let Arg::Long(name) = argument else { return Err(argument.unexpected()) };
        let name = name.to_owned();
        if name == "help" {
            return Ok(None);
        }
        if !take(&mut options, &name, &mut parser)? {
            return Err(Arg::Long(&name).unexpected());
        }
    }
    Ok(Some(options))
}

/// Returns the options. Without any, prints why or how to use them, and returns the exit status.
fn or_usage<T>(options: Result<Option<T>, lexopt::Error>, usage: &str) -> Result<T, ExitCode> {
    match options {
        Ok(Some(options)) => Ok(options),
        Ok(None) => {
            println!("{usage}");
            Err(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("qbench: {error}\n{usage}");
            Err(ExitCode::from(2))
        }
    }
}

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "soak") {
        return soak::main();
    }
    let options = match or_usage(options(), USAGE) {
        Ok(options) => options,
        Err(code) => return code,
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("qbench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let wanted = |workload: &Workload, peer: Peer| {
        let name = format!("{}/{}", workload.name, peer.name());
        options.only.as_ref().is_none_or(|only| only.is_match(&name))
    };
    let programs = Programs::new(&root, options.build)?;
    let mut plan = Vec::new();
    for round in 0..options.rounds {
        for workload in WORKLOADS {
            for &peer in workload.peers {
                let skipped = round > 0 && workload.once.contains(&peer);
                if !skipped && programs.can(workload, peer) && wanted(workload, peer) {
                    plan.push((round, workload, peer));
                }
            }
        }
    }

    let style = "{elapsed_precise} [{bar:30}] {pos}/{len} {msg}";
    let bar = ProgressBar::new(plan.len() as u64)
        .with_style(ProgressStyle::with_template(style).expect("a template"));
    let (mut results, started) = (Results::default(), Instant::now());
    for (round, workload, peer) in plan {
        bar.set_message(format!("round {}: {}/{}", round + 1, workload.name, peer.name()));
        match programs.measure(workload, peer, options.seconds) {
            Ok(figures) => results.add(round, peer, figures),
            Err(problem) => bar.suspend(|| {
                eprintln!("qbench: {}/{}: {problem}", workload.name, peer.name());
            }),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();

    print!("{}", page::tables(&results));
    if options.only.is_some() {
        return Ok(());
    }
    let page = root.join("docs/performance.md");
    let kept = fs::read_to_string(&page).unwrap_or_default();
    let text = page::page(&results, options.rounds, started.elapsed(), &kept);
    write(&page, &text)?;
    for (name, picture) in plot::pictures(&results) {
        write(&root.join("docs/performance").join(name), &picture)?;
    }
    println!("wrote {} in {} s", page.display(), started.elapsed().as_secs());
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}
