use super::*;
use crate::ssl::kinds::{EncodingFormat, KeyAlgorithm};

fn signed() -> (QSslCertificate, QSslKey) {
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let key = QSslKey::new(made.signing_key.serialize_pem(), KeyAlgorithm::Ec, EncodingFormat::Pem);
    (QSslCertificate::new(made.cert.der(), EncodingFormat::Der), key)
}

#[test]
fn a_new_one_is_null() {
    let null = QSslConfiguration::new();
    assert!(null.is_null());
    assert_eq!(
        (null.protocol(), null.peer_verify_mode()),
        (SslProtocol::Secure, PeerVerifyMode::Auto)
    );
    assert_eq!(
        (null.peer_verify_depth(), null.ca_certificates(), null.ciphers()),
        (0, vec![], vec![])
    );
    assert!(null.local_certificate().is_null() && null.private_key().is_null());
    assert!(null.session_cipher().is_null() && null.ephemeral_server_key().is_null());
    assert_eq!(null.session_protocol(), SslProtocol::Unknown);
    assert!(null.allowed_next_protocols().is_empty() && null.next_negotiated_protocol().is_empty());
    assert_eq!(null.next_protocol_negotiation_status(), NextProtocolNegotiationStatus::None);
    assert!(null.backend_configuration().is_empty() && null.peer_certificate().is_null());
    for (option, set) in [
        (SslOptions::DISABLE_EMPTY_FRAGMENTS, true),
        (SslOptions::DISABLE_SESSION_TICKETS, false),
        (SslOptions::DISABLE_COMPRESSION, true),
        (SslOptions::DISABLE_SERVER_NAME_INDICATION, false),
        (SslOptions::DISABLE_LEGACY_RENEGOTIATION, true),
        (SslOptions::DISABLE_SESSION_SHARING, false),
        (SslOptions::DISABLE_SESSION_PERSISTENCE, true),
        (SslOptions::DISABLE_SERVER_CIPHER_PREFERENCE, false),
    ] {
        assert_eq!(null.test_ssl_option(option), set, "{option:?}");
    }
}

/// Changing any setting makes a configuration non-null, and restoring it makes it null again. As
/// with Qt, CA certificates are an exception: setting them counts even if they are the same.
#[test]
fn changes() {
    type Change = fn(&mut QSslConfiguration);
    let changes: [(Change, bool); 12] = [
        (|c| c.set_protocol(SslProtocol::TlsV1_2), false),
        (|c| c.set_peer_verify_mode(PeerVerifyMode::None), false),
        (|c| c.set_peer_verify_depth(3), false),
        (|c| c.set_allowed_next_protocols(["h2"]), false),
        (|c| c.set_backend_configuration_option("a", 1), false),
        (|c| c.set_ssl_option(SslOptions::DISABLE_SESSION_TICKETS, true), false),
        (|c| c.set_ssl_option(SslOptions::DISABLE_COMPRESSION, false), false),
        (|c| c.set_ca_certificates(Vec::<QSslCertificate>::new()), false),
        (|c| c.add_ca_certificates(Vec::<QSslCertificate>::new()), false),
        (|c| c.set_ciphers(Vec::<QSslCipher>::new()), true),
        (|c| c.set_peer_verify_mode(PeerVerifyMode::Auto), true),
        (|c| c.set_peer_verify_depth(-5), true),
    ];
    for (index, (change, null)) in changes.into_iter().enumerate() {
        let before = QSslConfiguration::new();
        let mut after = before.clone();
        change(&mut after);
        assert_eq!((after == before, after.is_null()), (null, null), "{index}");
        assert!(before.is_null());
    }
}

#[test]
fn the_depth_is_not_negative() {
    let mut configuration = QSslConfiguration::new();
    configuration.set_peer_verify_depth(7);
    configuration.set_peer_verify_depth(-1);
    assert_eq!(configuration.peer_verify_depth(), 7);
}

#[test]
fn the_default_one() {
    let before = QSslConfiguration::default_configuration();
    assert!(!before.is_null() && before == QSslConfiguration::default_configuration());
    assert_eq!(before.ciphers(), QSslConfiguration::supported_ciphers());
    assert!(before.ca_certificates().is_empty());
}

