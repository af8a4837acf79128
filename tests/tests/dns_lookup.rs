//! Look-ups in the domain name system, with a name server that the tests run.

use std::{
    cell::{Cell, RefCell},
    fs,
    net::UdpSocket,
    path::Path,
    rc::Rc,
    sync::Mutex,
    time::{Duration, Instant},
};

use integration::{
    dns::{ANSWER, NameServer, Query, domain_name, record},
    in_child, settle, wait_until,
};
use qcore::{QPointer, QSignalSpy, VirtualClock};
use qnetwork::{
    DnsLookupErrorKind, DnsLookupType, ProxyType, QDnsLookup, QHostAddress, QNetworkProxy,
};

pub(super) fn lookup_at(port: u16, kind: DnsLookupType, name: &str) -> QDnsLookup {
    let dns = QDnsLookup::with_name(kind, name);
    dns.set_nameserver_with_port(QHostAddress::LocalHost, port);
    dns
}

/// Looks up a name at the server and waits for the end.
pub(super) fn look_up(server: &NameServer, kind: DnsLookupType, name: &str) -> QDnsLookup {
    let dns = lookup_at(server.port(), kind, name);
    let finished = QSignalSpy::new(&dns.finished);
    dns.lookup();
    assert!(!dns.is_finished() && finished.count() == 0, "not within the call");
    wait_until(|| dns.is_finished());
    settle();
    assert_eq!(finished.count(), 1);
    dns
}

pub(super) fn addresses(dns: &QDnsLookup) -> Vec<String> {
    dns.host_address_records().iter().map(|record| record.value().to_string()).collect()
}

/// Returns all records as `tests/data/qt-dns.py` prints them.
fn records(dns: &QDnsLookup) -> String {
    let mut all: Vec<Vec<String>> = Vec::new();
    for (kind, found) in [
        ("CNAME", dns.canonical_name_records()),
        ("NS", dns.name_server_records()),
        ("PTR", dns.pointer_records()),
    ] {
        all.extend(found.iter().map(|one| {
            let ttl = one.time_to_live().to_string();
            vec![kind.into(), one.name().into(), ttl, one.value().into()]
        }));
    }
    all.extend(dns.host_address_records().iter().map(|one| {
        let ttl = one.time_to_live().to_string();
        vec!["ADDRESS".into(), one.name().into(), ttl, one.value().to_string()]
    }));
    all.extend(dns.mail_exchange_records().iter().map(|one| {
        let numbers = [one.time_to_live().to_string(), one.preference().to_string()];
        [vec!["MX".into(), one.name().into()], numbers.into(), vec![one.exchange().into()]].concat()
    }));
    all.extend(dns.service_records().iter().map(|one| {
        let numbers = [one.priority(), one.weight(), one.port()].map(|number| number.to_string());
        let ttl = one.time_to_live().to_string();
        let name = vec!["SRV".into(), one.name().into(), ttl];
        [name, numbers.into(), vec![one.target().into()]].concat()
    }));
    all.extend(dns.text_records().iter().map(|one| {
        let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = vec!["TXT".into(), one.name().into(), one.time_to_live().to_string()];
        [name, one.values().iter().map(hex).collect()].concat()
    }));
    let word = |word: &String| if word.is_empty() { "-".to_owned() } else { word.clone() };
    let line = |one: &Vec<String>| one.iter().map(word).collect::<Vec<_>>().join(" ");
    all.iter().map(line).collect::<Vec<_>>().join(" | ")
}

