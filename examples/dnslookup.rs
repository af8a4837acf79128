//! Looks up records in the domain name system and prints them, like Qt's example.

use std::process::ExitCode;

use examples::{parse_args, print_line, refuse};
use qcore::QCoreApplication;
use qnetwork::{DnsLookupError, DnsLookupType, NetworkLayerProtocol, QDnsLookup, QHostAddress};

const USAGE: &str = "\
usage: dnslookup NAME [--type TYPE] [--nameserver ADDR[:PORT]]

Looks up a name and prints a line for each record: name, time to live, type and value.

  --type TYPE               a, aaaa, any, cname, mx, ns, ptr, srv or txt [a]
  --nameserver ADDR[:PORT]  the name server to ask [those of the system]
  --help                    print this text";

const TYPES: [(&str, DnsLookupType); 9] = [
    ("a", DnsLookupType::A),
    ("aaaa", DnsLookupType::AAAA),
    ("any", DnsLookupType::ANY),
    ("cname", DnsLookupType::CNAME),
    ("mx", DnsLookupType::MX),
    ("ns", DnsLookupType::NS),
    ("ptr", DnsLookupType::PTR),
    ("srv", DnsLookupType::SRV),
    ("txt", DnsLookupType::TXT),
];

fn main() -> ExitCode {
    let mut names = Vec::new();
    let mut kind = DnsLookupType::A;
    let mut server = None;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("type") | lexopt::Arg::Short('t') => kind = type_named(&value())?,
            lexopt::Arg::Long("nameserver") | lexopt::Arg::Short('n') => {
                server = Some(server_at(&value())?);
            }
            lexopt::Arg::Value(name) => names.push(name.to_string_lossy().into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    });
    let [name] = &*names else { refuse(USAGE, "one name is wanted") };
    let app = QCoreApplication::new();
    if let Err(error) = app.quit_on_ctrl_c() {
        eprintln!("dnslookup: {error}");
        return ExitCode::FAILURE;
    }
    let dns = QDnsLookup::with_name(kind, name);
    if let Some((address, port)) = server {
        dns.set_nameserver_with_port(address, port);
    }
    dns.finished.connect_to(&dns, {
        let app = app.clone();
        move |dns, ()| {
            app.exit(match show(dns) {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("dnslookup: {error}");
                    1
                }
            });
        }
    });
    dns.lookup();
    ExitCode::from(app.exec() as u8)
}

fn type_named(text: &str) -> Result<DnsLookupType, String> {
    let known = TYPES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    known.map(|(_, kind)| *kind).ok_or_else(|| format!("{text:?} is no type"))
}

/// Parses an address with or without a port. An IPv6 address with a port is in brackets.
fn server_at(text: &str) -> Result<(QHostAddress, u16), String> {
    if let Ok(address) = text.parse() {
        return Ok((address, 53));
    }
    let wrong = || format!("{text:?} is no address of a name server");
    let (address, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Ok((address.parse().map_err(|_| wrong())?, port.parse().map_err(|_| wrong())?))
}

fn show(dns: &QDnsLookup) -> Result<(), DnsLookupError> {
    dns.result()?;
    let line = |name: &str, time_to_live: u32, kind: &str, value: &str| {
        print_line(&format!("{name}\t{time_to_live}\t{kind}\t{value}"));
    };
    for (kind, records) in [
        ("CNAME", dns.canonical_name_records()),
        ("NS", dns.name_server_records()),
        ("PTR", dns.pointer_records()),
    ] {
        for record in records {
            line(record.name(), record.time_to_live(), kind, record.value());
        }
    }
    for record in dns.host_address_records() {
        let is_ipv6 = record.value().protocol() == NetworkLayerProtocol::IPv6;
        let kind = if is_ipv6 { "AAAA" } else { "A" };
        line(record.name(), record.time_to_live(), kind, &record.value().to_string());
    }
    for record in dns.mail_exchange_records() {
        let value = format!("{} {}", record.preference(), record.exchange());
        line(record.name(), record.time_to_live(), "MX", &value);
    }
    for record in dns.service_records() {
        let numbers = [record.priority(), record.weight(), record.port()];
        let [priority, weight, port] = numbers;
        let value = format!("{priority} {weight} {port} {}", record.target());
        line(record.name(), record.time_to_live(), "SRV", &value);
    }
    for record in dns.text_records() {
        let quoted = |text: &Vec<u8>| format!("\"{}\"", text.escape_ascii());
        let values: Vec<String> = record.values().iter().map(quoted).collect();
        line(record.name(), record.time_to_live(), "TXT", &values.join(" "));
    }
    Ok(())
}
