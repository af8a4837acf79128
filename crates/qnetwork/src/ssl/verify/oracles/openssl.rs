//! Asks OpenSSL, through Python.

use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    process::{Command, Stdio},
};

use base64::Engine;

use crate::ssl::verify::second_opinion::Case;

/// Returns OpenSSL's errors for each case, with Qt's names; empty if there are none. The function
/// fails with a reason if OpenSSL cannot be asked.
pub(super) fn ask<'a>(cases: impl Iterator<Item = &'a Case>) -> Result<Vec<String>, String> {
    let mut questions = String::new();
    for case in cases {
        let purpose = if case.is_server { "server" } else { "client" };
        let (time, host) = (case.now, &case.host);
        let (chain, trusted) = (encode(&case.chain), encode(&case.trusted));
        writeln!(questions, "{purpose}\t{time}\t{host}\t{chain}\t{trusted}").unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verify/openssl.py");
    let mut command = Command::new("python3");
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = command.spawn().map_err(|error| format!("python3: {error}"))?;
    // Python reads everything before it writes. If the process has ended already, its output gives
    // the reason.
    match python.stdin.take().unwrap().write_all(questions.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
        _ => {}
    }
    let output = python.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    match output.status.code() {
        Some(0) => Ok(text.lines().skip(1).map(str::to_owned).collect()),
        Some(77) => Err(text.trim().to_owned()),
        _ => panic!("{script}: {}", output.status),
    }
}

fn encode(ders: &[Vec<u8>]) -> String {
    let base64 = base64::engine::general_purpose::STANDARD;
    ders.iter().map(|der| base64.encode(der)).collect::<Vec<_>>().join(",")
}
