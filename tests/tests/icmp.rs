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
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// Returns a socket that receives the packets that ask for a connection to a port of IPv4, and one
/// that sends ICMP; `None` without root.
fn raw(port: u16) -> Option<(Socket, Socket)> {
    let all = Protocol::from(i32::from(0x0800_u16.to_be()));
    let packets = Socket::new(Domain::PACKET, Type::DGRAM, Some(all));
    let icmp = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
    match (packets, icmp) {
        (Ok(packets), Ok(icmp)) => {
            packets.attach_filter(&requests_to(port)).unwrap();
            Some((packets, icmp))
        }
        (packets, icmp) => {
            println!("skipped: raw sockets: {:?} {:?}", packets.err(), icmp.err());
            None
        }
    }
}

/// Returns a filter that accepts packets of TCP to a port with SYN and without ACK. Without it, the
/// traffic of other tests fills the buffer of the socket, and the kernel drops what comes then.
fn requests_to(port: u16) -> [SockFilter; 10] {
    let load_byte = |at| SockFilter::new(0x30, 0, 0, at);
    // The offsets of these begin at the header of TCP.
    let load_tcp_byte = |at| SockFilter::new(0x50, 0, 0, at);
    let load_tcp_number = |at| SockFilter::new(0x48, 0, 0, at);
    let skip_unless = |value, count| SockFilter::new(0x15, 0, count, value);
    let accept = |size| SockFilter::new(0x06, 0, 0, size);
    [
        load_byte(9),
        skip_unless(6, 7),
        // Notes the length of the header of IP.
        SockFilter::new(0xb1, 0, 0, 0),
        load_tcp_number(2),
        skip_unless(port.into(), 4),
        load_tcp_byte(13),
        SockFilter::new(0x54, 0, 0, 0x12), // and
        skip_unless(2, 1),
        accept(0xffff),
        accept(0),
    ]
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

/// Returns a listener whose backlog one connection fills, and this connection. Further attempts get
/// no answer.
fn full() -> (Socket, SocketAddr, TcpStream) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let waiting = TcpStream::connect(address).unwrap();
    (listener, address, waiting)
}

#[test]
fn an_answer_that_says_nothing_of_the_host() {
    let _app = QCoreApplication::new();
    // "Protocol unreachable" and "source route failed".
    for code in [2, 5] {
        let (listener, address, _waiting) = full();
        let Some((mut packets, icmp)) = raw(address.port()) else { return };
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
                // Packets of others may have come before the filter.
                if length < header + 20 || !is_syn || port != address.port() {
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
        // The socket tries again at once.
        let tries = wait_at_most(Duration::from_secs(25), || attempts.try_recv().is_ok());
        assert!(tries, "{code}: {:?}", socket.error_string());
        assert_eq!(socket.state(), SocketState::Connecting);
        assert_eq!(socket.error(), SocketErrorKind::Unknown);
        // With room in the backlog, the kernel's next try is answered. Nobody else takes the room.
        drop(listener.accept().unwrap());
        wait_until(|| socket.state() == SocketState::Connected);
        sniffing.join().unwrap();
    }
}
