//! The command line.

use std::{
    ffi::OsString,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    check::{By, Runner, Verdict},
    proxy::{self, ProxyKind},
    run,
};

/// Runs the scenario in this process. The runner calls itself with this flag; it is not for users.
pub(crate) const RUN_FLAG: &str = "--run";

/// The time limit of a scenario.
const LIMIT: Duration = Duration::from_secs(120);

/// The exit status for an invalid scenario.
pub(crate) const WRONG_SCENARIO: i32 = 3;

const USAGE: &str = "\
Usage: conformance [OPTION...] FILE...           print the trace of each scenario
       conformance [OPTION...] --check FILE...   compare each with its NAME.ours or NAME.trace
       conformance --serve-proxy KIND            run a proxy until stdin ends; print its port

  --certs DIR   the directory of the certificates
  --simulated   run in the simulated network, on virtual time
  --seed N      the seed of the simulation (1)
  --proxy KIND  every tcp uses a socks5 or http proxy; NAME.KIND.ours and NAME.KIND.trace go first
";

/// The command line's options.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    mode: Mode,
    certs: PathBuf,
    proxy: Option<ProxyKind>,
    /// The port of a proxy that is running already.
    proxy_port: u16,
    /// The seed of the simulation that the scenario runs in.
    seed: Option<u64>,
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Print,
    Check,
    Run,
    ServeProxy,
    Help,
}

/// Runs the program with these arguments and returns its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> i32 {
    let options = match parse(args) {
        Ok(options) => options,
        Err(error) => {
            eprint!("conformance: {error}\n{USAGE}");
            return 2;
        }
    };
    let done = match options.mode {
        Mode::Help => io::stdout().write_all(USAGE.as_bytes()).map(|()| 0),
        Mode::Run => Ok(run_here(&options)),
        Mode::ServeProxy => serve_proxy(&options),
        Mode::Print => print(&options),
        Mode::Check => check(&options),
    };
    match done {
        Ok(status) => status,
        // The reader of the output has closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => 0,
        Err(error) => {
            eprintln!("conformance: {error}");
            1
        }
    }
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Options, lexopt::Error> {
    use lexopt::{
        Arg::{Long, Short, Value},
        ValueExt,
    };
    let mut parser = lexopt::Parser::from_iter(args);
    let certs = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs");
    let files = Vec::new();
    let mut options =
        Options { mode: Mode::Print, certs, proxy: None, proxy_port: 0, seed: None, files };
    while let Some(arg) = parser.next()? {
        match arg {
            Long("certs") => options.certs = parser.value()?.into(),
            Long("check") => options.mode = Mode::Check,
            Long("simulated") => options.seed = options.seed.or(Some(1)),
            Long("seed") => options.seed = Some(parser.value()?.parse()?),
            Long("run") => options.mode = Mode::Run,
            Long("proxy") => options.proxy = Some(parser.value()?.parse()?),
            Long("proxy-port") => options.proxy_port = parser.value()?.parse()?,
            Long("serve-proxy") => {
                options.mode = Mode::ServeProxy;
                options.proxy = Some(parser.value()?.parse()?);
            }
            Long("help") | Short('h') => options.mode = Mode::Help,
            Value(file) => options.files.push(file.into()),
            _ => return Err(arg.unexpected()),
        }
    }
    if options.seed.is_some() && options.proxy.is_some() {
        return Err("a proxy cannot be simulated".into());
    }
    if options.files.is_empty() && !matches!(options.mode, Mode::Help | Mode::ServeProxy) {
        return Err("no scenario is given".into());
    }
    Ok(options)
}

fn serve_proxy(options: &Options) -> io::Result<i32> {
    let Some(kind) = options.proxy else { return Ok(2) };
    println!("{}", proxy::serve(kind)?);
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(0)
}

fn runner(options: &Options) -> io::Result<Runner> {
    let by = match options.proxy {
        Some(kind) => Some(By { kind, port: proxy::serve(kind)? }),
        None => None,
    };
    Ok(Runner { certs: options.certs.clone(), by, seed: options.seed, limit: LIMIT })
}

fn run_here(options: &Options) -> i32 {
    let by = options.proxy.map(|kind| By { kind, port: options.proxy_port });
    let (file, certs) = (&options.files[0], &options.certs);
    let trace = match options.seed {
        Some(seed) => run::simulated(file, certs, seed),
        None => run::scenario(file, certs, by),
    };
    match trace {
        Ok(trace) => match io::stdout().write_all(trace.as_bytes()) {
            Ok(()) => 0,
            Err(_) => 1,
        },
        Err(error) => {
            eprintln!("{}", error.of_file(&options.files[0].to_string_lossy()));
            WRONG_SCENARIO
        }
    }
}

fn print(options: &Options) -> io::Result<i32> {
    let runner = runner(options)?;
    let mut worst = 0;
    for file in &options.files {
        let outcome = runner.run(file)?;
        io::stdout().write_all(outcome.trace.as_bytes())?;
        io::stderr().write_all(outcome.messages.as_bytes())?;
        if outcome.status.is_none_or(|status| status.code().is_none()) {
            eprintln!("{}: it did not come to its end", file.display());
        }
        worst = worst.max(outcome.code());
    }
    Ok(worst)
}

fn check(options: &Options) -> io::Result<i32> {
    let runner = runner(options)?;
    let (mut passed, mut failed) = (0, 0);
    let mut out = io::stdout();
    let verdicts = runner.check_all(&options.files);
    for (file, verdict) in options.files.iter().zip(verdicts) {
        match verdict {
            Verdict::Passed => passed += 1,
            Verdict::Failed(why) => {
                failed += 1;
                write!(out, "failed {}\n{why}", file.display())?;
            }
            Verdict::Skipped(why) => writeln!(out, "skipped {}: {why}", file.display())?,
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(i32::from(failed > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> Result<Options, lexopt::Error> {
        parse(["conformance"].iter().chain(args).map(OsString::from))
    }

    #[test]
    fn arguments() {
        let parsed = options(&["--check", "a.scn", "--certs", "here", "b.scn"]).unwrap();
        assert_eq!(parsed.mode, Mode::Check);
        assert_eq!(parsed.certs, Path::new("here"));
        assert_eq!(parsed.files, [Path::new("a.scn"), Path::new("b.scn")]);
        assert_eq!(options(&["a.scn"]).unwrap().mode, Mode::Print);
        assert!(options(&["--check"]).is_err());
        assert!(options(&["--chek", "a.scn"]).is_err());
    }
}
