//! What a scenario consists of once it is read.

use std::rc::Rc;

/// One line, with the block that belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is to be done.
    pub(crate) action: Action,
}

/// Statements that are run together.
pub(crate) type Block = Rc<[Statement]>;

/// What a statement does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// `global`
    Global,
    /// `KIND NAME [OPTION...]`
    Make {
        /// What is made.
        kind: KindName,
        /// What it is called from now on.
        name: String,
        /// Of a peer.
        options: Vec<PeerOption>,
    },
    /// `KIND NAME = OBJ.method()`
    Take {
        /// What the reader may expect.
        kind: KindName,
        /// What the returned object is called from now on.
        name: String,
        /// The call that returns it.
        call: Call,
    },
    /// `OBJ.method(ARG, ...)`
    Call {
        /// The call.
        call: Call,
        /// What stands after `OBJ.`, as written.
        text: String,
    },
    /// `del NAME`
    Delete(String),
    /// `run until CONDITION [within MS]`
    RunUntil {
        /// What is waited for.
        condition: Rc<Condition>,
        /// The condition as written.
        text: String,
        /// Milliseconds.
        within: u64,
    },
    /// `run for MS`
    RunFor(u64),
    /// `sleep MS`
    Sleep(u64),
    /// `on ... [times N]` and its block
    On {
        /// What the block answers.
        event: Event,
        /// How often; for ever if it is not said.
        times: Option<u64>,
        /// What is run.
        block: Block,
    },
    /// `meanwhile MS PEER.method(...)`
    Meanwhile {
        /// Milliseconds from now.
        delay: u64,
        /// A peer's call.
        call: Call,
    },
    /// `set argN METHOD "TEXT"`
    Set {
        /// Counted from 1.
        argument: usize,
        /// The setter.
        method: String,
        /// What it is given.
        text: String,
    },
}

/// What a block can answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// `OBJ.signal`
    Signal {
        /// The object's name.
        object: String,
        /// Qt's name of the signal.
        signal: String,
    },
    /// `slot LABEL`
    Slot(String),
}

/// What `run until` waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// A signal that comes after this.
    Signal(Event),
    /// A call that returns true.
    True(Call),
    /// A call whose value compares as said.
    Compare {
        /// The call.
        call: Call,
        /// How it is compared.
        comparison: Comparison,
        /// What it is compared with.
        value: Expr,
    },
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `OBJ.method(ARG, ...)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The object's name.
    pub(crate) object: String,
    /// The method's name.
    pub(crate) method: String,
    /// What it is given.
    pub(crate) args: Vec<Expr>,
}

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    /// A text or a `repeat`.
    Text(Vec<u8>),
    /// A whole number.
    Number(i64),
    /// Words, joined with `|` if they are several: enum names, `true`, an object's name, a label.
    Names(Vec<String>),
    /// `OBJ.port`
    Port(String),
    /// A call whose value is the argument.
    Call(Call),
}

/// What can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub(crate) enum KindName {
    Tcp,
    Udp,
    Ssl,
    Server,
    SslServer,
    Local,
    LocalServer,
    Timer,
    Loop,
    Buffer,
    Address,
    Obj,
    Peer,
    UdpPeer,
}

impl KindName {
    const ALL: [(&'static str, KindName); 14] = [
        ("tcp", KindName::Tcp),
        ("udp", KindName::Udp),
        ("ssl", KindName::Ssl),
        ("server", KindName::Server),
        ("sslserver", KindName::SslServer),
        ("local", KindName::Local),
        ("localserver", KindName::LocalServer),
        ("timer", KindName::Timer),
        ("loop", KindName::Loop),
        ("buffer", KindName::Buffer),
        ("address", KindName::Address),
        ("obj", KindName::Obj),
        ("peer", KindName::Peer),
        ("udppeer", KindName::UdpPeer),
    ];

    /// The kind that a scenario calls so.
    #[must_use]
    pub(crate) fn named(word: &str) -> Option<KindName> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }

    /// Its name in a scenario.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether there is no Qt in it.
    #[must_use]
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, KindName::Peer | KindName::UdpPeer)
    }
}

/// How a peer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerOption {
    /// On `::1`.
    Ipv6,
    /// Keeps its port and does not listen.
    Closed,
    /// A connect to it hangs.
    Full,
}
