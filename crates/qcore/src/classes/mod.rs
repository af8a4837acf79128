//! Classes of your own, and what every object consists of.
//!
//! A struct with a [`QObject`](crate::QObject) as a field and with signals made by
//! [`Signal::of`](crate::Signal::of) is enough for most programs. Use this module to write classes
//! like those of this library. Such a class has a cheap handle type and a base class, its signals
//! are fields, it has a parent and children, and its objects die as those of this library do.
//!
//! A class consists of a node, which has the signals and the state, and of a handle type, which
//! [`class!`](crate::class!) declares. All nodes of an object share one [`Life`]:
//!
//! ```text
//!   QTcpSocket ─► AbstractSocketNode ─► DeviceNode ─► ObjectNode    each node has its signals
//!                        └──────────────────┴───────────────┴──► Life
//!                                                           handles, parent, connections
//! ```
//!
//! An object is made in this order: [`Life::new`] creates its life, the `embed` function of the
//! base class creates the part of the base class, and [`Handle::new`] completes the object. See
//! [`class!`](crate::class!) for an example, and [the `object` module](crate::object) for how an
//! object dies.

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
