use std::{ffi::OsString, fmt, io::Write, net::IpAddr, process, str::FromStr};

use qnetwork::QNetworkProxy;

use crate::Wire;

/// A host, by name or address, and a port: `HOST:PORT`. IPv6 addresses are in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name or address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.rsplit_once(':').ok_or_else(|| format!("{text:?} is no ADDR:PORT"))?;
        let host = split.0.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = split.1.parse().map_err(|_| format!("{:?} is no port", split.1))?;
        Ok(Endpoint { host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Endpoint {
    /// Returns the same host with another port, for example the one that a server got.
    #[must_use]
    pub fn at_port(&self, port: u16) -> Self {
        Endpoint { host: self.host.clone(), port }
    }

    /// Returns the address to listen on.
    ///
    /// # Errors
    ///
    /// If the host is not an address.
    pub fn address(&self) -> Result<IpAddr, String> {
        self.host.parse().map_err(|_| format!("{:?} is no address", self.host))
    }
}

/// The arguments of a fortune client.
#[derive(Debug)]
pub struct ClientArgs {
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The format of fortunes.
    pub wire: Wire,
    /// The proxy to use.
    pub proxy: Option<QNetworkProxy>,
}

/// Parses the command line of a fortune client: `[--pyside2] [--proxy URL] [HOST [PORT]]`.
#[must_use]
pub fn client_args(usage: &str) -> ClientArgs {
    let mut words = Vec::new();
    let mut server = server_of(&words);
    let (mut wire, mut proxy) = (Wire::Cpp, None);
    parse_args(usage, |argument, value| {
        match argument {
            lexopt::Arg::Long("pyside2") => wire = Wire::PySide2,
            lexopt::Arg::Long("proxy") => {
                let url = value();
                proxy = Some(url.parse().map_err(|_| format!("{url:?} is no proxy"))?);
            }
            lexopt::Arg::Value(value) => words.push(value.to_string_lossy().into_owned()),
            _ => return Ok(false),
        }
        server = server_of(&words);
        server.clone().map(|_| true)
    });
    match server {
        Ok((host, port)) => ClientArgs { host, port, wire, proxy },
        Err(error) => refuse(usage, &error),
    }
}

/// Returns the server that a client's arguments name.
fn server_of(words: &[String]) -> Result<(String, u16), String> {
    let (host, port) = match words {
        [] => ("127.0.0.1", None),
        [host] => (host.as_str(), None),
        [host, port] => (host.as_str(), Some(port)),
        [_, _, other, ..] => return Err(format!("unexpected argument {other:?}")),
    };
    let port = port.map(|port| port.parse().map_err(|_| format!("{port:?} is no port")));
    Ok((host.to_owned(), port.transpose()?.unwrap_or(7733)))
}

/// Parses the command line. `each` gets one argument at a time and returns whether it knows it.
/// `--help` prints `usage`. An unknown argument prints an error and `usage`, and ends the process
/// with 2.
pub fn parse_args(
    usage: &str,
    mut each: impl FnMut(&lexopt::Arg<'_>, &mut dyn FnMut() -> String) -> Result<bool, String>,
) {
    let mut parser = lexopt::Parser::from_env();
    loop {
        let argument = match parser.next() {
            Ok(None) => return,
            Ok(Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h'))) => {
                print_line(usage);
                process::exit(0);
            }
            Ok(Some(argument)) => own(&argument),
            Err(error) => refuse(usage, &error.to_string()),
        };
        let mut value = || match parser.value() {
            Ok(value) => text(value),
            Err(error) => refuse(usage, &error.to_string()),
        };
        match each(&argument.as_arg(), &mut value) {
            Ok(true) => {}
            Ok(false) => refuse(usage, &argument.as_arg().unexpected().to_string()),
            Err(error) => refuse(usage, &error),
        }
    }
}

/// An argument that does not borrow the parser, so that the parser can return a value.
enum Owned {
    Long(String),
    Short(char),
    Value(OsString),
}

impl Owned {
    fn as_arg(&self) -> lexopt::Arg<'_> {
        match self {
            Owned::Long(name) => lexopt::Arg::Long(name),
            Owned::Short(name) => lexopt::Arg::Short(*name),
            Owned::Value(value) => lexopt::Arg::Value(value.clone()),
        }
    }
}

fn own(argument: &lexopt::Arg<'_>) -> Owned {
    match argument {
        lexopt::Arg::Long(name) => Owned::Long((*name).to_owned()),
        lexopt::Arg::Short(name) => Owned::Short(*name),
        lexopt::Arg::Value(value) => Owned::Value(value.clone()),
    }
}

fn text(value: OsString) -> String {
    value.to_string_lossy().into_owned()
}

/// Prints an error in the command line and the usage, and ends the process with 2.
pub fn refuse(usage: &str, error: &str) -> ! {
    eprintln!("{error}\n\n{usage}");
    process::exit(2);
}

/// Prints a line at once. Ignores errors: the program continues if nothing reads its output.
pub fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let endpoint: Endpoint = "[::1]:80".parse().unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("::1", 80));
        assert_eq!(endpoint.at_port(81).to_string(), "[::1]:81");
        assert!("80".parse::<Endpoint>().is_err());
        assert!("localhost:80000".parse::<Endpoint>().is_err());
    }
}
