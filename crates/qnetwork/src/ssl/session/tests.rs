use std::collections::VecDeque;

use rustls::{
    NamedGroup,
    crypto::{ActiveKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup},
    ffdhe_groups::FfdheGroup,
    pki_types::PrivateKeyDer,
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS12,
};

use super::*;
use crate::ssl::{
    crypto::provider,
    kinds::{SslOptions, SslProtocol},
    signature::AcceptAny,
    tls::{Settings, versions},
};

fn identity(name: &str) -> Arc<CertifiedKey> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let key = provider().key_provider.load_private_key(key).unwrap();
    Arc::new(CertifiedKey::new(vec![made.cert.der().clone()], key))
}

struct Ends {
    client: Session,
    server: Session,
    pool: Rc<BufferPool>,
}

fn ends_with(client: Settings, server: Settings) -> Ends {
    let server = Settings { identity: Some(identity("localhost")), ..server };
    let pool = Rc::new(BufferPool::default());
    let name = ServerName::try_from("localhost").unwrap();
    Ends {
        client: Session::client(Arc::new(client.client().unwrap()), name, pool.clone()).unwrap(),
        server: Session::server(Arc::new(server.server().unwrap()), pool.clone()).unwrap(),
        pool,
    }
}

fn ends(protocol: SslProtocol) -> Ends {
    let settings = || Settings { protocol, ..Settings::default() };
    ends_with(settings(), settings())
}

/// Gives bytes to a session in pieces. Returns its events, repeated ones once, and the plain text.
fn feed(session: &mut Session, bytes: &[u8], piece: usize) -> (Vec<&'static str>, Vec<u8>) {
    let mut left: VecDeque<u8> = bytes.iter().copied().collect();
    let (mut told, mut plain) = (Vec::new(), Vec::new());
    loop {
        loop {
            let news = session.advance();
            if matches!(news, News::Blocked) {
                break;
            }
            if matches!(news, News::Data) {
                plain.extend(take_plain(session));
            }
            if told.last() != Some(&name(&news)) {
                told.push(name(&news));
            }
        }
        if left.is_empty() || told.last() == Some(&"failed") {
            return (told, plain);
        }
        let moved = session.receive(piece, |room| {
            let count = room.len().min(left.len());
            for (to, from) in room.iter_mut().zip(left.drain(..count)) {
                *to = from;
            }
            Outcome::Moved(count)
        });
        assert!(matches!(moved, Outcome::Moved(1..)), "{moved:?}");
    }
}

fn name(news: &News) -> &'static str {
    match news {
        News::Blocked => "blocked",
        News::Peer => "peer",
        News::Encrypted => "encrypted",
        News::Data => "data",
        News::Closed => "closed",
        News::Failed(_) => "failed",
    }
}

/// Runs a handshake with all messages cut into pieces. Returns the events of both ends.
fn shake_hands(ends: &mut Ends, piece: usize) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut client, mut server) = (Vec::new(), Vec::new());
    client.extend(feed(&mut ends.client, &[], piece).0);
    for _ in 0..10 {
        let out = ends.client.take_output().unwrap_or_default();
        server.extend(feed(&mut ends.server, &out, piece).0);
        let out = ends.server.take_output().unwrap_or_default();
        client.extend(feed(&mut ends.client, &out, piece).0);
    }
    (client, server)
}

fn take_plain(session: &mut Session) -> Vec<u8> {
    let plain = session.plain().to_vec();
    session.consume(plain.len());
    plain
}

#[test]
fn hands_are_shaken_whatever_the_pieces() {
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        for piece in [1, 2, 3, 5, 7, 64, 1000, 16_384, 100_000] {
            let mut ends = ends(protocol);
            let (client, server) = shake_hands(&mut ends, piece);
            assert_eq!(
                (&*client, &*server),
                (&["peer", "encrypted"][..], &["peer", "encrypted"][..])
            );
            let version = ends.client.common().protocol_version().unwrap();
            assert_eq!([version], [versions(protocol)[0].version]);
            assert_eq!(ends.client.peer_certificates().len(), 1);
            // Nothing is left over.
            assert_eq!((ends.client.held(), ends.server.held()), (0, 0));
            assert_eq!((ends.client.input.capacity(), ends.server.input.capacity()), (0, 0));
        }
    }
}

