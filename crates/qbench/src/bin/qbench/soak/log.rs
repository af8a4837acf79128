//! What is known of one end of a connection, and the checks of its bytes and signals.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use qcore::{QIODevice, QObject, QPointer, Signal};
use qnetwork::{CloseReason, QSslSocket};

use super::{
    acts,
    random::{self, HEADER},
    shared::{Kind, Report, Shared, lock},
    socket::{Socket, with},
};

/// The record of one end. It does not keep the socket alive, and outlives it.
pub(super) struct Log {
    pub(super) id: u64,
    pub(super) kind: Kind,
    pub(super) is_clean: Cell<bool>,
    pub(super) peer: Cell<Option<u64>>,
    /// The first bytes were no header, so the other end is none of this program's.
    pub(super) is_stranger: Cell<bool>,
    pub(super) received: Cell<u64>,
    pub(super) written: Cell<u64>,
    pub(super) saw_end: Cell<bool>,
    pub(super) ended_here: Cell<bool>,
    pub(super) sent_all: Cell<bool>,
    pub(super) cuts: Cell<bool>,
    /// A connection was accepted or begun.
    pub(super) begun: Cell<bool>,
    pub(super) connected: Cell<u32>,
    pub(super) disconnected: Cell<u32>,
    pub(super) closed: Cell<u32>,
    /// Another thread has the connection now.
    pub(super) is_moved: Cell<bool>,
    destroyed: Cell<bool>,
    /// The latest acts, for messages.
    acts: Cell<[u8; 8]>,
    sent: Cell<u64>,
    header: RefCell<Vec<u8>>,
    shared: Arc<Shared>,
}

impl Log {
    pub(super) fn new(shared: &Arc<Shared>, kind: Kind, is_clean: bool) -> Self {
        Log {
            id: shared.new_id(),
            kind,
            is_clean: Cell::new(is_clean),
            peer: Cell::default(),
            is_stranger: Cell::default(),
            received: Cell::default(),
            written: Cell::default(),
            saw_end: Cell::default(),
            ended_here: Cell::default(),
            sent_all: Cell::default(),
            cuts: Cell::default(),
            begun: Cell::default(),
            connected: Cell::default(),
            disconnected: Cell::default(),
            closed: Cell::default(),
            is_moved: Cell::default(),
            destroyed: Cell::default(),
            acts: Cell::default(),
            sent: Cell::default(),
            header: RefCell::default(),
            shared: shared.clone(),
        }
    }

    /// Returns a log of the same connection for another thread, which goes on with it.
    pub(super) fn carry(&self) -> Self {
        Log {
            id: self.id,
            is_stranger: self.is_stranger.clone(),
            peer: self.peer.clone(),
            received: self.received.clone(),
            written: self.written.clone(),
            sent: self.sent.clone(),
            header: self.header.clone(),
            acts: self.acts.clone(),
            begun: Cell::new(true),
            connected: Cell::new(1),
            ..Log::new(&self.shared, self.kind, self.is_clean.get())
        }
    }

    /// Connects to the signals of the socket.
    pub(super) fn watch(self: &Rc<Self>, socket: &Socket, counts_sent: bool) {
        self.count(&socket.ready_read, "ready_read", |_, ()| ());
        self.count(&socket.read_channel_finished, "read_channel_finished", |_, ()| ());
        // A socket without a slot at this signal sends earlier, so only some have one.
        if counts_sent {
            self.count(&socket.bytes_written, "bytes_written", |log, count| {
                log.sent.set(log.sent.get() + *count as u64);
                if log.sent.get() > log.written.get() {
                    log.complain("more bytes are reported as written than were written");
                }
            });
        }
        let connected = |log: &Log, (): &()| log.connected.set(log.connected.get() + 1);
        let disconnected = |log: &Log, (): &()| log.disconnected.set(log.disconnected.get() + 1);
        with!(socket, socket => {
            self.count(&socket.connected, "connected", connected);
            self.count(&socket.disconnected, "disconnected", disconnected);
            self.count(&socket.state_changed, "state_changed", |_, _| ());
            self.count(&socket.error_occurred, "error_occurred", |_, _| ());
            self.watch_end(&socket.closed, socket);
        });
        if let Some(socket) = socket.cast::<QSslSocket>() {
            self.count(&socket.encrypted, "encrypted", |_, ()| ());
        }
        self.watch_death(socket);
    }

