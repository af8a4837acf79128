//! A server that sends back all data, or drops it. Try it with `nc 127.0.0.1 7007`; with `--udp`,
//! try `nc -u`; with `--tls`, try `openssl s_client -connect 127.0.0.1:7007`. `--tls` needs the
//! feature `tls`. With `--workers N`, the connections are spread over N threads.

use std::process::ExitCode;

use std::time::Duration;

use examples::{Endpoint, parse_args, print_line, refuse};
use qcore::{QCoreApplication, QObject, UnixSignal, UnixSignalNotifier};
use qnetwork::{QTcpServer, QUdpSocket, TimeoutKind, close_all};

const USAGE: &str = "\
usage: echoserver [--udp | --tls CERT KEY] [--listen ADDR:PORT] [--sink] [--workers N]
                  [--idle-timeout SECONDS]

Sends back all data that it receives. Ctrl-C ends its connections and then the program; a second
Ctrl-C ends it at once.

  --udp               use UDP instead of TCP
  --tls CERT KEY      use TLS with the certificate and key in these PEM files
  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7007]
  --sink              only read, and send nothing back
  --workers N         spread the connections over N threads [0: use one thread for everything]
  --idle-timeout SECONDS  close connections on which nothing arrives for so long [0: never]
  --help              print this text";

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7007 };
    let (mut udp, mut tls, mut sink, mut workers, mut idle) = (false, None, false, 0, 0);
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("udp") => udp = true,
            lexopt::Arg::Long("tls") => tls = Some(tls::configuration(&value(), &value())?),
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("sink") => sink = true,
            lexopt::Arg::Long("workers") => {
                workers = value().parse().map_err(|_| "N must be a number")?;
            }
            lexopt::Arg::Long("idle-timeout") => {
                idle = value().parse().map_err(|_| "SECONDS must be a number")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    if udp && tls.is_some() {
        refuse(USAGE, "there is no TLS by UDP");
    }
    if udp && workers > 0 {
        refuse(USAGE, "there are no workers for UDP");
    }
    let idle = (idle > 0).then(|| Duration::from_secs(idle));
    match run(&listen, udp, tls, workers, Options { sink, idle }) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("echoserver: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the server does with its connections.
#[derive(Clone, Copy)]
struct Options {
    /// It sends nothing back.
    sink: bool,
    idle: Option<Duration>,
}

fn run(
    listen: &Endpoint,
    udp: bool,
    tls: Option<tls::Configuration>,
    workers: usize,
    options: Options,
) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    if udp {
        app.quit_on_ctrl_c()?;
        let socket = serve_datagrams(listen, options.sink)?;
        print_line(&format!("listening on {}", listen.at_port(socket.local_port())));
        return Ok(app.exec());
    }

    let server = if workers == 0 {
        stream_server(tls, options)
    } else {
        let server = QTcpServer::new();
        server.set_workers(workers, move || stream_server(tls.clone(), options));
        server.worker_failed.connect(|error| eprintln!("echoserver: {error}"));
        server
    };
    let stop = UnixSignalNotifier::try_new([UnixSignal::Interrupt, UnixSignal::Terminate])?;
    stop.end_on_second(UnixSignal::Interrupt)?;
    stop.activated.connect_to(&server, |server, _| {
        close_all([server.into()], 3000, |_| QCoreApplication::instance().quit());
    });
    server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(server.server_port())));
    Ok(app.exec())
}

/// Returns a server that does not listen yet. Each worker has one, or the program has a single one.
fn stream_server(tls: Option<tls::Configuration>, options: Options) -> QTcpServer {
    let server = match tls {
        None => QTcpServer::new(),
        Some(configuration) => tls::server(configuration),
    };
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, move |socket, ()| {
                let mut buffer = [0; 16 * 1024];
                while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
                    if !options.sink {
                        socket.write(&buffer[..count]).ok();
                    }
                }
            });
            if let Some(idle) = options.idle {
                socket.set_timeout(TimeoutKind::IdleRead, idle);
            }
            socket.disconnected.connect_slot(&socket, QObject::delete_later);
        }
    });
    server
}

fn serve_datagrams(
    listen: &Endpoint,
    sink: bool,
) -> Result<QUdpSocket, Box<dyn std::error::Error>> {
    let socket = QUdpSocket::new();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        // Takes all datagrams; one system call reads many of them.
        let mut datagrams = socket.receive_datagrams(1000);
        if sink {
            return;
        }
        for datagram in &mut datagrams {
            *datagram = datagram.make_reply(datagram.data());
        }
        if let Err(error) = socket.write_datagrams(&datagrams) {
            eprintln!("echoserver: {error}");
        }
    });
    socket.bind(listen.address()?, listen.port)?;
    Ok(socket)
}

#[cfg(feature = "tls")]
mod tls {
    use examples::server_configuration;
    use qnetwork::{QSslServer, QTcpServer};

    pub(crate) type Configuration = qnetwork::QSslConfiguration;

    pub(crate) fn configuration(certificate: &str, key: &str) -> Result<Configuration, String> {
        server_configuration(certificate, key)
    }

    /// Creates a server whose connections are encrypted. The rest of the example stays the same.
    pub(crate) fn server(configuration: Configuration) -> QTcpServer {
        let server = QSslServer::new();
        server.set_ssl_configuration(configuration);
        server.error_occurred.connect(|(client, _)| {
            eprintln!("{}: {}", client.peer_address(), client.error_string());
        });
        (*server).clone()
    }
}

#[cfg(not(feature = "tls"))]
mod tls {
    use qnetwork::QTcpServer;

    /// There is none.
    #[derive(Clone)]
    pub(crate) enum Configuration {}

    pub(crate) fn configuration(_: &str, _: &str) -> Result<Configuration, String> {
        Err("this program was built without TLS: build it with `--features tls`".to_owned())
    }

    pub(crate) fn server(configuration: Configuration) -> QTcpServer {
        match configuration {}
    }
}
