//! The kinds of objects that a scenario can create and call, with one file for each.

mod address;
mod buffer;
mod device;
mod event_loop;
mod local;
mod local_server;
mod obj;
mod server;
mod socket;
mod ssl;
mod ssl_server;
mod tcp;
mod thread;
mod timer;
mod udp;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use qcore::{
    Connection, ConnectionType, QObject, QThread, Remote,
    object::{Life, Object},
};
use qnetwork::{QHostAddress, QTcpSocket};

pub(crate) use self::{
    device::mode_number,
    thread::{Elsewhere, Slot},
};

use crate::{
    args::Args,
    error::{Error, Result},
    peer::{Peer, TcpPeer, UdpPeer},
    ports::Ports,
    syntax::{KindName, PeerOption},
    value::Value,
    world::{Recorder, World},
};

/// An object of a scenario.
pub(crate) trait Kind {
    /// Returns Qt's name of the object's class.
    fn class(&self) -> &'static str;

    /// Calls a method by Qt's name.
    ///
    /// # Errors
    ///
    /// If there is no such method, or its arguments do not fit.
    fn call(&self, args: &Args<'_>) -> Result<Value>;

    /// Connects the recorder to every signal.
    fn watch(&self, recorder: &Recorder);

    /// Returns the state that the trace shows with each signal; `None` except for sockets.
    fn snapshot(&self) -> Option<String> {
        None
    }

    /// Returns the local port, 0 while there is none; `None` if objects of this kind have no port.
    fn port(&self) -> Option<u16> {
        None
    }

    /// Returns the address, if this is an `address`.
    fn address(&self) -> Option<QHostAddress> {
        None
    }

    /// Returns the socket, if this is a `tcp` or `ssl`.
    fn tcp(&self) -> Option<QTcpSocket> {
        None
    }

    /// Connects a signal to a slot of a receiver, which may live in another thread.
    fn connect(
        &self,
        signal: &str,
        receiver: &Remote<QObject>,
        kind: ConnectionType,
        slot: Slot,
    ) -> Result<Connection> {
        let _ = (receiver, kind, slot);
        Err(Error::new(format!("{} cannot connect its signal {signal}", self.class())))
    }

    /// Returns the object, if it lives in another thread.
    fn elsewhere(&self) -> Option<&Elsewhere> {
        None
    }

    /// Returns the thread and the world in it, if this is a `thread`.
    fn place(&self) -> Option<(QThread, Remote<Rc<World>>)> {
        None
    }

    /// Returns the part that all objects share; `None` for an `address`.
    fn held(&self) -> Option<&dyn AnyHeld>;
}

/// Creates an object.
pub(crate) fn make(kind: KindName, name: &str) -> Result<Rc<dyn Kind>> {
    Ok(match kind {
        KindName::Tcp => Rc::new(tcp::Tcp::new()),
        KindName::Udp => Rc::new(udp::Udp::new()),
        KindName::Server => Rc::new(server::Server::new()),
        KindName::Ssl => Rc::new(ssl::Ssl::new()),
        KindName::SslServer => Rc::new(ssl_server::SslServer::new()),
        KindName::Local => Rc::new(local::Local::new()),
        KindName::LocalServer => Rc::new(local_server::LocalServer::new()),
        KindName::Obj => Rc::new(obj::Obj::new()),
        KindName::Timer => Rc::new(timer::Timer::new()),
        KindName::Buffer => Rc::new(buffer::Buffer::new()),
        KindName::Loop => Rc::new(event_loop::Loop::new()),
        KindName::Address => of_address(QHostAddress::new()),
        KindName::Peer | KindName::UdpPeer | KindName::Thread => {
            return Err(Error::new(format!("{name}: a {} is made in another way", kind.word())));
        }
    })
}

/// Creates a peer.
pub(crate) fn make_peer(
    kind: KindName,
    name: &str,
    options: &[PeerOption],
    ports: &Arc<Ports>,
) -> Result<Arc<dyn Peer>> {
    Ok(match kind {
        KindName::UdpPeer => Arc::new(UdpPeer::new(name, options, ports)?),
        _ => Arc::new(TcpPeer::new(name, options, ports.clone())?),
    })
}

/// Creates the object for an address that a call has returned.
pub(crate) fn of_address(address: QHostAddress) -> Rc<dyn Kind> {
    Rc::new(address::Address::new(address))
}

/// Returns the object for a thread, whose world is `inside`.
pub(crate) fn thread(thread: QThread, inside: Remote<Rc<World>>) -> Rc<dyn Kind> {
    Rc::new(thread::Thread::new(thread, Some(inside)))
}

/// Returns the object for a thread within that thread.
pub(crate) fn face_of(thread: QThread) -> Rc<dyn Kind> {
    Rc::new(thread::Thread::new(thread, None))
}

/// Returns the object for one that lives in another thread.
pub(crate) fn elsewhere(name: &str, thread: QThread, inside: Remote<Rc<World>>) -> Rc<dyn Kind> {
    Rc::new(Elsewhere::new(name, thread, inside))
}

/// Takes the arguments of `connectTo`, and connects.
fn connect_to(
    args: &Args<'_>,
    connect: impl FnOnce(&str, &Remote<QObject>, ConnectionType, Slot) -> Result<Connection>,
) -> Result<Value> {
    let signal = args.label()?;
    let (name, label) = (args.label()?, args.label()?);
    let kind = args.or(ConnectionType::AUTO, |args| {
        args.flags(obj::connection_type, |one, other| one | other)
    })?;
    let object = args.world.living(&name)?;
    let receiver = match object.elsewhere() {
        Some(elsewhere) => elsewhere.receiver(),
        None => {
            let receiver = QObject::new();
            receiver.set_parent(object.held().and_then(AnyHeld::object).as_ref());
            Remote::of(&receiver)
        }
    };
    let slot_label = label.clone();
    let slot: Slot = Box::new(move |value| {
        if let Some(world) = World::current() {
            world.called(&name, &slot_label, value);
        }
    });
    let connection = connect(&signal, &receiver, kind, slot)?;
    args.world.keep_link(args.object, &signal, &label, connection);
    Ok(Value::None)
}

/// The scenario's handle of an object. It is dropped to destroy the object.
struct Held<T: Object> {
    handle: RefCell<Option<T>>,
    life: Rc<Life>,
    upcast: fn(&T) -> &QObject,
}

/// A handle of any class.
pub(crate) trait AnyHeld {
    /// Returns the object's life. It outlives the object and knows when the destructor begins.
    fn life(&self) -> &Rc<Life>;

