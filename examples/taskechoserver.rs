//! A server that sends back all data, with a task for each connection. Try it with
//! `nc 127.0.0.1 7007`. The example `echoserver` does the same with slots.

use std::process::ExitCode;

use examples::{Endpoint, parse_args, print_line};
use qcore::{DeviceError, QCoreApplication, block_on, spawn_local};
use qnetwork::{QTcpServer, QTcpSocket};

const USAGE: &str = "\
usage: taskechoserver [--listen ADDR:PORT]

Sends back all data that it receives, with a task for each connection.

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7007]
  --help              print this text";

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7007 };
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(&listen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("taskechoserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(listen: &Endpoint) -> Result<(), Box<dyn std::error::Error>> {
    let _app = QCoreApplication::new();
    let server = QTcpServer::new();
    server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(server.server_port())));
    // Slots and tasks use the same objects.
    server.accept_error.connect(|kind| eprintln!("taskechoserver: cannot accept: {kind:?}"));
    block_on(serve(&server))?;
    Ok(())
}

async fn serve(server: &QTcpServer) {
    let mut incoming = server.incoming();
    while let Some(socket) = incoming.next().await {
        spawn_local(async move {
            let peer = socket.peer_port();
            if let Err(error) = echo(socket).await {
                eprintln!("taskechoserver: the connection from port {peer} has failed: {error}");
            }
        });
    }
}

async fn echo(socket: QTcpSocket) -> Result<(), DeviceError> {
    let mut stream = socket.stream();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.shutdown().await,
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}
