//! Peers with unusual certificates, keys or settings, played by `openssl`. Without it the tests
//! print that they are skipped. Qt 5.15.8 gives the same results with these peers unless a test
//! says otherwise.

use std::{
    cell::RefCell,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    thread::JoinHandle,
};

use integration::{
    tls::{accepting, encrypting, identified},
    wait_until,
};
use qcore::QCoreApplication;
use qnetwork::{
    EncodingFormat, KeyAlgorithm, PeerVerifyMode, QSslCertificate, QSslError, QSslKey, QSslSocket,
    QTcpServer, SocketErrorKind, SocketState, SslErrorKind,
};

const CERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/certs");
const VERSIONS: [&str; 2] = ["-tls1_2", "-tls1_3"];

/// A folder with certificates that `openssl` makes. Dropping it removes the folder.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// Creates a folder with this name and in it a certificate and key `it`, issued by the root of
    /// the conformance tests.
    fn with(name: &str, key: &[&str]) -> Option<Self> {
        let path =
            std::env::temp_dir().join(format!("qnetwork-peers-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let folder = Folder(path);
        fs::write(folder.0.join("ext"), "subjectAltName=DNS:localhost\n").unwrap();
        let request = ["req", "-new", "-nodes", "-keyout", "it.key", "-out", "it.csr", "-subj"];
        let ca = [format!("{CERTS}/ca.crt"), format!("{CERTS}/ca.key")];
        let sign = ["x509", "-req", "-in", "it.csr", "-CA", &ca[0], "-CAkey", &ca[1]];
        let more = ["-set_serial", "9", "-days", "3650", "-extfile", "ext", "-out", "it.crt"];
        for args in [[&request[..], &["/CN=localhost"], key].concat(), [&sign[..], &more].concat()]
        {
            let run = Command::new("openssl").args(&args).current_dir(&folder.0).output();
            match run {
                Ok(output) if output.status.success() => {}
                Ok(output) => panic!("{args:?}: {}", String::from_utf8_lossy(&output.stderr)),
                Err(error) => {
                    println!("skipped: openssl: {error}");
                    return None;
                }
            }
        }
        Some(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

/// A process of `openssl` that ends when it is dropped.
struct Peer {
    child: Child,
    rest: Option<JoinHandle<()>>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(rest) = self.rest.take() {
            let _ = rest.join();
        }
    }
}

impl Peer {
    fn start(args: &[&str]) -> Self {
        let mut args = args.to_vec();
        if !args.contains(&"-cipher") {
            // Allows ciphers and keys that openssl refuses by default.
            args.extend(["-cipher", "ALL:@SECLEVEL=0"]);
        }
        let child = Command::new("openssl")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Peer { child, rest: None }
    }

    /// Starts a server and returns its port.
    fn server(stem: &Path, args: &[&str]) -> (Self, u16) {
        let (certificate, key) = (stem.with_extension("crt"), stem.with_extension("key"));
        let own = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate.to_str().unwrap()];
        let mut peer = Peer::start(&[&own[..], &["-key", key.to_str().unwrap()], args].concat());
        let mut output = BufReader::new(peer.child.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "it has ended: {args:?}");
            if let Some(at) = line.trim().strip_prefix("ACCEPT 127.0.0.1:") {
                break at.parse().unwrap();
            }
        };
        peer.rest = Some(std::thread::spawn(move || drop(output.read_to_end(&mut Vec::new()))));
        (peer, port)
    }

    fn client(server: &QTcpServer, args: &[&str]) -> Self {
        let to = format!("127.0.0.1:{}", server.server_port());
        let mut peer = Peer::start(&[&["s_client", "-connect", &to][..], args].concat());
        let mut output = peer.child.stdout.take().unwrap();
        peer.rest = Some(std::thread::spawn(move || drop(output.read_to_end(&mut Vec::new()))));
        peer
    }
}

/// How the socket treats errors.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    None,
    Query,
    Verify,
    Ignore,
}

const WAYS: [Way; 4] = [Way::None, Way::Query, Way::Verify, Way::Ignore];

/// The errors that a socket has reported, and how it ended.
#[derive(Clone, Default)]
struct Told(Rc<RefCell<String>>);

