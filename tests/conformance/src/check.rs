//! Runs each scenario in a process of its own and compares the traces.

use std::{
    env, fs,
    io::{self, Read},
    net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{command::RUN_FLAG, diff, proxy::ProxyKind};

/// The settings for running scenarios.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    /// The folder where `useCertificate` and `trust` find their files.
    pub(crate) certs: PathBuf,
    /// The proxy of every `tcp`.
    pub(crate) by: Option<By>,
    /// The seed of the simulation that scenarios run in.
    pub(crate) seed: Option<u64>,
    /// The time limit of a scenario.
    pub(crate) limit: Duration,
}

/// A proxy and its port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By {
    pub(crate) kind: ProxyKind,
    pub(crate) port: u16,
}

/// The result of a scenario's process.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The trace, empty if there is none.
    pub(crate) trace: String,
    /// The process's standard error.
    pub(crate) messages: String,
    /// The exit status; `None` if the process took too long and was killed.
    pub(crate) status: Option<ExitStatus>,
}

impl Outcome {
    /// Returns the exit status to pass on; 1 if the process has none.
    #[must_use]
    pub(crate) fn code(&self) -> i32 {
        self.status.and_then(|status| status.code()).unwrap_or(1)
    }

    fn problem(&self, limit: Duration) -> Option<String> {
        match self.status {
            None => Some(format!("not done after {} s", limit.as_secs())),
            Some(status) if status.success() => None,
            Some(status) => Some(status.to_string()),
        }
    }
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The trace is the expected one.
    Passed,
    /// The trace is missing or different; with a description.
    Failed(String),
    /// The scenario cannot run on this machine; with the reason.
    Skipped(&'static str),
}

impl Runner {
    /// Runs one scenario.
    ///
    /// # Errors
    ///
    /// If its process cannot be started or watched.
    pub(crate) fn run(&self, scenario: &Path) -> io::Result<Outcome> {
        let folder = OwnFolder::new()?;
        let mut command = Command::new(env::current_exe()?);
        if let Some(By { kind, port }) = self.by {
            command.args(["--proxy", &kind.to_string(), "--proxy-port", &port.to_string()]);
        }
        if let Some(seed) = self.seed {
            command.args(["--seed", &seed.to_string()]);
        }
        let mut child = command
            .arg("--certs")
            .arg(&self.certs)
            .arg(RUN_FLAG)
            .arg(scenario)
            .env("TMPDIR", &folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (trace, messages) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let status = wait(&mut child, self.limit)?;
        Ok(Outcome { trace: text_of(trace), messages: text_of(messages), status })
    }

    /// Returns the file with the expected trace: `NAME.ours` if it exists, or else `NAME.trace`.
    /// With a proxy, the files for that proxy come first.
    fn wanted(&self, scenario: &Path) -> PathBuf {
        let of_proxy =
            self.by.map(|by| [format!("{}.ours", by.kind), format!("{}.trace", by.kind)]);
        let own = of_proxy.into_iter().flatten().map(|end| scenario.with_extension(end));
        let mut candidates = own.chain([scenario.with_extension("ours")]);
        let found = candidates.find(|file| file.exists());
        found.unwrap_or_else(|| scenario.with_extension("trace"))
    }

    /// Runs scenarios and compares their traces. Simulated ones run at the same time: they do not
    /// depend on the time that the machine has for them.
    pub(crate) fn check_all<'a>(
        &'a self,
        scenarios: &'a [PathBuf],
    ) -> Box<dyn Iterator<Item = Verdict> + 'a> {
        if self.seed.is_none() {
            return Box::new(scenarios.iter().map(|scenario| self.check(scenario)));
        }
        let next = AtomicUsize::new(0);
        let done: Vec<_> = scenarios.iter().map(|_| Mutex::new(None)).collect();
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(scenario) = scenarios.get(at) else { return };
                let verdict = self.check(scenario);
                *done[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
            }
        };
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(work);
            }
        });
        let verdict = |done: Mutex<_>| done.into_inner().unwrap_or_else(PoisonError::into_inner);
        Box::new(done.into_iter().filter_map(verdict))
    }

    /// Runs one scenario and compares its trace with the recorded one.
    #[must_use]
    pub(crate) fn check(&self, scenario: &Path) -> Verdict {
        match fs::read_to_string(scenario) {
            Ok(text) if needs_ipv6(&text) && !has_ipv6() => {
                return Verdict::Skipped("this machine has no IPv6 loopback");
            }
            Ok(text) if needs_multicast(&text) && !has_multicast() => {
                return Verdict::Skipped("no group can be joined here");
            }
            Ok(_) => {}
            Err(error) => return Verdict::Failed(format!("{error}\n")),
        }
        let wanted = self.wanted(scenario);
        let want = match fs::read_to_string(&wanted) {
            Ok(want) => want,
            Err(error) => return Verdict::Failed(format!("{}: {error}\n", wanted.display())),
        };
        // Dual-stack sockets show an IPv4 address as an IPv6 one.
        if want.contains("::") && !has_ipv6() {
            return Verdict::Skipped("this machine has no IPv6");
        }
        let outcome = match self.run(scenario) {
            Ok(outcome) => outcome,
            Err(error) => return Verdict::Failed(format!("{error}\n")),
        };
        if let Some(problem) = outcome.problem(self.limit) {
            return Verdict::Failed(format!("{}{problem}\n", outcome.messages));
        }
        let wanted = wanted.display().to_string();
        let difference = diff::unified(&wanted, &want, "this run", &outcome.trace);
        match difference.is_empty() {
            true => Verdict::Passed,
            false => Verdict::Failed(format!("{}{difference}", outcome.messages)),
        }
    }
}

