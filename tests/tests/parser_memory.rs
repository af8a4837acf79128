//! What a peer sends decides how much memory the parsers of it take, not what the peer claims. The
//! peers are threads; only the memory of the thread with the sockets is measured.

#[path = "../../crates/qcore/tests/common/peak.rs"]
mod peak;

use std::{
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
};

use integration::{
    dns::{ANSWER, NameServer, TRUNCATED},
    peer, tls, wait_until,
};
use peak::peak;
use qnetwork::{
    DnsLookupType, EncodingFormat, KeyAlgorithm, ProxyType, QDnsLookup, QHostAddress,
    QNetworkProxy, QSslCertificate, QSslKey, QTcpSocket, SocketErrorKind, SocketState,
};

const KIB: usize = 1024;

/// The buffers that all sockets of a loop share, and the objects themselves.
const AT_LEAST: usize = 640 * KIB;

/// Writes the same bytes as long as the other end takes them.
fn flood(stream: &mut TcpStream, piece: &[u8]) {
    let piece = piece.repeat(4096 / piece.len() + 1);
    while stream.write_all(&piece).is_ok() {}
}

/// A socket connects through a proxy that never stops sending.
fn proxied(kind: ProxyType, greeting: usize, answers: &'static [&'static [u8]]) {
    let (port, proxy) = peer(move |mut stream| {
        stream.read_exact(&mut vec![0; greeting]).unwrap();
        answers[..answers.len() - 1].iter().for_each(|answer| stream.write_all(answer).unwrap());
        flood(&mut stream, answers[answers.len() - 1]);
    });
    let taken = peak(|| {
        let socket = QTcpSocket::new();
        socket.set_proxy(QNetworkProxy::new(kind, "127.0.0.1", port));
        socket.connect_to_host("192.0.2.1", 80);
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(socket.error(), SocketErrorKind::ProxyProtocol);
    });
    println!("measured: {taken} bytes for {kind:?}");
    assert!(taken < AT_LEAST + 4 * 64 * KIB, "{taken} bytes for {kind:?}");
    proxy.join().unwrap();
}

