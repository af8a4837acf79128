//! `obj`: an object with two signals, and receivers for them.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use qcore::{Connection, ConnectionType, QObject, Remote, Signal};

use super::{AnyHeld, Held, Kind, Slot, call_object, connect_to};
use crate::{
    args::Args,
    error::{Error, Result},
    value::Value,
    world::Recorder,
};

/// A signal's name and a slot's label.
type Labelled = (String, String);

pub(super) struct Obj {
    object: Held<QObject>,
    /// The signals hold no handle, so that a slot may destroy the object.
    fired: Rc<Signal<i32>>,
    other: Rc<Signal<i32>>,
    /// The receivers of the slots, one object for each slot.
    receivers: RefCell<HashMap<Labelled, QObject>>,
}

impl Obj {
    pub(super) fn new() -> Self {
        let object = QObject::new();
        Obj {
            fired: Rc::new(Signal::of(&object)),
            other: Rc::new(Signal::of(&object)),
            object: Held::new(object, |object| object),
            receivers: RefCell::default(),
        }
    }

    fn signal(&self, name: &str) -> Result<Rc<Signal<i32>>> {
        match name {
            "fired" => Ok(self.fired.clone()),
            "other" => Ok(self.other.clone()),
            _ => Err(Error::new(format!("an obj has no signal {name}"))),
        }
    }

    fn receiver(&self, signal: &str, label: &str) -> QObject {
        let slot = (signal.to_owned(), label.to_owned());
        self.receivers.borrow_mut().entry(slot).or_insert_with(QObject::new).clone()
    }

    fn connect_slot(&self, args: &Args<'_>) -> Result<()> {
        let (name, label) = (args.label()?, args.label()?);
        let kind = args.or(ConnectionType::AUTO, |args| {
            args.flags(connection_type, |one, other| one | other)
        })?;
        let receiver = self.receiver(&name, &label);
        let (world, object) = (args.world.clone(), args.object.to_owned());
        let signal = self.signal(&name)?;
        signal.connect_to_with_type(&receiver, kind, move |_, value| {
            world.slot_called(&object, &name, &label, *value);
        });
        Ok(())
    }

    fn disconnect_slot(&self, args: &Args<'_>) -> Result<()> {
        let (name, label) = (args.label()?, args.label()?);
        self.signal(&name)?.disconnect_receiver(&self.receiver(&name, &label));
        Ok(())
    }

    fn delete_slot(&self, args: &Args<'_>) -> Result<()> {
        let (name, label) = (args.label()?, args.label()?);
        self.signal(&name)?;
        let receiver = self.receivers.borrow_mut().remove(&(name, label));
        match receiver {
            Some(receiver) => drop(receiver),
            None => return Err(Error::new("there is no such receiver")),
        }
        Ok(())
    }

    fn emit(&self, args: &Args<'_>) -> Result<()> {
        let signal = self.signal(&args.label()?)?;
        let value = args.number()?;
        args.end()?;
        signal.emit(value);
        Ok(())
    }
}

impl Kind for Obj {
    fn class(&self) -> &'static str {
        "QObject"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        match args.method {
            "emit" => self.emit(args)?,
            "connectSlot" => self.connect_slot(args)?,
            "disconnectSlot" => self.disconnect_slot(args)?,
            "deleteSlot" => self.delete_slot(args)?,
            "connectTo" => {
                return connect_to(args, |signal, receiver, kind, slot| {
                    self.connect(signal, receiver, kind, slot)
                });
            }
            "disconnectFrom" => {
                let (signal, label) = (args.label()?, args.label()?);
                args.world.cut_links(args.object, &signal, &label);
            }
            _ => return call_object(&self.object.get()?, self.class(), args),
        }
        Ok(Value::None)
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(object) = self.object.get() {
            recorder.plain(&object.destroyed, "destroyed");
        }
    }

    fn connect(
        &self,
        signal: &str,
        receiver: &Remote<QObject>,
        kind: ConnectionType,
        slot: Slot,
    ) -> Result<Connection> {
        let signal = self.signal(signal)?;
        Ok(signal.connect_to_with_type(receiver, kind, move |_, value| slot(Some(*value))))
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.object)
    }
}

pub(super) fn connection_type(name: &str) -> Option<ConnectionType> {
    Some(match name {
        "AutoConnection" => ConnectionType::AUTO,
        "DirectConnection" => ConnectionType::DIRECT,
        "QueuedConnection" => ConnectionType::QUEUED,
        "UniqueConnection" => ConnectionType::UNIQUE,
        "BlockingQueuedConnection" => ConnectionType::BLOCKING_QUEUED,
        _ => return None,
    })
}
