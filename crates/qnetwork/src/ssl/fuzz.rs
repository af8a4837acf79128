//! Entry points for the fuzz targets of TLS and of certificates.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use qcore::internals::BufferPool;
use rustls::{ClientConfig, ServerConfig, pki_types::ServerName};

use super::{
    certificate::QSslCertificate,
    configuration::QSslConfiguration,
    key::QSslKey,
    kinds::{EncodingFormat, KeyAlgorithm, SslOptions, SslProtocol},
    ocsp,
    session::{HELD, News, Session},
    tls::Settings,
    verify::{Purpose, Request, verify},
};
use crate::engine::Outcome;

/// Returns whether a chain has no errors. Its leaf is a server's or a client's.
pub fn finds_no_fault(
    chain: &[Vec<u8>],
    trusted: &[Vec<u8>],
    host: &str,
    is_server: bool,
    now: u64,
) -> bool {
    let load = |ders: &[Vec<u8>]| -> Vec<QSslCertificate> {
        ders.iter().map(|der| QSslCertificate::new(der, EncodingFormat::Der)).collect()
    };
    let request = Request {
        chain: &load(chain),
        trusted: &load(trusted),
        host: Some(host),
        purpose: if is_server { Purpose::Server } else { Purpose::Client },
        depth: 0,
        now: UNIX_EPOCH + Duration::from_secs(now),
    };
    verify(&request).is_empty()
}

/// Checks an OCSP response and returns whether it is valid for the first certificate of the chain,
/// whose issuers are trusted.
pub fn is_valid_response(response: &[u8], chain: &[QSslCertificate], now: u64) -> bool {
    let request = ocsp::Request {
        response,
        chain,
        trusted: chain,
        now: UNIX_EPOCH + Duration::from_secs(now),
    };
    ocsp::check(&request).is_ok_and(|checked| checked.errors.is_empty())
}

/// A session and the events that it has returned.
struct End {
    session: Session,
    told: Vec<&'static str>,
    plain: usize,
    failed: bool,
    /// The session has said that it sends no more. rustls counts that as a fatal alert, and in
    /// debug builds it asserts that there is no second one. So this end gets no more data, which
    /// might be invalid.
    has_closed: bool,
}

/// A certificate and its key, as PEM.
pub type Identity<'a> = (&'a [u8], &'a [u8]);

/// Sends records to one end from a peer that does not speak TLS. The first byte selects the end,
/// and the second one the size of the pieces in which the rest arrives.
pub fn tls_records(data: &[u8], identity: Identity<'_>) {
    let [how, piece, data @ ..] = data else { return };
    let mut end = End::new(*how, how & 1 == 1, identity);
    end.work();
    drop(end.session.take_output());
    end.feed(data, usize::from(*piece).max(1));
    end.check();
}

/// Runs two ends with an attacker between them. The bytes tell the attacker what to pass on,
/// change, drop or insert, and the ends when to write and close.
pub fn tls_handshake(data: &[u8], identity: Identity<'_>) {
    let [how, steps @ ..] = data else { return };
    let mut ends = [End::new(*how, false, identity), End::new(*how, true, identity)];
    ends[0].work();
    let mut steps = steps.iter().copied();
    while let Some(step) = steps.next() {
        let at = usize::from(step & 1);
        let Some(argument) = steps.next() else { break };
        let argument = usize::from(argument);
        match step >> 1 & 7 {
            0 => drop(ends[at].session.encrypt(&vec![7; argument * 70])),
            1 => {
                drop(ends[at].session.close());
                ends[at].has_closed = true;
            }
            what => {
                let mut flight = ends[at].session.take_output().unwrap_or_default();
                let place = argument * 3 % flight.len().max(1);
                match what {
                    2 => {
                        let change = steps.next().unwrap_or_default();
                        if let Some(byte) = flight.get_mut(place) {
                            *byte ^= change;
                        }
                    }
                    3 => flight.truncate(place),
                    4 => flight.extend_from_within(..place),
                    5 => drop(flight.drain(..place)),
                    6 => {
                        let inserted: Vec<u8> = steps.by_ref().take(argument).collect();
                        flight.splice(..0, inserted);
                    }
                    _ => {}
                }
                ends[1 - at].feed(&flight, argument + 1);
            }
        }
    }
    for end in &mut ends {
        end.check();
    }
}

