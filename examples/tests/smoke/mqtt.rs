//! The broker for MQTT, with clients of other kinds and with raw packets.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::{Command, PYTHON, Running, Stdio, connect, listening, run, text};

const CONNACK: [u8; 4] = [0x20, 2, 0, 0];

fn cert(name: &str) -> String {
    format!("{}/../tests/conformance/certs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Returns a client of mosquitto; `None` if it is not installed.
fn mosquitto(name: &str, port: u16, more: &[&str]) -> Option<Command> {
    if Command::new(name).arg("--help").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no {name}");
        return None;
    }
    let mut command = Command::new(name);
    command.args(["-h", "localhost", "-p", &port.to_string()]).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// Appends a text with its length.
fn put(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text.as_bytes());
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let (mut out, mut length) = (vec![kind], body.len());
    while length > 0x7f {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(body);
    out
}

fn hello(id: &str, flags: u8, keep_alive: u8) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x04".to_vec();
    body.extend([flags, 0, keep_alive]);
    put(&mut body, id);
    packet(0x10, &body)
}

fn publish(kind: u8, topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, topic);
    if kind & 6 != 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(payload);
    packet(kind, &body)
}

fn subscribe(filter: &str, qos: u8) -> Vec<u8> {
    let mut body = vec![0, 1];
    put(&mut body, filter);
    body.push(qos);
    packet(0x82, &body)
}

/// Connects a raw client, which has sent `hello` and got the answer.
fn guest(port: u16, id: &str, flags: u8, keep_alive: u8, present: u8) -> TcpStream {
    let mut stream = connect(port);
    stream.write_all(&hello(id, flags, keep_alive)).unwrap();
    expect(&mut stream, &[0x20, 2, present, 0]);
    stream
}

fn subscribed(port: u16, id: &str, flags: u8, filter: &str, qos: u8) -> TcpStream {
    let mut stream = guest(port, id, flags, 0, 0);
    stream.write_all(&subscribe(filter, qos)).unwrap();
    expect(&mut stream, &[0x90, 3, 0, 1, qos.min(1)]);
    stream
}

#[track_caller]
fn expect(stream: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, bytes);
}

/// Reads up to the end; a reset is an end, too.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    match stream.read_to_end(&mut got) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
        _ => got,
    }
}

/// Whatever the broker was sent before is done when it answers.
fn ping(stream: &mut TcpStream) {
    stream.write_all(&[0xc0, 0]).unwrap();
    expect(stream, &[0xd0, 0]);
}

