//! [`SslCertificateError`]: why a certificate cannot be read.

use std::{fmt, io};

use crate::common::kind_error;

/// The kinds of [`SslCertificateError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SslCertificateErrorKind {
    /// The text has no complete block between the lines `-----BEGIN CERTIFICATE-----` and
    /// `-----END CERTIFICATE-----`.
    NoPemBlock,
    /// The data is not the DER of a certificate.
    NoCertificate,
    /// The file cannot be read, or no file has such a path.
    Io(io::ErrorKind),
}

impl SslCertificateErrorKind {
    fn io_kind(self) -> io::ErrorKind {
        match self {
            SslCertificateErrorKind::Io(kind) => kind,
            _ => io::ErrorKind::InvalidData,
        }
    }
}

impl fmt::Display for SslCertificateErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SslCertificateErrorKind::NoPemBlock => "there is no PEM block of a certificate",
            SslCertificateErrorKind::NoCertificate => "this is not the DER of a certificate",
            SslCertificateErrorKind::Io(kind) => {
                return write!(f, "the file cannot be read: {kind}");
            }
        })
    }
}

kind_error! {
    /// Why a [`QSslCertificate`](crate::QSslCertificate) cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate, SslCertificateErrorKind};
    ///
    /// let error = QSslCertificate::try_new("garbage", EncodingFormat::Pem).unwrap_err();
    /// assert_eq!(error, SslCertificateErrorKind::NoPemBlock);
    /// assert_eq!(error.to_string(), "there is no PEM block of a certificate");
    /// ```
    SslCertificateError of SslCertificateErrorKind
}
