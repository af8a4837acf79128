//! The measured programs: builds them, and runs them in processes that are pinned to a core.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::{
    broker,
    machine::{cores, first_line},
    relay::Upstream,
    results::{Figure, median},
    workloads::{Cores, Kind, Peer, Workload},
};

/// How often a client is started for one figure.
const STARTS: usize = 20;

pub(crate) struct Programs {
    root: PathBuf,
    /// The folder that cargo builds in.
    target: PathBuf,
    has_peers: bool,
    has_qt: bool,
    /// The core of servers, and the one of all other programs.
    cores: [u32; 2],
    all_cores: Vec<u32>,
    has_taskset: bool,
    mosquitto: Option<&'static str>,
}

impl Programs {
    /// Finds the programs, and builds them first if `build` is set. Where the peers or Qt cannot be
    /// built, this says so and goes on.
    pub(crate) fn new(root: &Path, build: bool) -> Result<Self, String> {
        let target = env::current_exe().ok();
        let target = target.as_deref().and_then(Path::parent).and_then(Path::parent);
        let target = target.ok_or("this program is in no target folder")?.to_owned();
        let all = cores();
        let first = all.first().copied().unwrap_or(0);
        let mut programs = Programs {
            root: root.to_owned(),
            has_peers: false,
            has_qt: false,
            cores: [first, all.get(1).copied().unwrap_or(first)],
            all_cores: all,
            has_taskset: !first_line("taskset", &["--version"]).is_empty(),
            mosquitto: broker::mosquitto(),
            target,
        };
        if programs.mosquitto.is_none() {
            eprintln!("qbench: skipped: there is no mosquitto; Debian's package has this name");
        }
        if !programs.has_taskset {
            eprintln!("qbench: there is no taskset, so that no process is pinned to a core");
        }
        if build {
            programs.build()?;
        } else {
            programs.has_peers = programs.peer("load").exists();
            programs.has_qt = programs.qt_program().exists();
        }
        Ok(programs)
    }

    fn build(&mut self) -> Result<(), String> {
        let ours = ["-p", "qbench", "--features", "http", "--bin", "qmicro", "--bin", "qserver"];
        self.cargo(&[&["--profile", "dist"][..], &ours].concat())?;
        let fortune =
            ["-p", "examples", "--example", "fortuneclient", "--example", "fortuneserver"];
        self.cargo(&[&["--profile", "dist"][..], &fortune].concat())?;
        let broker = ["-p", "examples", "--features", "tls", "--example", "mqttbroker"];
        self.cargo(&[&["--profile", "dist"][..], &broker].concat())?;
        let relay = ["-p", "examples", "--example", "tcprelay"];
        self.cargo(&[&["--profile", "dist"][..], &relay].concat())?;
        self.cargo(&[&["--release"][..], &fortune].concat())?;
        self.cargo(&[&["--profile", "small"][..], &fortune].concat())?;
        let manifest = self.root.join("crates/qbench/peers/Cargo.toml");
        let manifest = manifest.to_str().ok_or("the path is not in UTF-8")?;
        let folder = self.peers_target();
        let folder = folder.to_str().ok_or("the path is not in UTF-8")?;
        let peers =
            ["--profile", "dist", "--locked", "--manifest-path", manifest, "--target-dir", folder];
        self.has_peers = or_without(self.cargo(&peers));
        self.has_qt = or_without(self.build_qt());
        Ok(())
    }

    fn peers_target(&self) -> PathBuf {
        self.target.join("peers")
    }

    fn qt_program(&self) -> PathBuf {
        self.peers_target().join("qt/qtbench")
    }

