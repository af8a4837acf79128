use super::*;

fn asked(headers: &[&str]) -> QAuthenticator {
    let authenticator = QAuthenticator::new();
    authenticator.set_user("Mufasa");
    authenticator.set_password("Circle of Life");
    authenticator.ask(headers.iter().map(|header| header.as_bytes()));
    authenticator
}

fn answer(headers: &[&str]) -> String {
    asked(headers).answer("CONNECT", "host.example:443").unwrap_or_default()
}

#[test]
fn values_and_defaults() {
    let one = QAuthenticator::new();
    assert!(one.is_null() && one.user().is_empty() && one.options().is_empty());
    assert_eq!(one, QAuthenticator::new());
    one.set_option("k", 1);
    one.set_realm("r");
    assert_eq!(one.option("k"), Some(QVariant::from(1)));
    assert_eq!((one.option("realm"), &*one.realm()), (None, "r"));
    assert_ne!(one, QAuthenticator::new());
    // Setting the current value counts, too.
    let sets: [fn(&QAuthenticator); 3] =
        [|other| other.set_user(""), |other| other.set_password(""), |other| other.set_realm("")];
    for set in sets {
        let other = QAuthenticator::new();
        set(&other);
        assert!(!other.is_null());
    }
    let clone = one.clone();
    clone.set_user("me");
    assert_eq!(one.user(), "me");
    assert!(!format!("{one:?}").contains("password"));
}

#[test]
fn basic() {
    let one = asked(&["Basic realm=\"the place\""]);
    assert_eq!((one.realm(), one.phase()), ("the place".to_owned(), Phase::Start));
    assert_eq!(one.option("realm"), Some(QVariant::String("the place".to_owned())));
    let answer = one.answer("CONNECT", "x:1").unwrap();
    assert_eq!(answer, "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl");
    assert_eq!(one.phase(), Phase::Done);
    // After another challenge only different credentials can be tried; setting the same user name
    // is not a change.
    one.ask([b"Basic realm=\"the place\"".as_slice()].into_iter());
    one.set_user("Mufasa");
    assert_eq!(one.phase(), Phase::Done);
    one.set_password("");
    assert_eq!(one.phase(), Phase::Start);
    assert_eq!(one.answer("CONNECT", "x:1").unwrap(), "Basic TXVmYXNhOg==");
}

#[test]
fn without_credentials_the_user_is_asked() {
    let one = QAuthenticator::new();
    one.ask([b"BASIC realm=x".as_slice()].into_iter());
    assert_eq!((one.phase(), &*one.realm()), (Phase::Done, "x"));
    one.set_user("u");
    assert_eq!(one.phase(), Phase::Start);
}

#[test]
fn letters_that_are_not_ascii() {
    let one = QAuthenticator::new();
    one.set_user("é");
    one.set_password("€");
    one.ask([b"Basic".as_slice()].into_iter());
    let answer = one.answer("CONNECT", "x:1").unwrap();
    let bytes = BASE64.decode(answer.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(bytes, b"\xe9:\xe2\x82\xac");
}

/// The examples of RFC 2617 and RFC 7616.
#[test]
fn digests_of_the_standards() {
    let response = |challenge: &str, who: &digest::Who<'_>| {
        let challenge = Challenge::parse(challenge.as_bytes()).unwrap();
        let Scheme::Digest(digest) = challenge.scheme else { panic!() };
        String::from_utf8(digest.answer(who, "GET", "/dir/index.html")).unwrap()
    };
    let old = digest::Who {
        user: b"Mufasa",
        password: b"Circle Of Life",
        realm: b"testrealm@host.com",
        count: 1,
        client_nonce: "0a4f113b",
    };
    let challenge = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    assert_eq!(
        response(challenge, &old),
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", \
         response=\"6629fae49393a05397450978507c4ef1\", \
         qop=auth, nc=00000001, cnonce=\"0a4f113b\""
    );
    let new = digest::Who {
        user: b"Mufasa",
        password: b"Circle of Life",
        realm: b"http-auth@example.org",
        count: 1,
        client_nonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    };
    for (algorithm, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let challenge = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
             algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\""
        );
        let answer = response(&challenge, &new);
        assert!(answer.contains(&format!("response=\"{expected}\"")), "{answer}");
        assert!(answer.contains(&format!(", algorithm={algorithm}, qop=auth")), "{answer}");
    }
}

