//! Sends a fortune to each client that connects, then closes the connection.

use std::process::ExitCode;

use examples::{Endpoint, Wire, parse_args, print_line, send_fortune};
use qcore::{QCoreApplication, QObject};
use qnetwork::QTcpServer;

const USAGE: &str = "\
usage: fortuneserver [--listen ADDR:PORT] [--pyside2]

Sends a fortune to each client that connects.

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7733]
  --pyside2           use the format of PySide2's fortune server instead of the C++ one's
  --help              print this text";

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7733 };
    let mut wire = Wire::Cpp;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("pyside2") => wire = Wire::PySide2,
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(&listen, wire) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("fortuneserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(listen: &Endpoint, wire: Wire) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;

    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(client) = server.next_pending_connection() {
            client.disconnected.connect_slot(&client, QObject::delete_later);
            send_fortune(&client, wire);
            // Closes the connection once the fortune has been sent.
            client.disconnect_from_host();
        }
    });
    server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(server.server_port())));
    Ok(app.exec())
}