fn prepare(socket: &QSslSocket, way: Way) -> Told {
    socket.set_peer_verify_mode(match way {
        Way::None => PeerVerifyMode::None,
        Way::Query => PeerVerifyMode::Query,
        Way::Verify | Way::Ignore => PeerVerifyMode::Verify,
    });
    let told = Told::default();
    let write = |told: &Told, text: &str| write!(told.0.borrow_mut(), "{text} ").unwrap();
    socket.peer_verify_error.connect({
        let told = told.clone();
        move |error| write(&told, &format!("{:?}", error.error()))
    });
    socket.ssl_errors.connect_to(socket, {
        let told = told.clone();
        move |socket, errors| {
            write(&told, &format!("({})", errors.len()));
            if way == Way::Ignore {
                socket.ignore_ssl_errors();
            }
        }
    });
    socket.encrypted.connect({
        let told = told.clone();
        move |()| write(&told, "encrypted")
    });
    socket.error_occurred.connect({
        let told = told.clone();
        move |error| write(&told, &format!("{error:?}"))
    });
    told
}

/// Waits until the handshake ends in any way. Returns what the socket has reported.
fn outcome(socket: &QSslSocket, told: &Told) -> String {
    wait_until(|| socket.is_encrypted() || socket.error() != SocketErrorKind::Unknown);
    let told = told.0.borrow().trim().to_owned();
    socket.abort();
    told
}

fn client(way: Way) -> (QSslSocket, Told) {
    let client = integration::tls::client();
    let told = prepare(&client, way);
    (client, told)
}

/// Returns what a client reports of a server.
fn as_client(stem: &Path, args: &[&str], way: Way) -> String {
    let (_peer, port) = Peer::server(stem, args);
    let (client, told) = client(way);
    client.connect_to_host_encrypted("127.0.0.1", port);
    outcome(&client, &told)
}

/// Returns what a server reports of a client.
fn as_server(args: &[&str], way: Way) -> String {
    let tells = Rc::new(RefCell::new(Told::default()));
    let server = accepting({
        let tells = tells.clone();
        move |socket| {
            let mut configuration = identified("good");
            configuration.set_ca_certificates(integration::tls::certificates("ca"));
            socket.set_ssl_configuration(configuration);
            tells.replace(prepare(socket, way));
            socket.start_server_encryption();
        }
    });
    let _peer = Peer::client(&server, args);
    wait_until(|| server.has_pending_connections());
    let socket: QSslSocket = server.next_pending_connection().unwrap().cast().unwrap();
    let told = tells.borrow().clone();
    outcome(&socket, &told)
}

/// Returns the text of the error that ends a client's handshake.
fn refusal_of_client(args: &[&str]) -> String {
    let (_peer, port) = Peer::server(&PathBuf::from(format!("{CERTS}/good")), args);
    let (client, _) = client(Way::Verify);
    client.connect_to_host_encrypted("127.0.0.1", port);
    wait_until(|| client.error() != SocketErrorKind::Unknown);
    assert_eq!(client.error(), SocketErrorKind::SslHandshakeFailed, "{args:?}");
    client.error_string()
}

/// Returns the text of the error that ends a server's handshake.
fn refusal_of_server(args: &[&str]) -> String {
    let server = encrypting("good");
    let _peer = Peer::client(&server, args);
    wait_until(|| server.has_pending_connections());
    let socket = server.next_pending_connection().unwrap();
    wait_until(|| socket.error() != SocketErrorKind::Unknown);
    assert_eq!(socket.error(), SocketErrorKind::SslHandshakeFailed, "{args:?}");
    socket.error_string()
}

/// Returns the expected report for an error that may be ignored.
fn expected(way: Way, error: SslErrorKind) -> String {
    match way {
        Way::None => "encrypted".to_owned(),
        Way::Query | Way::Ignore => format!("{error:?} (1) encrypted"),
        Way::Verify => format!("{error:?} (1) SslHandshakeFailed"),
    }
}

/// An RSA key that is too small is one error, which may be ignored.
#[test]
fn small_keys() {
    let _app = QCoreApplication::new();
    let Some(folder) = Folder::with("small", &["-newkey", "rsa:1024"]) else { return };
    let stem = folder.0.join("it");
    let (certificate, key) = (folder.file("it.crt"), folder.file("it.key"));
    for version in VERSIONS {
        for way in WAYS {
            let expected = expected(way, SslErrorKind::Unspecified);
            assert_eq!(as_client(&stem, &[version], way), expected, "{version} {way:?}");
            let args = ["-cert", &certificate, "-key", &key, version];
            let asked = if way == Way::None { "encrypted" } else { &expected };
            assert_eq!(as_server(&args, way), asked, "{version} {way:?}");
        }
    }
}

