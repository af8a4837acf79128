//! Servers that are measured from outside: `server std|tokio|smol|calloop|mio MODE [CERT KEY]`.
//! They have the modes of `qserver`: `echo`, `sink`, `source`, `udp`, `tls-echo` and `tls-sink`.
//! tokio has `http`, too, and smol has `http-smol`. `server tokio relay ADDR:PORT` relays
//! connections to another server.

#[path = "../server/blocking.rs"]
mod blocking;
#[path = "../server/calloop.rs"]
mod calloop;
#[path = "../server/mio.rs"]
mod mio;
#[path = "../server/smol.rs"]
mod smol;
#[path = "../server/tokio.rs"]
mod tokio;

use std::{fs, process::ExitCode, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// What a server does with the bytes of a connection.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Echo,
    Sink,
    Source,
}

/// The progress of a sink or a source: how many bytes are left.
#[derive(Default)]
pub(crate) struct Count {
    total: u64,
    left: u64,
    header: Vec<u8>,
}

impl Count {
    /// Takes bytes of a stream of numbers and as many bytes. Returns the numbers to answer with.
    pub(crate) fn sink(&mut self, mut bytes: &[u8]) -> Option<[u8; 8]> {
        let mut answer = None;
        while !bytes.is_empty() {
            if self.left == 0 {
                let Some(number) = self.number(&mut bytes) else { break };
                (self.total, self.left) = (number, number);
            }
            let count = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            bytes = &bytes[count..];
            self.left -= count as u64;
            if self.left == 0 {
                answer = Some(self.total.to_le_bytes());
            }
        }
        answer
    }

    /// Takes the number of bytes to send.
    pub(crate) fn ask(&mut self, mut bytes: &[u8]) {
        while let Some(number) = self.number(&mut bytes) {
            self.left += number;
        }
    }

    /// Returns the next bytes to send.
    pub(crate) fn supply(&self) -> &'static [u8] {
        static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];
        &ZEROS[..ZEROS.len().min(usize::try_from(self.left).unwrap_or(usize::MAX))]
    }

    pub(crate) fn sent(&mut self, count: usize) {
        self.left -= count as u64;
    }

    fn number(&mut self, bytes: &mut &[u8]) -> Option<u64> {
        let count = bytes.len().min(8 - self.header.len());
        self.header.extend(&bytes[..count]);
        *bytes = &bytes[count..];
        let number = u64::from_le_bytes(self.header[..].try_into().ok()?);
        self.header.clear();
        Some(number)
    }
}

pub(crate) fn listening(port: u16) {
    println!("LISTENING {port}");
}

fn configuration() -> Option<Arc<ServerConfig>> {
    let mut files = std::env::args().skip(3);
    let chain = fs::read(files.next()?).ok()?;
    let key = fs::read(files.next()?).ok()?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let key = PrivateKeyDer::from_pem_slice(&key).ok()?;
    let builder = ServerConfig::builder().with_no_client_auth();
    Some(Arc::new(builder.with_single_cert(chain.ok()?, key).ok()?))
}

fn main() -> ExitCode {
    let peer = std::env::args().nth(1).unwrap_or_default();
    let mode = std::env::args().nth(2).unwrap_or_default();
    let bytes = match mode.trim_start_matches("tls-") {
        "sink" => Mode::Sink,
        "source" => Mode::Source,
        _ => Mode::Echo,
    };
    let tls = if mode.starts_with("tls-") { configuration() } else { None };
    match (peer.as_str(), mode.as_str()) {
        ("std", "udp") => blocking::datagrams(),
        ("std", _) => blocking::serve(bytes, tls),
        ("tokio", "http") => tokio::http(),
        ("tokio", "udp") => tokio::datagrams(),
        ("tokio", "relay") => tokio::relay(&std::env::args().nth(3).unwrap_or_default()),
        ("tokio", _) => tokio::serve(bytes, tls),
        ("smol", "http-smol") => smol::http(),
        ("smol", "udp") => smol::datagrams(),
        ("smol", _) => smol::serve(bytes),
        ("mio", "udp") => mio::datagrams(),
        ("mio", _) => mio::serve(bytes),
        ("calloop", _) => calloop::serve(bytes),
        _ => {
            eprintln!("usage: server std|tokio|smol|calloop|mio MODE [CERT KEY]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
