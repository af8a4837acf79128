//! One end of a TLS connection. It does no I/O.
//!
//! ```text
//!   receive() ──► input ──► advance() ──► News, and plain text: plain(), consume()
//!   encrypt(), close(), advance() ──► output ──► take_output()
//! ```
//!
//! [`receive`](Session::receive) stores what the peer sends, and [`advance`](Session::advance)
//! processes it and returns one event at a time. Data for the peer collects in the output until the
//! caller takes it. So the caller decides what is sent and when. Between [`News::Peer`] and the
//! verdict on the peer's certificate it sends nothing.

use std::{mem, rc::Rc, sync::Arc};

use qcore::internals::{BufferPool, SCRATCH};
use rustls::{
    ClientConfig, CommonState, Error, ServerConfig,
    client::UnbufferedClientConnection,
    pki_types::{CertificateDer, ServerName},
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus},
};

use crate::engine::Outcome;

/// How many received bytes the session holds: more than the largest handshake message, which is 64
/// KiB, with its records.
pub(super) const HELD: usize = 128 * 1024;
/// The maximum size of a record's plain text.
const FRAGMENT: usize = 16 * 1024;
/// The first byte of an unencrypted record with a handshake message.
const HANDSHAKE: u8 = 22;
/// The maximum overhead of a record.
const OVERHEAD: usize = 64;

/// An event. Each is returned once and in this order, except [`Blocked`](News::Blocked) and
/// [`Data`](News::Data).
#[derive(Debug)]
pub(super) enum News {
    /// The session needs more data from the peer.
    Blocked,
    /// The peer has sent its certificates, or none. The current output answers them.
    Peer,
    /// The handshake has finished.
    Encrypted,
    /// There is plain text.
    Data,
    /// The peer will send no more.
    Closed,
    /// The peer has sent invalid data or an alert.
    Failed(Error),
}

pub(super) struct Session {
    side: Side,
    pool: Rc<BufferPool>,
    /// The received bytes. Those from `start` to `end` were not processed yet.
    input: Vec<u8>,
    start: usize,
    end: usize,
    output: Vec<u8>,
    /// The alert that tells the peer about the failure.
    alert: Vec<u8>,
    /// The plain text. The caller has not consumed the bytes from `plain_start` on.
    plain: Vec<u8>,
    plain_start: usize,
    told_peer: bool,
    told_encrypted: bool,
    /// Whether the peer has closed; `Some(true)` once that was returned.
    closed: Option<bool>,
    failed: bool,
    /// Why the session has failed, until that was returned.
    error: Option<Error>,
}

/// A session that leaves its thread. Its handshake has finished, and it has neither ended nor
/// failed.
pub(super) struct DetachedSession {
    side: Side,
    input: Vec<u8>,
    output: Vec<u8>,
    plain: Vec<u8>,
}

enum Side {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// The step to repeat once writing is possible.
enum Want<'a> {
    Nothing,
    Data(&'a [u8]),
    Close,
}

/// The result of a step.
#[derive(PartialEq, Eq)]
enum Step {
    /// There may be more to do.
    Again,
    /// The output now contains the written data.
    Written,
    /// The session needs more data from the peer.
    Blocked,
    PeerClosed,
}

impl Session {
    /// Creates a client that connects to a named server.
    pub(super) fn client(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        pool: Rc<BufferPool>,
    ) -> Result<Self, Error> {
        let side = Side::Client(UnbufferedClientConnection::new(config, name)?);
        Ok(Self::new(side, pool))
    }

    /// Creates a server.
    pub(super) fn server(config: Arc<ServerConfig>, pool: Rc<BufferPool>) -> Result<Self, Error> {
        let side = Side::Server(UnbufferedServerConnection::new(config)?);
        Ok(Self::new(side, pool))
    }

    fn new(side: Side, pool: Rc<BufferPool>) -> Self {
        Session {
            side,
            pool,
            input: Vec::new(),
            start: 0,
            end: 0,
            output: Vec::new(),
            alert: Vec::new(),
            plain: Vec::new(),
            plain_start: 0,
            told_peer: false,
            told_encrypted: false,
            closed: None,
            failed: false,
            error: None,
        }
    }