/// Replies of a server, and Qt's results for them: `tests/data/qt-dns.tsv`.
#[test]
fn replies_as_qt_reads_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/qt-dns.tsv");
    let table = fs::read_to_string(path).unwrap();
    let next: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
    let server = NameServer::start(|query| {
        let mut reply = next.lock().unwrap().clone();
        reply[..2].copy_from_slice(&query.message[..2]);
        vec![reply]
    });
    let mut compared = 0;
    for line in table.lines() {
        let &[what, kind, name, reply, error, text, expected] =
            line.split('\t').collect::<Vec<_>>().as_slice()
        else {
            panic!("not a row: {line:?}");
        };
        let bytes = (0..reply.len() / 2).map(|at| &reply[2 * at..2 * at + 2]);
        *next.lock().unwrap() = bytes.map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect();
        let kind = DnsLookupType::try_from(kind.parse::<i32>().unwrap()).unwrap();
        let dns = look_up(&server, kind, name);
        let number = dns.error().map_or(0, i32::from).to_string();
        assert_eq!((&*number, &*dns.error_string()), (error, text), "{what}");
        assert_eq!(records(&dns), expected, "{what}");
        compared += 1;
    }
    assert!(compared > 100, "only {compared} replies were compared");
}

#[test]
fn each_type_is_asked_for() {
    let server = NameServer::start(|query| vec![query.reply(ANSWER | 3, &[])]);
    for kind in [1, 28, 255, 5, 15, 2, 12, 33, 16] {
        let dns = look_up(&server, DnsLookupType::try_from(kind).unwrap(), "B\u{fc}cher.Example.");
        assert_eq!(dns.error(), Some(DnsLookupErrorKind::NotFound));
        let query = server.queries().pop().unwrap();
        assert_eq!((&*query.name, i32::from(query.kind)), ("xn--bcher-kva.example", kind));
        // Recursion desired, one question, and nothing else.
        assert_eq!(query.message[2..12], [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(query.message.len(), 12 + 23 + 4);
    }
}

#[test]
fn mail_servers_and_services_are_sorted() {
    let server = NameServer::start(|query| {
        let data = |numbers: &[u16], name: &str| {
            let numbers: Vec<u8> = numbers.iter().flat_map(|one| one.to_be_bytes()).collect();
            [numbers, domain_name(name)].concat()
        };
        vec![match query.kind {
            15 => query.reply(
                ANSWER,
                &[(20, "c"), (10, "a"), (10, "b"), (5, "z")]
                    .map(|(preference, name)| record(15, &data(&[preference], name))),
            ),
            _ => query.reply(
                ANSWER,
                &[(2, "c"), (1, "a"), (1, "b"), (0, "z")]
                    .map(|(priority, name)| record(33, &data(&[priority, 5, 1], name))),
            ),
        }]
    });
    let mut seen = [0; 4];
    for _ in 0..60 {
        let dns = look_up(&server, DnsLookupType::MX, "example");
        let order: String = dns.mail_exchange_records().iter().map(|one| one.exchange()).collect();
        seen[["zabc", "zbac"].iter().position(|one| *one == order).unwrap()] += 1;
        let dns = look_up(&server, DnsLookupType::SRV, "_x._tcp.example");
        let order: String = dns.service_records().iter().map(|one| one.target()).collect();
        seen[2 + ["zabc", "zbac"].iter().position(|one| *one == order).unwrap()] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn invalid_names_are_not_asked_for() {
    let server = NameServer::start(|_| panic!("nobody asks"));
    let long = format!("{}.example", "a".repeat(64));
    for name in ["", ".", "a b", "a..b", "*.example", &long] {
        let dns = look_up(&server, DnsLookupType::A, name);
        assert_eq!(dns.error(), Some(DnsLookupErrorKind::InvalidRequest), "{name:?}");
        assert_eq!(dns.error_string(), "Invalid domain name");
    }
    // A name of valid labels that is too long as a whole.
    let dns = look_up(&server, DnsLookupType::A, integration::NO_HOST);
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::InvalidReply));
    assert_eq!(dns.error_string(), "Invalid reply received");
    assert_eq!(server.queries(), []);
}

#[test]
fn a_new_look_up() {
    let dns = QDnsLookup::new();
    assert_eq!((dns.name(), dns.lookup_type()), (String::new(), DnsLookupType::A));
    assert_eq!((dns.nameserver(), dns.nameserver_port()), (QHostAddress::Null, 53));
    assert_eq!((dns.is_finished(), dns.error(), dns.error_string()), (false, None, String::new()));
    assert_eq!(dns.result(), Ok(()));
    assert_eq!(records(&dns), "");
    let dns = QDnsLookup::with_nameserver(DnsLookupType::NS, "a.example", QHostAddress::LocalHost);
    assert_eq!((&*dns.name(), dns.lookup_type()), ("a.example", DnsLookupType::NS));
    assert_eq!((dns.nameserver(), dns.nameserver_port()), (QHostAddress::LocalHost, 53));
}

/// As in Qt, setting the current value emits nothing.
#[test]
fn properties_announce_their_changes() {
    let dns = QDnsLookup::new();
    let names = QSignalSpy::new(&dns.name_changed);
    let types = QSignalSpy::new(&dns.type_changed);
    let servers = QSignalSpy::new(&dns.nameserver_changed);
    for name in ["", "a.x", "a.x", "A.x"] {
        dns.set_name(name);
    }
    for kind in [DnsLookupType::A, DnsLookupType::MX, DnsLookupType::MX, DnsLookupType::A] {
        dns.set_type(kind);
    }
    dns.set_nameserver(QHostAddress::Null);
    dns.set_nameserver(QHostAddress::LocalHost);
    dns.set_nameserver_with_port(QHostAddress::LocalHost, 53);
    dns.set_nameserver_with_port(QHostAddress::LocalHost, 54);
    assert_eq!(dns.nameserver_port(), 54);
    dns.set_nameserver("127.0.0.1");
    dns.set_nameserver("no address");
    assert_eq!((dns.nameserver(), dns.nameserver_port()), (QHostAddress::Null, 53));
    assert_eq!(names.take(), ["a.x", "A.x"]);
    assert_eq!(types.take(), [DnsLookupType::MX, DnsLookupType::A]);
    let local = QHostAddress::LocalHost;
    assert_eq!(servers.take(), [local.clone(), local.clone(), local, QHostAddress::Null]);
}

// ---- abort, again, during

pub(super) fn slow_server() -> NameServer {
    NameServer::start(|query| match query.name.strip_prefix("drop.") {
        Some(_) => vec![],
        None if query.name.starts_with("missing.") => vec![query.reply(ANSWER | 3, &[])],
        None => vec![query.address([192, 0, 2, query.name.len() as u8])],
    })
}

/// Qt's `lookupAbortRetry`.
#[test]
fn abort_and_look_up_again() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "drop.example");
    let finished = QSignalSpy::new(&dns.finished);
    dns.abort();
    assert!(finished.count() == 0 && !dns.is_finished(), "nothing was going on");

    // Aborts immediately, and after the server has received the query.
    for asked in [0, 1] {
        dns.lookup();
        wait_until(|| server.queries().len() == asked);
        assert!(!dns.is_finished());
        dns.abort();
        assert_eq!(finished.take().len(), 1, "within the call");
        assert!(dns.is_finished());
        assert_eq!(dns.error(), Some(DnsLookupErrorKind::OperationCancelled));
        assert_eq!(dns.error_string(), "Operation cancelled");
        assert_eq!(dns.result().unwrap_err(), DnsLookupErrorKind::OperationCancelled);
        assert_eq!(records(&dns), "");
        dns.abort();
        assert!(finished.count() == 0, "only once");
    }

    dns.set_name("a.example");
    dns.lookup();
    assert_eq!((dns.is_finished(), dns.error()), (false, None));
    wait_until(|| dns.is_finished());
    settle();
    assert_eq!((finished.count(), addresses(&dns)), (1, vec!["192.0.2.9".to_owned()]));
}