    fn cargo(&self, arguments: &[&str]) -> Result<(), String> {
        let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&self.root).arg("build").args(arguments);
        if !arguments.contains(&"--target-dir") {
            command.arg("--target-dir").arg(&self.target);
        }
        succeed(&mut command)
    }

    fn build_qt(&self) -> Result<(), String> {
        let config = |arguments: &[&str]| first_line("pkg-config", arguments);
        let flags = config(&["--cflags", "--libs", "Qt5Network"]);
        if flags.is_empty() {
            return Err("there is no Qt; Debian's qtbase5-dev has it".to_owned());
        }
        let source = self.root.join("crates/qbench/qt/qtbench.cpp");
        let program = self.qt_program();
        let folder = program.parent().unwrap_or(&self.target);
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let moc = Path::new(&config(&["--variable=host_bins", "Qt5Core"])).join("moc");
        let generated = folder.join("qtbench.moc");
        succeed(Command::new(moc).arg(&source).arg("-o").arg(&generated))?;
        let mut compiler = Command::new("g++");
        compiler.args(["-O2", "-std=c++17", "-fPIC", "-I"]).arg(folder).arg(&source);
        succeed(compiler.arg("-o").arg(&program).args(flags.split_whitespace()))
    }

    pub(crate) fn can(&self, workload: &Workload, peer: Peer) -> bool {
        // The load generator is among the peers.
        let has_client = self.has_peers || !matches!(workload.kind, Kind::Server { .. });
        has_client
            && match peer {
                Peer::Ours => true,
                Peer::Qt => self.has_qt,
                Peer::Mosquitto => self.mosquitto.is_some(),
                _ => self.has_peers,
            }
    }

    /// Does a workload once, and returns the figures.
    pub(crate) fn measure(
        &self,
        workload: &Workload,
        peer: Peer,
        seconds: f64,
    ) -> Result<Vec<Figure>, String> {
        match workload.kind {
            Kind::Micro => self.micro(workload.name, peer, seconds),
            Kind::Server { mode, load, cores } => {
                let figures = self.load(mode, load, cores, peer, seconds)?;
                let name = |figure: String| format!("{}.{figure}", workload.name);
                Ok(figures.into_iter().map(|(figure, value)| (name(figure), value)).collect())
            }
            Kind::Broker => self.broker(peer),
            Kind::Relay { copies } => self.relay(workload.name, peer, copies),
            Kind::StartUp => self.start_up(peer),
            Kind::Size => self.sizes(),
        }
    }

    fn ours(&self, name: &str) -> PathBuf {
        self.target.join("dist").join(name)
    }

    fn peer(&self, name: &str) -> PathBuf {
        self.peers_target().join("dist").join(name)
    }

    fn micro(&self, work: &str, peer: Peer, seconds: f64) -> Result<Vec<Figure>, String> {
        let seconds = seconds.to_string();
        let mut command = match peer {
            Peer::Ours => self.pinned(1, &self.ours("qmicro"), &[]),
            Peer::Qt => self.pinned(1, &self.qt_program(), &["micro"]),
            _ => self.pinned(1, &self.peer("micro"), &[peer.name()]),
        };
        figures(command.args([work, &seconds]))
    }

    fn load(
        &self,
        mode: &str,
        load: &[&str],
        cores: Cores,
        peer: Peer,
        seconds: f64,
    ) -> Result<Vec<Figure>, String> {
        let core = usize::from(cores == Cores::One);
        let mut command = match peer {
            Peer::Ours => self.pinned(core, &self.ours("qserver"), &[]),
            Peer::Qt => self.pinned(core, &self.qt_program(), &["server"]),
            _ => self.pinned(core, &self.peer("server"), &[peer.name()]),
        };
        command.arg(mode);
        if mode.starts_with("tls") {
            let certificates = self.root.join("tests/conformance/certs");
            command.args([certificates.join("good.crt"), certificates.join("good.key")]);
        }
        let server = Server::start(&mut command)?;
        let (pid, port) = (server.process.id().to_string(), server.port.clone());
        let mut client = self.pinned(1, &self.peer("load"), &[&pid, &port, &seconds.to_string()]);
        figures(client.args(load))
    }

    fn broker(&self, peer: Peer) -> Result<Vec<Figure>, String> {
        let server = match (peer, self.mosquitto) {
            (Peer::Mosquitto, Some(program)) => {
                let mut command = self.pinned(0, Path::new(program), &[]);
                let (process, port) = broker::start_mosquitto(&mut command, &self.target)?;
                Server { process, port: port.to_string() }
            }
            _ => {
                let program = self.ours("examples/mqttbroker");
                Server::start(&mut self.pinned(0, &program, &["--listen", "127.0.0.1:0"]))?
            }
        };
        let port = server.port.parse().map_err(|_| format!("{} is no port", server.port))?;
        self.pin_this_process(&self.cores[1].to_string());
        let figures = broker::deliver(server.process.id(), port);
        self.unpin_this_process();
        figures
    }

    fn relay(&self, name: &str, peer: Peer, copies: bool) -> Result<Vec<Figure>, String> {
        let upstream = Upstream::new()?;
        let address = upstream.address()?;
        let mut command = match peer {
            Peer::Ours => {
                let arguments = ["--listen", "127.0.0.1:0", "--to", &address];
                self.pinned(0, &self.ours("examples/tcprelay"), &arguments)
            }
            _ => self.pinned(0, &self.peer("server"), &[peer.name(), "relay", &address]),
        };
        let server = Server::start(&mut command)?;
        let port = server.port.parse().map_err(|_| format!("{} is no port", server.port))?;
        self.pin_this_process(&self.cores[1].to_string());
        let figures = upstream.receive(name, server.process.id(), port, copies);
        self.unpin_this_process();
        figures
    }

    /// Starts the fortune client many times. Returns the median of the milliseconds that a run
    /// took.
    fn start_up(&self, peer: Peer) -> Result<Vec<Figure>, String> {
        let program = self.ours("examples/fortuneserver");
        let server = Server::start(&mut self.pinned(0, &program, &["--listen", "127.0.0.1:0"]))?;
        let (mut command, before) = match peer {
            Peer::Qt => (Command::new(self.qt_program()), "fortune"),
            _ => (Command::new(self.ours("examples/fortuneclient")), "127.0.0.1"),
        };
        command.args([before, &server.port]);
        // A shell and taskset would take longer than the client. It inherits the core from here.
        self.pin_this_process(&self.cores[1].to_string());
        let run = || {
            let start = Instant::now();
            let output = command.output().map_err(|error| error.to_string())?;
            let milliseconds = start.elapsed().as_secs_f64() * 1e3;
            if !output.status.success() || output.stdout.is_empty() {
                return Err(format!("the client got no fortune: {}", output.status));
            }
            Ok(milliseconds)
        };
        let times: Result<Vec<f64>, String> = std::iter::repeat_with(run).take(STARTS).collect();
        self.unpin_this_process();
        let time = median(times?).unwrap_or_default();
        Ok(vec![("start".to_owned(), time)])
    }

    fn pin_this_process(&self, cores: &str) {
        if self.has_taskset {
            let id = std::process::id().to_string();
            first_line("taskset", &["-a", "-c", "-p", cores, &id]);
        }
    }

    fn unpin_this_process(&self) {
        let all: Vec<String> = self.all_cores.iter().map(u32::to_string).collect();
        self.pin_this_process(&all.join(","));
    }

    fn sizes(&self) -> Result<Vec<Figure>, String> {
        ["release", "dist", "small"]
            .into_iter()
            .map(|profile| {
                let program = self.target.join(profile).join("examples/fortuneclient");
                let stripped = self.target.join("fortuneclient.stripped");
                succeed(Command::new("strip").arg(&program).arg("-o").arg(&stripped))?;
                let size = fs::metadata(&stripped).map_err(|error| error.to_string())?.len();
                fs::remove_file(&stripped).ok();
                Ok((format!("size_{profile}"), size as f64 / 1e3))
            })
            .collect()
    }

    /// Returns the command that runs a program on a core, with as many descriptors as it may have.
    fn pinned(&self, core: usize, program: &Path, arguments: &[&str]) -> Command {
        let pin = if self.has_taskset { "taskset -c \"$0\"" } else { "" };
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n \"$(ulimit -H -n)\"; exec {pin} \"$@\"")]);
        command.arg(self.cores[core].to_string()).arg(program).args(arguments);
        command
    }
}

