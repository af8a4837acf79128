//! Sends a fortune to each program on this machine that connects, then closes the connection.

use std::process::ExitCode;

use examples::{LOCAL_NAME, parse_args, print_line, send_local_fortune};
use qcore::{QCoreApplication, QObject};
use qnetwork::QLocalServer;

const USAGE: &str = "\
usage: localfortuneserver [NAME]

Sends a fortune to each program on this machine that connects.

  NAME    the path to listen on, or a name in the directory for temporary files [fortune]
  --help  print this text";

fn main() -> ExitCode {
    let mut name = None;
    parse_args(USAGE, |argument, _| {
        match argument {
            lexopt::Arg::Value(value) if name.is_none() => {
                name = Some(value.to_string_lossy().into_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(name.as_deref().unwrap_or(LOCAL_NAME)) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("localfortuneserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;

    let server = QLocalServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(client) = server.next_pending_connection() {
            client.disconnected.connect_slot(&client, QObject::delete_later);
            send_local_fortune(&client);
            // Closes the connection once the fortune has been sent.
            client.disconnect_from_server();
        }
    });
    server.listen(name)?;
    print_line(&format!("listening on {}", server.full_server_name()));
    Ok(app.exec())
}