/// Qt's `lookupReuse`.
#[test]
fn another_look_up_of_the_same_object() {
    let server = slow_server();
    let dns = look_up(&server, DnsLookupType::A, "a.example");
    assert_eq!(addresses(&dns), ["192.0.2.9"]);

    // Changes of the request do not affect the result until the next look-up begins.
    dns.set_name("missing.example");
    assert_eq!((dns.is_finished(), addresses(&dns).len()), (true, 1));
    dns.lookup();
    assert_eq!((dns.is_finished(), dns.error(), records(&dns)), (false, None, String::new()));
    wait_until(|| dns.is_finished());
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::NotFound));
    assert_eq!(records(&dns), "");

    dns.set_name("ab.example");
    dns.lookup();
    assert_eq!((dns.is_finished(), dns.error()), (false, None));
    wait_until(|| dns.is_finished());
    assert_eq!((dns.error(), addresses(&dns)), (None, vec!["192.0.2.10".to_owned()]));
}

#[test]
fn changes_during_a_look_up_are_for_the_next_one() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "a.example");
    dns.lookup();
    dns.set_name("ab.example");
    dns.set_type(DnsLookupType::MX);
    dns.set_nameserver(QHostAddress::Null);
    assert!(!dns.is_finished());
    wait_until(|| dns.is_finished());
    assert_eq!(addresses(&dns), ["192.0.2.9"]);
    let queries = server.queries();
    assert_eq!(
        queries.iter().map(|query| (&*query.name, query.kind)).collect::<Vec<_>>(),
        [("a.example", 1)]
    );
}

