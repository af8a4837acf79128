//! Broadcasts a datagram to the network once a second, like Qt's example.

use std::{cell::Cell, process::ExitCode};

use examples::{parse_args, print_line};
use qcore::{QCoreApplication, QObject, QTimer, class};
use qnetwork::{QHostAddress, QUdpSocket};

const USAGE: &str = "\
usage: broadcastsender [--to ADDR] [--port PORT] [--every MS] [--count N]

Broadcasts a datagram to the network at regular intervals.

  --to ADDR    the address to send to [255.255.255.255]
  --port PORT  the port to send to [45454]
  --every MS   the interval in milliseconds [1000]
  --count N    stop after N datagrams; 0 means on Ctrl-C [0]
  --help       print this text";

struct Options {
    to: String,
    port: u16,
    every: u32,
    count: u64,
}

class! {
    /// The sender: a timer and a socket. The socket need not be bound.
    struct Sender: QObject {
        to: QHostAddress,
        options: Options,
        every: i32,
        app: QCoreApplication = QCoreApplication::instance(),
        child socket: QUdpSocket = QUdpSocket::new(),
        child timer: QTimer = QTimer::with_interval(every),
        number: Cell<u64> = Cell::new(0),
    }
}

impl Sender {
    fn send(&self) {
        let number = self.number.get() + 1;
        self.number.set(number);
        let text = format!("Broadcast message {number}");
        match self.socket.write_datagram(&text, self.to.clone(), self.options.port) {
            Ok(_) => print_line(&format!("sent: {text}")),
            Err(error) => {
                eprintln!("broadcastsender: {error}");
                return self.app.exit(1);
            }
        }
        if number == self.options.count {
            self.app.quit();
        }
    }
}

fn main() -> ExitCode {
    let mut options =
        Options { to: "255.255.255.255".to_owned(), port: 45454, every: 1000, count: 0 };
    parse_args(USAGE, |argument, value| {
        let number = |error: std::num::ParseIntError| error.to_string();
        match argument {
            lexopt::Arg::Long("to") => options.to = value(),
            lexopt::Arg::Long("port") => options.port = value().parse().map_err(number)?,
            lexopt::Arg::Long("every") => options.every = value().parse().map_err(number)?,
            lexopt::Arg::Long("count") => options.count = value().parse().map_err(number)?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(options) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("broadcastsender: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let to = options.to.parse()?;
    let every = i32::try_from(options.every)?;
    let sender = Sender::derive(QObject::new(), to, options, every);
    sender.timer.timeout.connect_slot(&sender, Sender::send);
    sender.timer.start();
    Ok(app.exec())
}