    /// Returns the object as a QObject, which can be a parent.
    fn object(&self) -> Option<QObject>;

    /// Drops the handle, and the parent's handle as well, because it counts too.
    fn release(&self);
}

impl<T: Object> Held<T> {
    fn new(handle: T, upcast: fn(&T) -> &QObject) -> Self {
        Held { life: handle.life().clone(), handle: RefCell::new(Some(handle)), upcast }
    }

    /// Returns another handle. The object lives as long as it, even while slots run.
    fn get(&self) -> Result<T> {
        self.handle.borrow().clone().ok_or_else(|| Error::new("the object is destroyed"))
    }
}

impl<T: Object> AnyHeld for Held<T> {
    fn life(&self) -> &Rc<Life> {
        &self.life
    }

    fn object(&self) -> Option<QObject> {
        self.handle.borrow().as_ref().map(|handle| (self.upcast)(handle).clone())
    }

    fn release(&self) {
        let handle = self.handle.borrow_mut().take();
        if let Some(handle) = handle {
            (self.upcast)(&handle).set_parent(None);
        }
    }
}

/// Calls a method that every object has.
fn call_object(object: &QObject, class: &str, args: &Args<'_>) -> Result<Value> {
    Ok(match args.method {
        "blockSignals" => object.block_signals(args.boolean()?).into(),
        "signalsBlocked" => object.signals_blocked().into(),
        "objectName" => object.object_name().into(),
        "setObjectName" => object.set_object_name(args.text()?).into(),
        "deleteLater" => object.delete_later().into(),
        "parent" => match object.parent() {
            None => Value::None,
            Some(parent) => {
                let is_it = |life: &Rc<Life>| Rc::ptr_eq(life, parent.life());
                let named =
                    args.world.find(|kind| kind.held().is_some_and(|held| is_it(held.life())));
                named.map_or(Value::None, |(_, parent)| Value::Object(parent))
            }
        },
        "setParent" => {
            let parent = match args.object()? {
                None => None,
                Some(parent) => match parent.held().and_then(AnyHeld::object) {
                    None => return Err(Error::new("this can be no parent")),
                    parent => parent,
                },
            };
            object.set_parent(parent.as_ref()).into()
        }
        _ => return Err(args.unknown(class)),
    })
}
