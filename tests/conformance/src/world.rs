//! A running scenario: its objects, their names, and the events so far.
//!
//! Slots run blocks, blocks run statements, and statements call slots, so all functions here are
//! reentrant. Nothing stays borrowed while a statement, a call or a slot runs.

mod meanwhile;
mod recorder;
mod statements;
mod threads;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    rc::{Rc, Weak},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use self::meanwhile::Meanwhile;
pub(crate) use self::recorder::Recorder;
use qcore::Connection;
use qnetwork::{ProxyType, QNetworkProxy};

use crate::{
    args::{Arg, Args},
    check::By,
    command::WRONG_SCENARIO,
    error::{Error, Result},
    kinds::{self, Kind},
    names,
    peer::{Peer, PeerArg},
    ports::Ports,
    proxy::ProxyKind,
    syntax::{Block, Call, Event, Expr, KindName, PeerOption},
    value::{self, Names, Value},
};

/// A thing that a scenario can name.
#[derive(Clone)]
enum Thing {
    Object(Rc<dyn Kind>),
    Peer(Arc<dyn Peer>),
    /// The missing result of a call that should have returned an object.
    Nothing,
}

/// A block, and how often it may still run; `None` means without limit.
struct Reaction {
    left: Mutex<Option<u64>>,
    block: Block,
}

/// The parts of a run that all its threads use.
struct Shared {
    scenario: String,
    certs: PathBuf,
    ports: Arc<Ports>,
    /// The names in the order of their groups.
    order: Mutex<Vec<String>>,
    /// The names of the threads, in the order in which they were made.
    threads: Mutex<Vec<String>>,
    lines: Mutex<Vec<Line>>,
    ungrouped: AtomicBool,
    counts: Mutex<HashMap<Event, u64>>,
    reactions: Mutex<HashMap<Event, Vec<Arc<Reaction>>>>,
    /// The names of the objects that have died.
    dead: Mutex<HashSet<String>>,
}

/// A line of the trace.
struct Line {
    name: String,
    /// The thread, if it is not the main thread.
    thread: Option<String>,
    text: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static CURRENT: RefCell<Weak<World>> = const { RefCell::new(Weak::new()) };
}

/// One run of a scenario, as one of its threads sees it: the objects of that thread.
pub(crate) struct World {
    shared: Arc<Shared>,
    /// The name of the thread; `None` for the main thread.
    thread: Option<String>,
    /// The proxy of every `tcp`.
    pub(super) proxy: Option<QNetworkProxy>,
    things: RefCell<HashMap<String, Thing>>,
    /// The arguments of the signal whose block is running.
    arguments: RefCell<Rc<[Value]>>,
    /// The running calls: objects and methods.
    calls: RefCell<Vec<(String, String)>>,
    meanwhile: RefCell<HashMap<String, Meanwhile>>,
    /// The connections of `connectTo`, by object, signal and label.
    links: RefCell<HashMap<[String; 3], Vec<Connection>>>,
}

impl World {
    pub(crate) fn new(scenario: &Path, certs: &Path, by: Option<By>) -> Rc<Self> {
        let kind = |kind| match kind {
            ProxyKind::Socks5 => ProxyType::Socks5,
            ProxyKind::Http => ProxyType::Http,
        };
        let proxy = by.map(|by| QNetworkProxy::new(kind(by.kind), "127.0.0.1", by.port));
        let shared = Arc::new(Shared {
            scenario: scenario.display().to_string(),
            certs: certs.to_owned(),
            ports: Arc::default(),
            order: Mutex::default(),
            threads: Mutex::default(),
            lines: Mutex::default(),
            ungrouped: AtomicBool::new(false),
            counts: Mutex::default(),
            reactions: Mutex::default(),
            dead: Mutex::default(),
        });
        World::of_thread(shared, None, proxy)
    }

    fn of_thread(
        shared: Arc<Shared>,
        thread: Option<String>,
        proxy: Option<QNetworkProxy>,
    ) -> Rc<Self> {
        let world = Rc::new(World {
            shared,
            thread,
            proxy,
            things: RefCell::default(),
            arguments: RefCell::new(Rc::new([])),
            calls: RefCell::default(),
            meanwhile: RefCell::default(),
            links: RefCell::default(),
        });
        CURRENT.set(Rc::downgrade(&world));
        world
    }

    /// Returns the folder of the certificates and keys.
    pub(crate) fn certs(&self) -> &Path {
        &self.shared.certs
    }

    // ---- the trace

    pub(crate) fn log(&self, name: &str, text: impl Into<String>) {
        let (name, thread) = (name.to_owned(), self.thread.clone());
        lock(&self.shared.lines).push(Line { name, thread, text: text.into() });
    }

    /// Adds the name to the end of the groups, if it is new.
    fn group(&self, name: &str) {
        let mut order = lock(&self.shared.order);
        if !order.iter().any(|known| known == name) {
            order.push(name.to_owned());
        }
    }

