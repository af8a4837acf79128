//! The device and the program that switches it.

use super::{Language, Talker, in_each_pair, ported, run, text};

fn device(language: Language, faults: &[&str]) -> (Talker, String) {
    let mut command = ported(language, "device");
    command.args(["--simulate", "secret"]).args(faults);
    let device = Talker::new(command);
    let line = device.line();
    let port = line.strip_prefix("listening on 127.0.0.1:").expect("a port");
    (device, port.to_owned())
}

/// Returns what the program prints, and its exit code.
fn switch(language: Language, port: &str, password: &str, power: &str) -> (String, Option<i32>) {
    let mut command = ported(language, "device");
    command.args([port, password, power]);
    let output = run(command);
    assert_eq!(text(&output.stderr), "");
    (text(&output.stdout).to_owned(), output.status.code())
}

#[test]
fn a_device_is_switched() {
    in_each_pair(|one, other| {
        let (device, port) = device(one, &[]);
        let (printed, code) = switch(other, &port, "secret", "on");
        let expected = "logged in\nPOWER on: OK\npower is switching\npower is on\n";
        assert_eq!((&*printed, code), (expected, Some(0)));
        device.says(&["log-in accepted", "switching on", "connection closed"]);

        let (printed, code) = switch(other, &port, "secret", "on");
        assert_eq!((&*printed, code), ("logged in\nPOWER on: OK\npower is on\n", Some(0)));
        device.says(&["log-in accepted", "switching on", "connection closed"]);

        let (printed, code) = switch(other, &port, "guess", "off");
        assert_eq!((&*printed, code), ("the password is wrong\n", Some(1)));
        device.says(&["log-in denied", "connection closed"]);
    });
}

#[test]
fn a_faulty_device_is_tried_again() {
    in_each_pair(|one, other| {
        let (device, port) = device(one, &["deaf", "silent", "drop"]);
        let (printed, code) = switch(other, &port, "secret", "on");
        let expected = "failed: no log-in in time
logged in
failed: no answer to POWER on
logged in
failed: The remote host closed the connection
logged in
POWER on: OK
power is switching
power is on
";
        assert_eq!((&*printed, code), (expected, Some(0)));
        device.says(&["connection closed", "log-in accepted", "connection closed"]);
        device.says(&["log-in accepted", "connection closed"]);
        device.says(&["log-in accepted", "switching on", "connection closed"]);
    });
}
