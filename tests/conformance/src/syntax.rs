//! The syntax tree of a scenario.

use std::sync::Arc;

/// One line, with the block that belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The line number, counted from 1.
    pub(crate) line: usize,
    /// What the statement does.
    pub(crate) action: Action,
}

/// Statements that run together.
pub(crate) type Block = Arc<[Statement]>;

/// The kinds of statements.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// `global`
    Global,
    /// `KIND NAME [OPTION...]`
    Make {
        /// The kind of the new object.
        kind: KindName,
        /// The name of the new object.
        name: String,
        /// The options of a peer.
        options: Vec<PeerOption>,
        /// The thread that the object lives in, if it is not the main thread.
        thread: Option<String>,
    },
    /// `in THREAD [wait]` and its block
    In {
        /// The name of the thread.
        thread: String,
        /// Whether the statement ends when the block has run.
        wait: bool,
        /// The statements of the block.
        block: Block,
    },
    /// `KIND NAME = OBJ.method()`
    Take {
        /// The kind of object that the call returns.
        kind: KindName,
        /// The name of the returned object.
        name: String,
        /// The call that returns the object.
        call: Call,
    },
    /// `OBJ.method(ARG, ...)`
    Call {
        /// The call.
        call: Call,
        /// The source text after `OBJ.`.
        text: String,
    },
    /// `del NAME`
    Delete(String),
    /// `run until CONDITION [within MS]`
    RunUntil {
        /// The condition that ends the wait.
        condition: Arc<Condition>,
        /// The source text of the condition.
        text: String,
        /// The time limit in milliseconds.
        within: u64,
    },
    /// `run for MS`
    RunFor(u64),
    /// `sleep MS`
    Sleep(u64),
    /// `on ... [times N]` and its block
    On {
        /// The event that the block reacts to.
        event: Event,
        /// How often the block may run; `None` means without limit.
        times: Option<u64>,
        /// The statements of the block.
        block: Block,
    },
    /// `meanwhile MS PEER.method(...)`
    Meanwhile {
        /// The delay in milliseconds.
        delay: u64,
        /// The call, which is a peer's.
        call: Call,
    },
    /// `set argN METHOD "TEXT"`
    Set {
        /// The number of the argument, counted from 1.
        argument: usize,
        /// The setter.
        method: String,
        /// The argument of the setter.
        text: String,
    },
}

/// An event that a block can react to.
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

/// A condition of `run until`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// A signal that is emitted after this statement.
    Signal(Event),
    /// A call that returns true.
    True(Call),
    /// A call whose result satisfies a comparison.
    Compare {
        /// The call.
        call: Call,
        /// The kind of comparison.
        comparison: Comparison,
        /// The value on the right side.
        value: Expr,
    },
}

/// The comparison operators.
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
    /// The arguments.
    pub(crate) args: Vec<Expr>,
}

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    /// A text or a `repeat`.
    Text(Vec<u8>),
    /// A whole number.
    Number(i64),
    /// Words, joined with `|` if there are several: enumerators, `true`, an object's name, a label.
    Names(Vec<String>),
    /// `OBJ.port`
    Port(String),
    /// A call whose result is the argument.
    Call(Call),
}

/// The kinds of objects that a scenario can create.
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
    Thread,
    Peer,
    UdpPeer,
}

impl KindName {
    const ALL: [(&'static str, KindName); 15] = [
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
        ("thread", KindName::Thread),
        ("peer", KindName::Peer),
        ("udppeer", KindName::UdpPeer),
    ];

    /// Returns the kind with this name in a scenario.
    #[must_use]
    pub(crate) fn named(word: &str) -> Option<KindName> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }

    /// Returns the kind's name in a scenario.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Returns whether this is a kind of peer, which does not use Qt or this project.
    #[must_use]
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, KindName::Peer | KindName::UdpPeer)
    }
}

/// An option for creating a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerOption {
    /// The peer is on `::1`.
    Ipv6,
    /// The peer keeps its port but does not listen.
    Closed,
    /// The peer's backlog is full, so that connecting to it hangs.
    Full,
}
