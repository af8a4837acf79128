//! Gets a document over HTTP or HTTPS and prints it: hyper on a socket of `qnetwork`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use examples::{certificates, parse_args, refuse};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, Uri,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{CONNECTION, HOST},
};
use qcore::{QCoreApplication, block_on, spawn_local, task::timeout};
use qnetwork::{QNetworkProxy, QSslCertificate, QSslSocket, QTcpSocket};
use smol_hyper::rt::FuturesIo;

const USAGE: &str = "\
usage: httpclient [--ca FILE] [--proxy URL] URL

Gets a document and prints it. Follows no redirects.

  URL          http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH
  --ca FILE    trust only the certificates in this PEM file
  --proxy URL  use a proxy: socks5://USER:PASSWORD@HOST:PORT or http://USER:PASSWORD@HOST:PORT
  --help       print this text";

/// How many bytes the socket reads ahead of the task.
const READ_AHEAD: usize = 64 * 1024;
/// How many milliseconds connecting may take, and how many the server may send nothing.
const LIMIT: i32 = 30_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let (mut url, mut ca, mut proxy) = (None, Vec::new(), None);
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("ca") => ca = certificates(value())?,
            lexopt::Arg::Long("proxy") => {
                let url = value();
                proxy = Some(url.parse().map_err(|_| format!("{url:?} is no proxy"))?);
            }
            lexopt::Arg::Value(word) if url.is_none() => {
                url = Some(Target::of(&word.to_string_lossy())?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    let Some(target) = url else { refuse(USAGE, "a URL is needed") };
    let _app = QCoreApplication::new();
    match block_on(get(&target, ca, proxy)).map_err(Into::into).and_then(|outcome| outcome) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("httpclient: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The parts of a URL that the client needs.
struct Target {
    encrypts: bool,
    host: String,
    port: u16,
    /// The value of the header `Host`.
    authority: String,
    path: String,
}

impl Target {
    fn of(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("{url:?} is no URL"))?;
        let encrypts = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("{url:?} is neither http:// nor https://")),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("{url:?} names no host"))?;
        let port = uri.port_u16();
        // `port_u16` has no error: a number that is too large is no port.
        if port.is_none() && !uri.authority().is_some_and(|whole| whole.as_str().ends_with(host)) {
            return Err(format!("{url:?} has no valid port"));
        }
        Ok(Target {
            encrypts,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: port.unwrap_or(if encrypts { 443 } else { 80 }),
            authority: port.map_or(host.to_owned(), |port| format!("{host}:{port}")),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

async fn get(
    target: &Target,
    ca: Vec<QSslCertificate>,
    proxy: Option<QNetworkProxy>,
) -> Result<(), Failure> {
    let socket = connect(target, ca, proxy).await?;
    socket.set_read_buffer_size(READ_AHEAD);
    let (mut sender, connection) = http1::handshake(FuturesIo::new(socket.stream())).await?;
    // Its errors come to `sender` and to the response as well.
    let connection = spawn_local(connection);
    let request = Request::get(&target.path)
        .header(HOST, &target.authority)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let mut response = timeout(LIMIT, sender.send_request(request)).await??;
    print(&mut response).await?;
    drop(connection);
    match response.status() {
        status if status.is_success() => Ok(()),
        status => Err(status.to_string().into()),
    }
}

async fn connect(
    target: &Target,
    ca: Vec<QSslCertificate>,
    proxy: Option<QNetworkProxy>,
) -> Result<QTcpSocket, Failure> {
    let encrypted = target.encrypts.then(QSslSocket::new);
    let socket = encrypted.clone().map_or_else(QTcpSocket::new, Into::into);
    if let Some(proxy) = proxy {
        socket.set_proxy(proxy);
    }
    let host = target.host.as_str();
    match encrypted {
        None => timeout(LIMIT, socket.connect(host, target.port)).await??,
        Some(encrypted) => {
            if !ca.is_empty() {
                encrypted.set_ca_certificates(ca);
            }
            timeout(LIMIT, encrypted.connect_encrypted(host, target.port)).await??;
        }
    }
    Ok(socket)
}

/// Prints the body while it arrives.
async fn print(response: &mut Response<Incoming>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    while let Some(frame) = timeout(LIMIT, response.frame()).await? {
        if let Ok(data) = frame?.into_data() {
            out.write_all(&data)?;
        }
    }
    Ok(out.flush()?)
}
