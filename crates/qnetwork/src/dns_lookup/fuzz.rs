//! Entry points for the fuzz targets: the replies of name servers, the resolver's configuration.

use super::{
    configuration::Configuration,
    error::DnsLookupType,
    message::{self, Reply},
    resolution::{Resolution, Step},
};
use crate::address::QHostAddress;

/// Passes datagrams and bytes of connections to a look-up until it ends. The first byte of `data`
/// is the length of the pieces.
pub(crate) fn replies(data: &[u8]) {
    let [piece, data @ ..] = data else { return };
    let query = message::query(0, "a.example", DnsLookupType::ANY).expect("a short name");
    let configuration = Configuration {
        servers: vec![(QHostAddress::LocalHost, 53); 2],
        ..Configuration::default()
    };
    let mut resolution = Resolution::new(query.clone(), configuration, usize::from(piece & 1));
    let mut step = resolution.begin();
    let mut by_tcp = false;
    for piece in data.chunks(usize::from(*piece).max(1)) {
        match &step {
            Step::Datagram(..) => by_tcp = false,
            Step::Stream(..) => by_tcp = true,
            Step::Wait => {}
            Step::Done(reply) => return check(reply, data.len()),
        }
        step = match piece {
            [] | [0, ..] => resolution.failed(),
            _ if by_tcp => resolution.stream(piece),
            // The reply begins with the question, so that the look-up reads more than the header.
            [server, rest @ ..] => {
                let mut reply = query.clone();
                let header = rest.len().min(10);
                reply[2..2 + header].copy_from_slice(&rest[..header]);
                reply[5] = 1;
                reply.extend(&rest[header..]);
                resolution.datagram(usize::from(server & 1), &reply)
            }
        };
    }
}

/// Reads a text as `/etc/resolv.conf`, and its first line as the options of the environment.
pub(crate) fn configuration(text: &str) {
    let options = text.lines().next().unwrap_or_default();
    let configuration = Configuration::read(text, options);
    assert!((1..=3).contains(&configuration.servers.len()));
    assert!(configuration.timeout <= 30 && configuration.attempts <= 5);
    for server in 0..configuration.servers.len() {
        assert!((1..=120).contains(&configuration.time_for(server).as_secs()));
    }
}

fn check(reply: &Reply, length: usize) {
    let records = &reply.records;
    assert!(records.texts.len() + records.host_addresses.len() <= length / 10);
    let names = records.canonical_names.iter().chain(&records.name_servers);
    for record in names.chain(&records.pointers) {
        assert!(record.name().len() <= 1024 && record.value().len() <= 1024, "{record:?}");
    }
}
