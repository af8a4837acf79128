//! The listener to multicast groups and its sender.

use std::net::{Ipv4Addr, UdpSocket};

use qcore::QDataStream;
use socket2::SockRef;

use super::{Language, Talker, in_each_pair, ported, run, text};

const GROUPS: [&str; 2] = ["239.255.43.31", "239.255.43.32"];

fn send(language: Language, sender: &str, port: &str, count: &str, more: &[&str]) {
    let mut command = ported(language, "multicast");
    command.args(["--send", sender, port, count]).args(more);
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
}

fn packet(number: u32, payload: &str) -> Vec<u8> {
    let mut stream = QDataStream::from_bytes([]);
    stream.write(&0x4d43_5354_u32).write(&1_u8).write(&0_u8).write(&7_u32).write(&number);
    stream.write(payload);
    stream.into_bytes()
}

/// Returns a socket that sends to the groups, or `None` where the loopback interface has none.
fn socket() -> Option<UdpSocket> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let joined = socket.join_multicast_v4(&Ipv4Addr::new(239, 255, 43, 31), &Ipv4Addr::LOCALHOST);
    if let Err(error) = joined {
        println!("skipped: the loopback interface cannot join a multicast group: {error}");
        return None;
    }
    SockRef::from(&socket).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    Some(socket)
}

#[test]
fn packets_are_counted() {
    let Some(socket) = socket() else { return };
    in_each_pair(|one, other| {
        let mut command = ported(one, "multicast");
        command.args(["0", "10"]).args(GROUPS);
        let listener = Talker::new(command);
        let line = listener.line();
        let port = line.strip_prefix("listening on 0.0.0.0:").expect("a port");

        send(other, "1", port, "3", &[GROUPS[0]]);
        listener.says(&["239.255.43.31: text 0 packet 0", "239.255.43.31: text 1 packet 1"]);
        listener.says(&["239.255.43.31: end 2 packet 2"]);
        send(other, "2", port, "6", &[GROUPS[1], "1", "2", "4"]);
        listener.says(&["239.255.43.32: text 0 packet 0", "239.255.43.32: 2 missing"]);
        listener.says(&["239.255.43.32: text 3 packet 3", "239.255.43.32: 1 missing"]);
        listener.says(&["239.255.43.32: end 5 packet 5"]);

        let to = (GROUPS[0], port.parse().unwrap());
        let damaged = [&packet(0, "a")[..19], &[&packet(0, "a")[..], b"!"].concat(), b"", b"MCST"];
        for data in damaged {
            socket.send_to(data, to).unwrap();
            listener.says(&["239.255.43.31: damaged packet"]);
        }
        // The sequence numbers start again after 2^32 packets.
        for (number, lines) in [
            (u32::MAX - 1, &["239.255.43.31: text 4294967294 ü"][..]),
            (1, &["239.255.43.31: 2 missing", "239.255.43.31: text 1 ü"]),
            (u32::MAX, &["239.255.43.31: text 4294967295 ü"]),
        ] {
            socket.send_to(&packet(number, "ü"), to).unwrap();
            listener.says(lines);
        }
        socket.send_to(&packet(2, ""), to).unwrap();
        listener.says(&["239.255.43.31: text 2 "]);
        listener.ends(
            0,
            &[
                "239.255.43.31: sender 1: 3 received, 0 lost, 0 late",
                "239.255.43.31: sender 7: 4 received, 1 lost, 1 late",
                "239.255.43.32: sender 2: 3 received, 3 lost, 0 late",
            ],
        );
    });
}