/// Returns whether a scenario uses the IPv6 loopback.
#[must_use]
pub(crate) fn needs_ipv6(scenario: &str) -> bool {
    scenario.lines().any(|line| {
        let line = line.trim();
        let peer = line.starts_with("peer ") || line.starts_with("udppeer ");
        !line.starts_with('#')
            && (line.contains("::1\"")
                || line.contains("LocalHostIPv6")
                || (peer && line.split(' ').any(|word| word == "ipv6")))
    })
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Returns whether a scenario joins an IPv4 multicast group.
#[must_use]
pub(crate) fn needs_multicast(scenario: &str) -> bool {
    scenario.lines().any(|line| line.trim().contains(".joinMulticastGroup(\"224."))
}

fn has_multicast() -> bool {
    let joins = |socket: UdpSocket| {
        socket.join_multicast_v4(&Ipv4Addr::new(224, 0, 0, 251), &Ipv4Addr::UNSPECIFIED)
    };
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(joins).is_ok()
}

/// Waits for the child. Returns `None` if it had to be killed.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads a pipe to its end in a thread of its own, so that the child never blocks on it.
fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut data = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut data).ok();
        }
        data
    })
}

fn text_of(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

/// An empty folder for local servers, removed when it is dropped. So two runs never share names.
struct OwnFolder(PathBuf);

impl OwnFolder {
    fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("conformance-{}-{number}", std::process::id());
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(OwnFolder(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_that_need_ipv6_are_known() {
        assert!(needs_ipv6("peer p\npeer q full ipv6\n"));
        assert!(needs_ipv6("c.connectToHost(\"::1\", 80)\n"));
        assert!(needs_ipv6("s.listen(LocalHostIPv6)\n"));
        assert!(!needs_ipv6("# \"::1\"\npeer p\naddress ipv6\na.setAddress(\"fe80::1%lo\")\n"));
    }

    #[test]
    fn scenarios_that_need_multicast_are_known() {
        assert!(needs_multicast("udp u\n  u.joinMulticastGroup(\"224.0.0.251\")\n"));
        assert!(!needs_multicast("udp u\nu.joinMulticastGroup(\"127.0.0.1\")\n"));
    }

    #[test]
    fn a_child_that_hangs_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let begun = Instant::now();
        assert_eq!(wait(&mut child, Duration::from_millis(50)).unwrap(), None);
        assert!(begun.elapsed() < Duration::from_secs(30));
        let mut child = Command::new("true").spawn().unwrap();
        assert!(wait(&mut child, Duration::from_secs(30)).unwrap().unwrap().success());
    }

    #[test]
    fn folders_are_empty_and_go_away() {
        let (one, two) = (OwnFolder::new().unwrap(), OwnFolder::new().unwrap());
        assert_ne!(one.0, two.0);
        let path = one.0.clone();
        fs::write(path.join("file"), "x").unwrap();
        drop(one);
        assert!(!path.exists());
    }
}
