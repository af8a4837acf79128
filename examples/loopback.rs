//! Sends 50 MB to itself, with a client and a server in one loop, and shows the progress of both.

use std::{
    cell::{Cell, RefCell},
    process::ExitCode,
    time::Instant,
};

use examples::{Progress, parse_args, print_line};
use qcore::{QCoreApplication, QObject, class};
use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, SocketError};

const USAGE: &str = "\
usage: loopback [--bytes N]

Sends bytes over a loopback connection and prints the transfer rate.

  --bytes N  the number of bytes to send [50000000]
  --help     print this text";

/// How many bytes one call writes.
const PAYLOAD: usize = 64 * 1024;
/// With this many bytes waiting to be sent, the client stops writing, to save memory.
const MAX_QUEUED: usize = 4 * PAYLOAD;

fn main() -> ExitCode {
    let mut total = 50_000_000;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("bytes") => {
                let text = value();
                total = text.parse().map_err(|_| format!("{text:?} is no number of bytes"))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(total) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("loopback: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(total: u64) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let loopback = Loopback::new(total);
    loopback.start()?;
    Ok(app.exec())
}

class! {
    /// A server and its only client.
    struct Loopback: QObject {
        total: u64,
        app: QCoreApplication = QCoreApplication::instance(),
        child server: QTcpServer = QTcpServer::new(),
        /// The end that sends.
        child client: QTcpSocket = QTcpSocket::new(),
        written: Cell<u64> = Cell::new(0),
        received: Cell<u64> = Cell::new(0),
        started: Instant = Instant::now(),
        progress: RefCell<Progress<2>> = Progress::new(["sent", "received"], total).into(),
    }
}

impl Loopback {
    fn new(total: u64) -> Self {
        let this = Self::derive(QObject::new(), total);
        this.client.connected.connect_slot(&this, Self::write_more);
        this.client.bytes_written.connect_slot(&this, Self::on_sent);
        this.client.error_occurred.connect_slot(&this, Self::on_error);
        this.server.new_connection.connect_slot(&this, Self::on_new_connection);
        this
    }

    fn start(&self) -> Result<(), SocketError> {
        self.server.listen(QHostAddress::LocalHost, 0)?;
        self.client.connect_to_host(QHostAddress::LocalHost, self.server.server_port());
        Ok(())
    }

    fn on_new_connection(&self) {
        let Some(socket) = self.server.next_pending_connection() else { return };
        // No further connection is expected. Closing the server does not affect the accepted one.
        self.server.close();
        socket.ready_read.connect_slot((self, &socket), Self::on_ready_read);
        socket.disconnected.connect_slot(self, Self::on_end);
    }

    fn on_error(&self) {
        eprintln!("loopback: {}", self.client.error_string());
        self.app.exit(1);
    }

    fn write_more(&self) {
        while self.written.get() < self.total && self.client.bytes_to_write() < MAX_QUEUED {
            let count =
                PAYLOAD.min((self.total - self.written.get()).try_into().unwrap_or(PAYLOAD));
            if self.client.write(&[b'@'; PAYLOAD][..count]).is_err() {
                return; // error_occurred reports the reason.
            }
            self.written.set(self.written.get() + count as u64);
        }
        if self.written.get() == self.total {
            // Closes the connection once all data has been sent.
            self.client.disconnect_from_host();
        }
    }

    fn on_sent(&self) {
        let sent = self.written.get() - self.client.bytes_to_write() as u64;
        self.progress.borrow_mut().set(0, sent);
        self.write_more();
    }

    /// Reads from the end that receives.
    fn on_ready_read(&self, socket: &QTcpSocket) {
        let mut buffer = [0; PAYLOAD];
        while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
            self.received.set(self.received.get() + count as u64);
        }
        self.progress.borrow_mut().set(1, self.received.get());
    }

    fn on_end(&self) {
        let (received, took) = (self.received.get(), self.started.elapsed().as_secs_f64());
        let rate = received as f64 / took / 1e6;
        print_line(&format!("{received} bytes in {took:.3} s: {rate:.0} MB/s"));
        self.app.exit(if received == self.total { 0 } else { 1 });
    }
}
