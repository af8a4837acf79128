//! The tests' own proxies, through which every `tcp` of a scenario may connect.
//!
//! They are as simple as possible and need no credentials. They pass everything on as it is: data,
//! the end of a stream, and a reset.

use std::{
    fmt,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    str::FromStr,
    thread,
    time::Duration,
};

use socket2::SockRef;

/// The time limit for connecting to a host.
const PATIENCE: Duration = Duration::from_secs(20);

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyKind {
    Socks5,
    Http,
}

impl fmt::Display for ProxyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProxyKind::Socks5 => "socks5",
            ProxyKind::Http => "http",
        })
    }
}

impl FromStr for ProxyKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "socks5" => Ok(ProxyKind::Socks5),
            "http" => Ok(ProxyKind::Http),
            _ => Err(format!("{text:?} is neither socks5 nor http")),
        }
    }
}

/// Starts a proxy, which runs as long as the process, and returns its port.
pub(crate) fn serve(kind: ProxyKind) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || {
                // After any error the connection is closed.
                let _ = talk(kind, client);
            });
        }
    });
    Ok(port)
}

fn talk(kind: ProxyKind, mut client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let host = match kind {
        ProxyKind::Socks5 => socks5(&mut client)?,
        ProxyKind::Http => http(&mut client)?,
    };
    host.set_nodelay(true)?;
    let (client_too, host_too) = (client.try_clone()?, host.try_clone()?);
    let there = thread::spawn(move || hand_on(&client_too, &host_too));
    hand_on(&host, &client);
    there.join().map_err(|_| ErrorKind::Other.into())
}

/// Passes data on until there is no more.
fn hand_on(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = [0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(count) => {
                if to.write_all(&buffer[..count]).is_err() {
                    // The receiver has gone, so the sender's connection is reset.
                    reset(from);
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                reset(to);
                return;
            }
        }
    }
}

/// Makes the connection end with a reset, once both ends are closed.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Both);
}

fn connect(hosts: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let hosts = hosts.to_socket_addrs().map_err(|_| ErrorKind::NotFound)?;
    let mut last = ErrorKind::NotFound.into();
    for host in hosts {
        match TcpStream::connect_timeout(&host, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn socks5(client: &mut TcpStream) -> io::Result<TcpStream> {
    fn take<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        client.read_exact(&mut bytes)?;
        Ok(bytes)
    }
    let [_, methods] = take(client)?;
    client.read_exact(&mut vec![0; methods.into()])?;
    client.write_all(&[5, 0])?;
    let [_, command, _, kind] = take(client)?;
    let mut name = Vec::new();
    let address = match kind {
        1 => Some(Ipv4Addr::from(take::<4>(client)?).into()),
        4 => Some(Ipv6Addr::from(take::<16>(client)?).into()),
        _ => {
            let [length] = take(client)?;
            name.resize(length.into(), 0);
            client.read_exact(&mut name)?;
            None
        }
    };
    let port = u16::from_be_bytes(take(client)?);
    let connected = match (command, address) {
        (1, Some(address)) => connect(SocketAddr::new(address, port)),
        (1, None) => connect((String::from_utf8_lossy(&name).as_ref(), port)),
        _ => Err(ErrorKind::Unsupported.into()),
    };
    let reply = match &connected {
        Ok(_) => 0,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => 5,
        Err(error) if error.kind() == ErrorKind::Unsupported => 7,
        Err(_) => 1,
    };
    client.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0])?;
    connected
}

fn http(client: &mut TcpStream) -> io::Result<TcpStream> {
    // The client sends nothing after its request before the answer, so the reader takes only the
    // request.
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    let place = first.split(' ').nth(1).unwrap_or_default();
    let connected = connect(place);
    let reply = match &connected {
        Ok(_) => "200 Connection established",
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => "503 Service unavailable",
        Err(error) if error.kind() == ErrorKind::NotFound => "404 Not found",
        Err(_) => "504 Gateway timeout",
    };
    client.write_all(format!("HTTP/1.1 {reply}\r\n\r\n").as_bytes())?;
    connected
}