#[test]
fn data_in_records_of_every_size() {
    let mut ends = ends(SslProtocol::Any);
    shake_hands(&mut ends, 100_000);
    for size in [1, 2, 3, 100, 4095, 4096, 4097, 16_383, 16_384, 16_385, 50_000] {
        let data: Vec<u8> = (0..size).map(|at| at as u8).collect();
        for piece in [1, 13, 4096, 200_000] {
            ends.client.encrypt(&data).unwrap();
            let out = ends.client.take_output().unwrap();
            let (told, got) = feed(&mut ends.server, &out, piece);
            assert_eq!(told, ["data"]);
            assert!(got == data, "{size} in pieces of {piece}");
            assert_eq!((ends.server.held(), ends.server.plain.capacity()), (0, 0));
        }
    }
}

#[test]
fn the_answer_to_the_peer_is_held_until_somebody_takes_it() {
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        let mut ends = ends(protocol);
        assert!(feed(&mut ends.client, &[], 1).0.is_empty());
        let hello = ends.client.take_output().unwrap();
        assert!(feed(&mut ends.server, &hello, 9999).0.is_empty());
        let flight = ends.server.take_output().unwrap();
        ends.client.receive_all(flight);
        assert!(matches!(ends.client.advance(), News::Peer));
        // The client has an answer and has not sent it.
        assert!(!ends.client.output.is_empty());
        assert!(!ends.client.peer_certificates().is_empty());
    }
}

/// A server's key exchange with a point that is not on the curve.
#[derive(Debug)]
struct NoPoint;

impl SupportedKxGroup for NoPoint {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(NoPoint))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

impl ActiveKeyExchange for NoPoint {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Ok(SharedSecret::from(&[0; 32][..]))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        const POINT: [u8; 65] = {
            let mut point = [1; 65];
            point[0] = 4;
            point
        };
        &POINT
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

/// In TLS 1.2 rustls prepares the client's certificate before it checks the server's key exchange.
/// If that check fails, the server's certificate was not judged, so the client may send only the
/// alert.
#[test]
fn a_failure_gives_no_certificate_to_a_server_that_was_not_judged() {
    let crypto = CryptoProvider { kx_groups: vec![&NoPoint], ..(*provider()).clone() };
    let server = ServerConfig::builder_with_provider(Arc::new(crypto))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_client_cert_verifier(Arc::new(AcceptAny(provider())))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity("localhost"))));
    let client = Settings { identity: Some(identity("client")), ..Settings::default() };
    let (pool, name) = (Rc::default(), ServerName::try_from("localhost").unwrap());
    let mut client = Session::client(Arc::new(client.client().unwrap()), name, pool).unwrap();
    let mut server = Session::server(Arc::new(server), Rc::default()).unwrap();
    assert!(feed(&mut client, &[], 9999).0.is_empty());
    let hello = client.take_output().unwrap();
    assert!(feed(&mut server, &hello, 9999).0.is_empty());
    let flight = server.take_output().unwrap();
    assert_eq!(feed(&mut client, &flight, 9999).0, ["failed"]);
    // An unencrypted fatal alert, illegal_parameter.
    assert_eq!(client.alert().unwrap(), [21, 3, 3, 0, 2, 2, 47]);
}

#[test]
fn closing_is_told_once_and_nothing_after_it() {
    let mut ends = ends(SslProtocol::Any);
    shake_hands(&mut ends, 9999);
    ends.server.encrypt(b"bye").unwrap();
    ends.server.close().unwrap();
    let mut out = ends.server.take_output().unwrap();
    out.extend_from_slice(b"garbage");
    ends.client.receive_all(out);
    assert!(matches!(ends.client.advance(), News::Data));
    assert_eq!(take_plain(&mut ends.client), b"bye");
    assert!(matches!(ends.client.advance(), News::Closed));
    assert!(matches!(ends.client.advance(), News::Blocked));
    // The other direction is still open.
    ends.client.encrypt(b"so long").unwrap();
    let out = ends.client.take_output().unwrap();
    assert_eq!(feed(&mut ends.server, &out, 9999), (vec!["data"], b"so long".to_vec()));
}

