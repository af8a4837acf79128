//! Enumerations for certificates, keys and connections.

use bitflags::bitflags;

qcore::numbered! {
    /// One or several versions of TLS.
    ///
    /// Stands for Qt's [QSsl::SslProtocol](https://doc.qt.io/qt-5/qssl.html#SslProtocol-enum). TLS
    /// 1.2 and 1.3 are supported. SSL and TLS 1.0 and 1.1 are broken, and DTLS is not for streams.
    /// If the configuration of a socket allows only unsupported versions, the socket does not
    /// connect, and the error is
    /// [`SslInvalidUserData`](crate::SocketErrorKind::SslInvalidUserData).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum SslProtocol {
        /// No known version. A connection that is not encrypted has this protocol. In a
        /// configuration it allows TLS 1.2 and 1.3, as in Qt.
        #[doc(alias = "UnknownProtocol")]
        Unknown = -1,
        /// SSL 3, which is not supported.
        SslV3 = 0,
        /// SSL 2, which is not supported.
        SslV2 = 1,
        /// TLS 1.0, which is not supported.
        TlsV1_0 = 2,
        /// TLS 1.1, which is not supported.
        TlsV1_1 = 3,
        /// TLS 1.2.
        TlsV1_2 = 4,
        /// All supported versions: TLS 1.2 and 1.3.
        #[doc(alias = "AnyProtocol")]
        Any = 5,
        /// All supported versions: TLS 1.2 and 1.3. The name is from the time of SSL 3.
        TlsV1SslV3 = 6,
        /// All versions that are considered secure: TLS 1.2 and 1.3. The default.
        #[default]
        #[doc(alias = "SecureProtocols")]
        Secure = 7,
        /// TLS 1.0 and later. Of these, 1.2 and 1.3 are supported.
        TlsV1_0OrLater = 8,
        /// TLS 1.1 and later. Of these, 1.2 and 1.3 are supported.
        TlsV1_1OrLater = 9,
        /// TLS 1.2 and 1.3.
        TlsV1_2OrLater = 10,
        /// DTLS 1.0, which is not supported.
        DtlsV1_0 = 11,
        /// DTLS 1.0 and later, which are not supported.
        DtlsV1_0OrLater = 12,
        /// DTLS 1.2, which is not supported.
        DtlsV1_2 = 13,
        /// DTLS 1.2 and later, which are not supported.
        DtlsV1_2OrLater = 14,
        /// TLS 1.3.
        TlsV1_3 = 15,
        /// TLS 1.3, which is the latest version.
        TlsV1_3OrLater = 16,
    }
}

qcore::numbered! {
    /// The role of a socket in a TLS connection.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SslMode {
        /// The connection is not encrypted.
        #[default]
        #[doc(alias = "UnencryptedMode")]
        Unencrypted = 0,
        /// The socket is the client.
        #[doc(alias = "SslClientMode")]
        Client = 1,
        /// The socket is the server.
        #[doc(alias = "SslServerMode")]
        Server = 2,
    }
}

qcore::numbered! {
    /// How a socket verifies the peer's certificate.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum PeerVerifyMode {
        /// The socket ignores errors of the peer's certificate. A server does not ask for one.
        #[doc(alias = "VerifyNone")]
        None = 0,
        /// The socket asks for a certificate and reports its errors with `peer_verify_error` and
        /// `ssl_errors`. The errors have no effect.
        #[doc(alias = "QueryPeer")]
        Query = 1,
        /// The socket asks for a certificate and requires a valid one.
        #[doc(alias = "VerifyPeer")]
        Verify = 2,
        /// [`Verify`](Self::Verify) for clients and [`Query`](Self::Query) for servers. The
        /// default.
        #[default]
        #[doc(alias = "AutoVerifyPeer")]
        Auto = 3,
    }
}

qcore::numbered! {
    /// The encoding of a certificate or a key.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum EncodingFormat {
        /// Text: base64 between a BEGIN and an END line.
        #[default]
        Pem = 0,
        /// Binary.
        Der = 1,
    }
}

qcore::numbered! {
    /// The half of a key pair.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum KeyType {
        /// The private half.
        #[default]
        #[doc(alias = "PrivateKey")]
        Private = 0,
        /// The public half.
        #[doc(alias = "PublicKey")]
        Public = 1,
    }
}

