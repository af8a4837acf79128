//! One end of an encrypted connection, with no socket.
//!
//! ```text
//!   receive() ──► input ──► advance() ──► News, and plain text: plain(), consume()
//!   encrypt(), close(), advance() ──► output ──► take_output()
//! ```
//!
//! What the other end sends is put in by [`receive`](Session::receive), and worked on by
//! [`advance`](Session::advance), which tells one thing at a time. What is to be sent gathers in
//! the output until somebody takes it. So whoever calls decides what goes out, and when: between
//! [`News::Peer`] and the verdict upon it, nothing.

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

/// How much is held of what the other end sends: more than the largest message of a handshake,
/// which is 64 KiB, and its records take.
pub(super) const HELD: usize = 128 * 1024;
/// The most that a record has of plain text.
const FRAGMENT: usize = 16 * 1024;
/// The first byte of a record that has a part of the handshake and is not encrypted.
const HANDSHAKE: u8 = 22;
/// What a record needs beside its plain text, at most.
const OVERHEAD: usize = 64;

/// What has happened at the other end. Each but [`Blocked`](News::Blocked) and [`Data`](News::Data)
/// is told once, in this order.
#[derive(Debug)]
pub(super) enum News {
    /// Nothing, until something more is received.
    Blocked,
    /// The other end has said who it is, or that it does not say. The output that there is now
    /// answers it.
    Peer,
    /// The handshake is over.
    Encrypted,
    /// There is plain text.
    Data,
    /// The other end will send no more.
    Closed,
    /// It has sent what makes no sense, or refuses.
    Failed(Error),
}

pub(super) struct Session {
    side: Side,
    pool: Rc<BufferPool>,
    /// Has what was received and not worked on, from `start` to `end`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    output: Vec<u8>,
    /// What tells the other end that it has failed.
    alert: Vec<u8>,
    /// Plain text, of which nobody has taken what begins at `plain_start`.
    plain: Vec<u8>,
    plain_start: usize,
    told_peer: bool,
    told_encrypted: bool,
    /// Whether the other end has closed, and that was told.
    closed: Option<bool>,
    failed: bool,
    /// Why it has failed, until that is told.
    error: Option<Error>,
}

enum Side {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// What is to be written if it can be.
enum Want<'a> {
    Nothing,
    Data(&'a [u8]),
    Close,
}

/// What a step has come to.
#[derive(PartialEq, Eq)]
enum Step {
    /// There may be more to do.
    Again,
    /// What was wanted is in the output.
    Written,
    /// More is needed from the other end.
    Blocked,
    PeerClosed,
}

impl Session {
    /// The end that asks, for a server of some name.
    pub(super) fn client(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        pool: Rc<BufferPool>,
    ) -> Result<Self, Error> {
        let side = Side::Client(UnbufferedClientConnection::new(config, name)?);
        Ok(Self::new(side, pool))
    }

    /// The end that is asked.
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

    // ---- what the other end sends

    /// How many bytes may be received now.
    pub(super) fn room(&self) -> usize {
        HELD.saturating_sub(self.held())
    }

    /// How many bytes were received and not worked on.
    pub(super) fn held(&self) -> usize {
        self.end - self.start
    }

    /// Has `read` put up to `room` bytes into the input.
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

    /// Receives what was there before there was a session.
    pub(super) fn receive_all(&mut self, bytes: Vec<u8>) {
        (self.start, self.end) = (0, bytes.len());
        self.release_input(bytes);
    }

