//! Quitting on Ctrl-C.

use std::{
    cell::RefCell,
    io::{self, Read},
    os::unix::net::UnixStream as StdUnixStream,
    rc::{Rc, Weak},
    sync::{Arc, atomic::AtomicBool},
};

use mio::{Interest, net::UnixStream};
use signal_hook::{
    SigId,
    consts::{SIGINT, SIGTERM},
    low_level,
};

use crate::event_loop::{Dispatcher, EventSource, Readiness, Registration};

/// What the shell reports of a process that SIGINT ended.
const INTERRUPTED: i32 = 128 + SIGINT;

/// The reading end of a pipe that the signal handlers write to.
struct Listener {
    pipe: RefCell<UnixStream>,
    registration: Registration,
    dispatcher: Weak<Dispatcher>,
    handlers: RefCell<Vec<SigId>>,
}

/// What the loop keeps of it.
#[derive(Default)]
struct Installed(RefCell<Option<Rc<Listener>>>);

pub(super) fn install(dispatcher: &Rc<Dispatcher>) -> io::Result<()> {
    let installed = dispatcher.local::<Installed>();
    if installed.0.borrow().is_some() {
        return Ok(());
    }
    // All that may be used up comes first: once a handler is registered, SIGINT no longer ends the
    // process by itself, not even when the handler is taken back.
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let also_theirs = theirs.try_clone()?;
    let listener = Rc::new_cyclic(|this: &Weak<Listener>| Listener {
        pipe: RefCell::new(UnixStream::from_std(ours)),
        registration: dispatcher.add_source(this.clone()),
        dispatcher: Rc::downgrade(dispatcher),
        handlers: RefCell::default(),
    });
    listener.registration.register(&mut *listener.pipe.borrow_mut(), Interest::READABLE)?;
    let second = Arc::new(AtomicBool::new(false));
    // What is registered is in the listener at once: its drop takes it back if the rest fails.
    let add = |handler: io::Result<SigId>| {
        handler.map(|handler| listener.handlers.borrow_mut().push(handler))
    };
    add(low_level::pipe::register(SIGINT, also_theirs))?;
    add(low_level::pipe::register(SIGTERM, theirs))?;
    // In this order: the first SIGINT only arms what the second one sets off.
    add(signal_hook::flag::register_conditional_shutdown(SIGINT, INTERRUPTED, second.clone()))?;
    add(signal_hook::flag::register(SIGINT, second))?;
    installed.0.replace(Some(listener));
    Ok(())
}

impl EventSource for Listener {
    fn ready(self: Rc<Self>, _: Readiness) {
        let mut told = false;
        let mut buffer = [0; 64];
        loop {
            let read = self.pipe.borrow_mut().read(&mut buffer);
            match read {
                Ok(1..) => told = true,
                _ => break,
            }
        }
        if told && let Some(dispatcher) = self.dispatcher.upgrade() {
            dispatcher.exit_all(0);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for handler in self.handlers.take() {
            low_level::unregister(handler);
        }
        self.registration.deregister(&mut *self.pipe.borrow_mut());
    }
}
