//! A simulated network: whole programs, servers and clients, in one process, on virtual time.
//!
//! A [`Simulation`] runs programs that use the sockets of this crate, unchanged. Below the sockets
//! is a model of the kernels of simulated hosts and of the network between them. Nothing reaches
//! the network of this machine. Time is virtual: it stands still while a program runs, and jumps to
//! the next event when all programs wait. An hour of time-outs passes in milliseconds.
//!
//! A seed determines all random choices: which of several programs runs first, which ports the
//! system assigns, and which faults happen. Two runs with the same seed do the same and write the
//! same [log](Simulation::log), byte for byte.
//!
//! ```
//! use qcore::QCoreApplication;
//! use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, simulation::Simulation};
//!
//! let answer = Simulation::new(7).run(|net| {
//!     net.host("server", "10.0.0.1").start(|| {
//!         let app = QCoreApplication::new();
//!         let server = QTcpServer::new();
//!         server.new_connection.connect_to(&server, |server, ()| {
//!             let socket = server.next_pending_connection().unwrap();
//!             socket.ready_read.connect_to(&socket, |socket, ()| {
//!                 socket.write(socket.read_all()).ok();
//!             });
//!         });
//!         server.listen(QHostAddress::Any, 80).unwrap();
//!         app.exec();
//!     });
//!     let socket = QTcpSocket::new();
//!     socket.connect_to_host("server", 80);
//!     socket.wait_for_connected(1000).unwrap();
//!     socket.write("hello").unwrap();
//!     socket.wait_for_ready_read(1000).unwrap();
//!     socket.read_all()
//! });
//! assert_eq!(answer, b"hello");
//! ```
//!
//! # Programs
//!
//! The closure that [`run`](Simulation::run) takes is a program, and so is each closure that
//! [`Host::start`] takes. Each program has a thread of its own, with its own event loop, clock and
//! application. Exactly one of these threads runs at any time. The others run when it waits in
//! `exec()`, in a function such as `wait_for_connected()`, or in [`sleep`]. If a program waits in
//! any other way, such as for a mutex, the whole simulation stands still.
//!
//! When the closure of `run` returns, the simulation ends the other programs: their threads unwind
//! from the functions in which they wait.
//!
//! # What is simulated
//!
//! TCP, UDP, local sockets, host names and time. The simulation refuses other sockets. A `QThread`
//! that a program starts is another program on the same host. Other threads, such as those of
//! `std::thread` and `QThreadPool`, are not programs: their sockets are sockets of this machine.
//! `Instant`, `SystemTime` and the list of network interfaces are also those of this machine: a
//! program that measures time uses a [`QElapsedTimer`](qcore::QElapsedTimer), which is simulated. All programs
//! share the settings of the process, such as the proxy of the application.

mod faults;
mod link;
mod net;
mod random;
mod socket;
mod tcp;
mod udp;
mod unix;
mod world;

use std::{fmt, net::IpAddr, panic::resume_unwind, sync::Arc, thread, time::Duration};

pub(crate) use self::socket::Watched;
pub use self::{faults::Faults, link::Link, socket::Socket};
use self::{
    link::LONGEST,
    net::HostEntry,
    world::{Event, World, with_current},
};
use crate::address::NetworkLayerProtocol;

/// A simulated network and its programs. See the [module](self).
#[derive(Debug)]
pub struct Simulation {
    seed: u64,
    log: String,
}