#[test]
fn a_second_look_up_replaces_the_first() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "drop.example");
    let finished = QSignalSpy::new(&dns.finished);
    dns.lookup();
    wait_until(|| server.queries().len() == 1);
    dns.set_name("a.example");
    dns.lookup();
    dns.lookup();
    wait_until(|| dns.is_finished());
    settle();
    assert_eq!((finished.count(), addresses(&dns)), (1, vec!["192.0.2.9".to_owned()]));
}

/// Slots of `finished` abort, look up again and let the object go.
#[test]
fn slots_that_look_up_again() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "a.example");
    let count = Rc::new(Cell::new(0));
    dns.finished.connect_to(&dns, {
        let count = count.clone();
        move |dns, ()| {
            assert_eq!((dns.is_finished(), addresses(dns).len()), (true, 1));
            count.set(count.get() + 1);
            dns.abort();
            if count.get() < 3 {
                dns.lookup();
                assert_eq!(
                    (dns.is_finished(), dns.error(), addresses(dns).len()),
                    (false, None, 0)
                );
            }
        }
    });
    dns.lookup();
    wait_until(|| count.get() == 3);
    settle();
    assert_eq!((count.get(), dns.is_finished()), (3, true));

    // The slot runs within abort().
    let dns = lookup_at(server.port(), DnsLookupType::A, "a.example");
    let errors = Rc::new(RefCell::new(Vec::new()));
    dns.finished.connect_to(&dns, {
        let errors = errors.clone();
        move |dns, ()| {
            errors.borrow_mut().push(dns.error());
            if errors.borrow().len() == 1 {
                dns.lookup();
            }
        }
    });
    dns.lookup();
    dns.abort();
    assert!(!dns.is_finished(), "the slot has begun another look-up");
    wait_until(|| dns.is_finished());
    assert_eq!(*errors.borrow(), [Some(DnsLookupErrorKind::OperationCancelled), None]);

    let holder =
        Rc::new(RefCell::new(Some(lookup_at(server.port(), DnsLookupType::A, "a.example"))));
    let dns = QPointer::new(holder.borrow().as_ref().unwrap());
    let slot = holder.clone();
    dns.upgrade().unwrap().finished.connect(move |()| drop(slot.take()));
    dns.upgrade().unwrap().lookup();
    wait_until(|| dns.is_null());
    settle();
}

#[test]
fn an_object_that_dies_says_nothing() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "drop.example");
    let finished = Rc::new(Cell::new(0));
    dns.finished.connect_to(&finished, |finished, ()| finished.set(finished.get() + 1));
    dns.lookup();
    wait_until(|| server.queries().len() == 1);
    drop(dns);
    let dns = lookup_at(server.port(), DnsLookupType::A, "a.example");
    dns.finished.connect_to(&finished, |finished, ()| finished.set(finished.get() + 1));
    dns.lookup();
    dns.delete_later();
    settle();
    assert!(dns.is_deleted());
    dns.lookup();
    dns.abort();
    settle();
    assert_eq!(finished.get(), 0);
}