    // ---- leaving the thread

    /// Returns whether the session can go to another thread: its handshake has finished, and it has
    /// neither ended nor failed.
    pub(super) fn can_leave(&self) -> bool {
        self.told_peer && self.told_encrypted && self.closed.is_none() && !self.failed
    }

    /// Takes the session out of this thread, if it [can leave](Self::can_leave).
    pub(super) fn detach(mut self) -> DetachedSession {
        self.plain.drain(..self.plain_start);
        let input = self.input[self.start..self.end].to_vec();
        DetachedSession { side: self.side, input, output: self.output, plain: self.plain }
    }

    /// Continues a session of another thread, which has `received` more bytes to process.
    pub(super) fn attach(session: DetachedSession, received: &[u8], pool: Rc<BufferPool>) -> Self {
        let DetachedSession { side, mut input, output, plain } = session;
        input.extend_from_slice(received);
        let end = input.len();
        let attached = Session { input, end, output, plain, ..Self::new(side, pool) };
        Session { told_peer: true, told_encrypted: true, ..attached }
    }

    /// Returns the buffers of a session that has ended to the pool.
    pub(super) fn recycle(mut self) {
        (self.start, self.end) = (0, 0);
        self.release_input(Vec::new());
        self.pool.put(mem::take(&mut self.plain));
        self.pool.put(mem::take(&mut self.output));
    }

    // ---- receiving

    /// Returns how many more bytes the session can receive.
    pub(super) fn room(&self) -> usize {
        HELD.saturating_sub(self.held())
    }

    /// Returns how many received bytes were not processed.
    pub(super) fn held(&self) -> usize {
        self.end - self.start
    }

    /// Calls `read` to put up to `room` bytes into the input.
    pub(super) fn receive(
        &mut self,
        room: usize,
        read: impl FnOnce(&mut [u8]) -> Outcome,
    ) -> Outcome {
        let held = self.held();
        let room = room.min(self.room());
        if self.start > 0 || self.input.len() < held + room {
            let mut scratch = self.pool.take_scratch();
            scratch[..held].copy_from_slice(&self.input[self.start..self.end]);
            self.release_input(scratch);
            (self.start, self.end) = (0, held);
        }
        let outcome = read(&mut self.input[held..held + room]);
        match outcome {
            Outcome::Moved(count) => self.end += count,
            Outcome::WouldBlock | Outcome::Failed(_) => self.settle(),
        }
        outcome
    }

    /// Adds bytes that arrived before there was a session.
    pub(super) fn receive_all(&mut self, bytes: Vec<u8>) {
        (self.start, self.end) = (0, bytes.len());
        self.release_input(bytes);
    }

    /// Processes received bytes until there is an event.
    pub(super) fn advance(&mut self) -> News {
        if self.closed == Some(true) {
            // Data after the end is ignored.
            self.start = self.end;
        }
        let mut blocked = false;
        loop {
            if let Some(news) = self.news() {
                return news;
            }
            if blocked || self.failed {
                self.settle();
                return News::Blocked;
            }
            match self.step(&Want::Nothing) {
                Ok(Step::Again) => {}
                Ok(Step::Blocked | Step::Written) => {
                    if self.room() == 0 {
                        // No message is that long.
                        self.fail(Error::General("message too long".into()));
                    }
                    blocked = true;
                }
                Ok(Step::PeerClosed) => self.closed = Some(false),
                Err(error) => self.fail(error),
            }
        }
    }

    /// Records a failure. rustls is not called again after an error: it would continue with the
    /// received bytes, find the next fault, and fail its assertion that it sends one alert only.
    fn fail(&mut self, error: Error) {
        let before = mem::take(&mut self.output);
        // The alert comes last in the output. A TLS 1.2 client may have queued its certificate
        // before it, which must not go to a server that was not judged.
        let is_unjudged = matches!(self.side, Side::Client(_)) && !self.told_peer;
        while self.common().wants_write() {
            if is_unjudged {
                self.output.clear();
            }
            if !matches!(self.step(&Want::Nothing), Ok(Step::Again)) {
                break;
            }
        }
        if is_unjudged && self.output.first() == Some(&HANDSHAKE) {
            // There was no alert.
            self.output.clear();
        }
        self.alert = mem::replace(&mut self.output, before);
        self.error = Some(error);
        self.failed = true;
        self.start = self.end;
    }

