//! Our verification, held against what others say of the same chains.
//!
//! * `suites.rs`: public suites of cases, which are not part of this repository.
//! * `chains.rs`: chains of our own, about one for each rule, with the verdicts of OpenSSL and Qt.
//! * `mutations.rs`: certificates whose DER was changed and signed again, which OpenSSL judges as
//!   well while the test runs.

mod chains;
mod mutations;
mod openssl;
mod suites;

use crate::ssl::{
    certificate::QSslCertificate,
    error::{QSslError, SslErrorKind},
};

/// All errors with their places in the chain, `-` for a null certificate: what the tables have.
/// `null` if a certificate of the chain cannot be read.
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

/// What OpenSSL says, without its numbers for errors that Qt does not tell apart.
fn without_numbers(errors: &str) -> String {
    let parts = errors.split('(').map(|part| part.split_once(')').map_or(part, |part| part.1));
    parts.collect()
}