#[test]
fn replies_of_proxies_without_end() {
    proxied(ProxyType::Http, 10, &[b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"]);
    proxied(ProxyType::Http, 10, &[b"x"]);
    const CHALLENGE: &[u8] = b"Proxy-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n";
    proxied(ProxyType::Http, 10, &[b"HTTP/1.1 407 Who\r\n", CHALLENGE]);
    proxied(ProxyType::Socks5, 3, &[b"\x05\x00\x05\x00\x00\x07", b"\xff"]);
}

#[test]
fn a_tls_message_without_end() {
    // The header of a record, and the beginning of a message of 16 MiB.
    let record = [&b"\x16\x03\x03\x3f\xff\x0b\xff\xff\xff"[..], &[1; 0x3fff - 4]].concat();
    let (port, server) = peer(move |mut stream| flood(&mut stream, &record));
    let taken = peak(|| {
        let client = tls::client();
        client.connect_to_host_encrypted("127.0.0.1", port);
        wait_until(|| client.state() == SocketState::Unconnected);
        assert_eq!(client.error(), SocketErrorKind::SslHandshakeFailed);
    });
    println!("measured: {taken} bytes");
    assert!(taken < AT_LEAST + 6 * 128 * KIB, "{taken} bytes");
    server.join().unwrap();
}

/// Returns a domain name of 255 bytes, each of which is shown as four characters.
fn long_name() -> Vec<u8> {
    let mut name = Vec::new();
    for length in [63, 63, 63, 61] {
        name.push(length);
        name.extend(vec![1; usize::from(length)]);
    }
    name.push(0);
    name
}

/// A reply by TCP with as many records as it can have. Each name in it is a pointer to a long one.
#[test]
fn a_reply_of_a_name_server_that_grows() {
    let server = NameServer::start(|query| {
        let mut reply = query.message.clone();
        if !query.by_tcp {
            reply[2..4].copy_from_slice(&(ANSWER | TRUNCATED).to_be_bytes());
            return vec![reply];
        }
        reply[2..4].copy_from_slice(&ANSWER.to_be_bytes());
        let record = |name: &[u8], data: &[u8]| {
            let head = [0, 5, 0, 1, 0, 0, 0, 60, 0, data.len() as u8];
            [name, &head, data].concat()
        };
        // The name of the first record has its place behind the question.
        let place = u16::try_from(reply.len()).unwrap() | 0xc000;
        reply.extend(record(&long_name(), &place.to_be_bytes()));
        let next = record(&place.to_be_bytes(), &place.to_be_bytes());
        let count = (65_000 - reply.len()) / next.len();
        reply.extend(next.repeat(count));
        reply[6..8].copy_from_slice(&u16::try_from(count + 1).unwrap().to_be_bytes());
        vec![reply]
    });
    let taken = peak(|| {
        let dns = QDnsLookup::with_name(DnsLookupType::CNAME, "a.example");
        dns.set_nameserver_with_port(QHostAddress::LocalHost, server.port());
        dns.lookup();
        wait_until(|| dns.is_finished());
        println!("measured: {} records, {:?}", dns.canonical_name_records().len(), dns.error());
        assert!(dns.canonical_name_records().len() > 4000);
    });
    println!("measured: {taken} bytes");
    // 64 KiB of 14 bytes for each record; each has two names of 1,004 characters.
    assert!(taken < 64 * KIB / 14 * 2 * 1100 * 3 / 2, "{taken} bytes");
}

/// Certificates and keys with bytes of any value at any place, among them lengths.
#[test]
fn certificates_and_keys_that_claim_much() {
    let certificate = tls::certificates("good")[0].to_der();
    let key = tls::key("good").to_der();
    let mut most = 0;
    let mut check = |data: &[u8]| {
        let taken = peak(|| {
            drop(QSslCertificate::from_data(data, EncodingFormat::Der));
            drop(QSslKey::new(data, KeyAlgorithm::Rsa, EncodingFormat::Der));
        });
        most = most.max(taken / data.len().max(1));
        assert!(taken < 64 * data.len() + 16 * KIB, "{taken} bytes for {}", data.len());
    };
    for whole in [certificate, key] {
        check(&whole);
        for place in 0..whole.len() {
            check(&whole[..place]);
            for value in [0, 0x7f, 0x80, 0x84, 0x88, 0xff] {
                let mut changed = whole.clone();
                changed[place] = value;
                check(&changed);
            }
        }
        // Lengths of four bytes in place of the outermost one.
        check(&[&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], &whole[4..]].concat());
    }
    println!("measured: at most {most} bytes for a byte");
    // Many certificates, and beginnings of such that never end.
    let pem = tls::certificates("good")[0].to_pem();
    let half = b"-----BEGIN CERTIFICATE-----\nMIIB".repeat(3000);
    for data in [pem.repeat(50), half] {
        let taken = peak(|| drop(QSslCertificate::from_data(&data, EncodingFormat::Pem)));
        println!("measured: {taken} bytes for {} of PEM", data.len());
        assert!(taken < 16 * data.len() + AT_LEAST, "{taken} bytes for {}", data.len());
    }
}

/// A datagram of any content from a name server.
#[test]
fn datagrams_of_a_name_server() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        let mut query = [0; 512];
        let (length, client) = server.recv_from(&mut query).unwrap();
        let mut reply = query[..length].to_vec();
        reply[2] |= 0x80;
        // It claims 65,535 records of each kind, and has none.
        reply[6..12].fill(0xff);
        server.send_to(&reply, client).unwrap();
    });
    let taken = peak(|| {
        let dns = QDnsLookup::with_name(DnsLookupType::A, "a.example");
        dns.set_nameserver_with_port(QHostAddress::LocalHost, port);
        dns.lookup();
        wait_until(|| dns.is_finished());
    });
    answering.join().unwrap();
    println!("measured: {taken} bytes");
    // A thread that receives datagrams has room for 32 of the greatest size.
    assert!(taken < AT_LEAST + 32 * 64 * KIB, "{taken} bytes");
}
