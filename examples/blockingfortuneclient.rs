//! Gets a fortune from a server without an event loop: in a plain thread, with functions that wait.

use std::{process::ExitCode, thread};

use examples::{ClientArgs, client_args, print_line, receive_fortune};
use qnetwork::{QTcpSocket, SocketError};

const USAGE: &str = "\
usage: blockingfortuneclient [--pyside2] [--proxy URL] [HOST [PORT]]

Gets a fortune from a server and prints it, without an event loop.

  HOST PORT    the server [127.0.0.1 7733]
  --pyside2    use the format of PySide2's fortune client instead of the C++ one's
  --proxy URL  use a proxy: socks5://USER:PASSWORD@HOST:PORT or http://USER:PASSWORD@HOST:PORT
  --help       print this text";

/// How long each wait for the server may take, in milliseconds.
const TIMEOUT: i32 = 5000;

fn main() -> ExitCode {
    let args = client_args(USAGE);
    let asking = thread::spawn(move || ask(args));
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

fn ask(args: ClientArgs) -> Result<String, SocketError> {
    let socket = QTcpSocket::new();
    if let Some(proxy) = args.proxy {
        socket.set_proxy(proxy);
    }
    socket.connect_to_host(args.host, args.port);
    socket.wait_for_connected(TIMEOUT)?;
    loop {
        socket.wait_for_ready_read(TIMEOUT)?;
        // Waits for more data if only a part of the fortune has arrived.
        if let Some(fortune) = receive_fortune(&socket, args.wire) {
            return Ok(fortune);
        }
    }
}
