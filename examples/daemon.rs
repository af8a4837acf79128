//! A server that ends cleanly. It greets each client and sends back all data.
//!
//! On SIGTERM or Ctrl-C it stops listening, lets its connections finish up to a deadline, and ends.
//! A second Ctrl-C ends it at once. On SIGHUP it reads its greeting again. Try it with
//! `nc 127.0.0.1 7009` and `kill`.

use std::{cell::RefCell, fs, process::ExitCode};

use examples::{Endpoint, parse_args, print_line};
use qcore::{QCoreApplication, QEventLoopLocker, QTimer, UnixSignal, UnixSignalNotifier, class};
use qnetwork::QTcpServer;

const USAGE: &str = "\
usage: daemon [--listen ADDR:PORT] [--greeting FILE] [--deadline SECONDS]

Greets each client and sends back all data. SIGTERM or Ctrl-C ends it, SIGHUP makes it read FILE
again.

  --listen ADDR:PORT   the address to listen on; port 0 means any free port [127.0.0.1:7009]
  --greeting FILE      the file with the greeting
  --deadline SECONDS   how long connections may last when the daemon ends [10]
  --help               print this text";

/// The exit code if connections were open at the deadline.
const UNFINISHED: i32 = 3;

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7009 };
    let (mut greeting, mut deadline) = (None, 10);
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("greeting") => greeting = Some(value()),
            lexopt::Arg::Long("deadline") => {
                deadline = value().parse::<u16>().map_err(|error| error.to_string())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(&listen, greeting, deadline) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("daemon: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    listen: &Endpoint,
    greeting: Option<String>,
    deadline: u16,
) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    // The application quits when the daemon and its connections have dropped their lockers.
    let locker = RefCell::new(Some(QEventLoopLocker::try_new()?));
    let daemon = Daemon::derive(QTcpServer::new(), greeting, i32::from(deadline) * 1000, locker);
    daemon.read_greeting()?;
    daemon.new_connection.connect_slot(&daemon, Daemon::on_new_connection);

    let hangup = UnixSignalNotifier::try_new([UnixSignal::Hangup])?;
    hangup.activated.connect_slot(&daemon, Daemon::on_hangup);
    let stop = UnixSignalNotifier::try_new([UnixSignal::Interrupt, UnixSignal::Terminate])?;
    stop.end_on_second(UnixSignal::Interrupt)?;
    stop.activated.connect_slot(&daemon, Daemon::on_stop);

    daemon.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(daemon.server_port())));
    Ok(app.exec())
}

class! {
    /// The server. Its connections are its children.
    struct Daemon: QTcpServer {
        greeting: RefCell<String> = RefCell::default(),
        file: Option<String>,
        /// In milliseconds.
        deadline: i32,
        /// Dropped when the daemon is told to end.
        locker: RefCell<Option<QEventLoopLocker>>,
    }
}

impl Daemon {
    fn read_greeting(&self) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        let greeting = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        self.greeting.replace(greeting);
        Ok(())
    }

    fn on_new_connection(&self) {
        while let Some(socket) = self.next_pending_connection() {
            let locker = match QEventLoopLocker::try_new() {
                Ok(locker) => locker,
                Err(error) => {
                    eprintln!("daemon: {error}");
                    socket.delete_later();
                    continue;
                }
            };
            socket.write(&*self.greeting.borrow()).ok();
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).ok();
            });
            // The slot owns the locker. The death of the socket drops the slot.
            socket.disconnected.connect_to(&socket, move |socket, ()| {
                let _held = &locker;
                socket.delete_later();
            });
        }
    }

    fn on_hangup(&self) {
        match self.read_greeting() {
            Ok(()) => print_line("read the greeting again"),
            // The daemon goes on with the greeting that it has.
            Err(error) => eprintln!("daemon: {error}"),
        }
    }

    fn on_stop(&self, signal: UnixSignal) {
        if self.locker.take().is_none() {
            return;
        }
        print_line(&format!("{signal}: no more connections"));
        self.close();
        QTimer::single_shot(self.deadline, || QCoreApplication::instance().exit(UNFINISHED));
    }
}
