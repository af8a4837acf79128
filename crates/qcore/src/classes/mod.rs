//! Classes of your own: what is below every object.
//!
//! A struct with a [`QObject`](crate::QObject) in it and signals made by
//! [`Signal::of`](crate::Signal::of) is enough for most programs. This module is for those who
//! write classes like those of this library: a cheap handle type with a base class, whose signals
//! are fields, which has a parent and children, and which dies as the objects of this library do.
//!
//! A class consists of a node, its signals and its state, and of a handle type, which
//! [`class!`](crate::class!) declares. All nodes of an object share one [`Life`]:
//!
//! ```text
//!   QTcpSocket ─► AbstractSocketNode ─► DeviceNode ─► ObjectNode    each node has its signals
//!                        └──────────────────┴───────────────┴──► Life
//!                                                           handles, parent, connections
//! ```
//!
//! An object is made in this order: [`Life::new`] makes its life, the base class's `embed` makes
//! the base class's part, and [`Handle::new`] completes it. [`class!`](crate::class!) shows an
//! example. See [the module of objects](crate::object) for how an object dies.

mod connections;
mod declaring;
mod events;
mod family;
mod handle;
mod life;
mod objects;

pub(crate) use self::{
    connections::{Link, SlotList},
    events::Handler,
    handle::Base,
    objects::Objects,
};
pub use self::{
    handle::{Handle, Lineage, Node, Object},
    life::Life,
};
