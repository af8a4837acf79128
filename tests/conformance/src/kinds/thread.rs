//! `thread`: a QThread, and objects that live in one.

use std::{cell::RefCell, rc::Rc};

use qcore::{ConnectionType, QObject, QThread, Remote};

use super::{AnyHeld, Held, Kind, call_object, connect_to};
use crate::{
    args::Args,
    error::{Error, Result},
    value::Value,
    world::{Recorder, World},
};

/// A slot of `connectTo`. It runs in the thread of its receiver.
pub(crate) type Slot = Box<dyn Fn(Option<i32>) + Send>;

pub(super) struct Thread {
    thread: Held<QThread>,
    /// The world of the thread; `None` within the thread itself.
    inside: RefCell<Option<Remote<Rc<World>>>>,
}

impl Thread {
    pub(super) fn new(thread: QThread, inside: Option<Remote<Rc<World>>>) -> Self {
        Thread { thread: Held::new(thread, |thread| thread), inside: RefCell::new(inside) }
    }
}

impl Kind for Thread {
    fn class(&self) -> &'static str {
        "QThread"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        let thread = self.thread.get()?;
        Ok(match args.method {
            "start" => {
                if thread.is_finished() {
                    let inside = args.world.make_inside(&thread, args.object);
                    self.inside.replace(Some(inside));
                }
                let started = thread.start();
                started.map_err(|error| Error::new(error.to_string()))?.into()
            }
            "quit" => thread.quit().into(),
            "exit" => thread.exit(args.or(0, Args::number)?).into(),
            "wait" => thread.wait(args.number::<i32>()?).into(),
            "isRunning" => thread.is_running().into(),
            "isFinished" => thread.is_finished().into(),
            "requestInterruption" => thread.request_interruption().into(),
            "isInterruptionRequested" => thread.is_interruption_requested().into(),
            "loopLevel" => (thread.loop_level() as i64).into(),
            "connectTo" => connect_to(args, |signal, receiver, kind, slot| {
                self.connect(signal, receiver, kind, slot)
            })?,
            _ => return call_object(&thread, self.class(), args),
        })
    }

    fn watch(&self, recorder: &Recorder) {
        if let Ok(thread) = self.thread.get() {
            recorder.plain(&thread.started, "started");
            recorder.plain(&thread.finished, "finished");
            recorder.plain(&thread.destroyed, "destroyed");
        }
    }

    fn connect(
        &self,
        signal: &str,
        receiver: &Remote<QObject>,
        kind: ConnectionType,
        slot: Slot,
    ) -> Result<qcore::Connection> {
        let thread = self.thread.get()?;
        Ok(match signal {
            "started" => {
                thread.started.connect_to_with_type(receiver, kind, move |_, ()| slot(None))
            }
            "finished" => {
                thread.finished.connect_to_with_type(receiver, kind, move |_, _| slot(None))
            }
            _ => return Err(Error::new(format!("a thread has no signal {signal}"))),
        })
    }

    fn place(&self) -> Option<(QThread, Remote<Rc<World>>)> {
        Some((self.thread.get().ok()?, self.inside.borrow().clone()?))
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        Some(&self.thread)
    }
}

/// An object that lives in another thread.
pub(crate) struct Elsewhere {
    name: String,
    thread: QThread,
    inside: Remote<Rc<World>>,
}

impl Elsewhere {
    pub(super) fn new(name: &str, thread: QThread, inside: Remote<Rc<World>>) -> Self {
        Elsewhere { name: name.to_owned(), thread, inside }
    }

    /// Makes a receiver there that dies with the object.
    pub(super) fn receiver(&self) -> Remote<QObject> {
        let name = self.name.clone();
        self.thread.build(move || {
            let receiver = QObject::new();
            if let Some(world) = World::current()
                && let Ok(object) = world.living(&name)
            {
                receiver.set_parent(object.held().and_then(AnyHeld::object).as_ref());
            }
            receiver
        })
    }

    /// Calls `call` with the object, in its thread, unless it is dead.
    fn post(&self, call: impl FnOnce(&dyn Kind) -> Result<()> + Send + 'static) -> Result<()> {
        let name = self.name.clone();
        let posted = self.inside.post(move |world| {
            if let Ok(object) = world.living(&name)
                && let Err(error) = call(&*object)
            {
                world.fail(&error);
            }
        });
        posted.map_err(|error| Error::new(error.to_string()))
    }
}

impl Kind for Elsewhere {
    fn class(&self) -> &'static str {
        "QObject"
    }

    fn call(&self, args: &Args<'_>) -> Result<Value> {
        match args.method {
            "deleteLater" => {
                let posted = self.post(|object| {
                    if let Some(object) = object.held().and_then(AnyHeld::object) {
                        object.delete_later();
                    }
                    Ok(())
                });
                // The end of the thread has deleted the object.
                drop(posted);
            }
            "connectTo" => {
                let connected = connect_to(args, |signal, receiver, kind, slot| {
                    let (signal, receiver) = (signal.to_owned(), receiver.clone());
                    self.post(move |object| {
                        object.connect(&signal, &receiver, kind, slot).map(drop)
                    })?;
                    Ok(qcore::Connection::default())
                });
                return connected;
            }
            _ => return Err(args.unknown(self.class())),
        }
        Ok(Value::None)
    }

    fn watch(&self, _: &Recorder) {}

    fn elsewhere(&self) -> Option<&Elsewhere> {
        Some(self)
    }

    fn held(&self) -> Option<&dyn AnyHeld> {
        None
    }
}