impl Simulation {
    /// Creates a simulation. The seed determines all random choices.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Simulation { seed, log: String::new() }
    }

    /// Runs the program `main` on the host `main`, which has the address 10.255.255.1, and returns
    /// its result.
    ///
    /// Each call creates a new network, in which the time is 0.
    ///
    /// # Panics
    ///
    /// With the panic of `main`, or of the first other program that panics. The function prints the
    /// seed to the standard error. It also panics if all programs wait for events that cannot
    /// happen.
    pub fn run<R: Send>(&mut self, main: impl FnOnce(&Network) -> R + Send) -> R {
        let world = World::new(self.seed);
        let network = Network { world: world.clone() };
        let host = network.host("main", "10.255.255.1");
        let program = world.add_program("main", host.number);
        let mut result = None;
        let panic = thread::scope(|scope| {
            let (world, result, network) = (&world, &mut result, &network);
            let main = move || {
                world.run_program(program, host.number, || *result = Some(main(network)));
            };
            let main = thread::Builder::new().name("main".to_owned()).spawn_scoped(scope, main);
            let main = main.expect("the system starts a thread");
            world.run_first();
            let panic = world.end();
            // The panic of a program was caught.
            panic.or(main.join().err())
        });
        self.log = world.take_log();
        match (panic, result) {
            (None, Some(result)) => result,
            (Some(panic), _) => {
                eprintln!("the simulation had the seed {}", self.seed);
                resume_unwind(panic)
            }
            (None, None) => unreachable!("a program that does not return panics"),
        }
    }

    /// Returns the log of the last run. A line has the time in seconds and an event of the network.
    /// Runs with the same seed write the same log.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.log
    }

    /// Runs `main` in one simulation for each seed.
    ///
    /// # Panics
    ///
    /// If a simulation panics. The function prints its seed to the standard error.
    pub fn seeds(seeds: impl IntoIterator<Item = u64>, main: impl Fn(&Network) + Sync) {
        for seed in seeds {
            Simulation::new(seed).run(|network| main(network));
        }
    }
}

/// The network of a simulation.
#[derive(Clone, Debug)]
pub struct Network {
    world: Arc<World>,
}

impl Network {
    /// Adds a host with a name and an address. Other hosts can look its name up. Each host also has
    /// the loopback addresses.
    ///
    /// # Panics
    ///
    /// If `address` is not an address, or if another host has it.
    #[track_caller]
    #[must_use = "a host without a program does nothing"]
    pub fn host(&self, name: &str, address: &str) -> Host {
        let address = parse(address);
        let mut state = self.world.lock();
        let taken = state.net.hosts.iter().any(|host| host.addresses.contains(&address));
        let number = state.net.hosts.len();
        if !taken {
            state.net.hosts.push(HostEntry::new(name, address));
        }
        drop(state);
        assert!(!taken, "another host has the address {address}");
        Host { world: self.world.clone(), number }
    }