#[test]
fn garbage_is_an_error_at_any_time() {
    let mut ends = ends(SslProtocol::Any);
    let (told, _) = feed(&mut ends.server, b"GET / HTTP/1.0\r\n\r\n", 9999);
    assert_eq!(told, ["failed"]);
    assert!(matches!(ends.server.advance(), News::Blocked));

    let mut ends = self::ends(SslProtocol::Any);
    shake_hands(&mut ends, 9999);
    ends.client.encrypt(b"hello").unwrap();
    let mut out = ends.client.take_output().unwrap();
    *out.last_mut().unwrap() ^= 1;
    assert_eq!(feed(&mut ends.server, &out, 9999).0, ["failed"]);
    assert!(matches!(ends.server.advance(), News::Blocked));
}

/// A slot of an error may write and end the connection. Further data from the peer is ignored.
#[test]
fn what_follows_an_error_is_not_read() {
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        let mut ends = ends(protocol);
        shake_hands(&mut ends, 9999);
        let mut received = Vec::new();
        for _ in 0..3 {
            ends.client.encrypt(b"hello").unwrap();
            let mut record = ends.client.take_output().unwrap();
            *record.last_mut().unwrap() ^= 1;
            received.extend(record);
        }
        ends.server.receive_all(received);
        assert!(matches!(ends.server.advance(), News::Failed(_)));
        assert_eq!(ends.server.held(), 0);
        ends.server.encrypt(b"what a pity").unwrap();
        ends.server.close().unwrap();
        assert!(ends.server.take_output().is_none());
        // The peer gets one alert.
        let alert = ends.server.alert().unwrap();
        assert!(ends.server.alert().is_none());
        assert_eq!(feed(&mut ends.client, &alert, 9999).0, ["failed"]);
        assert!(matches!(ends.server.advance(), News::Blocked));
    }
}

/// Writing processes received data too. `advance` reports errors in that data.
#[test]
fn an_error_that_writing_finds_is_told_once() {
    let mut ends = ends(SslProtocol::Any);
    shake_hands(&mut ends, 9999);
    let mut received = Vec::new();
    for _ in 0..2 {
        ends.client.encrypt(b"hello").unwrap();
        let mut record = ends.client.take_output().unwrap();
        *record.last_mut().unwrap() ^= 1;
        received.extend(record);
    }
    ends.server.receive_all(received);
    ends.server.encrypt(b"good day").unwrap();
    assert!(matches!(ends.server.advance(), News::Failed(_)));
    assert!(matches!(ends.server.advance(), News::Blocked));
    assert!(ends.server.alert().is_some());
}

/// If a flight has several messages, the first invalid one ends the session. Writing does not
/// process those behind it.
#[test]
fn messages_behind_a_bad_one_are_left() {
    let mut ends = ends(SslProtocol::TlsV1_2);
    assert!(feed(&mut ends.client, &[], 1).0.is_empty());
    drop(ends.client.take_output());
    // Three messages in one record. The first one is an empty ServerHello.
    ends.client.receive_all(vec![22, 3, 3, 0, 12, 2, 0, 0, 0, 14, 0, 0, 0, 14, 0, 0, 0]);
    assert!(matches!(ends.client.advance(), News::Failed(_)));
    ends.client.encrypt(b"hello").unwrap();
    ends.client.close().unwrap();
    assert!(ends.client.alert().is_some());
}

#[test]
fn no_more_is_held_than_a_message_takes() {
    let mut ends = ends(SslProtocol::Any);
    // Handshake records without end. The message claims the maximum length.
    let mut message = vec![1, 0xff, 0xff, 0xff];
    message.resize(16_000, 0);
    let mut record = vec![22, 3, 3];
    record.extend_from_slice(&(message.len() as u16).to_be_bytes());
    record.extend_from_slice(&message);
    let mut failed = false;
    for _ in 0..100 {
        assert!(ends.server.held() <= HELD);
        let takes = ends.server.input.capacity();
        assert!(takes <= HELD, "a buffer of {takes} bytes for {}", ends.server.held());
        if feed(&mut ends.server, &record, 1400).0.contains(&"failed") {
            failed = true;
            break;
        }
    }
    assert!(failed);
}

