//! How a worker reaches the listening server.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Weak,
};

use qcore::{Dispatcher, Poster};

use crate::server::TcpServerNode;

/// A handle of a listening server, for its workers' threads.
#[derive(Clone)]
pub(super) struct Home {
    poster: Poster,
    number: u64,
}

/// The listening servers of a thread that have workers.
#[derive(Default)]
struct Residents {
    list: RefCell<Vec<(u64, Weak<TcpServerNode>)>>,
    next: Cell<u64>,
}

impl Home {
    /// Creates the handle of a server of this thread.
    pub(super) fn of(server: Weak<TcpServerNode>) -> io::Result<Self> {
        let dispatcher = Dispatcher::current();
        let poster = dispatcher.poster()?;
        let residents = dispatcher.local::<Residents>();
        let number = residents.next.replace(residents.next.get() + 1);
        residents.list.borrow_mut().retain(|(_, server)| server.strong_count() > 0);
        residents.list.borrow_mut().push((number, server));
        Ok(Home { poster, number })
    }

    /// Calls `f` with the server, in its loop. Does nothing if one of them has ended.
    pub(super) fn post(&self, f: impl FnOnce(&TcpServerNode) + Send + 'static) {
        let number = self.number;
        let call = move || {
            let residents = Dispatcher::current().local::<Residents>();
            let found = residents.list.borrow().iter().find(|(one, _)| *one == number).cloned();
            if let Some(server) = found.and_then(|(_, server)| server.upgrade()) {
                f(&server);
            }
        };
        // Without the loop there is no server.
        let _ = self.poster.post(call);
    }
}