#[test]
fn who_is_trusted() {
    let (certificate, _) = signed();
    let system = QSslConfiguration::system_ca_certificates();
    let mut configuration = QSslConfiguration::new();
    assert_eq!(configuration.trusted_certificates(), system);
    configuration.add_to_trusted(vec![certificate.clone()]);
    assert_eq!(configuration.trusted_certificates().len(), system.len() + 1);
    configuration.add_ca_certificate(certificate.clone());
    assert_eq!(configuration.trusted_certificates(), [certificate.clone(), certificate.clone()]);
    configuration.set_ca_certificates(vec![certificate.clone()]);
    assert_eq!(configuration.ca_certificates(), [certificate]);
    configuration.set_ca_certificates(Vec::<QSslCertificate>::new());
    assert!(configuration.trusted_certificates().is_empty());
}

#[test]
fn ciphers_of_one_version_say_nothing_of_the_other() {
    let all = QSslConfiguration::new().suites();
    assert_eq!(all.len(), 9);
    let mut configuration = QSslConfiguration::new();
    configuration.set_ciphers(vec![
        QSslCipher::from_name("ECDHE-RSA-AES128-GCM-SHA256").unwrap(),
        QSslCipher::default(),
    ]);
    let names: Vec<_> =
        configuration.suites().iter().map(|suite| QSslCipher::of(suite.suite()).name()).collect();
    assert_eq!(
        names,
        [
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_GCM_SHA256",
            "ECDHE-RSA-AES128-GCM-SHA256"
        ]
    );
    let mut turned: Vec<_> = QSslCipher::supported();
    turned.reverse();
    configuration.set_ciphers(turned);
    let first = configuration.suites()[0];
    assert_eq!(QSslCipher::of(first.suite()).name(), "TLS_AES_128_GCM_SHA256");
}

#[test]
fn what_this_end_shows() {
    let (certificate, key) = signed();
    let mut configuration = QSslConfiguration::new();
    assert!(configuration.identity().unwrap().is_none());
    configuration.set_private_key(key.clone());
    assert!(configuration.identity().unwrap().is_none());
    configuration.set_local_certificate(certificate.clone());
    assert_eq!(configuration.local_certificate_chain(), [certificate]);
    let identity = configuration.identity().unwrap().unwrap();
    assert_eq!(identity.cert.len(), 1);
    configuration.set_private_key(QSslKey::default());
    let error = configuration.identity().unwrap_err();
    assert_eq!(error, "Cannot provide a certificate with no key, ");
    configuration.set_private_key(signed().1);
    let error = configuration.identity().unwrap_err();
    assert_eq!(error, "Private key does not certify public key, ");
}

/// Qt has no name for such keys.
#[test]
fn a_key_of_ed25519_is_opaque_and_serves() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&pair).unwrap();
    let mut configuration = QSslConfiguration::new();
    configuration
        .set_local_certificate(QSslCertificate::new(certificate.der(), EncodingFormat::Der));
    let pem = pair.serialize_pem();
    let of = |algorithm| QSslKey::new(&pem, algorithm, EncodingFormat::Pem);
    assert!(of(KeyAlgorithm::Ec).is_null());
    configuration.set_private_key(of(KeyAlgorithm::Opaque));
    assert!(configuration.identity().unwrap().is_some());
}

#[test]
fn what_was_made_is_kept_until_something_changes() {
    let builder = rustls::ClientConfig::builder_with_provider(crate::ssl::crypto::provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let made = Arc::new(
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
    );
    let mut configuration = QSslConfiguration::new();
    let mut copy = configuration.clone();
    configuration.cache().client.set(made.clone()).unwrap();
    assert!(Arc::ptr_eq(copy.cache().client.get().unwrap(), &made));
    // The properties of a connection do not change its settings.
    copy.learn_peer(vec![signed().0]);
    assert!(copy != configuration && copy.cache().client.get().is_some());
    assert!(!copy.peer_certificate().is_null());
    copy.forget();
    assert!(copy == configuration);
    copy.set_peer_verify_depth(1);
    assert!(copy.cache().client.get().is_none() && configuration.cache().client.get().is_some());
    drop(copy);
    configuration.set_peer_verify_depth(1);
    assert!(configuration.cache().client.get().is_none());
}

#[test]
fn names_of_protocols_have_a_length() {
    let mut configuration = QSslConfiguration::new();
    configuration.set_allowed_next_protocols(["", "h2", &"x".repeat(256), "http/1.1"]);
    assert_eq!(configuration.allowed_next_protocols(), [b"h2".to_vec(), b"http/1.1".to_vec()]);
}

#[test]
fn verifying_does_not_change_the_default_one() {
    let before = QSslConfiguration::default_configuration();
    assert_eq!(QSslCertificate::verify(&[signed().0], "a.example").len(), 1);
    let after = QSslConfiguration::default_configuration();
    assert_eq!(after, before);
    assert!(after.ca_certificates().is_empty());
}