/// mosquitto_sub gets what mosquitto_pub sends, with each QoS, retained and not.
fn with_mosquitto(arguments: &[&str], options: &[&str]) {
    let (_server, port) = listening("mqttbroker", arguments);
    for qos in ["0", "1", "2"] {
        let topic = format!("retained/{qos}");
        let more = [options, &["-t", &topic, "-q", qos, "-m", "kept", "-r"]].concat();
        let Some(command) = mosquitto("mosquitto_pub", port, &more) else { return };
        let output = run(command);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let more = [options, &["-t", "retained/+", "-t", "live/#", "-q", qos, "-v"]].concat();
        let Some(mut command) = mosquitto("mosquitto_sub", port, &more) else { return };
        let mut child = Running(command.spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        // The retained messages show that it has subscribed.
        for before in 0..=qos.parse::<u8>().unwrap() {
            assert_eq!(lines.next().unwrap().unwrap(), format!("retained/{before} kept"));
        }
        for message in ["one", "two"] {
            let more = [options, &["-t", "live/a/b", "-q", qos, "-m", message]].concat();
            let output = run(mosquitto("mosquitto_pub", port, &more).unwrap());
            assert!(output.status.success(), "{}", text(&output.stderr));
            assert_eq!(lines.next().unwrap().unwrap(), format!("live/a/b {message}"));
        }
    }
}

#[test]
fn mosquitto_in_plain() {
    super::has_a_help("mqttbroker");
    with_mosquitto(&[], &[]);
}

#[test]
fn mosquitto_by_tls() {
    let (certificate, key, ca) = (cert("good-ec.crt"), cert("good-ec.key"), cert("ca.crt"));
    with_mosquitto(&["--tls", &certificate, &key], &["--cafile", &ca]);
}

#[test]
fn mosquitto_leaves_a_will_and_comes_back_to_a_session() {
    let (_server, port) = listening("mqttbroker", &[]);
    let mut watcher = subscribed(port, "watcher", 2, "wills/#", 1);
    let keeps = ["-i", "keeps", "-c", "-q", "1", "-t", "news", "-V", "311"];
    let once = [&keeps[..], &["-E"]].concat();
    let Some(command) = mosquitto("mosquitto_sub", port, &once) else { return };
    assert!(run(command).status.success());
    for message in ["first", "second"] {
        let command = mosquitto("mosquitto_pub", port, &["-t", "news", "-q", "1", "-m", message]);
        assert!(run(command.unwrap()).status.success());
    }
    let output =
        run(mosquitto("mosquitto_sub", port, &[&keeps[..], &["-C", "2"]].concat()).unwrap());
    assert_eq!(text(&output.stdout), "first\nsecond\n");

    let more = ["-t", "wills/a", "--will-topic", "wills/a", "--will-payload", "killed"];
    let mut child = Running(mosquitto("mosquitto_sub", port, &more).unwrap().spawn().unwrap());
    let ready = Instant::now() + super::PATIENCE;
    let mut line = String::new();
    let mut out = BufReader::new(child.0.stdout.take().unwrap());
    let mut retained = guest(port, "publisher", 2, 0, 0);
    retained.write_all(&publish(0x31, "wills/a", 0, b"hi")).unwrap();
    out.read_line(&mut line).unwrap(); // it has connected
    assert!(line == "hi\n" && Instant::now() < ready);
    expect(&mut watcher, &publish(0x30, "wills/a", 0, b"hi"));
    drop(child); // kills it
    expect(&mut watcher, &publish(0x30, "wills/a", 0, b"killed"));
}

#[test]
fn silence_for_one_and_a_half_times_the_keep_alive() {
    let (_server, port) = listening("mqttbroker", &[]);
    let mut stream = guest(port, "silent", 2, 1, 0);
    let begin = Instant::now();
    stream.write_all(&[0xc0, 0]).unwrap();
    assert_eq!(rest(stream), [0xd0, 0]);
    let after = begin.elapsed();
    assert!(after >= Duration::from_millis(1500), "{after:?}");
    assert!(after < Duration::from_secs(5), "{after:?}");
}

/// The client prints what has arrived, in the order of its arrival.
const PAHO: &str = r#"
import sys, time
import paho.mqtt.client as mqtt
version = getattr(mqtt, "CallbackAPIVersion", None)
client = mqtt.Client(version.VERSION1, "paho") if version else mqtt.Client("paho")
state = {"subscribed": False, "got": []}
client.on_connect = lambda c, data, flags, code: c.subscribe([("a/+", 1), ("b/#", 0)])
client.on_message = lambda c, data, m: state["got"].append((m.topic, m.payload, m.qos))
def on_subscribe(c, data, mid, granted, *_):
    assert tuple(granted) == (1, 0), granted
    for qos in (0, 1, 2):
        c.publish("a/x", "q%d" % qos, qos)
        c.publish("b", b"x" * 10000, qos)
client.on_subscribe = on_subscribe
client.connect("127.0.0.1", int(sys.argv[1]))
end = time.time() + 15
while len(state["got"]) < 6 and time.time() < end:
    client.loop(0.1)
client.disconnect()
for topic, payload, qos in sorted(state["got"]):
    print(topic, len(payload), qos)
"#;

#[test]
fn paho() {
    let mut there = Command::new(PYTHON);
    there.args(["-c", "import paho.mqtt.client"]).stderr(Stdio::null());
    let there = there.status();
    if !there.is_ok_and(|status| status.success()) {
        println!("skipped: {PYTHON} has no paho.mqtt");
        return;
    }
    let (_server, port) = listening("mqttbroker", &[]);
    let mut client = Command::new(PYTHON);
    client.args(["-c", PAHO, &port.to_string()]).stdin(Stdio::null());
    client.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = run(client);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "a/x 2 0\na/x 2 1\na/x 2 1\nb 10000 0\nb 10000 0\nb 10000 0\n"
    );
}