    /// Gives a name to addresses. A look-up of the name returns them in this order.
    ///
    /// # Panics
    ///
    /// If one of the texts is not an address.
    #[track_caller]
    pub fn name(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| parse(address)).collect();
        self.world.lock().net.names.insert(name.to_ascii_lowercase(), addresses);
    }

    /// Sets how long look-ups of a name take, for its IPv4 addresses, its IPv6 addresses or, with
    /// another `family`, for both. The default is 1 ms. A look-up of both families takes the longer
    /// of the two times. The longest time is 146 years, so `Duration::MAX` stands for a resolver
    /// that never answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use qnetwork::{NetworkLayerProtocol, QHostInfo, simulation::Simulation};
    ///
    /// Simulation::new(1).run(|net| {
    ///     net.name("example.net", &["10.0.0.1", "fd00::1"]);
    ///     let slow = Duration::from_secs(2);
    ///     net.set_lookup_time("example.net", NetworkLayerProtocol::IPv6, slow);
    ///     assert_eq!(QHostInfo::from_name("example.net").addresses().len(), 2);
    ///     assert_eq!(net.now(), slow);
    /// });
    /// ```
    pub fn set_lookup_time(&self, name: &str, family: NetworkLayerProtocol, time: Duration) {
        let time = time.min(Duration::from_nanos(LONGEST));
        let mut state = self.world.lock();
        let times = state.net.lookup_times.entry(name.to_ascii_lowercase()).or_insert([LOOKUP; 2]);
        for (own, its) in times.iter_mut().zip(FAMILIES) {
            if its == family || !FAMILIES.contains(&family) {
                *own = time;
            }
        }
    }

    /// Returns the host of the program that [`Simulation::run`] has started.
    #[must_use]
    pub fn main(&self) -> Host {
        Host { world: self.world.clone(), number: 0 }
    }

    // ---- links

    /// Sets the properties of the link between two hosts. The loopback of a host has no link:
    /// there, packets arrive without a delay or a loss.
    pub fn set_link(&self, a: &Host, b: &Host, link: Link) {
        self.world.lock().net.links.set(a.number, b.number, link);
    }

    /// Sets the properties of all links that [`set_link`](Network::set_link) does not set.
    pub fn set_default_link(&self, link: Link) {
        self.world.lock().net.links.other = link;
    }

    /// Cuts the link between two hosts. Datagrams are lost. TCP sends its segments again after
    /// [`repair`](Network::repair). If the link is still cut after 15 minutes, a connection that
    /// has sent something fails with a time-out.
    #[doc(alias = "partition")]
    pub fn cut(&self, a: &Host, b: &Host) {
        let mut state = self.world.lock();
        state.log_line(format_args!("the link between two hosts is cut"));
        state.net.links.cut(a.number, b.number);
    }

    /// Repairs a link that was [cut](Network::cut). TCP then sends the segments that have waited.
    #[doc(alias = "heal")]
    pub fn repair(&self, a: &Host, b: &Host) {
        let mut state = self.world.lock();
        state.log_line(format_args!("the link between two hosts is repaired"));
        state.repair(a.number, b.number);
    }

    /// Resets all TCP connections between two hosts, as a router between them could.
    pub fn reset_connections(&self, a: &Host, b: &Host) {
        self.world.lock().reset_between(a.number, b.number);
    }

    // ---- chance, time, log

    /// Returns the seed of the simulation.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.world.seed()
    }

    /// Returns a random number, which the seed determines.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.world.lock().random.next()
    }

    /// Returns the simulated time since the beginning of this run.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.world.lock().now)
    }

    /// Adds a line to the log.
    pub fn log(&self, line: &str) {
        self.world.lock().log_line(format_args!("{line}"));
    }
}

#[track_caller]
fn parse(address: &str) -> IpAddr {
    match address.parse() {
        Ok(address) => address,
        Err(_) => panic!("{address:?} is no address"),
    }
}

/// A host of a simulated network.
#[derive(Clone)]
pub struct Host {
    world: Arc<World>,
    number: usize,
}

impl Host {
    /// Adds an address.
    ///
    /// # Panics
    ///
    /// If `address` is not an address.
    #[track_caller]
    #[must_use = "this returns the host"]
    pub fn address(self, address: &str) -> Self {
        let address = parse(address);
        self.world.lock().net.hosts[self.number].addresses.push(address);
        self
    }

    /// Sets how often system calls of this host fail. By default none fails.
    pub fn set_faults(&self, faults: Faults) {
        self.world.lock().net.hosts[self.number].faults = faults;
    }

    /// Stops the programs of this host for a time, as if the machine were suspended. Its kernel
    /// still receives packets. Afterwards the programs see that their clocks have jumped.
    ///
    /// The program that calls this function runs until it next waits.
    pub fn freeze(&self, time: Duration) {
        let mut state = self.world.lock();
        state.log_line(format_args!("a host is frozen"));
        let until = state.now.saturating_add(world::nanos(time));
        state.net.hosts[self.number].frozen_until = until;
    }

