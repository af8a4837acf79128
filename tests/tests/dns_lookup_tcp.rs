//! Look-ups in the domain name system by TCP, after a truncated datagram.

use std::{
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use integration::{
    dns::{ANSWER, NameServer, Query, TRUNCATED, record},
    settle, wait_until,
};
use qcore::VirtualClock;
use qnetwork::{DnsLookupErrorKind, DnsLookupType};

use super::dns_lookup::{addresses, look_up, lookup_at, many, received, settle_for};

#[test]
fn a_truncated_datagram_is_asked_for_by_tcp() {
    let server = NameServer::start(|query| match query.by_tcp {
        false => vec![query.reply(ANSWER | TRUNCATED, &[record(1, &[6, 6, 6, 6])])],
        true => {
            // Another query's answer comes first.
            let mut other = many(query, 3);
            other[0] ^= 1;
            vec![other, many(query, 200)]
        }
    });
    let dns = look_up(&server, DnsLookupType::A, "a.example");
    let found = addresses(&dns);
    assert_eq!((found.len(), &*found[0], &*found[199]), (200, "192.0.2.0", "192.0.2.199"));
    let queries = server.queries();
    assert_eq!(queries.iter().map(|query| query.by_tcp).collect::<Vec<_>>(), [false, true]);
    assert_eq!(queries[0].message, queries[1].message);
}

/// As in Qt, a reply by TCP counts even if it is marked as truncated.
#[test]
fn a_truncated_reply_by_tcp() {
    let server = NameServer::start(|query| {
        vec![query.reply(ANSWER | TRUNCATED, &[record(1, &[192, 0, 2, 1])])]
    });
    let dns = look_up(&server, DnsLookupType::A, "a.example");
    assert_eq!((dns.error(), addresses(&dns).len(), server.queries().len()), (None, 1, 2));
}

#[test]
fn connections_that_bring_no_answer() {
    type Answer = fn(&Query) -> Vec<Vec<u8>>;
    let answers: [(Answer, DnsLookupErrorKind); 4] = [
        (|_| vec![], DnsLookupErrorKind::InvalidReply),
        (|_| vec![vec![0; 5]], DnsLookupErrorKind::InvalidReply),
        (|query| vec![query.reply(ANSWER | 2, &[])], DnsLookupErrorKind::ServerFailure),
        (
            |query| {
                let mut other = many(query, 3);
                other[0] ^= 1;
                vec![other; 100]
            },
            DnsLookupErrorKind::InvalidReply,
        ),
    ];
    for (answer, error) in answers {
        let server = NameServer::start(move |query| match query.by_tcp {
            false => vec![query.reply(ANSWER | TRUNCATED, &[])],
            true => answer(query),
        });
        let dns = look_up(&server, DnsLookupType::A, "a.example");
        // The look-up asks the only server once by TCP.
        assert_eq!((dns.error(), server.queries().len()), (Some(error), 2));
    }
}

#[test]
fn nobody_listens_by_tcp() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = lookup_at(server.local_addr().unwrap().port(), DnsLookupType::A, "a.example");
    dns.lookup();
    settle();
    let (query, peer) = received(&server);
    server.send_to(&query.reply(ANSWER | TRUNCATED, &[]), peer).unwrap();
    wait_until(|| dns.is_finished());
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::InvalidReply));
}

/// The server accepts the connection and sends nothing.
#[test]
fn a_connection_that_stays_silent() {
    let stalled = TcpListener::bind("127.0.0.1:0").unwrap();
    let Ok(server) = UdpSocket::bind(stalled.local_addr().unwrap()) else {
        println!("skipped: the port is not free for UDP");
        return;
    };
    let dns = lookup_at(server.local_addr().unwrap().port(), DnsLookupType::A, "a.example");
    let clock = VirtualClock::install();
    dns.lookup();
    settle_for(&clock, Duration::from_millis(1));
    let query = received(&server);
    server.send_to(&query.0.reply(ANSWER | TRUNCATED, &[]), query.1).unwrap();
    let (_stream, _) = accepted(&stalled, &clock);
    settle_for(&clock, Duration::from_millis(4900));
    assert!(!dns.is_finished());
    settle_for(&clock, Duration::from_millis(200));
    assert!(dns.is_finished());
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::InvalidReply));
}

/// Runs the loop until there is a connection.
fn accepted(listener: &TcpListener, clock: &VirtualClock) -> (TcpStream, SocketAddr) {
    listener.set_nonblocking(true).unwrap();
    for _ in 0..100_000 {
        if let Ok(accepted) = listener.accept() {
            return accepted;
        }
        settle_for(clock, Duration::ZERO);
    }
    panic!("nobody connects");
}
