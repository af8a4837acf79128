//! What is said in one word about keys, certificates and connections.

use bitflags::bitflags;

qcore::numbered! {
    /// A version of TLS, or several.
    ///
    /// Stands for Qt's [QSsl::SslProtocol](https://doc.qt.io/qt-5/qssl.html#SslProtocol-enum).
    /// TLS 1.0 and 1.1 are broken and not spoken: what asks for one of them alone fails with
    /// [`SslInvalidUserData`](crate::SocketErrorKind::SslInvalidUserData), as with Qt what asks for
    /// SSL 3.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum SslProtocol {
        /// TLS 1.0, which is not spoken.
        TlsV1_0 = 2,
        /// TLS 1.1, which is not spoken.
        TlsV1_1 = 3,
        /// TLS 1.2.
        TlsV1_2 = 4,
        /// Whatever there is: TLS 1.2 and 1.3.
        #[doc(alias = "AnyProtocol")]
        Any = 5,
        /// What is thought to be secure: TLS 1.2 and 1.3. The default.
        #[default]
        #[doc(alias = "SecureProtocols")]
        Secure = 7,
        /// TLS 1.0 and later, of which 1.2 and 1.3 are spoken.
        TlsV1_0OrLater = 8,
        /// TLS 1.1 and later, of which 1.2 and 1.3 are spoken.
        TlsV1_1OrLater = 9,
        /// TLS 1.2 and 1.3.
        TlsV1_2OrLater = 10,
        /// TLS 1.3.
        TlsV1_3 = 15,
        /// TLS 1.3, the latest that there is.
        TlsV1_3OrLater = 16,
        /// None that is known: of a connection that is not encrypted.
        #[doc(alias = "UnknownProtocol")]
        Unknown = -1,
    }
}

qcore::numbered! {
    /// Which end of an encrypted connection a socket is.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SslMode {
        /// Nothing is encrypted.
        #[default]
        #[doc(alias = "UnencryptedMode")]
        Unencrypted = 0,
        /// It is the one that asked for the connection.
        #[doc(alias = "SslClientMode")]
        Client = 1,
        /// It is the one that was asked.
        #[doc(alias = "SslServerMode")]
        Server = 2,
    }
}

qcore::numbered! {
    /// What a socket does about the other end's certificate.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum PeerVerifyMode {
        /// It does not ask for one, and does not mind what is wrong with it.
        #[doc(alias = "VerifyNone")]
        None = 0,
        /// It asks for one, to look at: what is wrong with it is told by
        /// `peer_verify_error` and `ssl_errors`, and has no consequences.
        #[doc(alias = "QueryPeer")]
        Query = 1,
        /// It asks for one and insists on its being valid.
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
    /// How a certificate or a key is written down.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum EncodingFormat {
        /// As text: base64 between a line that begins it and one that ends it.
        #[default]
        Pem = 0,
        /// As bytes.
        Der = 1,
    }
}

qcore::numbered! {
    /// The half of a pair of keys.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum KeyType {
        /// The secret half.
        #[default]
        #[doc(alias = "PrivateKey")]
        Private = 0,
        /// The half that everybody may have.
        #[doc(alias = "PublicKey")]
        Public = 1,
    }
}

qcore::numbered! {
    /// The kind of a key.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum KeyAlgorithm {
        /// Some other than those below: Ed25519, for which Qt has no name. So is a null key.
        #[default]
        Opaque = 0,
        /// RSA.
        Rsa = 1,
        /// DSA. There is nothing to use such a key for.
        Dsa = 2,
        /// Elliptic curves. TLS uses P-256, P-384 and P-521.
        Ec = 3,
        /// Diffie and Hellman's. There is nothing to use such a key for.
        Dh = 4,
    }
}

qcore::numbered! {
    /// The kind of an alternative name.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum AlternativeNameEntryType {
        /// A mail address.
        #[doc(alias = "EmailEntry")]
        Email = 0,
        /// The name of a host, or a pattern for such names.
        #[doc(alias = "DnsEntry")]
        Dns = 1,
        /// An IP address.
        #[doc(alias = "IpAddressEntry")]
        IpAddress = 2,
    }
}

qcore::numbered! {
    /// What a path is written in. See [`QSslCertificate::from_path`](crate::QSslCertificate::from_path).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum PatternSyntax {
        /// A path as it is. The default.
        #[default]
        FixedString = 2,
        /// As in a shell: `*` and `?` for characters other than slashes, `[abc]` and `[!abc]` for
        /// one of several.
        Wildcard = 1,
        /// A regular expression for the whole path, without back references and look-around.
        RegularExpression = 0,
    }
}

qcore::numbered! {
    /// What came of the choice of a protocol to speak over TLS (ALPN).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum NextProtocolNegotiationStatus {
        /// None was chosen, or none was asked for.
        #[default]
        #[doc(alias = "NextProtocolNegotiationNone")]
        None = 0,
        /// One was chosen.
        #[doc(alias = "NextProtocolNegotiationNegotiated")]
        Negotiated = 1,
        /// The two ends have none in common.
        #[doc(alias = "NextProtocolNegotiationUnsupported")]
        Unsupported = 2,
    }
}

bitflags! {
    /// Options of a TLS connection.
    ///
    /// Stands for Qt's [QSsl::SslOption](https://doc.qt.io/qt-5/qssl.html#SslOption-enum). The
    /// flags that turn off what is never on here (empty fragments, compression, insecure
    /// renegotiation) have no effect.
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct SslOptions: u32 {
        /// No empty fragments, which are a matter of TLS 1.0.
        #[doc(alias = "SslOptionDisableEmptyFragments")]
        const DISABLE_EMPTY_FRAGMENTS = 0x01;
        /// No session tickets: a session is resumed from what the server itself keeps, if at all.
        #[doc(alias = "SslOptionDisableSessionTickets")]
        const DISABLE_SESSION_TICKETS = 0x02;
        /// No compression.
        #[doc(alias = "SslOptionDisableCompression")]
        const DISABLE_COMPRESSION = 0x04;
        /// The server is not told which name it was asked for (SNI).
        #[doc(alias = "SslOptionDisableServerNameIndication")]
        const DISABLE_SERVER_NAME_INDICATION = 0x08;
        /// No insecure renegotiation.
        #[doc(alias = "SslOptionDisableLegacyRenegotiation")]
        const DISABLE_LEGACY_RENEGOTIATION = 0x10;
        /// Connections of one configuration do not resume one another's sessions.
        #[doc(alias = "SslOptionDisableSessionSharing")]
        const DISABLE_SESSION_SHARING = 0x20;
        /// Sessions cannot be taken out of the configuration and kept.
        #[doc(alias = "SslOptionDisableSessionPersistence")]
        const DISABLE_SESSION_PERSISTENCE = 0x40;
        /// A server takes the client's choice of a cipher rather than its own.
        #[doc(alias = "SslOptionDisableServerCipherPreference")]
        const DISABLE_SERVER_CIPHER_PREFERENCE = 0x80;
    }
}

impl Default for SslOptions {
    /// No empty fragments, compression, insecure renegotiation, nor sessions that are kept.
    fn default() -> Self {
        SslOptions::DISABLE_EMPTY_FRAGMENTS
            | SslOptions::DISABLE_LEGACY_RENEGOTIATION
            | SslOptions::DISABLE_COMPRESSION
            | SslOptions::DISABLE_SESSION_PERSISTENCE
    }
}
