//! Texts for failed sessions.
//!
//! rustls names its errors for programmers: `NoKxGroupsInCommon`. If a peer requires a feature that
//! this library does not support, the text here names it.

use rustls::{
    AlertDescription, CertificateError, Error, OtherError, PeerIncompatible, PeerMisbehaved,
};

use super::crypto::provider;

/// Returns the text of an error of rustls.
pub(super) fn of(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(why) => of_incompatible(why),
        Error::PeerMisbehaved(why) => of_misbehaved(why),
        Error::InvalidCertificate(why) => of_certificate(why),
        Error::NoApplicationProtocol => {
            "the client offers no protocol (ALPN) that this end allows".to_owned()
        }
        other => other.to_string(),
    }
}

fn of_alert(alert: AlertDescription) -> String {
    let meaning = match alert {
        AlertDescription::HandshakeFailure => {
            "it accepts no cipher suite, key exchange group or signature scheme of those that this \
             end offers, or it wants a certificate"
        }
        AlertDescription::ProtocolVersion => "it speaks no version of TLS that this end allows",
        AlertDescription::InsufficientSecurity => "it wants stronger cipher suites",
        AlertDescription::NoApplicationProtocol => {
            "it allows no protocol (ALPN) of those that this end offers"
        }
        AlertDescription::CertificateRequired => "it wants a certificate",
        AlertDescription::UnknownCA => "it does not trust who has issued the certificate",
        AlertDescription::UnrecognisedName => {
            "it has no certificate for the name that was asked for"
        }
        _ => return format!("the peer has sent the alert {}", name(alert)),
    };
    format!("the peer has sent the alert {}: {meaning}", name(alert))
}

/// Returns an alert's name as in the standard: `handshake_failure`.
fn name(alert: AlertDescription) -> String {
    let mut name = String::new();
    let mut previous_is_lower = false;
    for letter in format!("{alert:?}").chars() {
        if letter.is_uppercase() && previous_is_lower {
            name.push('_');
        }
        previous_is_lower = letter.is_lowercase();
        name.extend(letter.to_lowercase());
    }
    name
}

fn of_incompatible(why: &PeerIncompatible) -> String {
    use PeerIncompatible as Why;
    match why {
        Why::NoCipherSuitesInCommon => {
            "no cipher suite in common: neither those with CBC nor those without elliptic curves \
             are spoken here"
                .to_owned()
        }
        Why::NoKxGroupsInCommon => {
            format!("no key exchange group in common: this end has {}", groups())
        }
        Why::NoSignatureSchemesInCommon | Why::NoCertificateRequestSignatureSchemesInCommon => {
            "no signature scheme in common: the peer accepts none that the key of this end's \
             certificate can sign with"
                .to_owned()
        }
        Why::ServerDoesNotSupportTls12Or13
        | Why::ServerTlsVersionIsDisabledByOurConfig
        | Why::SupportedVersionsExtensionRequired
        | Why::Tls12NotOffered
        | Why::Tls12NotOfferedOrEnabled => "no version of TLS in common".to_owned(),
        Why::EcPointsExtensionRequired
        | Why::NamedGroupsExtensionRequired
        | Why::NoEcPointFormatsInCommon
        | Why::UncompressedEcPointsRequired => {
            "the client names no elliptic curves, without which no keys are exchanged here"
                .to_owned()
        }
        Why::SignatureAlgorithmsExtensionRequired => {
            "the client does not say which signatures it accepts".to_owned()
        }
        other => format!("the peer is incompatible: {other:?}"),
    }
}

/// Returns the names of the key exchange groups.
fn groups() -> String {
    let provider = provider();
    let names: Vec<_> =
        provider.kx_groups.iter().map(|group| format!("{:?}", group.name())).collect();
    names.join(", ")
}

fn of_misbehaved(why: &PeerMisbehaved) -> String {
    match why {
        PeerMisbehaved::ServerNameMustContainOneHostName => {
            "the client asks for a name (SNI) that is no host name".to_owned()
        }
        PeerMisbehaved::SignedKxWithWrongAlgorithm => {
            "the server has signed with a kind of key that the cipher suite is not for; keys for \
             RSA-PSS are accepted in TLS 1.3 alone"
                .to_owned()
        }
        PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme => {
            "the peer has signed the handshake by an algorithm that it was not offered".to_owned()
        }
        other => format!("the peer misbehaves: {other:?}"),
    }
}

fn of_certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::BadEncoding => "the peer's certificate cannot be read".to_owned(),
        CertificateError::BadSignature => {
            "the handshake is not signed with the key of the peer's certificate".to_owned()
        }
        CertificateError::Other(OtherError(why)) => why.to_string(),
        other => format!("the peer's certificate is invalid: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssl::signature::Refusal;

    #[test]
    fn names_of_alerts() {
        for (alert, expected) in [
            (AlertDescription::HandshakeFailure, "handshake_failure"),
            (AlertDescription::BadRecordMac, "bad_record_mac"),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (AlertDescription::CertificateRequired, "certificate_required"),
            (AlertDescription::DecodeError, "decode_error"),
        ] {
            assert_eq!(name(alert), expected);
        }
    }

    #[test]
    fn causes_are_named() {
        for (error, part) in [
            (Error::from(PeerIncompatible::NoKxGroupsInCommon), "X25519"),
            (PeerIncompatible::NoCipherSuitesInCommon.into(), "CBC"),
            (PeerIncompatible::Tls12NotOffered.into(), "version"),
            (PeerMisbehaved::ServerNameMustContainOneHostName.into(), "SNI"),
            (Refusal::Unreadable.into(), "cannot be read"),
            (Refusal::Size(256).into(), "256 bits"),
            (Refusal::UnknownKey.into(), "not supported"),
            (CertificateError::BadSignature.into(), "not signed"),
            (Error::AlertReceived(AlertDescription::HandshakeFailure), "handshake_failure: it"),
            (Error::AlertReceived(AlertDescription::DecodeError), "alert decode_error"),
            (Error::General("message too long".into()), "message too long"),
        ] {
            let text = of(&error);
            assert!(text.contains(part), "{text}");
        }
    }
}
