//! A client for lines of text that stays connected. It connects again whenever the server has gone.
//!
//! What you type while there is no connection is sent with the next one. Try it with
//! `nc -l 127.0.0.1 7010`, which you end and start again.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    process::ExitCode,
    rc::Rc,
    time::Duration,
};

use examples::{parse_args, print_line, refuse};
use qcore::{NotifierType, QCoreApplication, QObject, QSocketNotifier, class};
use qnetwork::{QTcpSocket, Reconnector, SocketError, SocketState, WhenDisconnected};

const USAGE: &str = "\
usage: reconnectingclient [OPTIONS] HOST PORT

Sends the lines of standard input to a server and prints what the server sends. Connects again
when the connection is lost. The end of the input ends the program.

  --delay MS      the longest first delay before the next attempt, in milliseconds [1000]
  --attempts N    give up after so many failed attempts in a row [no limit]
  --keep BYTES    how many bytes of lines wait for a connection [65536]
  --help          print this text";

/// Lines longer than this are printed in pieces.
const LONGEST_LINE: usize = 4096;

class! {
    struct Client: QObject {
        /// Standard input without a buffer: the notifier would not report data inside a buffer.
        input: Rc<File>,
        child typed: QSocketNotifier,
        child link: Reconnector,
        app: QCoreApplication = QCoreApplication::instance(),
        /// The beginning of a line that is not complete.
        begun: RefCell<Vec<u8>> = RefCell::default(),
    }
}

impl Client {
    fn new(link: Reconnector) -> io::Result<Self> {
        let input = Rc::new(File::from(io::stdin().as_fd().try_clone_to_owned()?));
        let typed = QSocketNotifier::try_new(input.clone(), NotifierType::Read)?;
        let this = Self::derive(QObject::new(), input, typed, link);
        this.typed.activated.connect_slot(&this, Self::on_typed);
        this.link.connected.connect_slot(&this, Self::on_connected);
        this.link.waiting.connect_slot(&this, Self::on_waiting);
        this.link.gave_up.connect_slot(&this, Self::on_gave_up);
        // The socket is the same one for all connections, so its slots are connected once.
        let socket = this.link.socket();
        socket.ready_read.connect_slot(&this, Self::on_ready_read);
        socket.state_changed.connect_slot(&this, Self::on_state_changed);
        Ok(this)
    }

    fn on_connected(&self) {
        print_line(&format!("* connected to {} {}", self.link.host().0, self.link.host().1));
    }

    fn on_waiting(&self, delay: &Duration) {
        print_line(&format!("* {}; trying again in {} ms", self.reason(), delay.as_millis()));
    }

    fn on_gave_up(&self, _: &SocketError) {
        eprintln!("reconnectingclient: {}", self.reason());
        self.app.exit(1);
    }

    fn reason(&self) -> String {
        self.link.error().to_string()
    }

    fn on_ready_read(&self) {
        let socket = self.link.socket();
        while socket.can_read_line() || socket.bytes_available() > LONGEST_LINE {
            let line = socket.read_line_with_max_size(LONGEST_LINE);
            print_line(String::from_utf8_lossy(&line).trim_end());
        }
    }

    fn on_typed(&self) {
        let mut buffer = [0; 4096];
        // The input is ready, so this read does not block.
        match (&*self.input).read(&mut buffer) {
            Ok(count @ 1..) => self.begun.borrow_mut().extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            _ => return self.leave(),
        }
        // Whole lines only: a connection that is lost must not leave half a line behind.
        let end = self.begun.borrow().iter().rposition(|byte| *byte == b'\n');
        let Some(end) = end else { return };
        let lines: Vec<_> = self.begun.borrow_mut().drain(..=end).collect();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if let Err(error) = self.link.send(line) {
                print_line(&format!("* not sent: {error}"));
            }
        }
    }

    /// The input has ended: sends the rest and quits.
    fn leave(&self) {
        self.typed.set_enabled(false);
        self.link.stop();
        if self.link.socket().state() == SocketState::Unconnected {
            self.app.quit();
        }
    }

    fn on_state_changed(&self, state: &SocketState) {
        if *state == SocketState::Unconnected && !self.typed.is_enabled() {
            self.app.quit();
        }
    }
}

fn main() -> ExitCode {
    let mut words = Vec::new();
    let (mut delay, mut attempts, mut keep) = (1000_u32, None, 65536);
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("delay") => delay = number(&value())?,
            lexopt::Arg::Long("attempts") => attempts = Some(number(&value())?),
            lexopt::Arg::Long("keep") => keep = number(&value())? as usize,
            lexopt::Arg::Value(value) => words.push(value.to_string_lossy().into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    });
    let [host, port] = &words[..] else { refuse(USAGE, "a host and a port are needed") };
    let Ok(port) = port.parse::<u16>() else { refuse(USAGE, &format!("{port:?} is no port")) };

    let app = QCoreApplication::new();
    let link = Reconnector::new(&QTcpSocket::new(), host, port);
    let first = Duration::from_millis(delay.into());
    link.set_delays(first, first.saturating_mul(60));
    link.set_max_attempts(attempts);
    link.set_when_disconnected(WhenDisconnected::Keep(keep));
    let client = match app.quit_on_ctrl_c().and_then(|()| Client::new(link)) {
        Ok(client) => client,
        Err(error) => {
            eprintln!("reconnectingclient: {error}");
            return ExitCode::FAILURE;
        }
    };
    client.link.start();
    ExitCode::from(app.exec() as u8)
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}
