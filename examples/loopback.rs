//! Sends 50 MB to itself, with a client and a server in one loop, and shows the progress of both.

use std::{
    cell::{Cell, OnceCell, RefCell},
    process::ExitCode,
    rc::Rc,
    time::Instant,
};

use examples::{Progress, parse_args, print_line};
use qcore::QCoreApplication;
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
    let loopback = Loopback::new(&app, total);
    loopback.start()?;
    Ok(app.exec())
}

struct Loopback {
    app: QCoreApplication,
    server: QTcpServer,
    /// The end that sends.
    client: QTcpSocket,
    /// The end that receives, once there is a connection.
    accepted: OnceCell<QTcpSocket>,
    total: u64,
    written: Cell<u64>,
    received: Cell<u64>,
    started: Instant,
    progress: RefCell<Progress<2>>,
}

impl Loopback {
    fn new(app: &QCoreApplication, total: u64) -> Rc<Self> {
        let loopback = Rc::new(Loopback {
            app: app.clone(),
            server: QTcpServer::new(),
            client: QTcpSocket::new(),
            accepted: OnceCell::new(),
            total,
            written: Cell::new(0),
            received: Cell::new(0),
            started: Instant::now(),
            progress: RefCell::new(Progress::new(["sent", "received"], total)),
        });
        loopback.client.connected.connect_to(&loopback, |loopback, ()| loopback.write_more());
        loopback.client.bytes_written.connect_to(&loopback, |loopback, _| loopback.on_sent());
        loopback.client.error_occurred.connect_to(&loopback, |loopback, _| {
            eprintln!("loopback: {}", loopback.client.error_string());
            loopback.app.exit(1);
        });
        let this = Rc::downgrade(&loopback);
        loopback.server.new_connection.connect_to(&loopback.server, move |server, ()| {
            let Some(loopback) = this.upgrade() else { return };
            let Some(socket) = server.next_pending_connection() else { return };
            // No further connection is expected. Closing the server does not affect the accepted
            // one.
            server.close();
            socket.ready_read.connect_to(&loopback, |loopback, ()| loopback.on_ready_read());
            socket.disconnected.connect_to(&loopback, |loopback, ()| loopback.on_end());
            let _ = loopback.accepted.set(socket);
        });
        loopback
    }

    fn start(&self) -> Result<(), SocketError> {
        self.server.listen(QHostAddress::LocalHost, 0)?;
        self.client.connect_to_host(QHostAddress::LocalHost, self.server.server_port());
        Ok(())
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

    fn on_ready_read(&self) {
        let Some(socket) = self.accepted.get() else { return };
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
