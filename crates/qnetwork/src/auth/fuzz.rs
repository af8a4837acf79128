//! Rounds of challenges and answers, for the fuzz targets.

use super::{QAuthenticator, params::Params, to_bytes};

/// Runs the steps in `data`. Each line is a step, and its first byte selects the kind.
pub(crate) fn rounds(data: &[u8]) {
    let authenticator = QAuthenticator::new();
    let mut challenges = Vec::new();
    let mut last: Option<(Vec<u8>, u32)> = None;
    for line in data.split(|byte| *byte == b'\n') {
        let Some((step, rest)) = line.split_first() else { continue };
        let text = || String::from_utf8_lossy(rest).into_owned();
        match step {
            b'u' => authenticator.set_user(text()),
            b'p' => authenticator.set_password(text()),
            b'r' => authenticator.set_realm(text()),
            b'a' => {
                authenticator.ask(challenges.drain(..));
                answer(&authenticator, &text(), &mut last);
            }
            // Answers again without a new challenge.
            b'x' => answer(&authenticator, &text(), &mut last),
            _ => challenges.push(rest),
        }
    }
}

fn answer(authenticator: &QAuthenticator, uri: &str, last: &mut Option<(Vec<u8>, u32)>) {
    let uri = uri.replace('\r', "");
    // A challenge in between may restart the count.
    let before = last.take();
    let Some(answer) = authenticator.answer("CONNECT", &uri) else { return };
    assert!(!answer.contains(['\r', '\n']), "the answer has more than one line");
    let Some(rest) = answer.strip_prefix("Digest ") else {
        assert!(answer.starts_with("Basic "), "{answer}");
        return;
    };
    // Parses the answer and checks its values.
    let params = Params::parse(&to_bytes(rest));
    let value = |name| params.value(name).unwrap_or_default().to_vec();
    let mut user = to_bytes(&authenticator.user());
    user.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    assert_eq!(value("username"), user);
    let response = value("response");
    assert!(matches!(response.len(), 32 | 64) && response.iter().all(u8::is_ascii_hexdigit));
    if let Some(count) = params.value("nc") {
        let count =
            u32::from_str_radix(str::from_utf8(count).expect("digits"), 16).expect("digits");
        let nonce = value("nonce");
        match before {
            Some((before, counted)) if before == nonce => {
                assert_eq!(count, counted + 1, "a number is used twice");
            }
            _ => assert!(count > 0),
        }
        *last = Some((nonce, count));
    }
}
