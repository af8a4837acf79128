//! A relay: connections to it go to another server. Try it with
//! `tcprelay --to example.org:80` and `curl -H 'Host: example.org' http://127.0.0.1:7008`.

use std::process::ExitCode;

use examples::{Endpoint, parse_args, print_line, refuse};
use qcore::QCoreApplication;
use qnetwork::{
    QTcpServer, QTcpSocket,
    pipe::{Pipe, PipeError, pipe_both},
};

const USAGE: &str = "\
usage: tcprelay --to HOST:PORT [--listen ADDR:PORT] [--verbose]

Relays connections to another server, in both directions.

  --to HOST:PORT      the server to connect to
  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7008]
  --verbose           print a line for each connection that has ended
  --help              print this text";

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7008 };
    let (mut to, mut verbose) = (None, false);
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("to") => to = Some(value().parse()?),
            lexopt::Arg::Long("verbose") => verbose = true,
            _ => return Ok(false),
        }
        Ok(true)
    });
    let Some(to) = to else { refuse(USAGE, "--to is missing") };
    match run(&listen, to, verbose) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("tcprelay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(listen: &Endpoint, to: Endpoint, verbose: bool) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(client) = server.next_pending_connection() {
            let upstream = QTcpSocket::new();
            upstream.connect_to_host(&to.host, to.port);
            let pipe = pipe_both(&client, &upstream);
            let peer = format!("{}:{}", client.peer_address(), client.peer_port());
            pipe.finished.connect_to(&pipe, move |pipe, result| {
                client.delete_later();
                report(&peer, pipe, result, verbose);
            });
        }
    });
    server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(server.server_port())));
    Ok(app.exec())
}

fn report(peer: &str, pipe: &Pipe, result: &Result<(), PipeError>, verbose: bool) {
    match result {
        Err(error) => eprintln!("tcprelay: {peer}: {error}"),
        Ok(()) if verbose => {
            eprintln!(
                "{peer}: {} bytes sent, {} received",
                pipe.bytes_forward(),
                pipe.bytes_backward()
            );
        }
        Ok(()) => {}
    }
}
