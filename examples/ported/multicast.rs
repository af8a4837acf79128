//! Listens to binary packets of multicast groups, or sends some, on the loopback interface.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    error::Error,
    process::ExitCode,
};

use qcore::{prelude::*, stream::StreamStatus};
use qnetwork::prelude::*;

const USAGE: &str = "\
usage: ported-multicast PORT COUNT GROUP...
       ported-multicast --send SENDER PORT COUNT GROUP [SKIPPED...]

The listener prints COUNT packets and what was lost. The sender, which has the number
SENDER, sends packets 0 to COUNT-1 to the group, except those to be skipped.";
const MAGIC: u32 = 0x4D43_5354;
const VERSION: u8 = 1;
const TEXT: u8 = 0;
const END: u8 = 1;
const SEND_INTERVAL: i32 = 5;

fn loopback_interface() -> Result<QNetworkInterface, Box<dyn Error>> {
    let mut interfaces = QNetworkInterface::all_interfaces().into_iter();
    let found = interfaces.find(|it| it.flags().contains(InterfaceFlags::IS_LOOP_BACK));
    Ok(found.ok_or("there is no loopback interface")?)
}

/// A datagram: a magic number, a version, and these fields, in Qt's binary format.
#[derive(Clone)]
struct Packet {
    kind: u8,
    sender: u32,
    number: u32,
    payload: String,
}

impl Packet {
    fn encode(&self) -> Vec<u8> {
        let mut stream = QDataStream::from_bytes([]);
        stream.write(&MAGIC).write(&VERSION).write(&self.kind);
        stream.write(&self.sender).write(&self.number).write(&self.payload);
        stream.into_bytes()
    }

    /// Returns the packet, or `None` if the data is damaged.
    fn decode(data: &[u8]) -> Option<Self> {
        let mut stream = QDataStream::from_bytes(data);
        let head: (u32, u8) = stream.read();
        let (kind, sender) = stream.read();
        let (number, payload) = stream.read();
        let is_whole = stream.status() == StreamStatus::Ok && stream.at_end();
        (head == (MAGIC, VERSION) && is_whole).then_some(Packet { kind, sender, number, payload })
    }
}

/// Counts the packets of one sender to one group.
#[derive(Default)]
struct Flow {
    expected: u32,
    received: u32,
    lost: u32,
    late: u32,
}

impl Flow {
    /// Counts a packet. Returns how many packets are missing before it.
    fn count(&mut self, number: u32) -> u32 {
        self.received += 1;
        let missing = number.wrapping_sub(self.expected);
        if missing >= 0x8000_0000 {
            self.late += 1;
            self.lost = self.lost.saturating_sub(1);
            return 0;
        }
        self.lost += missing;
        self.expected = number.wrapping_add(1);
        missing
    }
}

class! {
    /// Receives the packets of several groups.
    struct Listener: QUdpSocket {
        packet_received: Signal<(String, Packet)>,
        packets_missing: Signal<(String, u32)>,
        damaged: Signal<String>,
        flows: RefCell<BTreeMap<(String, u32), Flow>> = RefCell::default(),
    }
}

impl Listener {
    fn new() -> Self {
        let this = Self::derive(QUdpSocket::new());
        this.ready_read.connect_slot(&this, Self::on_ready_read);
        this
    }

    fn start(&self, port: u16, groups: &[&str]) -> Result<(), Box<dyn Error>> {
        self.bind_with_mode(QHostAddress::AnyIPv4, port, BindMode::SHARE_ADDRESS)?;
        let interface = loopback_interface()?;
        for group in groups {
            self.join_multicast_group_on(*group, &interface)?;
        }
        Ok(())
    }

    fn on_ready_read(&self) {
        while let Ok(datagram) = self.receive_datagram() {
            let group = datagram.destination_address().to_string();
            let Some(packet) = Packet::decode(datagram.data()) else {
                self.damaged.emit(group);
                continue;
            };
            let missing = self.count(&group, &packet);
            if missing > 0 {
                self.packets_missing.emit((group.clone(), missing));
            }
            self.packet_received.emit((group, packet));
        }
    }