#[test]
fn malformed_packets_end_the_connection() {
    let (_server, port) = listening("mqttbroker", &[]);
    for first in [
        &b"\xc0\0"[..],                         // a ping before the client has said who it is
        b"\x10\xff\xff\xff\xff",                // a length of five bytes
        b"\x10\xff\xff\xff\x7f",                // longer than the limit
        b"\x10\x0c\0\x04MQTX\x04\x02\0\0\0\0",  // another protocol
        b"\x10\x0c\0\x04MQTT\x04\x03\0\0\0\0",  // a reserved flag
        b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\0x", // a byte too many
        b"\x10\x0c\0\x04MQTT\x04\x0a\0\0\0\0",  // the QoS of a will that is not there
    ] {
        let mut stream = connect(port);
        stream.write_all(first).unwrap();
        assert_eq!(rest(stream), b"", "{first:x?}");
    }
    for (first, answer) in [
        (packet(0x10, b"\0\x04MQTT\x05\x02\0\0\0\0\0"), [0x20, 2, 0, 1]),
        (hello("", 0, 0), [0x20, 2, 0, 2]),
    ] {
        let mut stream = connect(port);
        stream.write_all(&first).unwrap();
        assert_eq!(rest(stream), answer);
    }
    for bytes in [
        hello("again", 2, 0),
        publish(0x36, "a", 1, b""),
        publish(0x30, "a/+", 0, b""),
        publish(0x30, "", 0, b""),
        publish(0x38, "a", 0, b""),
        publish(0x32, "a", 0, b""),
        publish(0x30, "a\0", 0, b""),
        packet(0x30, b"\0\x01\xff"),
        packet(0x30, b"\0\x09a"),
        packet(0x82, b"\0\x01"),
        packet(0x80, b"\0\x01\0\x01a\0"),
        subscribe("a", 3),
        subscribe("a/#/b", 0),
        subscribe("a+", 0),
        subscribe(&"a/".repeat(40), 0),
        packet(0xa2, b"\0\x01"),
        packet(0x40, b"\0\x01x"),
        packet(0x62, b"\0\x01x"),
        packet(0xc0, b"x"),
        packet(0xf0, b""),
        packet(0x20, b"\0\0"),
    ] {
        let mut stream = guest(port, "broken", 2, 0, 0);
        stream.write_all(&bytes).unwrap();
        assert_eq!(rest(stream), b"", "{bytes:x?}");
    }
    ping(&mut guest(port, "fine", 2, 0, 0));
}

#[test]
fn who_comes_with_the_same_id_takes_over() {
    let (_server, port) = listening("mqttbroker", &[]);
    let mut watcher = subscribed(port, "watcher", 2, "#", 0);
    let mut body = b"\0\x04MQTT\x04\x06\0\0".to_vec();
    for field in ["twin", "will", "bye"] {
        put(&mut body, field);
    }
    let mut first = connect(port);
    first.write_all(&packet(0x10, &body)).unwrap();
    expect(&mut first, &CONNACK);
    let mut second = connect(port);
    second.write_all(&packet(0x10, &body)).unwrap();
    expect(&mut second, &CONNACK);
    assert_eq!(rest(first), b"");
    expect(&mut watcher, &publish(0x30, "will", 0, b"bye"));
    second.write_all(&[0xe0, 0]).unwrap(); // so it has no will any more
    assert_eq!(rest(second), b"");
    ping(&mut watcher);
}

#[test]
fn what_is_not_acknowledged_comes_again() {
    let (_server, port) = listening("mqttbroker", &[]);
    let mut keeps = subscribed(port, "keeps", 0, "a/#", 1);
    let mut sender = guest(port, "sender", 2, 0, 0);
    for payload in [b"1", b"2"] {
        sender.write_all(&publish(0x32, "a", 7, payload)).unwrap();
        expect(&mut sender, &[0x40, 2, 0, 7]);
    }
    expect(&mut keeps, &publish(0x32, "a", 1, b"1"));
    expect(&mut keeps, &publish(0x32, "a", 2, b"2"));
    keeps.write_all(&[0x40, 2, 0, 1]).unwrap();
    ping(&mut keeps);
    keeps.write_all(&[0xe0, 0]).unwrap();
    assert_eq!(rest(keeps), b"");
    sender.write_all(&publish(0x30, "a", 0, b"lost")).unwrap();
    sender.write_all(&publish(0x32, "a/b", 8, b"3")).unwrap();
    expect(&mut sender, &[0x40, 2, 0, 8]);
    let mut keeps = guest(port, "keeps", 0, 0, 1);
    expect(&mut keeps, &publish(0x3a, "a", 2, b"2"));
    expect(&mut keeps, &publish(0x32, "a/b", 3, b"3"));
    ping(&mut keeps);
    // A clean session forgets all of that.
    ping(&mut guest(port, "keeps", 2, 0, 0));
}