// ---- servers

fn script(answer: impl Fn(&Query, usize) -> Vec<Vec<u8>> + Send + Sync + 'static) -> NameServer {
    let count = Mutex::new(0);
    NameServer::start(move |query| {
        let mut count = count.lock().unwrap();
        *count += 1;
        answer(query, *count)
    })
}

#[test]
fn answers_to_something_else_are_ignored() {
    let right = |query: &Query| query.address([192, 0, 2, 1]);
    let wrong = |query: &Query| query.address([6, 6, 6, 6]);
    let server = NameServer::start(move |query| {
        let mut id = wrong(query);
        id[1] ^= 1;
        let mut name = wrong(query);
        name[13] ^= 1;
        let mut kind = wrong(query);
        let end = 12 + query.question().len();
        kind[end - 3] = 16;
        let mut class = wrong(query);
        class[end - 1] = 3;
        let mut questions = wrong(query);
        questions[5] = 2;
        let mut no_question = wrong(query);
        no_question[5] = 0;
        let mut cut = wrong(query);
        cut.truncate(20);
        vec![id, name, kind, class, questions, no_question, cut, right(query)]
    });
    let dns = look_up(&server, DnsLookupType::A, "abc.example");
    assert_eq!((dns.error(), addresses(&dns)), (None, vec!["192.0.2.1".to_owned()]));
    assert_eq!(server.queries().len(), 1);
}

#[test]
fn names_are_compared_without_case() {
    let server = NameServer::start(|query| {
        let mut reply = query.address([192, 0, 2, 1]);
        reply[13..16].make_ascii_uppercase();
        vec![reply]
    });
    let dns = look_up(&server, DnsLookupType::A, "abc.example");
    assert_eq!(records(&dns), "ADDRESS abc.example 60 192.0.2.1");
}

/// The right answer from another port of the same host.
#[test]
fn other_senders_are_ignored() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = lookup_at(silent.local_addr().unwrap().port(), DnsLookupType::A, "a.example");
    dns.lookup();
    settle();
    let (query, peer) = received(&silent);
    other.send_to(&query.address([6, 6, 6, 6]), peer).unwrap();
    silent.send_to(&query.address([192, 0, 2, 1]), peer).unwrap();
    wait_until(|| dns.is_finished());
    assert_eq!(addresses(&dns), ["192.0.2.1"]);
}

#[test]
fn ids_and_ports_differ() {
    let server = slow_server();
    let ids: std::collections::HashSet<[u8; 2]> = (0..20)
        .map(|_| {
            look_up(&server, DnsLookupType::A, "a.example");
            let query = server.queries().pop().unwrap();
            [query.message[0], query.message[1]]
        })
        .collect();
    assert!(ids.len() > 15, "{ids:?}");
}

#[test]
fn a_server_that_fails_is_asked_twice() {
    for (code, error) in [
        (2, DnsLookupErrorKind::ServerFailure),
        (5, DnsLookupErrorKind::ServerRefused),
        (4, DnsLookupErrorKind::InvalidReply),
    ] {
        let server = NameServer::start(move |query| vec![query.reply(ANSWER | code, &[])]);
        let dns = look_up(&server, DnsLookupType::A, "a.example");
        assert_eq!((dns.error(), server.queries().len()), (Some(error), 2));

        // The server answers the second query.
        let server = script(move |query, count| match count {
            1 => vec![query.reply(ANSWER | code, &[])],
            _ => vec![query.address([192, 0, 2, 1])],
        });
        let dns = look_up(&server, DnsLookupType::A, "a.example");
        assert_eq!((dns.error(), addresses(&dns).len(), server.queries().len()), (None, 1, 2));
    }
    // A reply of the asked server that is shorter than a header.
    let server = script(|query, count| match count {
        1 => vec![query.message[..6].to_vec()],
        _ => vec![query.address([192, 0, 2, 1])],
    });
    let dns = look_up(&server, DnsLookupType::A, "a.example");
    assert_eq!((dns.error(), server.queries().len()), (None, 2));
}

