//! Prints broadcast datagrams, like Qt's example.

use std::{cell::Cell, process::ExitCode};

use examples::{Endpoint, parse_args, print_line};
use qcore::QCoreApplication;
use qnetwork::{BindMode, QUdpSocket};

const USAGE: &str = "\
usage: broadcastreceiver [--listen ADDR:PORT] [--count N]

Prints the datagrams that arrive, including broadcasts.

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [0.0.0.0:45454]
  --count N           stop after N datagrams; 0 means on Ctrl-C [0]
  --help              print this text";

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "0.0.0.0".to_owned(), port: 45454 };
    let mut count = 0;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("count") => {
                count = value().parse().map_err(|error| format!("{error}"))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(&listen, count) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("broadcastreceiver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(listen: &Endpoint, count: u64) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;

    let socket = QUdpSocket::new();
    // Other programs on this machine may want to receive the datagrams, too.
    socket.bind_with_mode(listen.address()?, listen.port, BindMode::SHARE_ADDRESS)?;
    let (quits, received) = (app.clone(), Cell::new(0));
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        while let Some(size) = socket.pending_datagram_size() {
            let Ok((data, sender, port)) = socket.read_datagram(size) else { return };
            print_line(&format!("{sender}:{port}: {}", String::from_utf8_lossy(&data)));
            received.set(received.get() + 1);
            if received.get() == count {
                quits.quit();
            }
        }
    });
    print_line(&format!("listening on {}", listen.at_port(socket.local_port())));
    Ok(app.exec())
}