    /// Returns the trace: in order of time, or grouped by object.
    pub(crate) fn trace(&self) -> String {
        let lines = lock(&self.shared.lines);
        let text = |Line { name, thread, text }: &Line| match thread {
            None => format!("{name} {text}\n"),
            Some(thread) => format!("{name}@{thread} {text}\n"),
        };
        if self.shared.ungrouped.load(Ordering::Relaxed) {
            return lines.iter().map(text).collect();
        }
        let threads: Vec<Option<String>> = [None]
            .into_iter()
            .chain(lock(&self.shared.threads).iter().cloned().map(Some))
            .collect();
        let mut trace = String::new();
        for name in &*lock(&self.shared.order) {
            for thread in &threads {
                let group =
                    lines.iter().filter(|line| line.name == *name && line.thread == *thread);
                trace.extend(group.map(text));
            }
        }
        trace
    }

    /// Ends the process because of an error in the scenario, where no error can be returned.
    pub(crate) fn fail(&self, error: &Error) -> ! {
        give_up(&self.shared.scenario, error)
    }

    // ---- objects

    fn make(self: &Rc<Self>, kind: KindName, name: &str, options: &[PeerOption]) -> Result<()> {
        self.is_free(name)?;
        let thing = match kind {
            KindName::Peer | KindName::UdpPeer => {
                Thing::Peer(kinds::make_peer(kind, name, options, &self.shared.ports)?)
            }
            KindName::Thread => Thing::Object(self.make_thread(name)),
            _ => {
                let object = kinds::make(kind, name)?;
                if let (KindName::Tcp, Some(proxy), Some(socket)) =
                    (kind, &self.proxy, object.tcp())
                {
                    socket.set_proxy(proxy.clone());
                }
                Thing::Object(object)
            }
        };
        self.name(name, thing);
        Ok(())
    }

    /// Names the result of a call.
    fn take(self: &Rc<Self>, name: &str, call: &Call) -> Result<()> {
        self.is_free(name)?;
        let thing = match self.evaluate(call)? {
            Some(Value::Object(object)) => {
                if let Some(known) = self.name_of(&object) {
                    return Err(Error::new(format!("this object is {known} already")));
                }
                Thing::Object(object)
            }
            Some(Value::Address(address)) => Thing::Object(kinds::of_address(address)),
            Some(Value::None) => Thing::Nothing,
            _ => return Err(Error::new("the call returns no object")),
        };
        if matches!(thing, Thing::Nothing) {
            self.log(name, "= -");
        }
        self.name(name, thing);
        Ok(())
    }

    fn is_free(&self, name: &str) -> Result<()> {
        if matches!(name, "run" | "null") || self.things.borrow().contains_key(name) {
            return Err(Error::new(format!("the name {name} is taken")));
        }
        Ok(())
    }

    fn name(self: &Rc<Self>, name: &str, thing: Thing) {
        let object = match &thing {
            Thing::Object(object) => Some(object.clone()),
            _ => None,
        };
        self.things.borrow_mut().insert(name.to_owned(), thing);
        self.group(name);
        if let Some(object) = object {
            object.watch(&Recorder::new(self, name));
        }
    }

    fn thing(&self, name: &str) -> Result<Thing> {
        match self.things.borrow().get(name) {
            None => Err(Error::new(format!("there is no {name}"))),
            Some(Thing::Nothing) => Err(Error::new(format!("{name} is nothing"))),
            Some(thing) => Ok(thing.clone()),
        }
    }

    /// Returns the object with this name, unless its destructor has begun.
    pub(crate) fn living(&self, name: &str) -> Result<Rc<dyn Kind>> {
        match self.thing(name)? {
            Thing::Object(object) if is_dying(&*object) => {
                Err(Error::new(format!("{name} is destroyed")))
            }
            Thing::Object(object) => Ok(object),
            _ => Err(Error::new(format!("{name} is no object"))),
        }
    }

    /// Returns the name of an object, if it has one.
    fn name_of(&self, object: &Rc<dyn Kind>) -> Option<String> {
        let life = object.held()?.life();
        self.find(|other| other.held().is_some_and(|other| Rc::ptr_eq(life, other.life())))
            .map(|(name, _)| name)
    }

    /// Returns the first object that satisfies the condition.
    pub(crate) fn find(&self, is_it: impl Fn(&dyn Kind) -> bool) -> Option<(String, Rc<dyn Kind>)> {
        let things = self.things.borrow();
        things.iter().find_map(|(name, thing)| match thing {
            Thing::Object(object) if is_it(&**object) => Some((name.clone(), object.clone())),
            _ => None,
        })
    }

