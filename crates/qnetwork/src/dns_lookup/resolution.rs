//! The exchange with name servers, without sockets and without a clock.
//!
//! ```text
//!            ┌──────────── no answer in time, no connection, or: ask another ──────────┐
//!            ▼                                                                         │
//!   begin ─► server 0, server 1, ...; the same again, `attempts` times ─► a datagram ──┤
//!                                                                            │         │
//!                                                 truncated: a connection ◄──┤         │
//!                                                      │  └────────────────────────────┤
//!                                                      └──────► a reply ◄────┘         ▼
//!                                                                  └────► done ◄── none is left
//! ```
//!
//! The rules are those of the system's resolver, which Qt uses:
//!
//! * It ignores a reply with another id or another question.
//! * After a failure, a refusal or a referral it asks the next server. If no other server answers,
//!   this reply is the result.
//! * After a truncated datagram it asks each server by TCP, and only once.

use std::time::Duration;

use domain::base::iana::Rcode;

use super::{
    configuration::Configuration,
    error::DnsLookupErrorKind,
    message::{self, HEADER, Reply, Verdict},
};

/// How many messages of a connection may answer another query before the connection is given up.
const MAX_IGNORED: u32 = 16;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send the query to a server as a datagram. Report if the time limit expires.
    Datagram(usize, Duration),
    /// Connect to a server and send the [framed](Resolution::framed) query. Report if the time
    /// limit expires before the reply is complete.
    Stream(usize, Duration),
    /// Continue to wait.
    Wait,
    /// The look-up has ended.
    Done(Reply),
}

/// The state of a running look-up.
pub(super) struct Resolution {
    query: Vec<u8>,
    configuration: Configuration,
    attempt: u32,
    /// The server that is being asked, counted from `first`.
    at: usize,
    first: usize,
    over_tcp: bool,
    /// The bytes received by a connection: the length of a message, and the message.
    stream: Vec<u8>,
    ignored: u32,
    /// The result code of the last reply that was not an answer.
    code: Rcode,
}

impl Resolution {
    /// Prepares a look-up. `first` is the server to begin with.
    pub(super) fn new(query: Vec<u8>, configuration: Configuration, first: usize) -> Self {
        Resolution {
            query,
            over_tcp: configuration.over_tcp,
            configuration,
            attempt: 0,
            at: 0,
            first,
            stream: Vec::new(),
            ignored: 0,
            code: Rcode::NOERROR,
        }
    }

    pub(super) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Returns the query, for a datagram.
    pub(super) fn query(&self) -> &[u8] {
        &self.query
    }

    /// Returns the query with its length in front, for a connection.
    pub(super) fn framed(&self) -> Vec<u8> {
        let length = self.query.len() as u16;
        [&length.to_be_bytes(), &*self.query].concat()
    }

    /// Returns the first step.
    pub(super) fn begin(&mut self) -> Step {
        if self.configuration.attempts == 0 { self.give_up() } else { self.ask() }
    }

    /// Processes a datagram from a server. Returns the next step.
    pub(super) fn datagram(&mut self, server: usize, reply: &[u8]) -> Step {
        if self.over_tcp {
            return Step::Wait;
        }
        let is_asked = server == self.server();
        if reply.len() < HEADER {
            return if is_asked { self.next() } else { Step::Wait };
        }
        if !message::answers(reply, &self.query) {
            return Step::Wait;
        }
        let verdict = Verdict::of(reply);
        if verdict.ask_another {
            self.code = verdict.code;
            // A late failure of an earlier server does not affect the current one.
            return if is_asked { self.next() } else { Step::Wait };
        }
        if verdict.truncated {
            self.code = verdict.code;
            self.over_tcp = true;
            self.set_server(server);
            return self.ask();
        }
        Step::Done(message::read(reply))
    }

    /// Processes bytes from the connection to the current server. Returns the next step.
    pub(super) fn stream(&mut self, bytes: &[u8]) -> Step {
        self.stream.extend_from_slice(bytes);
        loop {
            let Some((length, rest)) = self.stream.split_first_chunk() else { return Step::Wait };
            let length = usize::from(u16::from_be_bytes(*length));
            let Some(reply) = rest.get(..length) else { return Step::Wait };
            if length < HEADER {
                return self.next();
            }
            if message::answers(reply, &self.query) {
                let verdict = Verdict::of(reply);
                if !verdict.ask_another {
                    return Step::Done(message::read(reply));
                }
                self.code = verdict.code;
                return self.next();
            }
            self.ignored += 1;
            if self.ignored > MAX_IGNORED {
                return self.next();
            }
            self.stream.drain(..2 + length);
        }
    }

    /// Gives up the current server, which cannot be reached, has closed the connection, or has not
    /// answered in time. Returns the next step.
    pub(super) fn failed(&mut self) -> Step {
        self.next()
    }

    /// Returns the index of the current server.
    pub(super) fn server(&self) -> usize {
        (self.first + self.at) % self.configuration.servers.len()
    }

    fn set_server(&mut self, server: usize) {
        let count = self.configuration.servers.len();
        self.at = (server + count - self.first % count) % count;
    }

    fn next(&mut self) -> Step {
        self.at += 1;
        if self.at == self.configuration.servers.len() {
            self.at = 0;
            self.attempt += 1;
            if self.over_tcp || self.attempt == self.configuration.attempts {
                return self.give_up();
            }
        }
        self.ask()
    }

    fn ask(&mut self) -> Step {
        let time = self.configuration.time_for(self.server());
        if self.over_tcp {
            self.stream.clear();
            self.ignored = 0;
            return Step::Stream(self.server(), time);
        }
        Step::Datagram(self.server(), time)
    }

    fn give_up(&self) -> Step {
        let kind = message::error_of(self.code).unwrap_or(DnsLookupErrorKind::InvalidReply);
        Step::Done(Reply::failed(kind))
    }
}
