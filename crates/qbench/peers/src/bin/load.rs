//! The load generator, with blocking sockets: `load PID PORT SECONDS WORK [NUMBER]`.
//!
//! * `echo CONNECTIONS` sends 64 bytes on each connection, then reads the answers of all
//! * `http CONNECTIONS` does the same with HTTP requests
//! * `bulk` and `tls-bulk` send to a sink, `down` reads from a source
//! * `connections NUMBER` connects that often, then sends on connections at random
//! * `udp WINDOW` sends as many datagrams, then reads the answers
//! * `tls-handshake` and `tls-echo` use one connection at a time
//!
//! It reads the CPU time and the memory of the server, which has the number PID.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream, UdpSocket},
    os::fd::AsRawFd,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use peers::report;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};

const MESSAGE: [u8; 64] = [b'x'; 64];

struct Load {
    pid: i32,
    port: u16,
    seconds: f64,
    number: usize,
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let number = |position: usize| words.get(position).and_then(|text| text.parse::<f64>().ok());
    let load = Load {
        pid: number(1).unwrap_or(0.0) as i32,
        port: number(2).unwrap_or(0.0) as u16,
        seconds: number(3).unwrap_or(1.0),
        number: number(5).unwrap_or(1.0) as usize,
    };
    match words.get(4).map(String::as_str) {
        Some("echo") => load.echo(),
        Some("http") => load.http(),
        Some("bulk") => load.bulk(&mut load.connect(), 64 << 20),
        Some("down") => load.down(),
        Some("connections") => load.connections(),
        Some("udp") => load.udp(),
        Some("tls-handshake") => load.tls_handshake(),
        Some("tls-echo") => load.tls_echo(),
        Some("tls-bulk") => load.bulk(&mut load.tls(&configuration()), 16 << 20),
        _ => panic!("usage: load PID PORT SECONDS WORK [NUMBER]"),
    }
}

