//! Adding the engine's socket to the poll, removing it, and closing it.

use std::io;

use mio::Interest;

use super::NativeEngine;
use crate::{
    engine::api::Stage,
    sys::{self, Socket},
};

/// What the poll does with the socket at the moment. Meanwhile mio logs, and the program's logger
/// may close the engine.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Watch {
    #[default]
    Still,
    /// It adds or removes the socket. The number of the descriptor must not be reused before that
    /// is done.
    Changing,
    /// The same, and the engine is to be closed when that is done.
    ToClose,
}

impl NativeEngine {
    /// Adds the socket to the poll. Fails if the program's logger closes the engine meanwhile.
    pub(super) fn register(&self) -> io::Result<()> {
        if self.registered.get() {
            return Ok(());
        }
        if let Some(watched) = self.with(|socket| sys::watched(socket)) {
            let interest = match self.datagrams {
                Some(_) => Interest::READABLE,
                None => Interest::READABLE | Interest::WRITABLE,
            };
            self.watch.set(Watch::Changing);
            let registered = sys::watch(&self.registration, &watched, interest);
            self.registered.set(registered.is_ok());
            if self.end_change() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            registered?;
        }
        Ok(())
    }

    /// Removes the socket from the poll, and keeps it.
    pub(super) fn deregister(&self) {
        if self.registered.replace(false)
            && let Some(watched) = self.with(|socket| sys::watched(socket))
        {
            self.watch.set(Watch::Changing);
            sys::unwatch(&self.registration, &watched);
            self.end_change();
        }
    }

    /// The poll has added or removed the socket. Closes the engine if it was to be closed
    /// meanwhile, and returns whether it was.
    fn end_change(&self) -> bool {
        let is_closed = self.watch.replace(Watch::Still) == Watch::ToClose;
        if is_closed {
            self.close();
        }
        is_closed
    }

    /// Closes the descriptor. If the poll is adding or removing the socket, that comes first.
    pub(super) fn close(&self) {
        self.stage.set(Stage::Unconnected);
        if self.watch.get() == Watch::Still {
            let socket = self.take_out();
            drop(socket);
        } else {
            self.watch.set(Watch::ToClose);
        }
    }

    /// Removes the socket from the poll and from the engine.
    pub(super) fn take_out(&self) -> Option<Socket> {
        if self.watch.get() != Watch::Still {
            return None;
        }
        self.stage.set(Stage::Unconnected);
        let socket = self.io.take()?;
        if self.registered.replace(false) {
            sys::unwatch(&self.registration, &sys::watched(&socket));
        }
        Some(socket)
    }
}
