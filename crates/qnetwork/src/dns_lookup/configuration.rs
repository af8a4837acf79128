//! The resolver's configuration: which servers a look-up asks, how many times, and with which time
//! limit.

use std::{
    env, fs,
    io::{self, ErrorKind, Read},
    time::Duration,
};

use crate::address::QHostAddress;

const PATH: &str = "/etc/resolv.conf";

/// The port of name servers.
pub(super) const PORT: u16 = 53;

/// The limits that resolv.conf(5) states.
const MAX_SERVERS: usize = 3;
const MAX_TIMEOUT: u32 = 30;
const MAX_ATTEMPTS: u32 = 5;

/// How many bytes of the file to read.
const MAX_FILE: u64 = 64 * 1024;

/// The address and port of a name server.
pub(super) type Server = (QHostAddress, u16);

/// Which servers to ask, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) servers: Vec<Server>,
    /// The time limit of the first server, in seconds.
    pub(super) timeout: u32,
    /// How many times to ask each server.
    pub(super) attempts: u32,
    /// Whether each look-up begins with a different server.
    pub(super) rotate: bool,
    /// Whether to ask the servers by TCP only.
    pub(super) over_tcp: bool,
}

impl Default for Configuration {
    fn default() -> Self {
        Configuration {
            servers: Vec::new(),
            timeout: 5,
            attempts: 2,
            rotate: false,
            over_tcp: false,
        }
    }
}

impl Configuration {
    /// Reads the system's configuration. Without the file, the only name server is this machine.
    pub(super) fn of_system() -> io::Result<Self> {
        let file = read_file(PATH)?;
        let options = env::var_os("RES_OPTIONS");
        let options = options.as_ref().map(|options| options.to_string_lossy());
        Ok(Configuration::read(&file, options.as_deref().unwrap_or_default()))
    }

    /// Reads the text of a file, and then the options of the environment.
    fn read(file: &str, options: &str) -> Self {
        let mut configuration = Configuration::default();
        for line in file.lines() {
            let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
            // A line that begins with a space is ignored, and `#` and `;` begin comments.
            match line.split([' ', '\t']).next() {
                Some("nameserver") => configuration.add_server(words.nth(1)),
                Some("options") => words.skip(1).for_each(|word| configuration.set(word)),
                _ => {}
            }
        }
        options.split([' ', '\t']).for_each(|word| configuration.set(word));
        if configuration.servers.is_empty() {
            configuration.servers.push((QHostAddress::LocalHost, PORT));
        }
        configuration
    }

    fn add_server(&mut self, address: Option<&str>) {
        let address = address.and_then(|address| address.parse().ok());
        if let Some(address) = address.filter(|_| self.servers.len() < MAX_SERVERS) {
            self.servers.push((address, PORT));
        }
    }

    fn set(&mut self, option: &str) {
        let number = |text: &str| text.parse().unwrap_or(0);
        if let Some(seconds) = option.strip_prefix("timeout:") {
            self.timeout = number(seconds).min(MAX_TIMEOUT);
        } else if let Some(count) = option.strip_prefix("attempts:") {
            self.attempts = number(count).min(MAX_ATTEMPTS);
        } else if option == "rotate" {
            self.rotate = true;
        } else if option == "use-vc" {
            self.over_tcp = true;
        }
    }

    /// Returns the time limit of the server at that position. As with the system's resolver, the
    /// limit doubles with each server and is divided by the number of servers. It is at least one
    /// second.
    pub(super) fn time_for(&self, server: usize) -> Duration {
        let doubled = u64::from(self.timeout) << server.min(MAX_SERVERS);
        let seconds = match server {
            0 => doubled,
            _ => doubled / self.servers.len() as u64,
        };
        Duration::from_secs(seconds.max(1))
    }
}

/// Reads the beginning of a file. A file that does not exist counts as empty.
fn read_file(path: &str) -> io::Result<String> {
    let mut file = Vec::new();
    match fs::File::open(path).and_then(|opened| opened.take(MAX_FILE).read_to_end(&mut file)) {
        Err(error) if !is_no_file(&error) => Err(error),
        _ => Ok(String::from_utf8_lossy(&file).into_owned()),
    }
}

/// Returns whether the file is missing or unreadable for good. Other errors, such as a lack of
/// descriptors or memory, may pass.
fn is_no_file(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(file: &str) -> Vec<String> {
        let servers = Configuration::read(file, "").servers;
        servers.iter().map(|(address, port)| format!("{address} {port}")).collect()
    }

    #[test]
    fn servers_of_a_file() {
        assert_eq!(servers(""), ["127.0.0.1 53"]);
        assert_eq!(servers("nameserver 192.0.2.1\n"), ["192.0.2.1 53"]);
        let many = "nameserver 192.0.2.1\nnameserver\t2001:db8::1 # x\n;nameserver 192.0.2.9\n\
                    # nameserver 192.0.2.8\nnameserver nonsense\nnameserver\n\
                    nameservers 192.0.2.7\n nameserver 192.0.2.6\n\
                    nameserver fe80::1%lo\nnameserver 192.0.2.5";
        assert_eq!(servers(many), ["192.0.2.1 53", "2001:db8::1 53", "fe80::1%lo 53"]);
    }

    #[test]
    fn options_of_a_file_and_of_the_environment() {
        let read = |file: &str, options: &str| {
            let read = Configuration::read(file, options);
            (read.timeout, read.attempts, read.rotate, read.over_tcp)
        };
        assert_eq!(read("", ""), (5, 2, false, false));
        assert_eq!(
            read("options ndots:3 timeout:1 attempts:4 rotate\noptions use-vc", ""),
            (1, 4, true, true)
        );
        assert_eq!(read("options timeout:1 attempts:4", "timeout:7"), (7, 4, false, false));
        assert_eq!(read("options timeout:99 attempts:99", ""), (30, 5, false, false));
        assert_eq!(read("options timeout: attempts:x timeouts:4", ""), (0, 0, false, false));
    }

    #[test]
    fn time_for_each_server() {
        let times = |file: &str| -> Vec<u64> {
            let read = Configuration::read(file, "");
            (0..read.servers.len()).map(|server| read.time_for(server).as_secs()).collect()
        };
        let server = "nameserver 192.0.2.1\n";
        assert_eq!(times(server), [5]);
        assert_eq!(times(&server.repeat(2)), [5, 5]);
        assert_eq!(times(&server.repeat(3)), [5, 3, 6]);
        assert_eq!(times(&format!("{}options timeout:0", server.repeat(2))), [1, 1]);
    }

    #[test]
    fn a_large_file() {
        assert_eq!(read_file("/dev/zero").unwrap().len() as u64, MAX_FILE);
        assert_eq!(read_file("/no/such/file").unwrap(), "");
        assert_eq!(read_file("/").unwrap(), "");
    }

    #[test]
    fn errors_that_are_no_lack_of_descriptors() {
        assert!(is_no_file(&fs::File::open("/no/such/file").unwrap_err()));
        assert!(!is_no_file(&io::Error::from_raw_os_error(libc::EMFILE)));
    }
}
