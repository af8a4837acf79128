use std::{net::Ipv4Addr, time::Duration};

use proptest::prelude::*;

use super::{
    configuration::Configuration,
    error::{DnsLookupErrorKind, DnsLookupType},
    message::{self, Reply},
    resolution::{Resolution, Step},
};

const ANSWER: u16 = 0x8180;
const TRUNCATED: u16 = 0x0200;

fn query() -> Vec<u8> {
    message::query(0x1234, "abc.example", DnsLookupType::A).unwrap()
}

/// Prepares a look-up with this number of servers.
fn resolution(servers: u8, change: impl FnOnce(&mut Configuration)) -> Resolution {
    let servers = (1..=servers).map(|last| (Ipv4Addr::new(192, 0, 2, last).into(), 53)).collect();
    let mut configuration = Configuration { servers, ..Configuration::default() };
    change(&mut configuration);
    Resolution::new(query(), configuration, 0)
}

/// Returns a reply to the query, with addresses.
fn reply(flags: u16, addresses: u8) -> Vec<u8> {
    let mut reply = query();
    reply[2..4].copy_from_slice(&flags.to_be_bytes());
    reply[7] = addresses;
    for last in 0..addresses {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last]);
    }
    reply
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

#[track_caller]
fn count(step: Step) -> usize {
    match step {
        Step::Done(Reply { error: None, records }) => records.host_addresses.len(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn error(step: Step) -> DnsLookupErrorKind {
    match step {
        Step::Done(Reply { error: Some(error), .. }) => error.kind(),
        other => panic!("{other:?}"),
    }
}

fn seconds(server: usize, seconds: u64) -> Step {
    Step::Datagram(server, Duration::from_secs(seconds))
}

#[test]
fn servers_are_asked_in_turn() {
    let mut one = resolution(3, |_| ());
    assert_eq!(one.begin(), seconds(0, 5));
    assert_eq!(one.failed(), seconds(1, 3));
    assert_eq!(one.failed(), seconds(2, 6));
    assert_eq!(one.failed(), seconds(0, 5));
    assert_eq!(one.failed(), seconds(1, 3));
    assert_eq!(one.failed(), seconds(2, 6));
    assert_eq!(error(one.failed()), DnsLookupErrorKind::InvalidReply);

    let mut configuration = resolution(3, |_| ()).configuration().clone();
    configuration.attempts = 1;
    let mut rotated = Resolution::new(query(), configuration, 2);
    // The time depends on the place in the file, as with the system's resolver.
    assert_eq!(rotated.begin(), seconds(2, 6));
    assert_eq!(rotated.failed(), seconds(0, 5));
    assert_eq!(rotated.failed(), seconds(1, 3));
    assert_eq!(error(rotated.failed()), DnsLookupErrorKind::InvalidReply);

    let mut none = resolution(1, |configuration| configuration.attempts = 0);
    assert_eq!(error(none.begin()), DnsLookupErrorKind::InvalidReply);
}

#[test]
fn another_server_is_asked_after_a_failure() {
    for (code, kind) in [
        (2, DnsLookupErrorKind::ServerFailure),
        (4, DnsLookupErrorKind::InvalidReply),
        (5, DnsLookupErrorKind::ServerRefused),
    ] {
        let mut one = resolution(2, |configuration| configuration.attempts = 1);
        one.begin();
        assert_eq!(one.datagram(0, &reply(ANSWER | code, 0)), seconds(1, 5));
        assert_eq!(error(one.failed()), kind, "what was said is the result");

        let mut one = resolution(2, |_| ());
        one.begin();
        one.datagram(0, &reply(ANSWER | code, 0));
        assert_eq!(count(one.datagram(1, &reply(ANSWER, 2))), 2);
    }
    // A referral: neither recursion nor authority, and no records.
    let mut one = resolution(2, |_| ());
    one.begin();
    assert_eq!(one.datagram(0, &reply(0x8000, 0)), seconds(1, 5));
    // These are results.
    for (flags, kind) in [
        (ANSWER, DnsLookupErrorKind::InvalidReply),
        (0x8400, DnsLookupErrorKind::InvalidReply),
        (ANSWER | 3, DnsLookupErrorKind::NotFound),
        (ANSWER | 1, DnsLookupErrorKind::InvalidRequest),
    ] {
        let mut one = resolution(2, |_| ());
        one.begin();
        assert_eq!(error(one.datagram(0, &reply(flags, 0))), kind);
    }
}

#[test]
fn a_server_that_was_given_up_may_answer_late() {
    let mut one = resolution(2, |_| ());
    one.begin();
    one.failed();
    // A late failure of the first server does not end the wait for the second one.
    assert_eq!(one.datagram(0, &reply(ANSWER | 2, 0)), Step::Wait);
    assert_eq!(one.datagram(0, &[0; 3]), Step::Wait);
    assert_eq!(count(one.datagram(0, &reply(ANSWER, 1))), 1);
    // After a truncated reply, the look-up asks the same server by TCP.
    let mut one = resolution(2, |_| ());
    one.begin();
    one.failed();
    let step = one.datagram(0, &reply(ANSWER | TRUNCATED, 1));
    assert_eq!(step, Step::Stream(0, Duration::from_secs(5)));
}

#[test]
fn what_is_no_answer_is_ignored() {
    let mut one = resolution(2, |_| ());
    one.begin();
    let good = reply(ANSWER, 1);
    let end = query().len();
    for change in [0, 1, 5, 13, 20, end - 3, end - 1] {
        let mut bad = good.clone();
        bad[change] ^= 3;
        assert_eq!(one.datagram(0, &bad), Step::Wait, "byte {change}");
    }
    for length in 12..end {
        assert_eq!(one.datagram(0, &good[..length]), Step::Wait, "{length} bytes");
    }
    assert_eq!(one.datagram(0, &good[..11]), seconds(1, 5), "not even a header");
    let mut letters = good;
    letters[13..16].copy_from_slice(b"aBC");
    assert_eq!(count(one.datagram(1, &letters)), 1);
}

#[test]
fn by_tcp_each_server_is_asked_once() {
    let by_tcp = |server| Step::Stream(server, Duration::from_secs(5));
    let mut one = resolution(2, |_| ());
    one.begin();
    assert_eq!(one.datagram(0, &reply(ANSWER | TRUNCATED, 3)), by_tcp(0));
    assert_eq!(one.datagram(0, &reply(ANSWER, 1)), Step::Wait, "datagrams are over");
    assert_eq!(one.failed(), by_tcp(1));
    assert_eq!(error(one.failed()), DnsLookupErrorKind::InvalidReply);

    let mut one = resolution(2, |configuration| configuration.over_tcp = true);
    assert_eq!(one.begin(), by_tcp(0));
    assert_eq!(one.framed(), framed(&query()));
    assert_eq!(one.stream(&framed(&reply(ANSWER | 2, 0))), by_tcp(1));
    assert_eq!(error(one.failed()), DnsLookupErrorKind::ServerFailure);
}

#[test]
fn bytes_of_a_connection() {
    let mut other = reply(ANSWER, 2);
    other[0] ^= 1;
    let bytes = [framed(&other), framed(&reply(ANSWER | TRUNCATED, 200))].concat();
    for size in [1, 2, 3, 7, 1000, bytes.len()] {
        let mut one = resolution(1, |configuration| configuration.over_tcp = true);
        one.begin();
        let mut pieces = bytes.chunks(size);
        let last = pieces.next_back().unwrap();
        assert!(pieces.all(|piece| one.stream(piece) == Step::Wait));
        assert_eq!(count(one.stream(last)), 200, "pieces of {size}");
    }
    // The remaining bytes of one connection do not count for the next.
    let mut one = resolution(2, |configuration| configuration.over_tcp = true);
    one.begin();
    one.stream(&bytes[..10]);
    one.failed();
    assert_eq!(count(one.stream(&bytes)), 200);
    let mut one = resolution(2, |configuration| configuration.over_tcp = true);
    one.begin();
    assert!(matches!(one.stream(&framed(&[0; 11])), Step::Stream(1, _)), "less than a header");
}

/// A server that answers other queries without end.
#[test]
fn other_answers_of_a_connection_are_bounded() {
    let mut other = reply(ANSWER, 2);
    other[0] ^= 1;
    let mut one = resolution(2, |configuration| configuration.over_tcp = true);
    one.begin();
    for _ in 0..16 {
        assert_eq!(one.stream(&framed(&other)), Step::Wait);
    }
    assert!(matches!(one.stream(&framed(&other)), Step::Stream(1, _)));
    assert_eq!(one.stream(&framed(&other)), Step::Wait, "each connection has its own count");
}

#[test]
fn names_that_are_too_long() {
    let longest = format!("{}.{}", vec!["x".repeat(49); 5].join("."), "123");
    assert_eq!(longest.len(), 253);
    assert!(message::query(1, &longest, DnsLookupType::A).is_some());
    assert!(message::query(1, &format!("{longest}."), DnsLookupType::A).is_some());
    assert!(message::query(1, &format!("{longest}4"), DnsLookupType::A).is_none());
}

/// 200 names that each follow a chain of 200 pointers.
#[test]
fn chains_of_pointers_are_bounded() {
    let mut chain = query();
    chain[2..4].copy_from_slice(&ANSWER.to_be_bytes());
    chain[7] = 2;
    let mut data = Vec::new();
    let start = chain.len() + 12;
    for pointer in 0..300_u16 {
        let target = if pointer == 0 { 12 } else { start as u16 + 2 * (pointer - 1) };
        data.extend((0xc000 | target).to_be_bytes());
    }
    chain.extend([0xc0, 12, 0, 99, 0, 1, 0, 0, 0, 60]);
    chain.extend((data.len() as u16).to_be_bytes());
    chain.extend(&data);
    for (hops, found) in [(200, 1), (254, 1), (255, 0), (290, 0)] {
        let mut reply = chain.clone();
        reply.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2]);
        reply.extend((0xc000 | (start as u16 + 2 * (hops - 1))).to_be_bytes());
        let read = message::read(&reply);
        assert_eq!(read.records.canonical_names.len(), found, "{hops} pointers");
        let text = read.error.map(|error| error.to_string());
        let wanted = (found == 0).then_some("Invalid canonical name record");
        assert_eq!(text.as_deref(), wanted);
    }
}

proptest! {
    /// No reply causes a panic, or more records than its bytes can hold.
    #[test]
    fn any_reply(rest in prop::collection::vec(any::<u8>(), 0..600), flags: u16, count: u16) {
        let mut message = query();
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        message[6..8].copy_from_slice(&count.to_be_bytes());
        message.extend(&rest);
        let records = message::read(&message).records;
        let found = records.canonical_names.len() + records.host_addresses.len()
            + records.mail_exchanges.len() + records.name_servers.len() + records.pointers.len()
            + records.services.len() + records.texts.len();
        prop_assert!(found <= rest.len() / 11);
        let mut one = resolution(2, |_| ());
        one.begin();
        one.datagram(0, &message);
        one.stream(&rest);
    }
}
