//! What the servers among the examples have in common: their command line, plain or encrypted
//! connections, and a graceful end.

use std::process::ExitCode;

use qcore::{QCoreApplication, UnixSignal, UnixSignalNotifier};
use qnetwork::{QSslConfiguration, QSslServer, QTcpServer};

use crate::{
    Endpoint, TRIAL_CERTIFICATE, TRIAL_KEY, parse_args, print_line, refuse, server_configuration,
};

/// How many milliseconds the connections have for their last words when the program ends.
const LAST_WORDS: i32 = 5000;

/// The arguments of a server.
struct ServerArgs {
    listen: Endpoint,
    tls: Option<QSslConfiguration>,
}

/// Runs a server until Ctrl-C or SIGTERM ends it.
///
/// The command line has the address to listen on, by default `port` of 127.0.0.1, and whether the
/// server encrypts. `about` says in the help what the program does. `set_up` gets the server before
/// it listens. At the end all connections get a few seconds to send what was written.
pub fn serve(
    program: &'static str,
    about: &str,
    port: u16,
    set_up: impl FnOnce(&QTcpServer),
) -> ExitCode {
    let usage = format!(
        "\
usage: {program} [--listen ADDR:PORT] [--tls [CERT KEY]]

{about}

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:{port}]
  --tls [CERT KEY]    use TLS with the certificates and the key in these PEM files. Without files,
                      the certificate is one for localhost, whose key is public. It is for trying
                      only, and clients trust it with tests/conformance/certs/ca.crt.
  --cert CERT         the certificates, as an option
  --key KEY           the key, as an option
  --help              print this text"
    );
    match ServerArgs::parse(&usage, port).and_then(|args| args.run(program, set_up)) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

impl ServerArgs {
    fn parse(usage: &str, port: u16) -> Result<Self, Failure> {
        let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port };
        let (mut tls, mut certificate, mut key) = (false, None, None);
        parse_args(usage, |argument, value| {
            match argument {
                lexopt::Arg::Long("listen") => listen = value().parse()?,
                lexopt::Arg::Long("tls") => tls = true,
                lexopt::Arg::Long("cert") => certificate = Some(value()),
                lexopt::Arg::Long("key") => key = Some(value()),
                // The certificate and the key behind `--tls`.
                lexopt::Arg::Value(file) if tls && key.is_none() => {
                    let place = if certificate.is_none() { &mut certificate } else { &mut key };
                    *place = Some(file.to_string_lossy().into_owned());
                }
                _ => return Ok(false),
            }
            Ok(true)
        });
        let files = match (certificate, key) {
            (Some(certificate), Some(key)) if tls => (certificate, key),
            (None, None) => (TRIAL_CERTIFICATE.to_owned(), TRIAL_KEY.to_owned()),
            _ => refuse(usage, "a certificate and a key need each other, and --tls"),
        };
        let tls = tls.then(|| server_configuration(&files.0, &files.1)).transpose()?;
        Ok(ServerArgs { listen, tls })
    }

    fn run(self, program: &'static str, set_up: impl FnOnce(&QTcpServer)) -> Result<i32, Failure> {
        let app = QCoreApplication::new();
        let server = self.server(program);
        set_up(&server);
        let stop = UnixSignalNotifier::try_new([UnixSignal::Interrupt, UnixSignal::Terminate])?;
        stop.end_on_second(UnixSignal::Interrupt)?;
        stop.activated.connect_to(&server, |server, _| server.shutdown(LAST_WORDS));
        server.shutdown_finished.connect_to(&app, |app, _| app.quit());
        server.listen(self.listen.address()?, self.listen.port)?;
        print_line(&format!("listening on {}", self.listen.at_port(server.server_port())));
        Ok(app.exec())
    }

    /// Creates a server that prints the errors of clients whose handshake fails, and of accepting.
    fn server(&self, program: &'static str) -> QTcpServer {
        let server = match &self.tls {
            None => QTcpServer::new(),
            Some(configuration) => {
                let server = QSslServer::new();
                server.set_ssl_configuration(configuration.clone());
                server.error_occurred.connect(move |(client, _)| {
                    eprintln!("{program}: {}: {}", client.peer_address(), client.error_string());
                });
                server.into()
            }
        };
        server.accept_error.connect(move |kind| eprintln!("{program}: cannot accept: {kind:?}"));
        server
    }
}
