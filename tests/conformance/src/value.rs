//! The results of calls, and their form in a trace.

use std::{cmp::Ordering, fmt::Write, rc::Rc};

use qnetwork::{QAuthenticator, QHostAddress, QNetworkProxy};

use crate::{
    error::{Error, Result},
    kinds::Kind,
    names,
    peer::Reply,
    syntax::Comparison,
};

/// The longest data that the trace shows as it is. Longer data is shown as a length and a checksum.
const LONG: usize = 120;

/// The result of a call, or an argument of a signal.
#[derive(Clone)]
pub(crate) enum Value {
    /// The result of a void function, a null object, or an invalid value.
    None,
    Bool(bool),
    Number(i64),
    Bytes(Vec<u8>),
    Text(String),
    /// An enumerator or flags: the text in the trace and Qt's number.
    Enum(String, i64),
    Address(QHostAddress),
    /// A port. The trace shows its name if it has one.
    Port(i64),
    List(Vec<Value>),
    Datagram(Box<Datagram>),
    Object(Rc<dyn Kind>),
    Proxy(Box<QNetworkProxy>),
    Authenticator(QAuthenticator),
}

/// A datagram with its sender and destination.
#[derive(Clone)]
pub(crate) struct Datagram {
    pub(crate) data: Vec<u8>,
    pub(crate) sender: (QHostAddress, i64),
    pub(crate) destination: (QHostAddress, i64),
}

/// Returns the names that a trace shows for ports and objects.
pub(crate) trait Names {
    fn port(&self, port: i64) -> String;
    fn object(&self, object: &Rc<dyn Kind>) -> String;
}

impl Value {
    /// Returns the value as a trace shows it.
    pub(crate) fn show(&self, names: &dyn Names) -> String {
        match self {
            Value::None => "-".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::Bytes(data) => show_bytes(data),
            Value::Text(text) => show_bytes(text.as_bytes()),
            Value::Enum(name, _) => name.clone(),
            Value::Address(address) => show_address(address),
            Value::Port(port) => names.port(*port),
            Value::List(values) => {
                let shown: Vec<_> = values.iter().map(|value| value.show(names)).collect();
                format!("({})", shown.join(", "))
            }
            Value::Datagram(datagram) => {
                let end = |(address, port): &(QHostAddress, i64)| {
                    format!("{}:{}", show_address(address), names.port(*port))
                };
                let (sender, destination) = (end(&datagram.sender), end(&datagram.destination));
                format!("{} from {sender} to {destination}", show_bytes(&datagram.data))
            }
            Value::Object(object) => names.object(object),
            Value::Proxy(proxy) => {
                let kind = names::name(proxy.proxy_type());
                let host = show_bytes(proxy.host_name().as_bytes());
                format!("proxy({kind}, {host}, {})", names.port(proxy.port().into()))
            }
            Value::Authenticator(authenticator) => {
                format!("authenticator(realm {})", show_bytes(authenticator.realm().as_bytes()))
            }
        }
    }

    /// Returns whether the value ends a `run until`. `None` counts as false.
    ///
    /// # Errors
    ///
    /// If the value is neither a boolean nor a number.
    pub(crate) fn is_true(&self) -> Result<bool> {
        match self.plain() {
            Some(Plain::Number(number)) => Ok(number != 0),
            None if matches!(self, Value::None) => Ok(false),
            _ => Err(Error::new("the condition is neither true nor false")),
        }
    }

    /// Returns whether the comparison holds. `None` is unequal to everything.
    ///
    /// # Errors
    ///
    /// If the two values cannot be compared like this.
    pub(crate) fn compare(&self, comparison: Comparison, other: &Value) -> Result<bool> {
        if matches!(self, Value::None) {
            return Ok(comparison == Comparison::NotEqual);
        }
        let (Some(one), Some(other)) = (self.plain(), other.plain()) else {
            return Err(Error::new("these cannot be compared"));
        };
        let order = match (&one, &other) {
            (Plain::Number(one), Plain::Number(other)) => Some(one.cmp(other)),
            (Plain::Bytes(one), Plain::Bytes(other)) => Some(one.cmp(other)),
            _ => None,
        };
        match (comparison, order) {
            (Comparison::Equal, order) => Ok(order == Some(Ordering::Equal)),
            (Comparison::NotEqual, order) => Ok(order != Some(Ordering::Equal)),
            (_, None) => Err(Error::new("a text and a number have no order")),
            (Comparison::Less, Some(order)) => Ok(order.is_lt()),
            (Comparison::LessOrEqual, Some(order)) => Ok(order.is_le()),
            (Comparison::Greater, Some(order)) => Ok(order.is_gt()),
            (Comparison::GreaterOrEqual, Some(order)) => Ok(order.is_ge()),
        }
    }

    fn plain(&self) -> Option<Plain<'_>> {
        match self {
            Value::Bool(value) => Some(Plain::Number((*value).into())),
            Value::Number(number) | Value::Enum(_, number) | Value::Port(number) => {
                Some(Plain::Number(*number))
            }
            Value::Bytes(data) => Some(Plain::Bytes(data)),
            Value::Text(text) => Some(Plain::Bytes(text.as_bytes())),
            _ => None,
        }
    }
}

/// The form in which values are compared: a text as its bytes, an enumerator as its number.
enum Plain<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Value::None
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Number(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Value::Number(value.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Number(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Value::Number(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::Number(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<&[u8]> for Value {
    fn from(data: &[u8]) -> Self {
        Value::Bytes(data.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(data: Vec<u8>) -> Self {
        Value::Bytes(data)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<QHostAddress> for Value {
    fn from(address: QHostAddress) -> Self {
        Value::Address(address)
    }
}

/// Converts the reply of a peer's call, or returns `None` if the trace shows no line for it.
pub(crate) fn of_reply(reply: Reply) -> Option<Value> {
    Some(match reply {
        Reply::Nothing => return None,
        Reply::Bytes(data) => Value::Bytes(data),
        Reply::Word(word) => word.into(),
        Reply::Number(number) => Value::Number(number),
        Reply::Port(port) => Value::Port(port.into()),
        Reply::Datagram(data, address, port) => {
            let address = Value::Address(address.into());
            Value::List(vec![Value::Bytes(data), address, Value::Port(port.into())])
        }
    })
}

fn show_address(address: &QHostAddress) -> String {
    let text = address.to_string();
    if text.is_empty() { "null".to_owned() } else { text }
}

fn show_bytes(data: &[u8]) -> String {
    if data.len() > LONG {
        let sum =
            data.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        return format!("<{} bytes sum {sum:08x}>", data.len());
    }
    let mut out = String::from("\"");
    for byte in data {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(*byte)),
            _ => drop(write!(out, "\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