    fn count<T: 'static>(
        self: &Rc<Self>,
        signal: &Signal<T>,
        name: &'static str,
        note: impl Fn(&Log, &T) + 'static,
    ) {
        let log = self.clone();
        signal.connect(move |value| {
            if log.destroyed.get() {
                log.complain(&format!("{name} after destroyed"));
            } else if log.closed.get() > 0 {
                log.complain(&format!("{name} after closed"));
            }
            note(&log, value);
        });
    }

    fn watch_end(self: &Rc<Self>, signal: &Signal<CloseReason>, device: &QIODevice) {
        let (log, device) = (self.clone(), QPointer::new(device));
        signal.connect(move |reason| {
            // What is left in the buffer has arrived.
            if let Some(device) = device.upgrade().filter(|_| !log.ended_here.get()) {
                log.take(&device.read_all());
            }
            log.end(reason);
        });
    }

    fn watch_death(self: &Rc<Self>, object: &QObject) {
        let log = self.clone();
        object.destroyed.connect(move |_| {
            if log.destroyed.replace(true) {
                log.complain("destroyed twice");
            }
            if log.begun.get() && log.closed.get() != 1 && !log.is_moved.get() {
                log.complain("destroyed without a closed");
            }
        });
    }

    fn end(&self, reason: &CloseReason) {
        self.closed.set(self.closed.get() + 1);
        let (connected, disconnected) = (self.connected.get(), self.disconnected.get());
        // The two layers of an encrypted socket both tell of the end, as in Qt.
        let most = if self.kind == Kind::Tls { 2 } else { 1 };
        match reason {
            _ if self.closed.get() > 1 => self.complain("closed twice"),
            _ if connected > 1 => self.complain("connected twice"),
            _ if disconnected > most => self.complain("disconnected too often"),
            CloseReason::ConnectFailed(_) if disconnected > 0 => {
                self.complain("disconnected, though connecting has failed");
            }
            _ => {}
        }
        let counters = &self.shared.counters;
        *lock(&counters.reasons).entry(name_of(reason)).or_default() += 1;
        let acted = self.ended_here.get();
        if *reason == CloseReason::Local && !acted {
            // A server that shuts down has closed it.
            self.cuts.set(true);
        }
        let is_local = *reason == CloseReason::Local;
        if self.is_stranger.get() || (self.written.get() == 0 && self.peer.get().is_none()) {
            return;
        }
        self.shared.report(Report {
            id: self.id,
            peer: self.peer.get(),
            kind: self.kind,
            is_clean: self.is_clean.get(),
            received: self.received.get(),
            written: self.written.get(),
            reason: reason.clone(),
            saw_end: self.saw_end.get() || *reason == CloseReason::Remote,
            ended_here: acted,
            sent_all: self.sent_all.get() && (is_local || self.kind == Kind::Tasks),
            cuts: self.cuts.get(),
            acts: acts::names(self.acts.get()),
        });
    }

    /// Notes an act, for messages.
    pub(super) fn note(&self, act: u8) {
        let mut acts = self.acts.get();
        acts.rotate_left(1);
        acts[7] = act;
        self.acts.set(acts);
    }

    pub(super) fn latest_acts(&self) -> [u8; 8] {
        self.acts.get()
    }

    pub(super) fn complain(&self, what: &str) {
        let (connected, disconnected) = (self.connected.get(), self.disconnected.get());
        self.shared.complain(format!(
            "{what}: end {} of {:?}, connected {connected}, disconnected {disconnected}, \
             closed {}, received {}, written {}, clean {}, ended here {}, latest acts {:?}",
            self.id,
            self.kind,
            self.closed.get(),
            self.received.get(),
            self.written.get(),
            self.is_clean.get(),
            self.ended_here.get(),
            acts::names(self.acts.get()),
        ));
    }

    // ---- bytes

    /// Returns the next bytes to write. The caller reports to [`wrote`](Log::wrote) how many of
    /// them were written.
    pub(super) fn to_write(&self, size: usize) -> Vec<u8> {
        random::bytes(self.id, self.is_clean.get(), self.written.get(), size)
    }

    pub(super) fn wrote(&self, count: usize) {
        self.written.set(self.written.get() + count as u64);
    }

    /// Returns how many bytes a clean end has still to write.
    pub(super) fn left_to_write(&self) -> u64 {
        random::quota(self.id).saturating_sub(self.written.get())
    }

    /// Returns whether a clean end has received everything that the other one sends.
    pub(super) fn has_all(&self) -> bool {
        self.peer.get().is_some_and(|peer| self.received.get() == random::quota(peer))
    }

    /// Checks bytes that this end has received.
    pub(super) fn take(&self, data: &[u8]) {
        self.shared.counters.bytes.fetch_add(data.len() as u64, SeqCst);
        if self.is_stranger.get() {
            return;
        }
        self.check(data);
        if !self.is_stranger.get() {
            self.received.set(self.received.get() + data.len() as u64);
        }
    }

    /// Checks bytes that this end has looked at and not yet taken. An end that knows its peer only
    /// may call it.
    pub(super) fn check_ahead(&self, data: &[u8]) {
        if let Some(peer) = self.peer.get() {
            self.compare(peer, self.received.get(), data);
        }
    }

    /// Counts bytes that this end has skipped.
    pub(super) fn skip(&self, count: usize) {
        self.received.set(self.received.get() + count as u64);
    }

    fn check(&self, data: &[u8]) {
        let (mut at, mut data) = (self.received.get(), data);
        if at < HEADER {
            let count = data.len().min((HEADER - at) as usize);
            let mut header = self.header.borrow_mut();
            header.extend_from_slice(&data[..count]);
            (at, data) = (at + count as u64, &data[count..]);
            if at < HEADER {
                return;
            }
            match random::sender_of(&header) {
                Some((peer, is_clean)) => {
                    self.peer.set(Some(peer));
                    // A server's end follows its client.
                    if self.written.get() == 0 && !self.ended_here.get() {
                        self.is_clean.set(is_clean);
                    }
                }
                None => {
                    self.is_stranger.set(true);
                    self.shared.counters.strangers.fetch_add(1, SeqCst);
                    return;
                }
            }
        }
        let peer = self.peer.get().expect("the header was read");
        self.compare(peer, at, data);
    }

    fn compare(&self, peer: u64, at: u64, data: &[u8]) {
        // The header was checked already.
        let skipped = (HEADER.saturating_sub(at) as usize).min(data.len());
        let (at, data) = (at + skipped as u64, &data[skipped..]);
        let expected = random::bytes(peer, false, at, data.len());
        if let Some(place) = data.iter().zip(&expected).position(|(one, other)| one != other) {
            self.complain(&format!("a wrong byte {} of end {peer}", at + place as u64));
        }
    }
}

/// Returns the name under which the progress display counts a reason.
fn name_of(reason: &CloseReason) -> String {
    match reason {
        CloseReason::ConnectFailed(error) => format!("ConnectFailed({:?})", error.kind()),
        CloseReason::Failed(error) => format!("Failed({:?})", error.kind()),
        CloseReason::TlsRefused(error) => format!("TlsRefused({:?})", error.kind()),
        reason => format!("{reason:?}"),
    }
}