    fn count(&self, group: &str, packet: &Packet) -> u32 {
        let mut flows = self.flows.borrow_mut();
        let new = || Flow { expected: packet.number, ..Flow::default() };
        flows.entry((group.to_owned(), packet.sender)).or_insert_with(new).count(packet.number)
    }
}

class! {
    /// Prints what the listener receives, until it has received enough.
    struct Monitor: QObject {
        count: Cell<u32>,
        child listener: Listener = Listener::new(),
    }
}

impl Monitor {
    fn new(port: u16, count: u32, groups: &[&str]) -> Result<Self, Box<dyn Error>> {
        let this = Self::derive(QObject::new(), count.into());
        this.listener.packet_received.connect_slot(&this, Self::on_packet);
        this.listener.packets_missing.connect(|(group, n)| println!("{group}: {n} missing"));
        this.listener.damaged.connect(|group| println!("{group}: damaged packet"));
        this.listener.start(port, groups)?;
        println!("listening on 0.0.0.0:{}", this.listener.local_port());
        Ok(this)
    }

    fn on_packet(&self, group: &str, packet: &Packet) {
        let kind = if packet.kind == END { "end" } else { "text" };
        println!("{group}: {kind} {} {}", packet.number, packet.payload);
        self.count.set(self.count.get() - 1);
        if self.count.get() == 0 {
            self.listener.block_signals(true);
            self.print_summary();
            QCoreApplication::instance().quit();
        }
    }

    fn print_summary(&self) {
        for ((group, sender), flow) in &*self.listener.flows.borrow() {
            let counts =
                format!("{} received, {} lost, {} late", flow.received, flow.lost, flow.late);
            println!("{group}: sender {sender}: {counts}");
        }
    }
}

class! {
    /// Sends packets at regular times.
    struct Sender: QObject {
        sender: u32,
        port: u16,
        group: String,
        numbers: RefCell<VecDeque<u32>>,
        child socket: QUdpSocket = QUdpSocket::new(),
        child timer: QTimer = QTimer::with_interval(SEND_INTERVAL),
    }
}

impl Sender {
    fn new(
        sender: u32,
        port: u16,
        group: &str,
        numbers: VecDeque<u32>,
    ) -> Result<Self, Box<dyn Error>> {
        let this = Self::derive(QObject::new(), sender, port, group.to_owned(), numbers.into());
        this.socket.bind(QHostAddress::AnyIPv4, 0)?;
        this.socket.set_socket_option(SocketOption::MulticastTtl, 0);
        this.socket.set_multicast_interface(Some(&loopback_interface()?))?;
        this.timer.timeout.connect_slot(&this, Self::send_next);
        this.timer.start();
        Ok(this)
    }

    fn send_next(&self) {
        let Some(number) = self.numbers.borrow_mut().pop_front() else {
            return QCoreApplication::instance().quit();
        };
        let kind = if self.numbers.borrow().is_empty() { END } else { TEXT };
        let packet =
            Packet { kind, sender: self.sender, number, payload: format!("packet {number}") };
        if let Err(error) = self.socket.write_datagram(packet.encode(), &*self.group, self.port) {
            eprintln!("{error}");
            QCoreApplication::instance().exit(1);
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let app = QCoreApplication::new();
    let arguments = QCoreApplication::arguments();
    let _program: QObject = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["--send", sender, port, count, group, ref skipped @ ..] => {
            let is_sent = |number: &u32| !skipped.contains(&number.to_string().as_str());
            let numbers = (0..count.parse()?).filter(is_sent).collect();
            Sender::new(sender.parse()?, port.parse()?, group, numbers)?.into()
        }
        [port, count, ref groups @ ..] if !groups.is_empty() => {
            Monitor::new(port.parse()?, count.parse()?, groups)?.into()
        }
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::FAILURE);
        }
    };
    Ok(ExitCode::from(app.exec() as u8))
}
