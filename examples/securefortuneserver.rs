//! Sends a fortune over TLS to each client that connects, then closes the connection. Try it with
//! `openssl s_client -connect 127.0.0.1:7743 -quiet`, or with the example `securesocketclient`.

use std::process::ExitCode;

use examples::{Endpoint, fortune, parse_args, print_line, refuse, server_configuration};
use qcore::{QCoreApplication, QObject};
use qnetwork::{QSslConfiguration, QSslServer};

const USAGE: &str = "\
usage: securefortuneserver [--listen ADDR:PORT] CERT KEY

Sends a fortune over TLS to each client that connects, as a line of text.

  CERT                a PEM file with the server's certificate and its issuers' certificates
  KEY                 a PEM file with the server's key
  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7743]
  --help              print this text";

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7743 };
    let mut files = Vec::new();
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Value(file) => files.push(file.to_string_lossy().into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    });
    let [certificate, key] = &files[..] else {
        refuse(USAGE, "a certificate and a key are needed");
    };
    let configured = server_configuration(certificate, key);
    match configured.map_err(Into::into).and_then(|with| run(&listen, with)) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("securefortuneserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    listen: &Endpoint,
    configuration: QSslConfiguration,
) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;

    let server = QSslServer::new();
    server.set_ssl_configuration(configuration);
    // These connections are encrypted already. `error_occurred` reports clients whose handshake
    // fails.
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(client) = server.next_pending_connection() {
            client.disconnected.connect_slot(&client, QObject::delete_later);
            client.write(format!("{}\n", fortune())).ok();
            // Closes the connection once the fortune has been sent.
            client.disconnect_from_host();
        }
    });
    server.error_occurred.connect(|(client, _)| {
        eprintln!("{}: {}", client.peer_address(), client.error_string());
    });
    server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(server.server_port())));
    Ok(app.exec())
}
