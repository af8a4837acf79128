//! Look-ups in the domain name system that tasks await.

use integration::settle;
use qcore::{
    QSignalSpy, block_on, spawn_local,
    task::{timeout, yield_now},
};
use qnetwork::{DnsLookupErrorKind, DnsLookupType};

use super::dns_lookup::{addresses, lookup_at, slow_server};

#[test]
fn a_query_returns_the_result() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "a.example");
    let finished = QSignalSpy::new(&dns.finished);
    block_on(timeout(5000, dns.query())).unwrap().unwrap().unwrap();
    assert_eq!((finished.take().len(), addresses(&dns)), (1, vec!["192.0.2.9".to_owned()]));

    dns.set_name("missing.example");
    let error = block_on(timeout(5000, dns.query())).unwrap().unwrap().unwrap_err();
    assert_eq!(error, DnsLookupErrorKind::NotFound);
    // None is running, so this is the result of the last one.
    assert_eq!(block_on(dns.finished()).unwrap(), Err(error));

    dns.set_name("a..b");
    let error = block_on(timeout(5000, dns.query())).unwrap().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "Invalid domain name");
}

#[test]
fn a_dropped_query_aborts_and_a_dropped_wait_does_not() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "drop.example");
    let finished = QSignalSpy::new(&dns.finished);
    drop(dns.query());
    settle();
    assert_eq!((server.queries().len(), finished.count()), (0, 0), "it was not polled");

    assert!(block_on(timeout(20, dns.query())).unwrap().is_err());
    assert_eq!((dns.error(), finished.take().len()), {
        (Some(DnsLookupErrorKind::OperationCancelled), 1)
    });

    dns.lookup();
    assert!(block_on(timeout(20, dns.finished())).unwrap().is_err());
    assert!(!dns.is_finished() && finished.count() == 0, "the look-up goes on");

    // A look-up that the program begins replaces that of the future, which then waits for it.
    let other = dns.clone();
    let error = block_on(async {
        let query = spawn_local(async move { other.query().await });
        yield_now().await;
        dns.set_name("missing.example");
        dns.lookup();
        query.await.unwrap().unwrap_err()
    });
    assert_eq!(error.unwrap(), DnsLookupErrorKind::NotFound);

    // A dropped future leaves that other look-up alone.
    dns.set_name("drop.example");
    let waiting = spawn_local({
        let dns = dns.clone();
        async move { dns.query().await }
    });
    settle();
    dns.set_name("a.example");
    dns.lookup();
    waiting.abort();
    block_on(timeout(5000, dns.finished())).unwrap().unwrap().unwrap();
    assert_eq!(addresses(&dns), ["192.0.2.9"]);
}

#[test]
fn an_awaited_look_up_that_is_aborted_or_deleted() {
    let server = slow_server();
    let dns = lookup_at(server.port(), DnsLookupType::A, "drop.example");
    for deletes in [false, true] {
        let waiting = spawn_local({
            let dns = dns.clone();
            async move { dns.query().await }
        });
        settle();
        // The future connects again to a signal whose slots somebody has cut.
        dns.finished.disconnect_all();
        settle();
        if deletes {
            dns.delete_later();
        } else {
            dns.abort();
        }
        let error = block_on(timeout(5000, waiting)).unwrap().unwrap().unwrap().unwrap_err();
        assert_eq!(error, DnsLookupErrorKind::OperationCancelled);
    }
    assert!(dns.is_deleted());
    assert!(block_on(dns.query()).unwrap().is_err());
}
