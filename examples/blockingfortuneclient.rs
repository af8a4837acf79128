//! Asks a fortune server for a fortune with no event loop: in a plain thread, with functions that wait.

use std::{process::ExitCode, thread};

use examples::{Wire, parse_args, print_line, receive_fortune, server_of};
use qnetwork::{QTcpSocket, SocketError};

const USAGE: &str = "\
usage: blockingfortuneclient [--pyside2] [HOST [PORT]]

Asks a fortune server for a fortune and prints it, with no event loop.

  HOST PORT  the server [127.0.0.1 7733]
  --pyside2  speak as PySide2's fortune client does, not as the one in C++
  --help     this text";

/// How long the server may take for anything.
const TIMEOUT: i32 = 5000;

fn main() -> ExitCode {
    let mut words = Vec::new();
    let mut wire = Wire::Cpp;
    parse_args(USAGE, |argument, _| {
        match argument {
            lexopt::Arg::Long("pyside2") => wire = Wire::PySide2,
            lexopt::Arg::Value(value) => words.push(value.to_string_lossy().into_owned()),
            _ => return Ok(false),
        }
        server_of(&words).map(|_| true)
    });
    let asking = thread::spawn(move || {
        let (host, port) = server_of(&words).map_err(|error| error.to_string())?;
        ask(&host, port, wire).map_err(|error| error.to_string())
    });
    match asking.join() {
        Ok(Ok(fortune)) => {
            print_line(&fortune);
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            eprintln!("blockingfortuneclient: {error}");
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

fn ask(host: &str, port: u16, wire: Wire) -> Result<String, SocketError> {
    let socket = QTcpSocket::new();
    socket.connect_to_host(host, port);
    socket.wait_for_connected(TIMEOUT)?;
    loop {
        socket.wait_for_ready_read(TIMEOUT)?;
        // Until all of it is here, there is nothing to return.
        if let Some(fortune) = receive_fortune(&socket, wire) {
            return Ok(fortune);
        }
    }
}