/// The same with a self-signed certificate.
#[test]
fn small_keys_that_nobody_vouches_for() {
    let _app = QCoreApplication::new();
    let Some(folder) = Folder::with("alone", &["-newkey", "rsa:1024"]) else { return };
    let made = Command::new("openssl")
        .args(["x509", "-req", "-in", "it.csr", "-signkey", "it.key", "-days", "99"])
        .args(["-out", "it.crt"])
        .current_dir(&folder.0)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let stem = folder.0.join("it");
    for version in VERSIONS {
        let errors = "Unspecified SelfSignedCertificate (2)";
        assert_eq!(as_client(&stem, &[version], Way::Ignore), format!("{errors} encrypted"));
        assert_eq!(
            as_client(&stem, &[version], Way::Verify),
            format!("{errors} SslHandshakeFailed")
        );
        assert_eq!(as_client(&stem, &[version], Way::None), "encrypted");
    }
}

/// As in Qt, this end's own key has to be larger.
#[test]
fn an_own_small_key() {
    let _app = QCoreApplication::new();
    let Some(folder) = Folder::with("own", &["-newkey", "rsa:1024"]) else { return };
    let certificate = fs::read(folder.0.join("it.crt")).unwrap();
    let key = fs::read(folder.0.join("it.key")).unwrap();
    let server = accepting(move |socket| {
        let (pem, rsa) = (EncodingFormat::Pem, KeyAlgorithm::Rsa);
        socket.set_local_certificate(QSslCertificate::new(&certificate, pem));
        socket.set_private_key(QSslKey::new(&key, rsa, pem));
        let texts = Rc::new(RefCell::new(Vec::new()));
        socket.error_occurred.connect_to(socket, {
            let texts = texts.clone();
            move |socket, error| texts.borrow_mut().push((*error, socket.error_string()))
        });
        socket.start_server_encryption();
        let text = "Error loading local certificate, its RSA key has 1024 bits, and 2048 are the \
                    least";
        let (data, internal) = (SocketErrorKind::SslInvalidUserData, SocketErrorKind::SslInternal);
        let expected =
            [(data, text.to_owned()), (internal, "Unable to init SSL Context: ".to_owned())];
        assert_eq!(*texts.borrow(), expected);
    });
    let (client, _) = client(Way::Verify);
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| server.has_pending_connections());
}

/// Keys for RSA-PSS signatures only. rustls does not support them in TLS 1.2, so a client has no
/// usable certificate. Qt connects.
#[test]
fn keys_for_pss() {
    let _app = QCoreApplication::new();
    let Some(folder) = Folder::with("pss", &["-newkey", "rsa-pss"]) else { return };
    let stem = folder.0.join("it");
    assert_eq!(as_client(&stem, &["-tls1_3"], Way::Verify), "encrypted");
    assert_eq!(as_client(&stem, &["-tls1_2"], Way::Verify), "SslHandshakeFailed");
    let (certificate, key) = (folder.file("it.crt"), folder.file("it.key"));
    let args = ["-cert", &certificate, "-key", &key, "-tls1_3"];
    assert_eq!(as_server(&args, Way::Verify), "encrypted");
    let args = ["-cert", &certificate, "-key", &key, "-tls1_2"];
    let none = "NoPeerCertificate (1) SslHandshakeFailed";
    assert_eq!(as_server(&args, Way::Verify), none);
}

/// An authority whose key is for RSA-PSS signatures only. Qt accepts its certificates.
#[test]
fn an_authority_with_a_key_for_pss() {
    let Some(folder) = Folder::with("authority", &["-newkey", "rsa-pss"]) else { return };
    let sign = "x509 -req -in it.csr -signkey it.key -sigopt rsa_pss_saltlen:32 -out it.crt";
    let made = Command::new("openssl").args(sign.split(' ')).current_dir(&folder.0).output();
    assert!(made.unwrap().status.success());
    let root = QSslCertificate::new(fs::read(folder.file("it.crt")).unwrap(), EncodingFormat::Pem);
    let request = "req -new -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf";
    let sign = "x509 -req -in leaf.csr -CA it.crt -CAkey it.key -set_serial 9 -out leaf.crt \
                -sigopt rsa_pss_saltlen:32";
    for args in [request, sign] {
        let run = Command::new("openssl").args(args.split(' ')).current_dir(&folder.0).output();
        assert!(run.unwrap().status.success(), "{args}");
    }
    let leaf = fs::read(folder.file("leaf.crt")).unwrap();
    let leaf = QSslCertificate::new(leaf, EncodingFormat::Pem);
    let errors = QSslCertificate::verify(&[leaf, root], "leaf");
    let errors: Vec<_> = errors.iter().map(QSslError::error).collect();
    assert!(errors.contains(&SslErrorKind::CertificateSignatureFailed), "{errors:?}");
}