#[test]
fn a_session_is_resumed() {
    let pool = Rc::new(BufferPool::default());
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        let settings = || Settings { protocol, ..Settings::default() };
        let client = Arc::new(settings().client().unwrap());
        let server = Settings { identity: Some(identity("localhost")), ..settings() };
        let server = Arc::new(server.server().unwrap());
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let name = ServerName::try_from("localhost").unwrap();
            let mut ends = Ends {
                client: Session::client(client.clone(), name, pool.clone()).unwrap(),
                server: Session::server(server.clone(), pool.clone()).unwrap(),
                pool: pool.clone(),
            };
            let (told, _) = shake_hands(&mut ends, 9999);
            // Whether or not the session was resumed, the peer is reported and can be inspected.
            assert_eq!(told, ["peer", "encrypted"]);
            assert_eq!(ends.client.peer_certificates().len(), 1);
            kinds.push(ends.client.common().handshake_kind().unwrap());
            if protocol == SslProtocol::TlsV1_3 {
                assert!(ends.client.tickets_received() > 0);
            }
        }
        use rustls::HandshakeKind::{Full, Resumed};
        assert!(matches!(kinds[..], [Full, Resumed]), "{kinds:?}");
    }
}

#[test]
fn options_turn_resuming_off() {
    let settings = || Settings {
        options: SslOptions::default() | SslOptions::DISABLE_SESSION_SHARING,
        ..Settings::default()
    };
    let mut ends = ends_with(settings(), settings());
    shake_hands(&mut ends, 9999);
    assert_eq!(ends.client.tickets_received(), 0);
}

#[test]
fn nothing_can_be_encrypted_before_its_time() {
    let mut ends = ends(SslProtocol::Any);
    assert!(ends.client.encrypt(b"early").is_err());
    assert!(ends.client.close().is_err());
    shake_hands(&mut ends, 9999);
    assert!(ends.client.encrypt(b"now").is_ok());
    assert_eq!(ends.pool.take_scratch().len(), SCRATCH);
}

/// Makes the client ask the server for new keys.
fn ask_for_new_keys(ends: &mut Ends) -> Vec<u8> {
    let Side::Client(connection) = &mut ends.client.side else { panic!("a client") };
    match connection.process_tls_records(&mut []).state.unwrap() {
        ConnectionState::WriteTraffic(traffic) => traffic.refresh_traffic_keys().unwrap(),
        other => panic!("{other:?}"),
    }
    feed(&mut ends.client, &[], 9999);
    ends.client.take_output().unwrap()
}

/// Each request asks for an answer, so their number has a limit.
#[test]
fn new_keys_are_asked_for_so_often_and_no_more() {
    let mut ends = ends(SslProtocol::TlsV1_3);
    shake_hands(&mut ends, 9999);
    for _ in 0..32 {
        let asked = ask_for_new_keys(&mut ends);
        assert_eq!(feed(&mut ends.server, &asked, 9999), (vec![], vec![]));
    }
    // Data between them resets the limit.
    ends.client.encrypt(b"data").unwrap();
    let data = ends.client.take_output().unwrap();
    assert_eq!(feed(&mut ends.server, &data, 9999), (vec!["data"], b"data".to_vec()));
    for _ in 0..32 {
        let asked = ask_for_new_keys(&mut ends);
        assert_eq!(feed(&mut ends.server, &asked, 9999), (vec![], vec![]));
    }
    let asked = ask_for_new_keys(&mut ends);
    assert_eq!(feed(&mut ends.server, &asked, 9999).0, ["failed"]);
    // The output with the answers stays small, although the test has not taken it.
    assert!(ends.server.output.len() < 64 * 64, "{}", ends.server.output.len());
}