qcore::numbered! {
    /// The algorithm of a key.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum KeyAlgorithm {
        /// Another algorithm: Ed25519, for which Qt has no name. A null key is opaque too.
        #[default]
        Opaque = 0,
        /// RSA.
        Rsa = 1,
        /// DSA. TLS does not use such keys.
        Dsa = 2,
        /// Elliptic curves. TLS uses P-256, P-384 and P-521.
        Ec = 3,
        /// Diffie-Hellman. TLS does not use such keys.
        Dh = 4,
    }
}

qcore::numbered! {
    /// The kind of an alternative name of a certificate.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum AlternativeNameEntryType {
        /// An email address.
        #[doc(alias = "EmailEntry")]
        Email = 0,
        /// A host name, or a pattern for host names.
        #[doc(alias = "DnsEntry")]
        Dns = 1,
        /// An IP address.
        #[doc(alias = "IpAddressEntry")]
        IpAddress = 2,
    }
}

qcore::numbered! {
    /// The syntax of a path. See [`QSslCertificate::from_path`](crate::QSslCertificate::from_path).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum PatternSyntax {
        /// A plain path. The default.
        #[default]
        FixedString = 2,
        /// A shell pattern: `*` and `?` match characters other than slashes; `[abc]` and `[!abc]`
        /// match one character.
        Wildcard = 1,
        /// A regular expression for the whole path, without back references and look-around.
        RegularExpression = 0,
    }
}

qcore::numbered! {
    /// The result of negotiating an application protocol (ALPN).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum NextProtocolNegotiationStatus {
        /// No protocol was negotiated.
        #[default]
        #[doc(alias = "NextProtocolNegotiationNone")]
        None = 0,
        /// The ends have agreed on a protocol.
        #[doc(alias = "NextProtocolNegotiationNegotiated")]
        Negotiated = 1,
        /// The ends have no protocol in common.
        #[doc(alias = "NextProtocolNegotiationUnsupported")]
        Unsupported = 2,
    }
}

bitflags! {
    /// Options of a TLS connection.
    ///
    /// Stands for Qt's [QSsl::SslOption](https://doc.qt.io/qt-5/qssl.html#SslOption-enum). Three of
    /// the flags have no effect, because this library never uses what they disable: empty
    /// fragments, compression, insecure renegotiation.
    ///
    /// [`bits`](Self::bits) returns Qt's number for the set, and [`from_bits`](Self::from_bits) the
    /// set for a number.
    #[doc(alias = "QSsl::SslOption")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct SslOptions: u32 {
        /// Disables empty fragments, which only TLS 1.0 uses.
        #[doc(alias = "SslOptionDisableEmptyFragments")]
        const DISABLE_EMPTY_FRAGMENTS = 0x01;
        /// Disables session tickets. A session can be resumed only from the server's own store.
        #[doc(alias = "SslOptionDisableSessionTickets")]
        const DISABLE_SESSION_TICKETS = 0x02;
        /// Disables compression.
        #[doc(alias = "SslOptionDisableCompression")]
        const DISABLE_COMPRESSION = 0x04;
        /// The client does not send the server's name (SNI).
        #[doc(alias = "SslOptionDisableServerNameIndication")]
        const DISABLE_SERVER_NAME_INDICATION = 0x08;
        /// Disables insecure renegotiation.
        #[doc(alias = "SslOptionDisableLegacyRenegotiation")]
        const DISABLE_LEGACY_RENEGOTIATION = 0x10;
        /// Connections with the same configuration do not resume each other's sessions.
        #[doc(alias = "SslOptionDisableSessionSharing")]
        const DISABLE_SESSION_SHARING = 0x20;
        /// The configuration does not give out sessions for storage.
        #[doc(alias = "SslOptionDisableSessionPersistence")]
        const DISABLE_SESSION_PERSISTENCE = 0x40;
        /// The server prefers the client's order of ciphers to its own.
        #[doc(alias = "SslOptionDisableServerCipherPreference")]
        const DISABLE_SERVER_CIPHER_PREFERENCE = 0x80;
    }
}

impl Default for SslOptions {
    /// Returns the default options: no empty fragments, no compression, no insecure renegotiation,
    /// no session persistence.
    fn default() -> Self {
        SslOptions::DISABLE_EMPTY_FRAGMENTS
            | SslOptions::DISABLE_LEGACY_RENEGOTIATION
            | SslOptions::DISABLE_COMPRESSION
            | SslOptions::DISABLE_SESSION_PERSISTENCE
    }
}
