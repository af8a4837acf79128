//! The arguments of calls, and their conversion to the types of the methods.

use std::{cell::Cell, rc::Rc};

use qnetwork::QHostAddress;

use crate::{
    error::{Error, Result},
    kinds::Kind,
    names::{self, Named},
    value::Value,
    world::World,
};

/// An argument, converted as far as possible without knowing the method.
#[derive(Clone)]
pub(crate) enum Arg {
    /// A text of the scenario: bytes, a string or an address.
    Text(Vec<u8>),
    /// Words joined with `|`: enumerators, `true`, an object's name, a label.
    Names(Vec<String>),
    /// A number, or the result of a call.
    Value(Value),
}

/// The arguments of a call, which are taken one after another.
pub(crate) struct Args<'a> {
    /// The scenario that makes the call.
    pub(crate) world: &'a Rc<World>,
    /// The name of the object.
    pub(crate) object: &'a str,
    /// Qt's name of the method.
    pub(crate) method: &'a str,
    args: &'a [Arg],
    taken: Cell<usize>,
}

impl<'a> Args<'a> {
    pub(crate) fn new(
        world: &'a Rc<World>,
        object: &'a str,
        method: &'a str,
        args: &'a [Arg],
    ) -> Self {
        Args { world, object, method, args, taken: Cell::new(0) }
    }

    /// Returns how many arguments are left.
    pub(crate) fn left(&self) -> usize {
        self.args.len() - self.taken.get()
    }

    /// Fails if any arguments are left.
    pub(crate) fn end(&self) -> Result<()> {
        match self.left() {
            0 => Ok(()),
            left => Err(Error::new(format!("{left} argument(s) too many for {}", self.method))),
        }
    }

    /// Returns the error for an unknown method or unsuitable arguments.
    pub(crate) fn unknown(&self, class: &str) -> Error {
        Error::new(format!("{class} has no method {} for {} argument(s)", self.method, self.left()))
    }

    /// Takes the next argument, or returns the default if there is none.
    pub(crate) fn or<T>(&self, default: T, next: impl Fn(&Self) -> Result<T>) -> Result<T> {
        if self.left() == 0 { Ok(default) } else { next(self) }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        match self.next()? {
            Arg::Text(data) | Arg::Value(Value::Bytes(data)) => Ok(data.clone()),
            Arg::Value(Value::Text(text)) => Ok(text.clone().into_bytes()),
            _ => Err(self.wrong("bytes")),
        }
    }

    /// Takes one ASCII character.
    pub(crate) fn character(&self) -> Result<u8> {
        match *self.bytes()? {
            [byte] if byte.is_ascii() => Ok(byte),
            _ => Err(self.wrong("one ASCII character")),
        }
    }

    pub(crate) fn text(&self) -> Result<String> {
        match self.next()? {
            Arg::Text(text) => {
                String::from_utf8(text.clone()).map_err(|_| self.wrong("a string of UTF-8"))
            }
            Arg::Value(Value::Text(text)) => Ok(text.clone()),
            _ => Err(self.wrong("a string")),
        }
    }

    /// Takes a whole number that fits the method's type.
    pub(crate) fn number<T: TryFrom<i64>>(&self) -> Result<T> {
        match self.next()? {
            Arg::Value(Value::Number(number) | Value::Port(number)) => {
                T::try_from(*number).map_err(|_| self.wrong("a number of this size"))
            }
            _ => Err(self.wrong("a number")),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        match self.next()? {
            Arg::Value(Value::Bool(value)) => Ok(*value),
            Arg::Names(names) if *names == ["true"] => Ok(true),
            Arg::Names(names) if *names == ["false"] => Ok(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// Takes an address: a text, the name of a special address, an `address`, or the result of a
    /// call.
    pub(crate) fn address(&self) -> Result<QHostAddress> {
        match self.next()? {
            Arg::Text(text) => {
                let text = std::str::from_utf8(text).map_err(|_| self.wrong("an address"))?;
                // As in Qt, an invalid text makes a null address.
                Ok(text.parse().unwrap_or_default())
            }
            Arg::Names(names) => match &**names {
                [name] => match special_address(name) {
                    Some(address) => Ok(address),
                    None => {
                        let object = self.world.living(name)?;
                        object.address().ok_or_else(|| self.wrong("an address"))
                    }
                },
                _ => Err(self.wrong("an address")),
            },
            Arg::Value(Value::Address(address)) => Ok(address.clone()),
            Arg::Value(_) => Err(self.wrong("an address")),
        }
    }

    /// Takes the name of a special address, if it is the next argument.
    pub(crate) fn special_address(&self) -> Option<QHostAddress> {
        let Some(Arg::Names(names)) = self.args.get(self.taken.get()) else { return None };
        let [name] = &**names else { return None };
        let address = special_address(name)?;
        self.taken.set(self.taken.get() + 1);
        Some(address)
    }

    /// Takes an enumerator.
    pub(crate) fn named<T: Named>(&self) -> Result<T> {
        match self.next()? {
            Arg::Names(names) => match &**names {
                [name] => names::find(name).ok_or_else(|| self.wrong("another enumerator")),
                _ => Err(self.wrong("one enumerator")),
            },
            _ => Err(self.wrong("an enumerator")),
        }
    }

    /// Takes enumerators joined with `|`, converts each with `of` and combines them with `join`.
    pub(crate) fn flags<T>(
        &self,
        of: impl Fn(&str) -> Option<T>,
        join: impl Fn(T, T) -> T,
    ) -> Result<T> {
        let Arg::Names(names) = self.next()? else { return Err(self.wrong("enumerators")) };
        let mut joined: Option<T> = None;
        for name in names {
            let flag = of(name).ok_or_else(|| self.wrong("other enumerators"))?;
            joined = Some(match joined {
                None => flag,
                Some(before) => join(before, flag),
            });
        }
        joined.ok_or_else(|| self.wrong("enumerators"))
    }

    /// Takes a word that only the method knows: a signal's name or a label.
    pub(crate) fn label(&self) -> Result<String> {
        match self.next()? {
            Arg::Names(names) if names.len() == 1 => Ok(names[0].clone()),
            _ => Err(self.wrong("a name")),
        }
    }

    /// Takes an object by its name; `null` returns `None`.
    pub(crate) fn object(&self) -> Result<Option<Rc<dyn Kind>>> {
        match self.label()? {
            name if name == "null" => Ok(None),
            name => self.world.living(&name).map(Some),
        }
    }

    fn next(&self) -> Result<&'a Arg> {
        let at = self.taken.get();
        let arg = self.args.get(at).ok_or_else(|| {
            Error::new(format!("{} wants more than {at} argument(s)", self.method))
        })?;
        self.taken.set(at + 1);
        Ok(arg)
    }

    fn wrong(&self, what: &str) -> Error {
        let at = self.taken.get();
        Error::new(format!("argument {at} of {} is to be {what}", self.method))
    }
}

fn special_address(name: &str) -> Option<QHostAddress> {
    Some(match name {
        "Null" => QHostAddress::Null,
        "Broadcast" => QHostAddress::Broadcast,
        "LocalHost" => QHostAddress::LocalHost,
        "LocalHostIPv6" => QHostAddress::LocalHostIPv6,
        "Any" => QHostAddress::Any,
        "AnyIPv6" => QHostAddress::AnyIPv6,
        "AnyIPv4" => QHostAddress::AnyIPv4,
        _ => return None,
    })
}
