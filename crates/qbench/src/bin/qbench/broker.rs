//! What a delivery of a message costs a broker for MQTT. Starts mosquitto, and plays the clients of
//! either broker.

use std::{
    cell::Cell,
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    rc::Rc,
    thread::sleep,
    time::Duration,
};

use qcore::{
    framing::{Framed, LengthPrefix, PrefixSize},
    wait_until,
};
use qnetwork::QTcpSocket;

use crate::results::Figure;

const SUBSCRIBERS: u32 = 200;
const MESSAGES: u32 = 1000;
/// How many messages the publisher sends before the first is acknowledged.
const WINDOW: u32 = 10;
/// The length of a payload in bytes.
const SIZE: usize = 64;
/// How long to wait for anything, in milliseconds.
const PATIENCE: i32 = 60_000;

type Packets = Framed<QTcpSocket, LengthPrefix>;

/// Returns the program of the mosquitto broker, if it is installed. It is often in a folder that is
/// not in the search path of users.
pub(crate) fn mosquitto() -> Option<&'static str> {
    ["mosquitto", "/usr/sbin/mosquitto"].into_iter().find(|program| {
        // It ends with a status that is not 0 after it has printed its help.
        let help = Command::new(program).arg("-h").output();
        help.is_ok_and(|help| help.stdout.starts_with(b"mosquitto"))
    })
}

/// Starts mosquitto by `command`, which gets the path of its settings, and returns the port.
pub(crate) fn start_mosquitto(
    command: &mut Command,
    folder: &Path,
) -> Result<(Child, u16), String> {
    let said = |error: std::io::Error| format!("mosquitto: {error}");
    // mosquitto cannot choose a port itself.
    let free = TcpListener::bind("127.0.0.1:0").map_err(said)?;
    let port = free.local_addr().map_err(said)?.port();
    drop(free);
    let settings = folder.join("mosquitto.conf");
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
    fs::write(&settings, text).map_err(said)?;
    command.arg("-c").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().map_err(said)?;
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok((process, port));
        }
        sleep(Duration::from_millis(20));
    }
    process.kill().ok();
    process.wait().ok();
    Err("mosquitto does not listen".to_owned())
}

#[derive(Default)]
struct Counts {
    subscribed: Cell<u32>,
    sent: Cell<u32>,
    acknowledged: Cell<u32>,
    delivered: Cell<u32>,
}

fn raise(count: &Cell<u32>) {
    count.set(count.get() + 1);
}

/// Publishes messages to many subscribers with QoS 1, and returns the broker's CPU time in
/// microseconds for each delivery.
pub(crate) fn deliver(pid: u32, port: u16) -> Result<Vec<Figure>, String> {
    let counts = Rc::new(Counts::default());
    let subscribers: Result<Vec<_>, _> =
        (0..SUBSCRIBERS).map(|number| subscriber(&format!("s{number}"), port, &counts)).collect();
    let subscribers = subscribers?;
    if !wait_until(PATIENCE, || counts.subscribed.get() == SUBSCRIBERS) {
        return Err("the broker has not accepted all subscribers".to_owned());
    }
    let before = cpu(pid)?;
    let publisher = publisher(port, &counts)?;
    let expected = SUBSCRIBERS * MESSAGES;
    let is_done = || counts.delivered.get() == expected && counts.acknowledged.get() == MESSAGES;
    if !wait_until(PATIENCE, is_done) {
        return Err(format!("{} of {expected} deliveries", counts.delivered.get()));
    }
    let used = cpu(pid)? - before;
    drop((publisher, subscribers));
    Ok(vec![("broker.cpu".to_owned(), used / f64::from(expected) * 1e6)])
}

fn subscriber(id: &str, port: u16, counts: &Rc<Counts>) -> Result<Packets, String> {
    let packets = connect(id, port)?;
    packets.message.connect_to((&packets, counts), |(packets, counts), packet| match packet[0] {
        // It has connected: it subscribes to the topic "ab".
        0x20 => drop(packets.send(b"\x82\0\x01\0\x02ab\x01")),
        0x90 => raise(&counts.subscribed),
        0x32 | 0x3a => {
            raise(&counts.delivered);
            packets.send(&[0x40, packet[5], packet[6]]).ok();
        }
        _ => {}
    });
    Ok(packets)
}

fn publisher(port: u16, counts: &Rc<Counts>) -> Result<Packets, String> {
    let packets = connect("p", port)?;
    packets.message.connect_to((&packets, counts), |(packets, counts), packet| {
        if packet[0] == 0x40 {
            raise(&counts.acknowledged);
        }
        while counts.sent.get() < (counts.acknowledged.get() + WINDOW).min(MESSAGES) {
            raise(&counts.sent);
            let id = (counts.sent.get() as u16).to_be_bytes();
            packets.send_parts(&[b"\x32\0\x02ab", &id, &[b'x'; SIZE]]).ok();
        }
    });
    Ok(packets)
}

fn connect(id: &str, port: u16) -> Result<Packets, String> {
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", port);
    socket.wait_for_connected(PATIENCE).map_err(|error| error.to_string())?;
    let codec = LengthPrefix::new(PrefixSize::Varint(4)).with_header_size(1);
    let packets = Framed::new(&socket, codec);
    let length = (id.len() as u16).to_be_bytes();
    let parts = [&b"\x10\0\x04MQTT\x04\x02\0\0"[..], &length, id.as_bytes()];
    packets.send_parts(&parts).map_err(|error| error.to_string())?;
    Ok(packets)
}

/// Returns the CPU time of a process in seconds, in user mode and in the kernel.
pub(crate) fn cpu(pid: u32) -> Result<f64, String> {
    let tasks = format!("/proc/{pid}/task");
    let said = |error: std::io::Error| format!("{tasks}: {error}");
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(&tasks).map_err(said)? {
        let times = fs::read_to_string(task.map_err(said)?.path().join("schedstat"));
        let times = times.map_err(said)?;
        let first = times.split_whitespace().next().and_then(|first| first.parse::<f64>().ok());
        nanoseconds += first.ok_or_else(|| format!("{tasks}: {times}"))?;
    }
    Ok(nanoseconds / 1e9)
}
