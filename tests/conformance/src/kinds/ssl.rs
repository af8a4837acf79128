//! `ssl`: a QSslSocket.

use std::fs;

use qcore::{OpenMode, QObject};
use qnetwork::{
    EncodingFormat, KeyAlgorithm, NetworkLayerProtocol, QSslCertificate, QSslConfiguration,
    QSslError, QSslKey, QSslSocket, QTcpSocket, SslErrorKind, SubjectInfo,
};

use super::{
    AnyHeld, Held, Kind,
    socket::{call_socket, msecs, snapshot, watch_socket},
};
use crate::{
    args::Args,
    error::{Error, Result},
    names,
    value::Value,
    world::Recorder,
};

pub(super) struct Ssl(Held<QSslSocket>);

impl Ssl {
    pub(super) fn new() -> Self {
        Self::of(QSslSocket::new())
    }

    /// Wraps a socket that a server has created.
    pub(super) fn of(socket: QSslSocket) -> Self {
        Ssl(Held::new(socket, |socket| -> &QObject { socket }))
    }
}

impl Kind for Ssl {
    fn class(&self) -> &'static str {
        "QSslSocket"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let socket = self.0.get()?;
        Ok(match args.method {
            "connectToHostEncrypted" => {
                let (host, port) = (args.text()?, args.number()?);
                let mode = args.or(OpenMode::READ_WRITE, super::device::open_mode)?;
                let protocol = args.or(NetworkLayerProtocol::AnyIP, Args::named)?;
                socket.connect_to_host_encrypted_with_mode(host, port, mode, protocol).into()
            }
            "startClientEncryption" => socket.start_client_encryption().into(),
            "startServerEncryption" => socket.start_server_encryption().into(),
            "waitForEncrypted" => socket.wait_for_encrypted(msecs(args, 30_000)?).is_ok().into(),
            "mode" => names::value(socket.mode()),
            "isEncrypted" => socket.is_encrypted().into(),
            "encryptedBytesAvailable" => socket.encrypted_bytes_available().into(),
            "encryptedBytesToWrite" => socket.encrypted_bytes_to_write().into(),
            "ignoreSslErrors" => socket.ignore_ssl_errors().into(),
            "peerVerifyMode" => names::value(socket.peer_verify_mode()),
            "setPeerVerifyMode" => socket.set_peer_verify_mode(args.named()?).into(),
            "peerVerifyDepth" => socket.peer_verify_depth().into(),
            "setPeerVerifyDepth" => socket.set_peer_verify_depth(args.number()?).into(),
            "peerVerifyName" => socket.peer_verify_name().into(),
            "setPeerVerifyName" => socket.set_peer_verify_name(args.text()?).into(),
            "protocol" => names::value(socket.protocol()),
            "setProtocol" => socket.set_protocol(args.named()?).into(),
            "sessionProtocol" => names::value(socket.session_protocol()),
            "useCertificate" => use_certificate(&socket, args)?.into(),
            "trust" => {
                let certificates = certificates(args, &args.text()?)?;
                trust(&socket, certificates).into()
            }
            "trustNothing" => trust(&socket, Vec::new()).into(),
            "peerCommonName" => {
                let names = socket.peer_certificate().subject_info(SubjectInfo::CommonName);
                names.into_iter().next().unwrap_or_default().into()
            }
            "sslErrorNames" => show_errors(&socket.ssl_handshake_errors()),
            _ => return call_socket(&socket, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(socket) = self.0.get() {
            recorder.plain(&socket.encrypted, "encrypted");
            recorder.one(&socket.mode_changed, "modeChanged", |mode| names::value(*mode));
            recorder.one(&socket.ssl_errors, "sslErrors", |errors| show_errors(errors));
            recorder.one(&socket.peer_verify_error, "peerVerifyError", show_error);
            watch_socket(recorder, &socket);
        }
    }

    fn snapshot(&self) -> Option<String> {
        Some(snapshot(&*self.0.get().ok()?))
    }

    fn port(&self) -> Option<u16> {
        Some(self.0.get().ok()?.local_port())
    }

    fn tcp(&self) -> Option<QTcpSocket> {
        Some(QTcpSocket::clone(&*self.0.get().ok()?))
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.0)
    }
}

fn certificates(args: &Args<'_>, stem: &str) -> Result<Vec<QSslCertificate>> {
    let path = args.world.certs().join(format!("{stem}.crt"));
    QSslCertificate::from_path(path, EncodingFormat::Pem)
        .map_err(|error| Error::new(format!("{stem}.crt: {error}")))
}

fn use_certificate(socket: &QSslSocket, args: &Args<'_>) -> Result<()> {
    let stem = args.text()?;
    socket.set_local_certificate_chain(certificates(args, &stem)?);
    let text = fs::read(args.world.certs().join(format!("{stem}.key")))?;
    let is_ec = text.windows(8).any(|word| word == b"BEGIN EC");
    let algorithm = if is_ec { KeyAlgorithm::Ec } else { KeyAlgorithm::Rsa };
    socket.set_private_key(QSslKey::new(text, algorithm, EncodingFormat::Pem));
    Ok(())
}

fn trust(socket: &QSslSocket, certificates: Vec<QSslCertificate>) {
    let mut configuration: QSslConfiguration = socket.ssl_configuration();
    configuration.set_ca_certificates(certificates);
    socket.set_ssl_configuration(configuration);
}

fn show_error(error: &QSslError) -> Value {
    // The names are Qt's except for Unspecified, which has no suffix here.
    let name = match error.error() {
        SslErrorKind::Unspecified => "UnspecifiedError".to_owned(),
        error => format!("{error:?}"),
    };
    Value::Enum(name, -1)
}

fn show_errors(errors: &[QSslError]) -> Value {
    Value::List(errors.iter().map(show_error).collect())
}