    /// Works on what was received until there is something to tell.
    pub(super) fn advance(&mut self) -> News {
        if self.closed == Some(true) {
            // What follows is none of ours.
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
                        // No message is as long as that.
                        self.fail(Error::General("message too long".into()));
                    }
                    blocked = true;
                }
                Ok(Step::PeerClosed) => self.closed = Some(false),
                Err(error) => self.fail(error),
            }
        }
    }

    /// rustls is not asked again after an error: it would go on with what was received, find the
    /// next fault, and assert that it tells the other end of one alone.
    fn fail(&mut self, error: Error) {
        let before = mem::take(&mut self.output);
        // The alert comes last. A client of TLS 1.2 may have queued its certificate before it,
        // which a server that was not judged does not get.
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

    /// Plain text that nobody has taken yet.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain[self.plain_start..]
    }

    /// Takes the first bytes off the plain text.
    pub(super) fn consume(&mut self, count: usize) {
        self.plain_start += count;
        if self.plain_start == self.plain.len() {
            self.plain_start = 0;
            self.pool.put(mem::take(&mut self.plain));
        }
    }

    // ---- what is sent

    /// Encrypts. Fails before the handshake is over, and does nothing once the session has failed.
    pub(super) fn encrypt(&mut self, data: &[u8]) -> Result<(), Error> {
        self.write(&Want::Data(data))
    }

    /// Says that no more will be sent.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.write(&Want::Close)
    }

    fn write(&mut self, want: &Want<'_>) -> Result<(), Error> {
        if self.failed {
            // The other end would not look at it: the alert is the last that it is sent.
            return Ok(());
        }
        loop {
            match self.step(want) {
                Ok(Step::Again) => {}
                Ok(Step::Written) => return Ok(()),
                Ok(Step::Blocked) => return Err(Error::HandshakeNotComplete),
                Ok(Step::PeerClosed) => self.closed = Some(false),
                Err(Error::EncryptError) => return Err(Error::EncryptError),
                // Of what the other end has sent, and is told as such.
                Err(error) => {
                    self.fail(error);
                    return Ok(());
                }
            }
        }
    }

    /// How much is to be sent.
    pub(super) fn output_len(&self) -> usize {
        self.output.len()
    }

    /// What is to be sent, if anything is.
    pub(super) fn take_output(&mut self) -> Option<Vec<u8>> {
        (!self.output.is_empty()).then(|| mem::take(&mut self.output))
    }

    /// What the other end is to be told when it has failed, and what was to be sent before that.
    pub(super) fn alert(&mut self) -> Option<Vec<u8>> {
        self.output.append(&mut self.alert);
        self.take_output()
    }

    // ---- what was agreed on

    pub(super) fn common(&self) -> &CommonState {
        self.side.common()
    }

    /// The other end's certificates, its own first.
    pub(super) fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        self.common().peer_certificates().unwrap_or_default()
    }

    /// How many tickets for resuming the session a server has sent.
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

    /// Keeps no buffer that is empty, and none that is larger than what it has.
    pub(super) fn settle(&mut self) {
        let held = self.held();
        if held == 0 {
            (self.start, self.end) = (0, 0);
            self.release_input(Vec::new());
        } else if self.input.len() == SCRATCH {
            // A large one of the pool's may be larger than that.
            let is_small = held < SCRATCH / 8;
            let mut kept = if is_small { self.pool.take(held) } else { Vec::with_capacity(held) };
            kept.extend_from_slice(&self.input[self.start..self.end]);
            (self.start, self.end) = (0, held);
            self.release_input(kept);
        }
    }

    /// Takes another buffer for the input, and gives the one that was used back.
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

impl Drop for Session {
    fn drop(&mut self) {
        (self.start, self.end) = (0, 0);
        self.release_input(Vec::new());
        self.pool.put(mem::take(&mut self.plain));
        self.pool.put(mem::take(&mut self.output));
    }
}

/// Where a step puts what it has.
struct Buffers<'a> {
    output: &'a mut Vec<u8>,
    plain: &'a mut Vec<u8>,
    pool: &'a BufferPool,
}

impl Buffers<'_> {
    /// Does what a connection asks for. Returns how much of the input is used up by then.
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
            // `Closed` follows what was told already; nobody sends early data who was not invited
            // to.
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

    /// Has `write` put something into the output, for which `guess` bytes should do. It returns how
    /// many it has written, or none if it never will; or, as an error, how many it needs.
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