impl End {
    fn new(how: u8, is_server: bool, identity: Identity<'_>) -> Self {
        let pool = Rc::new(BufferPool::default());
        let session = CONFIGURATIONS.with_borrow_mut(|made| {
            let index = usize::from(how >> 1) % VARIANTS;
            if made.is_empty() {
                made.extend((0..VARIANTS).map(|variant| configuration(variant, identity)));
            }
            let (client, server) = &made[index];
            let name = ServerName::try_from("localhost").expect("localhost is a name");
            match is_server {
                false => Session::client(client.clone(), name, pool),
                true => Session::server(server.clone(), pool),
            }
        });
        let session = session.expect("the configuration is good");
        End { session, told: Vec::new(), plain: 0, failed: false, has_closed: false }
    }

    /// Receives data in pieces, and processes each one.
    fn feed(&mut self, mut bytes: &[u8], piece: usize) {
        while !bytes.is_empty() && !self.failed && !self.has_closed {
            let moved = self.session.receive(piece, |room| {
                let count = room.len().min(bytes.len());
                room[..count].copy_from_slice(&bytes[..count]);
                bytes = &bytes[count..];
                Outcome::Moved(count)
            });
            assert!(matches!(moved, Outcome::Moved(1..)), "{moved:?}");
            assert!(self.session.held() <= HELD, "it keeps all that comes");
            self.work();
        }
    }

    fn work(&mut self) {
        loop {
            let news = self.session.advance();
            let name = match news {
                News::Blocked => return,
                News::Peer => "peer",
                News::Encrypted => "encrypted",
                News::Data => {
                    let count = self.session.plain().len();
                    assert!(count > 0);
                    self.session.consume(count);
                    self.plain += count;
                    continue;
                }
                News::Closed => "closed",
                News::Failed(_) => {
                    self.failed = true;
                    drop(self.session.alert());
                    "failed"
                }
            };
            assert!(!self.told.contains(&name), "{name} is told twice");
            self.told.push(name);
        }
    }

    /// Checks that the events came in order, and that a failed session produces nothing.
    fn check(&mut self) {
        let order = ["peer", "encrypted", "closed", "failed"];
        let place = |name: &&str| order.iter().position(|known| known == name);
        assert!(self.told.iter().is_sorted_by_key(place), "{:?}", self.told);
        assert!(self.plain == 0 || self.told.contains(&"encrypted"), "plain text of nobody");
        if self.failed {
            assert!(matches!(self.session.advance(), News::Blocked));
        }
    }
}

const VARIANTS: usize = 8;

thread_local! {
    static CONFIGURATIONS: RefCell<Vec<(Arc<ClientConfig>, Arc<ServerConfig>)>> =
        const { RefCell::new(Vec::new()) };
}

fn configuration(variant: usize, identity: Identity<'_>) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let mut own = QSslConfiguration::default();
    own.set_local_certificate_chain(
        QSslCertificate::from_data(identity.0, EncodingFormat::Pem).unwrap_or_default(),
    );
    own.set_private_key(QSslKey::new(identity.1, KeyAlgorithm::Ec, EncodingFormat::Pem));
    let own = own.identity().expect("the key matches the certificate");
    let protocol = match variant % 4 {
        0 | 1 => SslProtocol::Any,
        2 => SslProtocol::TlsV1_2,
        _ => SslProtocol::TlsV1_3,
    };
    let settings = |identity| Settings {
        protocol,
        identity,
        // No run may depend on an earlier one.
        options: SslOptions::default() | SslOptions::DISABLE_SESSION_SHARING,
        next_protocols: if variant & 1 == 1 { vec![b"h2".to_vec()] } else { Vec::new() },
        asks: variant & 4 == 4,
        ..Settings::default()
    };
    let client = settings(own.clone().filter(|_| variant & 1 == 1)).client();
    let server = settings(own).server();
    (
        Arc::new(client.expect("a valid configuration")),
        Arc::new(server.expect("a valid configuration")),
    )
}