    /// Destroys the object, like C++'s `delete`.
    fn delete(&self, name: &str) -> Result<()> {
        let object = self.living(name)?;
        let Some(held) = object.held() else {
            return Err(Error::new(format!("{name} cannot be destroyed")));
        };
        // All calls except `emit` hold a handle, which would keep the object alive to their end.
        if self.calls.borrow().iter().any(|(called, method)| called == name && method != "emit") {
            return Err(Error::new(format!("a call on {name} is running")));
        }
        self.log(name, "> del");
        held.release();
        if !held.life().is_dying() {
            return Err(Error::new(format!("something else still holds {name}")));
        }
        self.log(name, "< -");
        Ok(())
    }

    // ---- calls

    /// Makes a call. Returns `None` for a peer's call without a result.
    fn evaluate(self: &Rc<Self>, call: &Call) -> Result<Option<Value>> {
        let Call { object: name, method, args } = call;
        let thing = self.thing(name)?;
        if let Thing::Object(object) = &thing
            && object.held().is_some()
            && method == "isDeleted"
            && args.is_empty()
        {
            return Ok(Some(is_dying(&**object).into()));
        }
        if let Thing::Object(object) = &thing
            && object.elsewhere().is_some()
            && method == "isDeleted"
        {
            return Ok(Some(lock(&self.shared.dead).contains(name).into()));
        }
        if let Thing::Peer(peer) = thing {
            let args = self.peer_args(args)?;
            return peer.call(method, &args).map(value::of_reply);
        }
        let object = self.living(name)?;
        let args = args.iter().map(|arg| self.arg(arg)).collect::<Result<Vec<_>>>()?;
        let args = Args::new(self, name, method, &args);
        self.calls.borrow_mut().push((name.clone(), method.clone()));
        let value = object.call(&args);
        self.calls.borrow_mut().pop();
        let value = value?;
        args.end()?;
        self.note_port(name, &*object);
        Ok(Some(value))
    }

    fn peer_args(self: &Rc<Self>, args: &[Expr]) -> Result<Vec<PeerArg>> {
        let plain = |arg: &Expr| match self.arg(arg)? {
            Arg::Text(data) | Arg::Value(Value::Bytes(data)) => Ok(PeerArg::Bytes(data)),
            Arg::Value(Value::Number(number) | Value::Port(number)) => Ok(PeerArg::Number(number)),
            _ => Err(Error::new("a peer is given bytes and numbers")),
        };
        args.iter().map(plain).collect()
    }

    fn arg(self: &Rc<Self>, arg: &Expr) -> Result<Arg> {
        Ok(match arg {
            Expr::Text(text) => Arg::Text(text.clone()),
            Expr::Number(number) => Arg::Value(Value::Number(*number)),
            Expr::Names(names) => Arg::Names(names.clone()),
            Expr::Port(name) => Arg::Value(Value::Port(self.port_of(name)?)),
            Expr::Call(call) => match self.evaluate(call)? {
                Some(value) => Arg::Value(value),
                None => return Err(Error::new("the inner call returns nothing")),
            },
        })
    }

    /// Returns the value at the end of a comparison.
    fn literal(self: &Rc<Self>, value: &Expr) -> Result<Value> {
        match value {
            Expr::Text(text) => Ok(Value::Bytes(text.clone())),
            Expr::Number(number) => Ok(Value::Number(*number)),
            Expr::Names(names) => match &**names {
                [name] if name == "true" || name == "false" => Ok((name == "true").into()),
                names => {
                    let mut number = 0;
                    for name in names {
                        let one = names::number(name);
                        number |= one.ok_or_else(|| Error::new(format!("what is {name}?")))?;
                    }
                    Ok(Value::Number(number))
                }
            },
            Expr::Port(_) | Expr::Call(_) => Err(Error::new("this is no plain value")),
        }
    }

    // ---- ports

    /// Returns the port to connect to for `NAME.port`.
    fn port_of(&self, name: &str) -> Result<i64> {
        match self.thing(name)? {
            Thing::Peer(peer) => Ok(peer.port().into()),
            _ => {
                let object = self.living(name)?;
                let port =
                    object.port().ok_or_else(|| Error::new(format!("{name} has no port")))?;
                self.note_port(name, &*object);
                Ok(port.into())
            }
        }
    }

    /// Learns the object's port, if it has one.
    fn note_port(&self, name: &str, object: &dyn Kind) {
        if !is_dying(object)
            && let Some(port) = object.port()
        {
            self.shared.ports.learn(port, || format!("{name}.port"));
        }
    }
}

impl Names for World {
    fn port(&self, port: i64) -> String {
        self.shared.ports.show(port)
    }

    fn object(&self, object: &Rc<dyn Kind>) -> String {
        self.name_of(object).unwrap_or_else(|| object.class().to_owned())
    }
}

/// Returns whether the object's destructor has begun.
fn is_dying(object: &dyn Kind) -> bool {
    object.held().is_some_and(|held| held.life().is_dying())
}

fn give_up(scenario: &str, error: &Error) -> ! {
    eprintln!("{}", error.of_file(scenario));
    std::process::exit(WRONG_SCENARIO)
}