impl Load {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a server");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        stream
    }

    /// The CPU time of the server in seconds, including that of threads that have ended.
    fn cpu(&self) -> f64 {
        let (mut clock, mut time) = (0, libc::timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: both pointers are to variables that outlive the calls.
        let failed = unsafe {
            libc::clock_getcpuclockid(self.pid, &mut clock) != 0
                || libc::clock_gettime(clock, &mut time) != 0
        };
        assert!(!failed, "the server runs");
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    }

    fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kibibytes.unwrap_or(0.0) * 1024.0
    }

    /// Repeats the work, which returns how much it did, until the time is over. Returns the seconds
    /// for each unit: of time, and of the server's CPU.
    fn repeat(&self, mut work: impl FnMut() -> f64) -> (f64, f64) {
        let warm = Instant::now();
        while warm.elapsed().as_secs_f64() < self.seconds / 5.0 {
            work();
        }
        let (start, cpu, mut done) = (Instant::now(), self.cpu(), 0.0);
        while start.elapsed().as_secs_f64() < self.seconds {
            done += work();
        }
        (start.elapsed().as_secs_f64() / done, (self.cpu() - cpu) / done)
    }

    fn echo(&self) {
        self.trips(&MESSAGE, |answer| assert_eq!(answer, MESSAGE));
    }

    fn http(&self) {
        self.trips(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", |answer| {
            assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"\r\n\r\nhello\n"));
        });
    }

    /// Sends a request on each connection, then reads the answers of all. All answers are as long
    /// as the first one.
    fn trips(&self, request: &[u8], check: impl Fn(&[u8])) {
        let mut streams: Vec<_> = (0..self.number).map(|_| self.connect()).collect();
        let mut buffer = [0; 1024];
        streams[0].write_all(request).expect("a server");
        let length = streams[0].read(&mut buffer).expect("an answer");
        let answer = &mut buffer[..length];
        let (time, cpu) = self.repeat(|| {
            streams.iter_mut().for_each(|stream| stream.write_all(request).expect("a server"));
            for stream in &mut streams {
                stream.read_exact(answer).expect("an answer");
                check(answer);
            }
            streams.len() as f64
        });
        report("rate", 1.0 / time, "rt/s");
        report("cpu", cpu * 1e6, "us/rt");
    }

    fn bulk(&self, stream: &mut (impl Read + Write), size: u64) {
        let block = vec![0x5a; 64 * 1024];
        let (time, cpu) = self.repeat(|| {
            stream.write_all(&size.to_le_bytes()).expect("a server");
            (0..size >> 16).for_each(|_| stream.write_all(&block).expect("a server"));
            stream.flush().expect("a server");
            let mut answer = [0; 8];
            stream.read_exact(&mut answer).expect("an answer");
            assert_eq!(u64::from_le_bytes(answer), size);
            size as f64 / 1e9
        });
        report("rate", 1.0 / time, "GB/s");
        report("cpu", cpu, "s/GB");
    }

    fn down(&self) {
        let (size, mut stream) = (64u64 << 20, self.connect());
        let mut block = vec![0; 64 * 1024];
        let (time, cpu) = self.repeat(|| {
            stream.write_all(&size.to_le_bytes()).expect("a server");
            let mut left = size;
            while left > 0 {
                let count = stream.read(&mut block).expect("bytes");
                assert!(count > 0, "the server closed the connection");
                left -= count as u64;
            }
            size as f64 / 1e9
        });
        report("rate", 1.0 / time, "GB/s");
        report("cpu", cpu, "s/GB");
    }

    fn connections(&self) {
        let mut buffer = [0; 64];
        let mut trip = |mut stream: &TcpStream| {
            stream.write_all(&MESSAGE).expect("a server");
            stream.read_exact(&mut buffer).expect("an answer");
        };
        // The first connection makes the server allocate what it needs once.
        let first = self.connect();
        trip(&first);
        let (memory, cpu, start) = (self.memory(), self.cpu(), Instant::now());
        let mut streams = Vec::with_capacity(self.number);
        for _ in 0..self.number {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a server");
            trip(&stream);
            streams.push(stream);
        }
        let each = |amount: f64| amount / self.number as f64;
        report("rate", 1.0 / each(start.elapsed().as_secs_f64()), "conn/s");
        report("cpu", each(self.cpu() - cpu) * 1e6, "us/conn");
        thread::sleep(Duration::from_millis(50));
        report("memory", each(self.memory() - memory), "B/conn");

        let mut random = 88_172_645_463_325_252u64;
        let (_, cpu) = self.repeat(|| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            trip(&streams[(random % self.number as u64) as usize]);
            1.0
        });
        report("active", cpu * 1e6, "us/rt");
        // Closing by a reset leaves no port in TIME_WAIT.
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        for stream in &streams {
            // SAFETY: the pointer is to a `linger`, with its size.
            unsafe {
                libc::setsockopt(
                    stream.as_raw_fd(),
                    libc::SOL_SOCKET,
                    libc::SO_LINGER,
                    (&raw const linger).cast(),
                    size_of_val(&linger) as libc::socklen_t,
                )
            };
        }
    }

    fn udp(&self) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        socket.connect((Ipv4Addr::LOCALHOST, self.port)).expect("a server");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a socket");
        let mut buffer = [0; 2048];
        let (time, cpu) = self.repeat(|| {
            for _ in 0..self.number {
                socket.send(&MESSAGE).expect("there is room");
            }
            // A datagram that is lost ends this round.
            (0..self.number).take_while(|_| socket.recv(&mut buffer).is_ok()).count() as f64
        });
        report("rate", 1.0 / time, "dgram/s");
        report("cpu", cpu * 1e6, "us/dgram");
    }

    fn tls(&self, configuration: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(configuration.clone(), name).expect("a client");
        StreamOwned::new(connection, self.connect())
    }

    fn tls_trip(stream: &mut (impl Read + Write)) -> f64 {
        let mut buffer = [0; 64];
        stream.write_all(&MESSAGE).expect("a server");
        stream.flush().expect("a server");
        stream.read_exact(&mut buffer).expect("an answer");
        1.0
    }

    fn tls_handshake(&self) {
        let configuration = configuration();
        let (time, cpu) = self.repeat(|| Self::tls_trip(&mut self.tls(&configuration)));
        report("rate", 1.0 / time, "hs/s");
        report("cpu", cpu * 1e6, "us/hs");
    }

    fn tls_echo(&self) {
        let mut stream = self.tls(&configuration());
        let (time, cpu) = self.repeat(|| Self::tls_trip(&mut stream));
        report("rate", 1.0 / time, "rt/s");
        report("cpu", cpu * 1e6, "us/rt");
    }
}

/// Takes any certificate, but checks the signature of the handshake.
#[derive(Debug)]
struct Trusting(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// TLS 1.3 with AES-256-GCM and X25519, and no resumption: the same for each server.
fn configuration() -> Arc<ClientConfig> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384];
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    let trusting = Trusting(provider.signature_verification_algorithms);
    let mut configuration = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("a version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trusting))
        .with_no_client_auth();
    configuration.resumption = Resumption::disabled();
    Arc::new(configuration)
}