#[test]
fn nobody_listens() {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dns = lookup_at(port, DnsLookupType::A, "a.example");
    let start = Instant::now();
    dns.lookup();
    wait_until(|| dns.is_finished());
    // The look-up does not wait for the time limit, because the system reports that the datagrams
    // were refused.
    assert!(start.elapsed() < Duration::from_millis(4900), "{:?}", start.elapsed());
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::InvalidReply));
    assert_eq!(dns.error_string(), "Invalid reply received");
}

#[test]
fn a_server_that_does_not_answer() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "drop.example");
    let clock = VirtualClock::install();
    dns.lookup();
    for asked in 1..=2 {
        while server.queries().len() < asked {
            settle_for(&clock, Duration::ZERO);
            std::thread::yield_now();
        }
        settle_for(&clock, Duration::from_millis(4900));
        assert_eq!((server.queries().len(), dns.is_finished()), (asked, false));
        settle_for(&clock, Duration::from_millis(200));
    }
    assert!(dns.is_finished());
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::InvalidReply));
    assert_eq!(dns.error_string(), "Invalid reply received");
    let queries = server.queries();
    assert_eq!((queries.len(), &queries[0].message), (2, &queries[1].message));
}

pub(super) fn many(query: &Query, count: u8) -> Vec<u8> {
    let records: Vec<_> = (0..count).map(|last| record(1, &[192, 0, 2, last])).collect();
    query.reply(ANSWER, &records)
}

/// Advances the clock and runs the timers that are then due.
pub(super) fn settle_for(clock: &VirtualClock, time: Duration) {
    clock.advance(time);
    qcore::QCoreApplication::new().process_events();
}

/// Waits for a query.
pub(super) fn received(server: &UdpSocket) -> (Query, std::net::SocketAddr) {
    let mut buffer = [0; 512];
    server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (length, peer) = server.recv_from(&mut buffer).unwrap();
    let message = buffer[..length].to_vec();
    (Query { message, name: String::new(), kind: 1, by_tcp: false }, peer)
}

// ---- other things

/// A flood of answers to other queries. The loop reads some of them in each turn.
#[test]
fn who_sends_other_answers_does_not_keep_the_loop() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = lookup_at(server.local_addr().unwrap().port(), DnsLookupType::A, "a.example");
    dns.lookup();
    settle();
    let (query, peer) = received(&server);
    let mut wrong = query.address([6, 6, 6, 6]);
    wrong[0] ^= 1;
    for _ in 0..40 {
        server.send_to(&wrong, peer).unwrap();
    }
    server.send_to(&query.address([192, 0, 2, 1]), peer).unwrap();
    let app = qcore::QCoreApplication::new();
    app.process_events();
    assert!(!dns.is_finished(), "one turn has read them all");
    wait_until(|| dns.is_finished());
    assert_eq!(addresses(&dns), ["192.0.2.1"]);
}

#[test]
fn a_server_with_an_ipv6_address() {
    let Ok(server) = UdpSocket::bind("[::1]:0") else {
        println!("skipped: there is no IPv6");
        return;
    };
    let dns = QDnsLookup::with_name(DnsLookupType::A, "a.example");
    let address = QHostAddress::LocalHostIPv6;
    dns.set_nameserver_with_port(address, server.local_addr().unwrap().port());
    dns.lookup();
    settle();
    let (query, peer) = received(&server);
    server.send_to(&query.address([192, 0, 2, 1]), peer).unwrap();
    wait_until(|| dns.is_finished());
    assert_eq!(addresses(&dns), ["192.0.2.1"]);
}

/// A datagram of more than 512 bytes is read, although the query does not allow it.
#[test]
fn a_large_datagram() {
    let server = NameServer::start(|query| vec![many(query, 60)]);
    let dns = look_up(&server, DnsLookupType::A, "a.example");
    assert_eq!(addresses(&dns).len(), 60);
}

