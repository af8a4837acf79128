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
    pub(super) fn read(file: &str, options: &str) -> Self {
        let mut configuration = Configuration::default();
        // As with the system's resolver, a carriage return is not part of the end of a line.
        for line in file.split('\n') {
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
        // The parser of addresses ignores white space around them; a carriage return is no space.
        let address = address.filter(|address| !address.ends_with('\r'));
        let address = address.and_then(|address| address.parse().ok());
        if let Some(address) = address.filter(|_| self.servers.len() < MAX_SERVERS) {
            self.servers.push((address, PORT));
        }
    }

    /// Applies an option. As with the system's resolver, characters after it are ignored.
    fn set(&mut self, option: &str) {
        if let Some(seconds) = option.strip_prefix("timeout:") {
            self.timeout = number(seconds).min(MAX_TIMEOUT);
        } else if let Some(count) = option.strip_prefix("attempts:") {
            self.attempts = number(count).min(MAX_ATTEMPTS);
        } else if option.starts_with("rotate") {
            self.rotate = true;
        } else if option.starts_with("use-vc") {
            self.over_tcp = true;
        }
    }

    /// Returns the time limit of a server. As with the system's resolver, the limit doubles with
    /// each server of the file, whichever is asked first, and is divided by the number of servers.
    /// It is at least one second.
    pub(super) fn time_for(&self, server: usize) -> Duration {
        let doubled = u64::from(self.timeout) << server.min(MAX_SERVERS);
        let seconds = match server {
            0 => doubled,
            _ => doubled / self.servers.len() as u64,
        };
        Duration::from_secs(seconds.max(1))
    }
}

/// Reads the number that a text begins with, as C's `atoi` does. A negative number counts as 0, and
/// so does text that is no number.
fn number(text: &str) -> u32 {
    let digits = text.strip_prefix('+').unwrap_or(text).bytes().map_while(|byte| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        _ => None,
    });
    digits.fold(0, |number: u32, digit| number.saturating_mul(10).saturating_add(digit))
}

/// Reads the beginning of a file. A file that cannot be opened for good counts as empty, as with
/// the system's resolver.
fn read_file(path: &str) -> io::Result<String> {
    let opened = match fs::File::open(path) {
        Err(error) if is_no_file(&error) => return Ok(String::new()),
        opened => opened?,
    };
    let mut file = Vec::new();
    opened.take(MAX_FILE).read_to_end(&mut file)?;
    Ok(String::from_utf8_lossy(&file).into_owned())
}

/// Returns whether the file is missing or unreadable for good. Other errors, such as a lack of
/// descriptors or memory, may pass.
fn is_no_file(error: &io::Error) -> bool {
    let kinds = [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::PermissionDenied];
    // A chain of links that has no end. Its kind has no stable name.
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(libc::ELOOP)
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

    /// The results of the system's resolver, glibc 2.36.
    #[test]
    fn servers_as_the_system_reads_them() {
        for (file, expected) in [
            (
                "nameserver 192.0.2.1#x\nnameserver 192.0.2.2;x\nnameserver 192.0.2.3 x",
                &["192.0.2.3"][..],
            ),
            ("nameserver 127.1\nnameserver 0x7f.0.0.2", &["127.0.0.1", "127.0.0.2"]),
            ("nameserver 2130706433\nnameserver 010.0.0.1", &["127.0.0.1", "8.0.0.1"]),
            ("nameserver 1.2\nnameserver 1.2.3\nnameserver 1", &["1.0.0.2", "1.2.0.3", "0.0.0.1"]),
            ("nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n", &["127.0.0.1"]),
            ("nameserver [::1]\nnameserver 1.2.3.256\nnameserver 1.2.3.4.", &["127.0.0.1"]),
            ("nameserver 1.2.3.4:53", &["127.0.0.1"]),
            ("NAMESERVER 192.0.2.1", &["127.0.0.1"]),
            ("nameserver  \t192.0.2.1", &["192.0.2.1"]),
            ("nameserver 192.0.2.1 \nnameserver 192.0.2.1", &["192.0.2.1", "192.0.2.1"]),
            ("nameserver 0.0.0.0\nnameserver ::", &["0.0.0.0", "::"]),
        ] {
            let expected: Vec<String> = expected.iter().map(|at| format!("{at} 53")).collect();
            assert_eq!(servers(file), expected, "{file:?}");
        }
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
        // As the system's resolver reads them.
        assert_eq!(read("options timeout:4abc attempts:3x", ""), (4, 3, false, false));
        let large = "options timeout:99999999999 attempts:99999999999";
        assert_eq!(read(large, ""), (30, 5, false, false));
        assert_eq!(read("options timeout:-1 attempts:-1", ""), (0, 0, false, false));
        assert_eq!(read("options timeout:+4\r\n", ""), (4, 2, false, false));
        assert_eq!(read("options rotatexx use-vc#y", ""), (5, 2, true, true));
        assert_eq!(read("options timeout:3;rotate", "use-vc,rotate"), (3, 2, false, true));
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
        assert_eq!(read_file("/proc/self/exe/file").unwrap(), "");
        assert!(read_file("/").is_err());
    }

    #[test]
    fn a_link_to_itself_counts_as_no_file() {
        let link = env::temp_dir().join(format!("loop.{}", std::process::id()));
        std::os::unix::fs::symlink(&link, &link).unwrap();
        let read = read_file(link.to_str().unwrap());
        fs::remove_file(&link).unwrap();
        assert_eq!(read.unwrap(), "");
    }

    #[test]
    fn errors_that_are_no_lack_of_descriptors() {
        assert!(is_no_file(&fs::File::open("/no/such/file").unwrap_err()));
        assert!(!is_no_file(&io::Error::from_raw_os_error(libc::EMFILE)));
    }
}
