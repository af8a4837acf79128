//! Quits the application on Ctrl-C.

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

/// The exit status that a shell reports for a process ended by SIGINT.
const INTERRUPTED: i32 = 128 + SIGINT;

/// Reads from the pipe that the signal handlers write to.
struct Listener {
    pipe: RefCell<UnixStream>,
    registration: Registration,
    dispatcher: Weak<Dispatcher>,
    handlers: RefCell<Vec<SigId>>,
}

/// The loop's reference to the listener. It is `None` until the handlers are installed.
#[derive(Default)]
struct Installed(RefCell<Option<Rc<Listener>>>);

pub(super) fn install(dispatcher: &Rc<Dispatcher>) -> io::Result<()> {
    let installed = dispatcher.local::<Installed>();
    if installed.0.borrow().is_some() {
        return Ok(());
    }
    // Everything that can fail for lack of descriptors comes first. Once a handler is registered,
    // SIGINT no longer ends the process, even after the handler has been unregistered.
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
    // The listener owns each handler at once. If a later step fails, its drop unregisters them.
    let add = |handler: io::Result<SigId>| {
        handler.map(|handler| listener.handlers.borrow_mut().push(handler))
    };
    add(low_level::pipe::register(SIGINT, also_theirs))?;
    add(low_level::pipe::register(SIGTERM, theirs))?;
    // The order matters: the first SIGINT sets `second`, and the next one finds it set and ends the
    // process.
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