#[test]
fn the_applications_proxy_is_not_used() {
    if !in_child!("the_applications_proxy_is_not_used", 100) {
        return;
    }
    let server = slow_server();
    let proxy = QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", 1);
    QNetworkProxy::set_application_proxy(proxy);
    let dns = look_up(&server, DnsLookupType::A, "a.example");
    assert_eq!(dns.error(), None);
}

/// Without a free descriptor a look-up fails, and the next one succeeds again.
#[test]
fn no_descriptors() {
    if !in_child!("no_descriptors", 100) {
        return;
    }
    let server = slow_server();
    let dns = look_up(&server, DnsLookupType::A, "a.example");
    let first = fs::File::open("/dev/null").unwrap();
    let taken: Vec<_> = std::iter::from_fn(|| first.try_clone().ok()).collect();
    dns.lookup();
    wait_until(|| dns.is_finished());
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::Resolver));
    assert_eq!(dns.error_string(), "Resolver initialization failed");
    drop(taken);
    let count = integration::descriptors();
    dns.lookup();
    wait_until(|| dns.is_finished());
    assert_eq!((dns.error(), addresses(&dns).len()), (None, 1));
    assert_eq!(integration::descriptors(), count, "all sockets are closed");
}

/// The name servers of `/etc/resolv.conf`, in namespaces of the test's own.
#[test]
fn the_systems_servers() {
    const TEST: &str = "dns_lookup::the_systems_servers";
    if std::env::var_os("OWN_NAMESPACES").is_some() {
        return in_own_namespaces();
    }
    let file = std::env::temp_dir().join(format!("resolv.conf.{}", std::process::id()));
    let text = "# nobody, one that fails, one that answers\nnameserver 127.0.0.1\n\
                nameserver 127.0.0.2\nnameserver 127.0.0.3\nsearch example\n";
    fs::write(&file, text).unwrap();
    let script = "ip link set lo up && mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    let run = |arguments: &[&std::ffi::OsStr]| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-nm", "sh", "-c", script]).arg(&file).args(arguments);
        command.env("OWN_NAMESPACES", "1").output()
    };
    if !run(&["true".as_ref()]).is_ok_and(|output| output.status.success()) {
        println!("skipped: the test needs root, unshare and ip");
    } else {
        let binary = std::env::current_exe().unwrap();
        let output = run(&[binary.as_ref(), "--exact".as_ref(), TEST.as_ref()]).unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
    }
    fs::remove_file(&file).unwrap();
}

fn in_own_namespaces() {
    let servers = [("127.0.0.2:53", ANSWER | 2), ("127.0.0.3:53", ANSWER)].map(|(at, flags)| {
        let server = UdpSocket::bind(at).unwrap();
        std::thread::spawn(move || {
            let (query, peer) = received(&server);
            server.send_to(&query.reply(flags, &[record(1, &[192, 0, 2, 1])]), peer).unwrap();
            query.message
        })
    });
    let dns = QDnsLookup::with_name(DnsLookupType::A, "a");
    dns.lookup();
    wait_until(|| dns.is_finished());
    assert_eq!(records(&dns), "ADDRESS a 60 192.0.2.1", "the name is not completed");
    let [failed, answered] = servers.map(|server| server.join().unwrap());
    assert_eq!(failed, answered);
}

#[test]
fn many_look_ups_at_once() {
    let server = slow_server();
    let all: Vec<QDnsLookup> = (0..50)
        .map(|number| {
            let name = format!("{}.example", "n".repeat(1 + number));
            lookup_at(server.port(), DnsLookupType::A, &name)
        })
        .collect();
    all.iter().for_each(QDnsLookup::lookup);
    wait_until(|| all.iter().all(QDnsLookup::is_finished));
    for (number, dns) in all.iter().enumerate() {
        assert_eq!(addresses(dns), [format!("192.0.2.{}", number + 9)]);
    }
}