#[test]
fn nonces_are_counted_and_may_grow_stale() {
    let header = |nonce: &str, stale: &str| {
        format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"{stale}").into_bytes()
    };
    let first = header("a", "");
    let one = QAuthenticator::new();
    one.set_user("u");
    one.ask([&*first].into_iter());
    let answer = one.answer("CONNECT", "x:1").unwrap();
    assert!(answer.contains("nc=00000001"), "{answer}");
    let nonce = answer.split("cnonce=\"").nth(1).unwrap();
    assert_eq!(nonce.trim_end_matches('"').len(), 32);
    assert!(one.answer("CONNECT", "x:1").unwrap().contains("nc=00000002"));
    // The server sends a new nonce because the old one has expired: the user need not be asked.
    one.ask([&*header("b", ", stale=TRUE")].into_iter());
    assert_eq!(one.phase(), Phase::Start);
    assert!(one.answer("CONNECT", "x:1").unwrap().contains("nc=00000001"));
    // The server sends a new nonce without `stale`: the password was wrong.
    one.ask([&*header("c", "")].into_iter());
    assert_eq!(one.phase(), Phase::Done);
}

#[test]
fn the_strongest_challenge_is_taken() {
    let basic = "Basic realm=\"b\"";
    let md5 = "Digest realm=\"m\", nonce=\"n\", algorithm=MD5";
    let sha = "digest realm=\"s\", nonce=\"n\", algorithm=sha-256, qop=auth";
    assert!(answer(&[basic, md5]).contains("realm=\"m\""));
    assert!(answer(&[md5, basic]).contains("realm=\"m\""));
    assert!(answer(&[basic, sha, md5]).contains("realm=\"s\""));
    assert_eq!(asked(&[basic, "Basic realm=\"c\""]).realm(), "b");
    // Challenges that cannot be answered are skipped.
    for other in [
        "Negotiate",
        "NTLM",
        "Bearer realm=\"x\"",
        "Digest realm=\"x\", nonce=\"n\", algorithm=SHA-512-256",
        "Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"",
        "",
    ] {
        assert_eq!(asked(&[other, basic]).realm(), "b", "{other}");
        assert_eq!(asked(&[other]).phase(), Phase::Invalid, "{other}");
    }
    assert_eq!(asked(&[]).phase(), Phase::Invalid);
}

#[test]
fn of_several_challenges_on_a_line_the_first_counts() {
    let one = asked(&["Basic realm=\"b\", Digest realm=\"d\", nonce=\"n\""]);
    assert_eq!(one.realm(), "b");
    assert!(one.answer("CONNECT", "x:1").unwrap().starts_with("Basic "));
    let one = asked(&["Digest realm=\"d\", nonce=\"n\", Basic realm=\"b\""]);
    assert_eq!(one.realm(), "d");
    assert_eq!(asked(&["NTLM, Basic realm=\"b\""]).phase(), Phase::Invalid);
}

#[test]
fn quotes() {
    let one = asked(&["Digest realm=\"a \\\"b\\\\, c\" , nonce = \"n\\\"\",opaque=plain"]);
    assert_eq!(one.realm(), "a \"b\\, c");
    let answer = one.answer("CONNECT", "x:1").unwrap();
    assert!(answer.contains("realm=\"a \\\"b\\\\, c\", nonce=\"n\\\"\""), "{answer}");
    assert!(answer.contains("opaque=\"plain\""), "{answer}");
    // The header stays one line, whatever the user name contains.
    one.set_user("a\r\nX: y");
    assert!(!one.answer("CONNECT", "x:1").unwrap().contains('\n'));
    assert_eq!(asked(&["Basic realm=\"open"]).realm(), "open");
    assert_eq!(asked(&["Basic realm=\"open\\"]).realm(), "open\\");
}

proptest::proptest! {
    #[test]
    fn no_challenge_is_too_strange(headers in proptest::collection::vec(
        proptest::collection::vec(
            proptest::sample::select(b"Digest basic=\",\\ nonce qop=auth\x00\xff\t".to_vec()), 0..60
        ), 0..4,
    )) {
        let one = QAuthenticator::new();
        one.ask(headers.iter().map(Vec::as_slice));
        let _ = one.answer("CONNECT", "x:1");
    }
}
