//! What is measured: the workloads, with the peers that do them, and the rows of the page.

/// A library or a way to do the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    Ours,
    Qt,
    Tokio,
    Smol,
    Calloop,
    Mio,
    Std,
    Mosquitto,
}

use Peer::{Calloop, Mio, Mosquitto, Ours, Qt, Smol, Std, Tokio};

impl Peer {
    pub(crate) const ALL: [Peer; 8] = [Ours, Qt, Tokio, Smol, Calloop, Mio, Std, Mosquitto];

    /// The name in the tables and for `--only`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Ours => "qcore",
            Qt => "Qt",
            Tokio => "tokio",
            Smol => "smol",
            Calloop => "calloop",
            Mio => "mio",
            Std => "std",
            Mosquitto => "mosquitto",
        }
    }
}

/// One kind of work.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) peers: &'static [Peer],
    /// The peers that do it in the first round only, because they take long.
    pub(crate) once: &'static [Peer],
}

pub(crate) enum Kind {
    /// A program does the work alone, and prints its figures.
    Micro,
    /// A server, in this mode, serves the load generator, which does this work. The figures get the
    /// workload's name in front.
    Server { mode: &'static str, load: &'static [&'static str], cores: Cores },
    /// A broker for MQTT delivers messages to many subscribers.
    Broker,
    /// A relay moves many bytes to a server, by a pipe of the kernel or by copying.
    Relay { copies: bool },
    /// Clients are started and ended.
    StartUp,
    /// The files of programs are measured.
    Size,
}

/// The cores of a server and its client.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cores {
    One,
    Two,
}

const fn micro(name: &'static str, peers: &'static [Peer]) -> Workload {
    Workload { name, kind: Kind::Micro, peers, once: &[] }
}

const fn server(
    name: &'static str,
    mode: &'static str,
    load: &'static [&'static str],
    cores: Cores,
    peers: &'static [Peer],
) -> Workload {
    Workload { name, kind: Kind::Server { mode, load, cores }, peers, once: &[] }
}

const fn connections(
    name: &'static str,
    load: &'static [&'static str],
    once: &'static [Peer],
) -> Workload {
    let kind = Kind::Server { mode: "echo", load, cores: Cores::Two };
    Workload { name, kind, peers: &[Ours, Qt, Tokio, Mio], once }
}

const SERVERS: &[Peer] = &[Ours, Qt, Tokio, Smol, Calloop, Mio, Std];
const DATAGRAMS: &[Peer] = &[Ours, Qt, Tokio, Smol, Mio, Std];
const ENCRYPTED: &[Peer] = &[Ours, Qt, Tokio, Std];

pub(crate) const WORKLOADS: &[Workload] = &[
    micro("emit", &[Ours, Qt, Std]),
    micro("emit-to", &[Ours, Qt, Std]),
    micro("connect", &[Ours, Qt, Std]),
    micro("queued", &[Ours, Qt, Tokio, Calloop, Std]),
    micro("crossthread", &[Ours, Qt, Tokio, Calloop]),
    micro("zero", &[Ours, Qt, Tokio, Smol, Calloop]),
    micro("timers10k", &[Ours, Qt, Tokio, Smol, Calloop]),
    Workload { once: &[Qt, Calloop], ..micro("timers", &[Ours, Qt, Tokio, Smol, Calloop]) },
    micro("tasks", &[Ours, Tokio, Smol]),
    micro("text", &[Ours, Qt, Std]),
    micro("echo", &[Ours, Qt, Tokio, Smol, Calloop, Mio]),
    micro("blocking", &[Ours, Qt, Std]),
    server("echo1", "echo", &["echo", "1"], Cores::One, SERVERS),
    server("echo64", "echo", &["echo", "64"], Cores::Two, SERVERS),
    server("echotasks", "echo-tasks", &["echo", "64"], Cores::Two, &[Ours]),
    server("http64", "http", &["http", "64"], Cores::Two, &[Ours, Tokio]),
    server("httpsmol64", "http-smol", &["http", "64"], Cores::Two, &[Ours, Smol]),
    server("bulkin", "sink", &["bulk"], Cores::Two, SERVERS),
    server("bulkout", "source", &["down"], Cores::Two, SERVERS),
    connections("connections1", &["connections", "1"], &[]),
    connections("connections10", &["connections", "10"], &[]),
    connections("connections100", &["connections", "100"], &[]),
    connections("connections1000", &["connections", "1000"], &[]),
    connections("connections10000", &["connections", "10000"], &[Qt]),
    server("udp1", "udp", &["udp", "1"], Cores::One, DATAGRAMS),
    server("udp32", "udp", &["udp", "32"], Cores::Two, DATAGRAMS),
    micro("burst", &[Ours, Qt, Std]),
    server("tlshandshake", "tls-echo", &["tls-handshake"], Cores::Two, ENCRYPTED),
    server("tlsecho", "tls-echo", &["tls-echo"], Cores::One, ENCRYPTED),
    server("tlsbulk", "tls-sink", &["tls-bulk"], Cores::Two, ENCRYPTED),
    Workload {
        name: "relay",
        kind: Kind::Relay { copies: false },
        peers: &[Ours, Tokio],
        once: &[],
    },
    Workload { name: "relaycopy", kind: Kind::Relay { copies: true }, peers: &[Ours], once: &[] },
    Workload { name: "broker", kind: Kind::Broker, peers: &[Ours, Mosquitto], once: &[] },
    Workload { once: &[Qt], ..micro("grow", &[Ours, Qt, Tokio, Std]) },
    Workload { name: "start", kind: Kind::StartUp, peers: &[Ours, Qt], once: &[] },
    Workload { name: "size", kind: Kind::Size, peers: &[Ours], once: &[Ours] },
];

