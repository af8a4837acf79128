//! Test code: compares our verification with that of others.
//!
//! * `suites.rs`: public test suites, which are not part of this repository.
//! * `chains.rs`: our own chains, about one for each rule, with the results of OpenSSL and Qt.
//! * `mutations.rs`: certificates whose DER was changed and signed again. OpenSSL verifies them
//!   during the test.

mod chains;
mod mutations;
mod openssl;
mod suites;

use crate::ssl::{
    certificate::QSslCertificate,
    error::{QSslError, SslErrorKind},
};

/// Returns all errors with their places in the chain as the tables have them; `-` stands for a null
/// certificate. Returns `null` if a certificate of the chain cannot be read.
pub(super) fn describe(chain: &[QSslCertificate], found: &[QSslError]) -> String {
    if chain.iter().any(QSslCertificate::is_null) {
        return "null".to_owned();
    }
    let describe = |error: &QSslError| {
        let place = chain.iter().position(|c| c == error.certificate());
        describe_one(error.error(), place)
    };
    found.iter().map(describe).collect::<Vec<_>>().join(" ")
}

fn describe_one(error: SslErrorKind, place: Option<usize>) -> String {
    let code = match error {
        SslErrorKind::Unspecified => "UnspecifiedError".to_owned(),
        code => format!("{code:?}"),
    };
    format!("{code}@{}", place.map_or("-".to_owned(), |place| place.to_string()))
}

/// Removes OpenSSL's numbers from its errors. Qt does not distinguish those errors.
fn without_numbers(errors: &str) -> String {
    let parts = errors.split('(').map(|part| part.split_once(')').map_or(part, |part| part.1));
    parts.collect()
}