    /// Returns how many sockets of this host have a descriptor: those that its programs have not
    /// closed. A test that expects none at its end finds leaks.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpServer, simulation::Simulation};
    ///
    /// Simulation::new(1).run(|net| {
    ///     let server = QTcpServer::new();
    ///     server.listen(QHostAddress::Any, 80).unwrap();
    ///     assert_eq!(net.main().open_sockets(), 1);
    ///     drop(server);
    ///     assert_eq!(net.main().open_sockets(), 0);
    /// });
    /// ```
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        let mut state = self.world.lock();
        // Nothing tells when the program closes a descriptor that it has taken out of its socket.
        state.collect_closed();
        let sockets = state.net.sockets.values();
        sockets.filter(|sock| sock.host == self.number && sock.owners > 0).count()
    }

    /// Starts a program on this host. It runs when the calling program next waits.
    ///
    /// # Panics
    ///
    /// If the operating system starts no more threads.
    pub fn start(&self, program: impl FnOnce() + Send + 'static) {
        let name = self.world.lock().net.hosts[self.number].name.clone();
        let builder = thread::Builder::new().name(name);
        let thread = self.world.start(builder, self.number, program);
        self.world.keep(thread.expect("the system starts a thread"));
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("number", &self.number).finish_non_exhaustive()
    }
}

// ---- the program of this thread

/// Returns whether this thread is a program of a simulation.
#[must_use]
pub fn is_simulated() -> bool {
    with_current(|_| ()).is_some()
}

/// Lets this program wait without its event loop. Outside of a simulation it waits in real time.
///
/// Meanwhile the sockets of this program send and receive nothing, and its timers do not fire. To let
/// time pass while its event loop runs, call [`qcore::run_for`].
pub fn sleep(time: Duration) {
    // The clock of the loop moves, too.
    qcore::internals::pause(time);
}

/// Starts another program on the host of this program. Outside of a simulation it starts a thread.
///
/// # Panics
///
/// If the operating system starts no more threads.
pub fn start(program: impl FnOnce() + Send + 'static) {
    match with_current(|turn| Host { world: turn.world.clone(), number: turn.host }) {
        Some(host) => host.start(program),
        None => drop(thread::spawn(program)),
    }
}

// ---- what the rest of the crate asks

/// How long a look-up of a name takes by default.
const LOOKUP: Duration = Duration::from_millis(1);

const FAMILIES: [NetworkLayerProtocol; 2] =
    [NetworkLayerProtocol::IPv4, NetworkLayerProtocol::IPv6];

/// Returns the name of this host, if it is a simulated one.
pub(crate) fn host_name() -> Option<String> {
    with_current(|turn| turn.world.lock().net.hosts[turn.host].name.clone())
}

/// Returns the addresses of a name, if this host is a simulated one.
pub(crate) fn addresses_of(name: &str) -> Option<Vec<IpAddr>> {
    with_current(|turn| turn.world.lock().net.addresses_of(turn.host, name))
}

/// Returns the name of an address, if this host is a simulated one.
pub(crate) fn name_of(address: IpAddr) -> Option<Option<String>> {
    with_current(|turn| turn.world.lock().net.name_of(address))
}

/// Returns how long a look-up of a name takes.
pub(crate) fn lookup_time(name: &str, family: NetworkLayerProtocol) -> Duration {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let times = with_current(|turn| turn.world.lock().net.lookup_times.get(&name).copied());
    let [v4, v6] = times.flatten().unwrap_or([LOOKUP; 2]);
    match family {
        NetworkLayerProtocol::IPv4 => v4,
        NetworkLayerProtocol::IPv6 => v6,
        _ => v4.max(v6),
    }
}

/// Makes a call after a time. The call must not use the network.
pub(crate) fn after(time: Duration, call: impl FnOnce() + Send + 'static) {
    with_current(|turn| {
        let mut state = turn.world.lock();
        let at = state.now.saturating_add(world::nanos(time));
        state.schedule(at, Event::Call(Box::new(call)));
    });
}

/// Returns the simulated time since the beginning of the simulation to which this thread belongs;
/// `None` if it belongs to none.
#[must_use]
pub fn now() -> Option<Duration> {
    with_current(|turn| Duration::from_nanos(turn.world.lock().now))
}

/// Returns a value that the programs of a host share.
pub(crate) fn of_host<T: Default + Send + Sync + 'static>() -> Option<Arc<T>> {
    with_current(|turn| turn.world.lock().net.of_host(turn.host))
}