/// A table of the page.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// What the columns are, where it is not clear.
    pub(crate) note: &'static str,
    pub(crate) rows: &'static [Row],
}

/// A row of a table.
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) unit: &'static str,
    /// Whether the figure is a rate, of which more is better.
    pub(crate) is_rate: bool,
}

const fn cost(title: &'static str, figure: &'static str, unit: &'static str) -> Row {
    Row { title, figure, unit, is_rate: false }
}

const fn rate(title: &'static str, figure: &'static str, unit: &'static str) -> Row {
    Row { title, figure, unit, is_rate: true }
}

pub(crate) const SECTIONS: &[Section] = &[
    Section {
        title: "Signals and queued calls",
        note: "The column std is a `Vec<Box<dyn Fn>>` for closures, a `Vec<(Weak<T>, fn)>` for \
               receivers, and a `VecDeque<Box<dyn FnOnce>>` for queued calls. tokio's queued call \
               is a message of a channel to a task; calloop's is an idle callback.",
        rows: &[
            cost("emission to 1 closure", "emit_n1", "ns"),
            cost("emission to 10 closures, for each", "emit_n10", "ns"),
            cost("emission to 100 closures, for each", "emit_n100", "ns"),
            cost("emission to 1 receiver", "emit_to_n1", "ns"),
            cost("emission to 10 receivers, for each", "emit_to_n10", "ns"),
            cost("emission to 100 receivers, for each", "emit_to_n100", "ns"),
            cost("connect and disconnect, 1 slot", "connect_and_disconnect_n1", "ns"),
            cost("connect and disconnect, 100 slots", "connect_and_disconnect_n100", "ns"),
            cost("connect and disconnect, 10,000 slots", "connect_and_disconnect_n10000", "ns"),
            cost("queued call, 1000 in a turn", "queued_batch1000", "ns"),
            cost("queued call, one in a turn", "queued_chain", "ns"),
            cost("the same in a loop with a socket", "queued_chain_with_socket", "ns"),
            cost("call to another thread and back", "crossthread_roundtrip", "ns"),
            cost("call to another thread, 1000 at once", "crossthread_batch1000", "ns"),
        ],
    },
    Section {
        title: "Timers",
        note: "The timers are due within one second, in random order. The cost is the CPU time of \
               all together, from the first start to the last timeout. A zero timer of tokio and \
               smol is a task that yields.",
        rows: &[
            cost("10,000 timers", "timers10k_total_cpu", "s"),
            cost("100,000 timers", "timers100k_total_cpu", "s"),
            rate("zero timer", "zero_timer", "1/s"),
        ],
    },
    Section {
        title: "Tasks",
        note: "Where a thread wakes tasks, it waits until all of them have run, and then repeats \
               that. Both threads share a core.",
        rows: &[
            cost("spawn a task that ends at once", "task_spawn_and_finish", "ns"),
            cost("one task wakes another", "task_ping_pong", "ns"),
            cost("another thread wakes a task and waits for it", "task_wake", "ns"),
            cost("another thread wakes 1000 tasks, for each task", "task_wake_batch", "ns"),
            cost("a task awaits a signal", "signal_next", "ns"),
        ],
    },
    Section {
        title: "TCP",
        note: "Messages have 64 bytes. With one connection, server and client share a core; in the \
               other rows each has its own. The column std is a blocking server with a thread for \
               each connection, mio is one written by hand.",
        rows: &[
            rate("echo, both ends in one loop", "echo_inproc", "1/s"),
            cost("server's CPU for a round trip, 1 connection", "echo1.cpu", "µs"),
            cost("server's CPU for a round trip, 64 connections", "echo64.cpu", "µs"),
            cost("the same with a task for each connection", "echotasks.cpu", "µs"),
            rate("accepting 10,000 connections", "connections10000.rate", "1/s"),
            cost("server's CPU for accepting one", "connections10000.cpu", "µs"),
            cost("memory of an idle connection, of 10,000", "connections10000.memory", "B"),
            cost("CPU for a round trip among 10,000", "connections10000.active", "µs"),
            cost("receiving, CPU for a gigabyte", "bulkin.cpu", "s"),
            cost("sending, CPU for a gigabyte", "bulkout.cpu", "s"),
            cost("CPU of a blocking client's round trip", "blocking_trip", "µs"),
        ],
    },
    Section {
        title: "UDP",
        note: "Datagrams have 64 bytes. Qt, tokio, smol, mio and std send one datagram with each \
               system call.",
        rows: &[
            cost("server's CPU for an echo, one at a time", "udp1.cpu", "µs"),
            cost("server's CPU for an echo, 32 in flight", "udp32.cpu", "µs"),
            cost("CPU for sending one of 32 at once", "udp_burst", "µs"),
            cost("CPU for sending one, one by one", "udp_each", "µs"),
        ],
    },
    Section {
        title: "TLS",
        note: "TLS 1.3 with AES-256-GCM and an RSA key of 2048 bits. The column tokio is \
               tokio-rustls, std is rustls on blocking sockets.",
        rows: &[
            cost("server's CPU for a handshake", "tlshandshake.cpu", "µs"),
            cost("server's CPU for a round trip of 64 bytes", "tlsecho.cpu", "µs"),
            cost("receiving, CPU for a gigabyte", "tlsbulk.cpu", "s"),
        ],
    },
    Section {
        title: "HTTP",
        note: "hyper answers requests with a greeting, over 64 connections that stay open. All \
               columns have the same version of hyper and the same answer. For hyper's I/O, qcore \
               has the `HyperIo` of our examples, tokio the `TokioIo` of hyper-util, and smol the \
               `FuturesIo` of smol-hyper.",
        rows: &[
            rate("requests", "http64.rate", "1/s"),
            cost("server's CPU for a request", "http64.cpu", "µs"),
            cost("the same through `FuturesIo`", "httpsmol64.cpu", "µs"),
        ],
    },
    Section {
        title: "Relay",
        note: "The example `tcprelay`, and a relay with tokio's `copy_bidirectional`. Each moves a \
               gigabyte from one TCP connection to another one. In the second row, the process has \
               no descriptors for a pipe of the kernel.",
        rows: &[
            cost("relay's CPU for a gigabyte", "relay.cpu", "s"),
            cost("the same, without `splice`", "relaycopy.cpu", "s"),
        ],
    },
    Section {
        title: "MQTT",
        note: "The example `mqttbroker`, and mosquitto, with 200 subscribers of one topic. \
               Messages have 64 bytes and QoS 1, and each delivery is acknowledged.",
        rows: &[cost("broker's CPU for a delivery", "broker.cpu", "µs")],
    },
    Section {
        title: "Text streams",
        note: "400,000 values over a buffer. The column std is `BufRead` and `write!`.",
        rows: &[
            cost("read a line", "text_read_line", "ns"),
            cost("read a line into a string", "text_read_line_into", "ns"),
            cost("read a word", "text_read_word", "ns"),
            cost("read an integer", "text_read_int", "ns"),
            cost("read a real number", "text_read_double", "ns"),
            cost("write an integer", "text_write_int", "ns"),
            cost("write a real number", "text_write_double", "ns"),
            cost("write a line", "text_write_line", "ns"),
        ],
    },
    Section {
        title: "Start-up and size",
        note: "The fortune client is started, connects to a server on the same machine, prints a \
               fortune and ends. Its binary has no TLS and is stripped. \
               `cargo build --profile small -p examples --example fortuneclient` builds the \
               smallest one.",
        rows: &[
            cost("the fortune client, from start to end", "start", "ms"),
            cost("size of its binary, profile release", "size_release", "kB"),
            cost("size of its binary, profile dist", "size_dist", "kB"),
            cost("size of its binary, profile small", "size_small", "kB"),
        ],
    },
];

/// How a cost grows.
pub(crate) struct Growth {
    pub(crate) title: &'static str,
    pub(crate) file: &'static str,
    pub(crate) axis: &'static str,
    pub(crate) unit: &'static str,
    /// The name of the figure for a number, with `#` for the number.
    pub(crate) figure: &'static str,
}

pub(crate) const GROWTH: &[Growth] = &[
    Growth {
        title: "Emission, for each slot",
        file: "emission.svg",
        axis: "slots of the signal",
        unit: "ns",
        figure: "emit_at_#",
    },
    Growth {
        title: "Disconnect a slot and connect it again",
        file: "connect.svg",
        axis: "slots of the signal",
        unit: "ns",
        figure: "reconnect_at_#",
    },
    Growth {
        title: "Start and stop a timer",
        file: "timers.svg",
        axis: "other timers that run",
        unit: "ns",
        figure: "timer_at_#",
    },
    Growth {
        title: "Server's CPU for a round trip",
        file: "connections.svg",
        axis: "connections, one active at a time",
        unit: "µs",
        figure: "connections#.active",
    },
];

/// The numbers of slots, timers and connections.
pub(crate) const SIZES: [u32; 6] = [1, 10, 100, 1000, 10_000, 100_000];
