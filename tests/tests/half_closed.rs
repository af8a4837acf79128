//! Streams of plain, local and encrypted sockets whose peers are programs in Python: each end
//! closes its half first, and each end is slower than the other.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    time::Duration,
};

use integration::{local::Dir, pattern, server, tls::identified};
use qcore::{
    QIODevice, block_on, spawn_local,
    task::{sleep, timeout},
};
use qnetwork::{QHostAddress, QLocalServer, QSslServer};

const PYTHON: &str = "/usr/bin/python3";
const SIZE: usize = 300_000;
/// More than the buffers of the operating system hold.
const MUCH: usize = 32 << 20;
const LIMIT: usize = 50_000;

/// Does what the second argument says, and prints how many bytes it has got before the end.
const PEER: &str = r#"
import socket, ssl, sys

class Tls:
    """Python's own TLS socket cannot close one half."""
    def __init__(self, s):
        self.s, self.incoming, self.outgoing = s, ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.tls = context.wrap_bio(self.incoming, self.outgoing)
        self.run(self.tls.do_handshake)
        self.flush()
    def flush(self):
        self.s.sendall(self.outgoing.read())
    def run(self, call, *args):
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                self.flush()
                data = self.s.recv(65536)
                self.incoming.write(data) if data else self.incoming.write_eof()
    def sendall(self, data):
        while data:
            data = data[self.run(self.tls.write, data[:16384]):]
            self.flush()
    def recv(self, count):
        try:
            return self.run(self.tls.read, count) # an end of TCP alone is another exception
        except ssl.SSLZeroReturnError:
            return b""
    def shutdown(self, _):
        try:
            self.tls.unwrap() # sends the message that closes, and wants that of the other end
        except ssl.SSLWantReadError:
            self.flush()

kind, where, what, size = sys.argv[1:5]
if kind == "local":
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(where)
else:
    s = socket.create_connection(("127.0.0.1", int(where)), 30)
if kind == "tls":
    s = Tls(s)

def read():
    got = bytearray()
    while True:
        data = s.recv(65536)
        if not data:
            return bytes(got)
        got += data

if what == "asks":
    s.sendall(bytes(int(size)))
    s.shutdown(socket.SHUT_WR)
    print(len(read()))
else:
    if what == "is slow":
        sys.stdin.readline()
    got = read()
    print(len(got))
    if what == "answers":
        s.sendall(got)
        s.shutdown(socket.SHUT_WR)
"#;

struct Peer(Child);

