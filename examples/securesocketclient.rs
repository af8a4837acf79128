//! Connects to a server over TLS and prints the server's certificates, the cipher, and the data
//! that the server sends.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
    process::ExitCode,
    rc::Rc,
};

use examples::{certificates, parse_args, print_line, refuse};
use qcore::{NotifierType, QCoreApplication, QObject, QSocketNotifier, class};
use qnetwork::{
    AlternativeNameEntryType, HashAlgorithm, PauseModes, QSslCertificate, QSslError, QSslSocket,
    SocketErrorKind, SocketState, SubjectInfo,
};

const USAGE: &str = "\
usage: securesocketclient [--ca FILE] [--name NAME] [--get PATH] HOST [PORT]

Connects to a server over TLS. Prints the cipher, the server's certificates and the data that it
sends. If there are certificate errors, it asks on standard input whether to continue.

  HOST PORT    the server [port 443]
  --ca FILE    trust only the certificates in this PEM file
  --name NAME  the name that the certificate must be for [HOST]
  --get PATH   send an HTTP request for this path
  --help       print this text";

/// The command line's options.
#[derive(Default)]
struct Options {
    host: String,
    port: u16,
    name: String,
    ca: Vec<QSslCertificate>,
    path: Option<String>,
}

class! {
    struct Client: QObject {
        options: Options,
        /// Standard input without a buffer: the notifier would not report data inside a buffer.
        input: Rc<File>,
        /// Reports the answer while a question is open.
        child typed: QSocketNotifier,
        app: QCoreApplication = QCoreApplication::instance(),
        child socket: QSslSocket = QSslSocket::new(),
        exit_code: Cell<i32> = Cell::new(0),
    }
}

fn main() -> ExitCode {
    let mut options = Options { port: 443, ..Options::default() };
    let mut words = Vec::new();
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("ca") => options.ca = certificates(value())?,
            lexopt::Arg::Long("name") => options.name = value(),
            lexopt::Arg::Long("get") => options.path = Some(value()),
            lexopt::Arg::Value(word) => words.push(word.to_string_lossy().into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    });
    match &words[..] {
        [host] => options.host.clone_from(host),
        [host, port] => {
            options.host.clone_from(host);
            let number = port.parse();
            options.port =
                number.unwrap_or_else(|_| refuse(USAGE, &format!("{port:?} is no port")));
        }
        _ => refuse(USAGE, "a host is needed"),
    }
    match run(options) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("securesocketclient: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> io::Result<i32> {
    let app = QCoreApplication::new();
    let client = Client::new(options)?;
    client.connect();
    Ok(app.exec())
}

impl Client {
    fn new(options: Options) -> io::Result<Self> {
        let input = Rc::new(File::from(io::stdin().as_fd().try_clone_to_owned()?));
        let typed = QSocketNotifier::try_new(input.clone(), NotifierType::Read)?;
        typed.set_enabled(false);
        let this = Self::derive(QObject::new(), options, input, typed);
        this.typed.activated.connect_slot(&this, Self::on_typed);
        this.socket.encrypted.connect_slot(&this, Self::on_encrypted);
        this.socket.ready_read.connect_slot(&this, Self::on_ready_read);
        this.socket.ssl_errors.connect_slot(&this, Self::ask);
        this.socket.error_occurred.connect_slot(&this, Self::on_error);
        this.socket.disconnected.connect_slot(&this, Self::on_disconnected);
        Ok(this)
    }

    fn connect(&self) {
        let Options { host, port, name, ca, .. } = &self.options;
        if !ca.is_empty() {
            self.socket.set_ca_certificates(ca.clone());
        }
        if !name.is_empty() {
            self.socket.set_peer_verify_name(name.clone());
        }
        // Sends nothing while the user decides about an error.
        self.socket.set_pause_mode(PauseModes::PAUSE_ON_SSL_ERRORS);
        self.socket.connect_to_host_encrypted(host.as_str(), *port);
    }

    fn on_encrypted(&self) {
        let socket = &self.socket;
        let cipher = socket.session_cipher();
        print_line(&format!("{}, {}", cipher.protocol_string(), cipher.name()));
        for (depth, certificate) in socket.peer_certificate_chain().iter().enumerate() {
            print_line(&format!("{depth}  {}", describe(certificate)));
        }
        if let Some(path) = &self.options.path {
            let host = &self.options.host;
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            socket.write(request).ok();
        }
    }

    fn on_ready_read(&self) {
        let _ = io::stdout().write_all(&self.socket.read_all());
    }

    /// Asks the user. The connection is paused until the notifier reports the answer.
    fn ask(&self, errors: &[QSslError]) {
        for error in errors {
            eprintln!("{error}");
        }
        eprintln!(
            "{} shows this: {}",
            self.options.host,
            describe(&self.socket.peer_certificate())
        );
        eprint!("Go on? [y/N] ");
        self.typed.set_enabled(true);
    }

    fn on_typed(&self) {
        self.typed.set_enabled(false);
        let mut line = [0; 100];
        let count = (&*self.input).read(&mut line).unwrap_or(0);
        if line[..count].first().is_some_and(|first| first.eq_ignore_ascii_case(&b'y')) {
            self.socket.ignore_ssl_errors();
        }
        self.socket.resume();
    }

    fn on_disconnected(&self) {
        self.app.exit(self.exit_code.get());
    }

    fn on_error(&self, kind: &SocketErrorKind) {
        // A server that closes after its last data is no error.
        if *kind == SocketErrorKind::RemoteHostClosed && self.socket.is_encrypted() {
            return;
        }
        eprintln!("securesocketclient: {}", self.socket.error_string());
        self.exit_code.set(1);
        self.app.exit(1);
        if self.socket.state() != SocketState::Unconnected {
            self.socket.abort();
        }
    }
}

/// Describes a certificate in one line: its subject, its issuer and its fingerprint.
fn describe(certificate: &QSslCertificate) -> String {
    let names = certificate.subject_alternative_names();
    let names = names.get(&AlternativeNameEntryType::Dns).cloned().unwrap_or_default();
    let subject = match certificate.subject_info(SubjectInfo::CommonName).first() {
        Some(name) => name.clone(),
        None => names.first().cloned().unwrap_or_default(),
    };
    let digest = certificate.digest(HashAlgorithm::Sha256);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{subject}, by {}, SHA-256 {digest}", certificate.issuer_display_name())
}
