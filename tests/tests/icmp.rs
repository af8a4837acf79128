//! ICMP answers to an attempt to connect. Forging them needs raw sockets and therefore root.
//! Without root the test prints that it is skipped.

#![cfg(target_os = "linux")]

use std::{
    io::Read,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use integration::{wait_at_most, wait_until};
use qcore::QCoreApplication;
use qnetwork::{QTcpSocket, SocketErrorKind, SocketState};
use socket2::{Domain, Protocol, Socket, Type};

/// Returns a socket that receives all IPv4 packets, and one that sends ICMP; `None` without root.
fn raw() -> Option<(Socket, Socket)> {
    let all = Protocol::from(i32::from(0x0800_u16.to_be()));
    let packets = Socket::new(Domain::PACKET, Type::DGRAM, Some(all));
    let icmp = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
    match (packets, icmp) {
        (Ok(packets), Ok(icmp)) => Some((packets, icmp)),
        (packets, icmp) => {
            println!("skipped: raw sockets: {:?} {:?}", packets.err(), icmp.err());
            None
        }
    }
}

/// Returns a "destination unreachable" message with a code, in answer to a packet.
fn unreachable(code: u8, packet: &[u8]) -> Vec<u8> {
    let mut message = vec![3, code, 0, 0, 0, 0, 0, 0];
    message.extend(packet);
    message.resize(message.len().next_multiple_of(2), 0);
    let words = message.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let sum = (sum >> 16) + (sum & 0xffff);
    let checksum = !((sum + (sum >> 16)) as u16);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}

/// Returns a listener with a full backlog, and the connections that fill it. Further attempts get
/// no answer.
fn full() -> (Socket, SocketAddr, Vec<Socket>) {
    let tcp = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = tcp();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let first = TcpStream::connect(address.as_socket().unwrap()).unwrap();
    let second = tcp();
    second.set_nonblocking(true).unwrap();
    // This connection is never established.
    let _ = second.connect(&address);
    (listener, address.as_socket().unwrap(), vec![first.into(), second])
}

#[test]
fn an_answer_that_says_nothing_of_the_host() {
    let _app = QCoreApplication::new();
    // "Protocol unreachable" and "source route failed".
    for code in [2, 5] {
        let Some((mut packets, icmp)) = raw() else { return };
        let (listener, address, waiting) = full();
        let known: Vec<u16> = waiting
            .iter()
            .map(|one| one.local_addr().unwrap().as_socket().unwrap().port())
            .collect();
        packets.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (seen, attempts) = mpsc::channel();
        let sniffing = thread::spawn(move || {
            let (mut packet, mut answered) = ([0; 1500], None);
            while let Ok(length) = packets.read(&mut packet) {
                let header = usize::from(packet[0] & 15) * 4;
                let number = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
                let (source, port) = (number(header), number(header + 2));
                let sequence = (number(header + 4), number(header + 6));
                let is_syn = packet[9] == 6 && packet[header + 13] & 0x12 == 2;
                let is_ours = port == address.port() && !known.contains(&source);
                if length < header + 20 || !is_syn || !is_ours {
                    continue;
                }
                // Local packets are captured twice: when they leave and when they arrive.
                match answered {
                    None => {
                        answered = Some((source, sequence));
                        let target = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
                        let message = unreachable(code, &packet[..header + 20]);
                        icmp.send_to(&message, &target.into()).unwrap();
                    }
                    Some(first) if first == (source, sequence) => {}
                    Some(_) => {
                        let _ = seen.send(());
                        return;
                    }
                }
            }
        });
        let socket = QTcpSocket::new();
        socket.connect_to_host("127.0.0.1", address.port());
        // The socket tries again. A busy system may drop captured packets, so this waits for
        // further tries, after 3, 7 and 15 seconds.
        let tries = wait_at_most(Duration::from_secs(25), || attempts.try_recv().is_ok());
        assert!(tries, "{code}: {:?}", socket.error_string());
        assert_eq!(socket.state(), SocketState::Connecting);
        assert_eq!(socket.error(), SocketErrorKind::Unknown);
        // With room in the backlog the next packet is answered.
        drop(listener.accept().unwrap());
        wait_until(|| socket.state() == SocketState::Connected);
        sniffing.join().unwrap();
    }
}
