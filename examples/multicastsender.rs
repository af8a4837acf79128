//! Sends a datagram to an IPv4 and an IPv6 multicast group once a second, like Qt's example.

use std::{cell::Cell, process::ExitCode};

use examples::{Group, parse_args, print_line};
use qcore::{QCoreApplication, QObject, QTimer, class};
use qnetwork::{QHostAddress, QUdpSocket, SocketOption};

const USAGE: &str = "\
usage: multicastsender [--group ADDR]... [--interface NAME] [--port PORT] [--ttl N]
                       [--every MS] [--count N]

Sends a datagram to multicast groups at regular intervals.

  --group ADDR      a multicast group to send to [239.255.43.21 and ff12::2115]
  --interface NAME  the interface to use; by default the system chooses
  --port PORT       the port to send to [45454]
  --ttl N           the time to live: the number of routers to pass, plus one [1]
  --every MS        the interval in milliseconds [1000]
  --count N         stop after N datagrams for each group; 0 means on Ctrl-C [0]
  --help            print this text";

struct Options {
    group: Group,
    ttl: u8,
    every: u32,
    count: u64,
}

class! {
    /// The sender: a timer and one socket for each group.
    struct Sender: QObject {
        sockets: Vec<(QHostAddress, QUdpSocket)>,
        options: Options,
        every: i32,
        app: QCoreApplication = QCoreApplication::instance(),
        child timer: QTimer = QTimer::with_interval(every),
        number: Cell<u64> = Cell::new(0),
    }
}

impl Sender {
    fn send(&self) {
        let number = self.number.get() + 1;
        self.number.set(number);
        let text = format!("Multicast message {number}");
        for (group, socket) in &self.sockets {
            match socket.write_datagram(&text, group.clone(), self.options.group.port) {
                Ok(_) => print_line(&format!("sent to {group}: {text}")),
                Err(error) => eprintln!("multicastsender: {group}: {error}"),
            }
        }
        if number == self.options.count {
            self.app.quit();
        }
    }
}

fn main() -> ExitCode {
    let mut options = Options { group: Group::default(), ttl: 1, every: 1000, count: 0 };
    parse_args(USAGE, |argument, value| {
        let number = |error: std::num::ParseIntError| error.to_string();
        match argument {
            lexopt::Arg::Long("ttl") => options.ttl = value().parse().map_err(number)?,
            lexopt::Arg::Long("every") => options.every = value().parse().map_err(number)?,
            lexopt::Arg::Long("count") => options.count = value().parse().map_err(number)?,
            _ => return options.group.argument(argument, value),
        }
        Ok(true)
    });
    match run(options) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("multicastsender: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let (groups, by) = (options.group.addresses(), options.group.interface()?);
    let mut sockets = Vec::new();
    for group in groups {
        let socket = QUdpSocket::new();
        // Setting an option needs a bound socket, bound to an address of the group's family.
        socket.bind(Group::any(&group), 0)?;
        socket.set_socket_option(SocketOption::MulticastTtl, options.ttl.into());
        socket.set_multicast_interface(by.as_ref())?;
        sockets.push((group, socket));
    }
    let every = i32::try_from(options.every)?;
    let sender = Sender::derive(QObject::new(), sockets, options, every);
    sender.timer.timeout.connect_slot(&sender, Sender::send);
    sender.timer.start();
    Ok(app.exec())
}
