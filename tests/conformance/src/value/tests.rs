use std::net::Ipv4Addr;

use super::*;

struct Nobody;

impl Names for Nobody {
    fn port(&self, port: i64) -> String {
        if port == 80 { "p.port".to_owned() } else { port.to_string() }
    }

    fn object(&self, _: &Rc<dyn Kind>) -> String {
        "object".to_owned()
    }
}

fn shown(value: impl Into<Value>) -> String {
    value.into().show(&Nobody)
}

#[test]
fn plain_values() {
    assert_eq!(shown(()), "-");
    assert_eq!(shown(true), "true");
    assert_eq!(shown(-1), "-1");
    assert_eq!(shown(Value::Enum("ConnectedState".to_owned(), 3)), "ConnectedState");
    assert_eq!(shown(Value::Port(80)), "p.port");
    assert_eq!(shown(Value::Port(81)), "81");
}

#[test]
fn bytes_and_texts() {
    assert_eq!(shown(""), "\"\"");
    assert_eq!(shown("q\"\\\n\r\t é"), r#""q\"\\\n\r\t \xc3\xa9""#);
    assert_eq!(shown(&b"\0\x1f\x7f\xff~ "[..]), r#""\x00\x1f\x7f\xff~ ""#);
    assert_eq!(shown("x".repeat(120)).len(), 122);
}

#[test]
fn long_ones_are_summed_up() {
    assert_eq!(shown("0123456789".repeat(13)), "<130 bytes sum dde03ec1>");
}

#[test]
fn addresses_lists_and_datagrams() {
    let home = QHostAddress::from(Ipv4Addr::LOCALHOST);
    assert_eq!(shown(QHostAddress::default()), "null");
    let list = vec!["data".into(), home.clone().into(), Value::Port(80)];
    assert_eq!(shown(Value::List(list)), "(\"data\", 127.0.0.1, p.port)");
    assert_eq!(shown(Value::List(vec![])), "()");
    let (sender, destination) = ((home, 80), (QHostAddress::default(), -1));
    let datagram = Datagram { data: b"x".to_vec(), sender, destination };
    let shown = shown(Value::Datagram(Box::new(datagram)));
    assert_eq!(shown, "\"x\" from 127.0.0.1:p.port to null:-1");
}

#[test]
fn comparisons() {
    let holds = |one: Value, comparison, other: Value| one.compare(comparison, &other);
    assert_eq!(holds(3.into(), Comparison::Less, 4.into()), Ok(true));
    assert_eq!(holds("b".into(), Comparison::GreaterOrEqual, "b".into()), Ok(true));
    assert_eq!(holds(b"b".to_vec().into(), Comparison::Equal, "b".into()), Ok(true));
    assert_eq!(holds(true.into(), Comparison::Equal, true.into()), Ok(true));
    let state = Value::Enum("ConnectedState".to_owned(), 3);
    assert_eq!(holds(state.clone(), Comparison::NotEqual, state), Ok(false));
    assert_eq!(holds(1.into(), Comparison::Equal, "1".into()), Ok(false));
    assert!(holds(1.into(), Comparison::Less, "1".into()).is_err());
    assert!(holds(QHostAddress::default().into(), Comparison::Equal, 1.into()).is_err());
    assert_eq!(Value::from(2).is_true(), Ok(true));
    // A call that returned nothing, for example for an option that the socket does not have.
    assert_eq!(Value::None.is_true(), Ok(false));
    assert_eq!(holds(Value::None, Comparison::LessOrEqual, 1.into()), Ok(false));
    assert_eq!(holds(Value::None, Comparison::Equal, 0.into()), Ok(false));
    assert_eq!(holds(Value::None, Comparison::NotEqual, 0.into()), Ok(true));
    assert!(Value::from("yes").is_true().is_err());
}
