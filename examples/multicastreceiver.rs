//! Joins an IPv4 and an IPv6 multicast group and prints the datagrams sent to them, like Qt's
//! example.

use std::{cell::Cell, process::ExitCode, rc::Rc};

use examples::{Group, parse_args, print_line};
use qcore::QCoreApplication;
use qnetwork::{BindMode, QUdpSocket};

const USAGE: &str = "\
usage: multicastreceiver [--group ADDR]... [--interface NAME] [--port PORT] [--count N]

Joins multicast groups and prints the datagrams sent to them.

  --group ADDR      a multicast group to join [239.255.43.21 and ff12::2115]
  --interface NAME  the interface to use; by default the system chooses
  --port PORT       the port to listen on; 0 means any free port [45454]
  --count N         stop after N datagrams; 0 means on Ctrl-C [0]
  --help            print this text";

fn main() -> ExitCode {
    let mut group = Group::default();
    let mut count = 0;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("count") => {
                count = value().parse().map_err(|error| format!("{error}"))?;
            }
            _ => return group.argument(argument, value),
        }
        Ok(true)
    });
    match run(&group, count) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("multicastreceiver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(group: &Group, count: u64) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let by = group.interface()?.unwrap_or_default();
    let received = Rc::new(Cell::new(0));
    let mut sockets = Vec::new();
    for address in group.addresses() {
        let socket = QUdpSocket::new();
        let any = Group::any(&address);
        let joined = socket
            .bind_with_mode(any.clone(), group.port, BindMode::SHARE_ADDRESS)
            .and_then(|()| socket.join_multicast_group_on(address.clone(), &by));
        if let Err(error) = joined {
            // The other group may still work.
            eprintln!("multicastreceiver: {address}: {error}");
            continue;
        }
        let (quits, received) = (app.clone(), received.clone());
        socket.ready_read.connect_to(&socket, move |socket, ()| {
            for datagram in socket.receive_datagrams(usize::MAX) {
                let (from, to) = (datagram.sender_address(), datagram.destination_address());
                let text = String::from_utf8_lossy(datagram.data());
                let port = datagram.sender_port().unwrap_or(0);
                print_line(&format!("{from}:{port} to {to}: {text}"));
                received.set(received.get() + 1);
                if received.get() == count {
                    quits.quit();
                }
            }
        });
        print_line(&format!("listening on {any}:{} to {address}", socket.local_port()));
        sockets.push(socket);
    }
    match sockets.is_empty() {
        true => Err("no group could be joined".into()),
        false => Ok(app.exec()),
    }
}
