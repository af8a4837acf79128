//! Classes of your own.
//!
//! [`class!`](crate::class!) declares a class: its base class, its signals and its fields. The
//! resulting type is like the classes of this library: a cheap handle whose signals are fields. Its
//! objects have a parent and children, slots get them as arguments, and the class overrides virtual
//! functions by implementing traits. [`Inherits`] is the bound for functions that take an object of
//! a class or of a class derived from it.
//!
//! # How a class is made
//!
//! A class consists of a node, its signals and its state, and of a handle type. All nodes of an
//! object share one [`Life`]:
//!
//! ```text
//!   QTcpSocket ─► AbstractSocketNode ─► DeviceNode ─► ObjectNode    each node has its signals
//!                        └──────────────────┴───────────────┴──► Life
//!                                                           handles, parent, connections
//! ```
//!
//! Each node holds an uncounted handle of its base class. `derive`, which [`class!`](crate::class!)
//! generates, takes a finished object of the base class. It makes that object's handle an uncounted
//! one, and makes the new node the outermost node of the object. See [the module of
//! objects](crate::object) for how an object dies.

mod connections;
mod declaring;
mod events;
mod family;
mod handle;
mod life;
mod objects;
mod overriding;
mod properties;

pub(crate) use self::{
    connections::{Link, MethodId, SlotList},
    events::Handler,
    handle::Base,
    objects::Objects,
};
pub use self::{
    family::adopt,
    handle::{Class, Handle, IsClass, Lineage, Node, Object},
    life::Life,
    overriding::{
        CanOverride, Destructor, Inherits, IntoBase, NoClass, NoDestructor, NotOverridden,
        Overrides, OwnClass, Probe, Virtual, installed,
    },
};
