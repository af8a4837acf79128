//! Connections on their way to a worker.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use mio::net::TcpStream;

use super::WorkerErrorKind;
use crate::socket::DetachedSocket;

/// An accepted connection that goes to a worker.
pub(crate) enum Handed {
    Stream(TcpStream, SocketAddr),
    /// From a proxy.
    Detached(DetachedSocket),
}

/// The connections that a worker has not fetched yet, and how many it has dealt with.
///
/// The listening server puts connections in and asks the worker's loop for a call. Each call
/// fetches one connection and asks for the next call.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// How many connections of this worker no longer wait to be taken by the program.
    left: AtomicUsize,
    /// Why the worker has ended its thread.
    end: OnceLock<WorkerErrorKind>,
}

#[derive(Default)]
struct State {
    connections: VecDeque<Handed>,
    /// Changes when the listening server closes. Calls that belong to an earlier round do nothing.
    round: u64,
    /// Whether the worker's loop has been asked for a call in this round.
    is_called: bool,
}

/// A connection that was fetched.
pub(super) struct Fetched {
    pub(super) connection: Handed,
    /// Whether there are more.
    pub(super) more: bool,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a connection. If the worker's loop has to be asked for a call, returns the round of
    /// this call.
    pub(super) fn push(&self, connection: Handed) -> Option<u64> {
        let mut state = self.state();
        state.connections.push_back(connection);
        (!std::mem::replace(&mut state.is_called, true)).then_some(state.round)
    }

    /// Takes the first connection, for a call of this round.
    pub(super) fn fetch(&self, round: u64) -> Option<Fetched> {
        let mut state = self.state();
        if state.round != round {
            return None;
        }
        let connection = state.connections.pop_front();
        let more = !state.connections.is_empty();
        state.is_called = more;
        connection.map(|connection| Fetched { connection, more })
    }

    /// Takes all connections. Begins a new round.
    pub(super) fn take_all(&self) -> VecDeque<Handed> {
        let mut state = self.state();
        state.round += 1;
        state.is_called = false;
        std::mem::take(&mut state.connections)
    }

    // ---- the end

    /// Returns why the worker has ended its thread, if it has.
    pub(super) fn end(&self) -> Option<WorkerErrorKind> {
        self.end.get().copied()
    }

    /// Sets why the worker ends its thread. The first reason counts.
    pub(super) fn set_end(&self, reason: WorkerErrorKind) {
        let _ = self.end.set(reason);
    }

    // ---- counting

    pub(super) fn left(&self) -> usize {
        self.left.load(SeqCst)
    }

    pub(super) fn set_left(&self, count: usize) {
        self.left.store(count, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Handed {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = std::net::TcpStream::connect(address).unwrap();
        Handed::Stream(TcpStream::from_std(stream), address)
    }

    #[test]
    fn one_call_at_a_time() {
        let inbox = Inbox::default();
        assert_eq!(inbox.push(connection()), Some(0));
        assert_eq!(inbox.push(connection()), None);
        assert!(inbox.fetch(0).unwrap().more);
        assert_eq!(inbox.push(connection()), None);
        assert!(inbox.fetch(0).unwrap().more);
        assert!(!inbox.fetch(0).unwrap().more);
        assert!(inbox.fetch(0).is_none());
        assert_eq!(inbox.push(connection()), Some(0));
    }

    #[test]
    fn calls_of_an_earlier_round() {
        let inbox = Inbox::default();
        inbox.push(connection());
        assert_eq!(inbox.take_all().len(), 1);
        assert_eq!(inbox.push(connection()), Some(1));
        // The call that was asked for in the first round comes now.
        assert!(inbox.fetch(0).is_none());
        assert!(inbox.fetch(1).is_some());
    }
}