    fn news(&mut self) -> Option<News> {
        if self.failed && self.plain().is_empty() {
            return self.error.take().map(News::Failed);
        }
        let common = self.side.common();
        let handshaking = common.is_handshaking();
        if !self.told_peer && (!handshaking || common.peer_certificates().is_some()) {
            self.told_peer = true;
            return Some(News::Peer);
        }
        if !self.told_encrypted && !handshaking {
            self.told_encrypted = true;
            return Some(News::Encrypted);
        }
        if !self.plain().is_empty() {
            return Some(News::Data);
        }
        if self.closed == Some(false) {
            self.closed = Some(true);
            self.start = self.end;
            return Some(News::Closed);
        }
        None
    }

    /// Returns the plain text that was not consumed.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain[self.plain_start..]
    }

    /// Removes the first bytes of the plain text.
    pub(super) fn consume(&mut self, count: usize) {
        self.plain_start += count;
        if self.plain_start == self.plain.len() {
            self.plain_start = 0;
            self.pool.put(mem::take(&mut self.plain));
        }
    }

    // ---- sending

    /// Encrypts data. Fails before the handshake has finished, and does nothing after the session
    /// has failed.
    pub(super) fn encrypt(&mut self, data: &[u8]) -> Result<(), Error> {
        self.write(&Want::Data(data))
    }

    /// Queues the message that this end will send no more.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.write(&Want::Close)
    }

    fn write(&mut self, want: &Want<'_>) -> Result<(), Error> {
        if self.failed {
            // The peer ignores everything after the alert.
            return Ok(());
        }
        loop {
            match self.step(want) {
                Ok(Step::Again) => {}
                Ok(Step::Written) => return Ok(()),
                Ok(Step::Blocked) => return Err(Error::HandshakeNotComplete),
                Ok(Step::PeerClosed) => self.closed = Some(false),
                Err(Error::EncryptError) => return Err(Error::EncryptError),
                // The peer's data has caused the error, so `advance` returns it.
                Err(error) => {
                    self.fail(error);
                    return Ok(());
                }
            }
        }
    }

    /// Returns the length of the output.
    pub(super) fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Takes the output, if there is any.
    pub(super) fn take_output(&mut self) -> Option<Vec<u8>> {
        (!self.output.is_empty()).then(|| mem::take(&mut self.output))
    }

    /// Takes the alert after a failure, with the output that precedes it.
    pub(super) fn alert(&mut self) -> Option<Vec<u8>> {
        self.output.append(&mut self.alert);
        self.take_output()
    }

    // ---- negotiated values

    pub(super) fn common(&self) -> &CommonState {
        self.side.common()
    }

    /// Returns the peer's certificates, its own first.
    pub(super) fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        self.common().peer_certificates().unwrap_or_default()
    }

    /// Returns how many session tickets a server has sent.
    pub(super) fn tickets_received(&self) -> u32 {
        match &self.side {
            Side::Client(connection) => connection.tls13_tickets_received(),
            Side::Server(_) => 0,
        }
    }

    // ----

    fn step(&mut self, want: &Want<'_>) -> Result<Step, Error> {
        let input = &mut self.input[self.start..self.end];
        let mut buffers =
            Buffers { output: &mut self.output, plain: &mut self.plain, pool: &self.pool };
        let (used, step) = match &mut self.side {
            Side::Client(connection) => buffers.follow(connection.process_tls_records(input), want),
            Side::Server(connection) => buffers.follow(connection.process_tls_records(input), want),
        };
        self.start += used;
        step
    }

    /// Releases empty buffers, and shrinks those that are larger than their content.
    pub(super) fn settle(&mut self) {
        let held = self.held();
        if held == 0 {
            (self.start, self.end) = (0, 0);
            self.release_input(Vec::new());
        } else if self.input.len() == SCRATCH {
            // A buffer of the pool may be larger than the content needs.
            let is_small = held < SCRATCH / 8;
            let mut kept = if is_small { self.pool.take(held) } else { Vec::with_capacity(held) };
            kept.extend_from_slice(&self.input[self.start..self.end]);
            (self.start, self.end) = (0, held);
            self.release_input(kept);
        }
    }

    /// Replaces the input buffer and returns the old one to the pool.
    fn release_input(&mut self, other: Vec<u8>) {
        let used = mem::replace(&mut self.input, other);
        if used.len() == SCRATCH {
            self.pool.put_scratch(used);
        } else {
            self.pool.put(used);
        }
    }
}