impl Peer {
    fn start(kind: &str, at: &str, what: &str, size: usize) -> Self {
        let mut command = Command::new(PYTHON);
        command.args(["-c", PEER, kind, at, what, &size.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Peer(command.spawn().unwrap())
    }

    /// Ends the peer's wait.
    fn go(&mut self) {
        self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }

    /// Returns how many bytes the peer has got. It has closed its connection.
    fn got(mut self) -> usize {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut self.0.stdout.take().unwrap(), &mut text).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `ours` with a connection to a peer of each kind, whose read buffer is limited.
fn with_peers(what: &str, size: usize, ours: impl AsyncFn(QIODevice, Peer)) {
    if Command::new(PYTHON).args(["-c", "import ssl"]).output().is_err() {
        return println!("skipped: there is no {PYTHON}");
    }
    let all = async {
        let plain = server();
        let peer = Peer::start("plain", &plain.server_port().to_string(), what, size);
        let socket = plain.accept().await.unwrap();
        socket.set_read_buffer_size(LIMIT);
        ours(socket.into(), peer).await;

        let (dir, local) = (Dir::new(), QLocalServer::new());
        let name = dir.path("half");
        local.listen(&name).unwrap();
        let peer = Peer::start("local", &name, what, size);
        let socket = local.accept().await.unwrap();
        socket.set_read_buffer_size(LIMIT);
        ours(socket.into(), peer).await;

        let encrypted = QSslServer::new();
        encrypted.set_ssl_configuration(identified("good"));
        encrypted.listen(QHostAddress::LocalHost, 0).unwrap();
        let peer = Peer::start("tls", &encrypted.server_port().to_string(), what, size);
        let socket = encrypted.accept().await.unwrap();
        socket.set_read_buffer_size(LIMIT);
        ours(socket.into(), peer).await;
    };
    block_on(timeout(Duration::from_secs(60), all)).unwrap().expect("it takes too long");
}

/// Waits until a number no longer changes, and returns it.
async fn settled(number: impl Fn() -> usize) -> usize {
    let mut before = 0;
    loop {
        sleep(50).await;
        let now = number();
        if now == before && now > 0 {
            return now;
        }
        before = now;
    }
}

#[test]
fn the_peer_closes_its_half_first() {
    with_peers("asks", SIZE, async |device, peer| {
        let mut stream = device.stream();
        assert_eq!(stream.read_to_end(MUCH).await.unwrap().len(), SIZE);
        stream.write_all(&pattern(0, SIZE)).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(peer.got(), SIZE);
    });
}

#[test]
fn this_end_closes_its_half_first() {
    with_peers("answers", 0, async |device, peer| {
        let (mut reader, mut writer) = device.stream().split();
        let sent = pattern(0, SIZE);
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
        let mut got = vec![0; SIZE];
        reader.read_exact(&mut got).await.unwrap();
        assert!(got == sent);
        assert_eq!(reader.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(peer.got(), SIZE);
    });
}

#[test]
fn a_peer_that_reads_slowly_makes_the_writer_wait() {
    with_peers("is slow", 0, async |device, mut peer| {
        let mut stream = device.stream();
        stream.set_write_limit(LIMIT);
        let writing = spawn_local(async move {
            for _ in 0..MUCH / 32_768 {
                stream.write_all(&[7; 32_768]).await.unwrap();
            }
            stream.shutdown().await.unwrap();
            stream
        });
        let unsent = settled(|| device.unsent_bytes()).await;
        // A write may exceed the limit, and TLS adds its records.
        assert!(unsent <= LIMIT + 40_000, "{unsent}");
        assert!(!writing.is_finished());
        peer.go();
        let stream = writing.await.unwrap();
        assert_eq!(peer.got(), MUCH);
        drop(stream);
    });
}

#[test]
fn a_slow_reader_makes_the_peer_wait() {
    with_peers("asks", MUCH, async |device, peer| {
        let mut stream = device.stream();
        let waiting = settled(|| device.bytes_available()).await;
        // TLS decrypts whole records.
        assert!(waiting <= LIMIT + 16_384, "{waiting}");
        let (mut got, mut buffer) = (0, vec![0; 65_536]);
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                count => got += count,
            }
        }
        assert_eq!(got, MUCH);
        stream.shutdown().await.unwrap();
        assert_eq!(peer.got(), 0);
    });
}

#[test]
fn openssl_is_told_the_end() {
    let encrypted = QSslServer::new();
    encrypted.set_ssl_configuration(identified("good"));
    encrypted.listen(QHostAddress::LocalHost, 0).unwrap();
    let address = format!("127.0.0.1:{}", encrypted.server_port());
    let client = Command::new("openssl")
        .args(["s_client", "-quiet", "-ign_eof", "-connect", &address])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let client = match client {
        Ok(client) => Peer(client),
        Err(error) => return println!("skipped: openssl: {error}"),
    };
    let talk = async {
        let mut stream = encrypted.accept().await.unwrap().stream();
        stream.write_all(&[b'x'; SIZE]).await.unwrap();
        stream.shutdown().await.unwrap();
        // It ends when it is told the end, and then tells its own.
        assert_eq!(stream.read_to_end(MUCH).await.unwrap(), b"");
    };
    let reading = std::thread::spawn(move || {
        let mut client = client;
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut client.0.stdout.take().unwrap(), &mut text).unwrap();
        (text.len(), client.0.wait().unwrap().success())
    });
    block_on(timeout(Duration::from_secs(30), talk)).unwrap().expect("it takes too long");
    assert_eq!(reading.join().unwrap(), (SIZE, true));
}