fn or_without(built: Result<(), String>) -> bool {
    if let Err(problem) = &built {
        eprintln!("qbench: skipped: {problem}");
    }
    built.is_ok()
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// Runs a program and returns the figures that it prints.
fn figures(command: &mut Command) -> Result<Vec<Figure>, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{}: {}", output.status, text.trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| figure(line).ok_or_else(|| format!("this is no figure: {line}"))).collect()
}

/// Reads a line such as `{"bench":"emit","peer":"here","value":2.5,"unit":"ns"}`.
fn figure(line: &str) -> Option<Figure> {
    let (_, rest) = line.split_once(r#""bench":""#)?;
    let (name, rest) = rest.split_once('"')?;
    let (_, rest) = rest.split_once(r#""value":"#)?;
    let (value, _) = rest.split_once(',')?;
    Some((name.to_owned(), value.parse().ok()?))
}

/// A server that runs until this is dropped.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn start(command: &mut Command) -> Result<Self, String> {
        let mut process =
            command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line).ok();
        }
        // The fortune server prints a sentence, the others a word; the port is the last number.
        let mut numbers = line.split(|character: char| !character.is_ascii_digit());
        let port = numbers.rfind(|number| !number.is_empty()).map(str::to_owned);
        let server = Server { process, port: port.clone().unwrap_or_default() };
        port.map(|_| server).ok_or_else(|| format!("the server printed no port: {line}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