impl Side {
    fn common(&self) -> &CommonState {
        match self {
            Side::Client(connection) => connection,
            Side::Server(connection) => connection,
        }
    }
}

/// The buffers that a step writes to.
struct Buffers<'a> {
    output: &'a mut Vec<u8>,
    plain: &'a mut Vec<u8>,
    pool: &'a BufferPool,
}

impl Buffers<'_> {
    /// Performs what rustls asks for. Returns how many bytes of the input were used.
    fn follow<D>(
        &mut self,
        status: UnbufferedStatus<'_, '_, D>,
        want: &Want<'_>,
    ) -> (usize, Result<Step, Error>) {
        let mut used = status.discard;
        let state = match status.state {
            Ok(state) => state,
            Err(error) => return (used, Err(error)),
        };
        let step = match state {
            ConnectionState::ReadTraffic(mut traffic) => loop {
                match traffic.next_record() {
                    None => break Ok(Step::Again),
                    Some(Err(error)) => break Err(error),
                    Some(Ok(record)) => {
                        used += record.discard;
                        self.add_plain(record.payload);
                    }
                }
            },
            ConnectionState::EncodeTlsData(mut data) => {
                self.add_output(0, |room| match data.encode(room) {
                    Ok(count) => Ok(Some(count)),
                    Err(EncodeError::InsufficientSize(error)) => Err(error.required_size),
                    Err(EncodeError::AlreadyEncoded) => Ok(Some(0)),
                });
                Ok(Step::Again)
            }
            ConnectionState::TransmitTlsData(data) => {
                data.done();
                Ok(Step::Again)
            }
            ConnectionState::WriteTraffic(mut traffic) => {
                let guess = match want {
                    Want::Nothing => return (used, Ok(Step::Blocked)),
                    Want::Data(data) => data.len() + (data.len() / FRAGMENT + 1) * OVERHEAD,
                    Want::Close => OVERHEAD,
                };
                let written = self.add_output(guess, |room| {
                    let written = match want {
                        Want::Data(data) => traffic.encrypt(data, room),
                        _ => traffic.queue_close_notify(room),
                    };
                    match written {
                        Ok(count) => Ok(Some(count)),
                        Err(EncryptError::InsufficientSize(error)) => Err(error.required_size),
                        Err(EncryptError::EncryptExhausted) => Ok(None),
                    }
                });
                if written { Ok(Step::Written) } else { Err(Error::EncryptError) }
            }
            ConnectionState::PeerClosed => Ok(Step::PeerClosed),
            // `Closed` was returned already, and a peer sends no early data unless it was offered.
            _ => Ok(Step::Blocked),
        };
        (used, step)
    }

    fn add_plain(&mut self, data: &[u8]) {
        if self.plain.capacity() == 0 {
            *self.plain = self.pool.take(data.len());
        }
        self.plain.extend_from_slice(data);
    }

    /// Calls `write` with room for `guess` bytes in the output, and again with more room if it
    /// needs more. `write` returns the number of bytes written, `None` if it cannot write at all,
    /// or as its error the number of bytes that it needs. Returns whether it has written.
    fn add_output(
        &mut self,
        guess: usize,
        mut write: impl FnMut(&mut [u8]) -> Result<Option<usize>, usize>,
    ) -> bool {
        if self.output.capacity() == 0 && guess > 0 {
            *self.output = self.pool.take(guess);
        }
        let before = self.output.len();
        let mut room = guess;
        loop {
            self.output.resize(before + room, 0);
            match write(&mut self.output[before..]) {
                Ok(count) => {
                    self.output.truncate(before + count.unwrap_or(0));
                    return count.is_some();
                }
                Err(needed) => room = needed.max(room + 1),
            }
        }
    }
}

#[cfg(test)]
mod tests;