#[test]
fn wildcards() {
    let (_server, port) = listening("mqttbroker", &[]);
    let mut sender = guest(port, "sender", 2, 0, 0);
    for (filter, topics) in [
        ("#", &["a", "a/b", "/"][..]),
        ("+", &["a"]),
        ("a/#", &["a", "a/b"]),
        ("+/+", &["a/b", "/"]),
        ("$SYS/#", &["$SYS/a"]),
        ("+/a", &[]),
        ("a/b", &["a/b"]),
    ] {
        for retain in [0, 1] {
            let mut client = if retain == 0 {
                subscribed(port, "client", 2, filter, 0)
            } else {
                guest(port, "client", 2, 0, 0)
            };
            for topic in ["a", "a/b", "/", "$SYS/a"] {
                sender.write_all(&publish(0x30 | retain, topic, 0, filter.as_bytes())).unwrap();
            }
            ping(&mut sender);
            if retain == 1 {
                client.write_all(&subscribe(filter, 0)).unwrap();
                expect(&mut client, &[0x90, 3, 0, 1, 0]);
            }
            let mut topics = topics.to_vec();
            if retain == 1 {
                topics.sort_unstable();
            }
            for topic in topics {
                expect(&mut client, &publish(0x30 | retain, topic, 0, filter.as_bytes()));
            }
            ping(&mut client);
            // An empty message removes the retained one.
            for topic in ["a", "a/b", "/", "$SYS/a"] {
                sender.write_all(&publish(0x31, topic, 0, b"")).unwrap();
            }
            ping(&mut sender);
        }
    }
}

/// Returns the memory of a process, in KiB.
fn resident(server: &Running) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.0.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn who_never_reads_takes_little_memory() {
    let (server, port) = listening("mqttbroker", &[]);
    let mut idle: Vec<_> =
        (0..4).map(|n| subscribed(port, &format!("idle{n}"), 0, "flood", n % 2)).collect();
    let mut sender = guest(port, "sender", 2, 0, 0);
    ping(&mut sender);
    let before = resident(&server);
    // 128 MiB in each QoS.
    for kind in [0x30, 0x32] {
        let message = publish(kind, "flood", 9, &[7; 64 * 1024]);
        for _ in 0..2048 {
            sender.write_all(&message).unwrap();
            if kind == 0x32 {
                expect(&mut sender, &[0x40, 2, 0, 9]);
            }
        }
    }
    ping(&mut sender);
    let more = resident(&server).saturating_sub(before);
    assert!(more < 32 * 1024, "{more} KiB");
    // Who asks and does not read the answers is cut off.
    let mut asks = idle.pop().unwrap();
    let pings = [0xc0, 0].repeat(64 * 1024);
    let end = Instant::now() + super::PATIENCE;
    while asks.write_all(&pings).is_ok() {
        assert!(Instant::now() < end, "it goes on");
    }
    ping(&mut sender);
    let more = resident(&server).saturating_sub(before);
    assert!(more < 32 * 1024, "{more} KiB");
}

#[test]
fn two_hundred_subscribers() {
    let (_server, port) = listening("mqttbroker", &[]);
    let mut all: Vec<_> =
        (0..200).map(|n| subscribed(port, &format!("client{n}"), 2, "news/+", 1)).collect();
    let mut sender = guest(port, "sender", 2, 0, 0);
    for round in 1..=50 {
        sender.write_all(&publish(0x32, "news/a", round, &[round as u8; 64])).unwrap();
    }
    for round in 1..=50 {
        expect(&mut sender, &[0x40, 2, 0, round as u8]);
    }
    thread::scope(|scope| {
        for client in &mut all {
            scope.spawn(move || {
                for round in 1..=50 {
                    let payload = [round as u8; 64];
                    expect(client, &publish(0x32, "news/a", round, &payload));
                    client.write_all(&[0x40, 2, 0, round as u8]).unwrap();
                }
                ping(client);
            });
        }
    });
}

#[test]
fn a_broker_that_is_told_to_end() {
    let (server, port) = listening("mqttbroker", &[]);
    let mut stream = guest(port, "client", 2, 0, 0);
    ping(&mut stream);
    let pid = server.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(rest(stream), b"");
    assert_eq!(server.output().status.code(), Some(0));
}