/// Key types that the cryptography does not support. Qt connects with Ed448 and fails with
/// secp256k1.
#[test]
fn unknown_keys() {
    let _app = QCoreApplication::new();
    for (name, key) in [
        ("ed448", &["-newkey", "ed448"][..]),
        ("k1", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"]),
    ] {
        let Some(folder) = Folder::with(name, key) else { return };
        let stem = folder.0.join("it");
        for version in VERSIONS {
            assert_eq!(as_client(&stem, &[version], Way::None), "SslHandshakeFailed", "{name}");
        }
    }
}

/// Key exchange with the groups that a peer requires.
#[test]
fn groups() {
    let _app = QCoreApplication::new();
    let good = PathBuf::from(format!("{CERTS}/good"));
    if Folder::with("groups", &["-newkey", "ed25519"]).is_none() {
        return;
    }
    let groups = ["X25519", "P-256", "P-384", "P-521"];
    for group in groups {
        for version in VERSIONS {
            let args = ["-groups", group, version];
            assert_eq!(as_client(&good, &args, Way::Verify), "encrypted", "{group} {version}");
            assert_eq!(as_server(&args, Way::None), "encrypted", "{group} {version}");
        }
    }
}

/// The error names a feature that the peer requires and this library lacks. Qt connects.
#[test]
fn what_is_missing_is_named() {
    let _app = QCoreApplication::new();
    if Folder::with("missing", &["-newkey", "ed25519"]).is_none() {
        return;
    }
    let cbc = "ECDHE-RSA-AES256-SHA384";
    for args in [&["-groups", "X448"][..], &["-tls1_2", "-cipher", cbc]] {
        let text = refusal_of_client(args);
        assert!(text.contains("handshake_failure: it accepts no cipher suite, key ex"), "{text}");
    }
    for (args, part) in [
        (
            &["-groups", "X448", "-tls1_3"][..],
            "no key exchange group in common: this end has X25519",
        ),
        (&["-groups", "X448", "-tls1_2"], "no key exchange group in common: this end has X25519"),
        (&["-tls1_2", "-cipher", cbc], "no cipher suite in common: neither those with CBC"),
        (&["-servername", "-bad-"], "asks for a name (SNI) that is no host name"),
        (&["-servername", "a b"], "asks for a name (SNI) that is no host name"),
    ] {
        let text = refusal_of_server(args);
        assert!(text.contains(part), "{args:?}: {text}");
    }
}

/// A TLS 1.3 server that requires a certificate says so only after the handshake has ended for the
/// client.
#[test]
fn a_certificate_that_is_required() {
    let _app = QCoreApplication::new();
    if Folder::with("required", &["-newkey", "ed25519"]).is_none() {
        return;
    }
    let good = PathBuf::from(format!("{CERTS}/good"));
    let args = ["-tls1_3", "-Verify", "1", "-verify_return_error"];
    let (_peer, port) = Peer::server(&good, &args);
    let (client, told) = client(Way::Verify);
    let states = Rc::new(RefCell::new(Vec::new()));
    client.state_changed.connect({
        let states = states.clone();
        move |state| states.borrow_mut().push(*state)
    });
    let texts = Rc::new(RefCell::new(Vec::new()));
    client.error_occurred.connect_to(&client, {
        let texts = texts.clone();
        move |client, _| texts.borrow_mut().push((client.state(), client.error_string()))
    });
    client.connect_to_host_encrypted("127.0.0.1", port);
    wait_until(|| client.state() == SocketState::Unconnected);
    assert_eq!(told.0.borrow().trim(), "encrypted SslInternal RemoteHostClosed");
    let texts = texts.borrow();
    let text = "Error while reading: the peer has sent the alert certificate_required: it wants a \
                certificate";
    assert_eq!(texts[0], (SocketState::Connected, text.to_owned()));
    let text = "The remote host closed the connection";
    assert_eq!(texts[1], (SocketState::Connected, text.to_owned()));
    assert_eq!(states.borrow()[3..], [SocketState::Closing, SocketState::Unconnected]);
}
