//! Host names and their addresses.
//!
//! The system's resolver does the look-ups: `getaddrinfo`, or `getnameinfo` for the name of an
//! address. These calls block. A few worker threads make them and post the answers to the loop that
//! asked:
//!
//! ```text
//!   lookup_host ──► empty, invalid or cached? ──────────────────────────► posted to this loop
//!                     └► workers.rs: one queue, equal names share a call ► posted to its loop
//!                          └► resolver.rs ──► cache.rs: names found in the last minute
//! ```
//!
//! `info.rs` is the result, `error.rs` says why there is none, and `lookup.rs` begins look-ups and
//! passes the answers on. `ace.rs` converts names to ASCII, `named.rs` converts addresses of the
//! system, and `local.rs` finds the names of this machine.

pub(crate) mod ace;
#[cfg(feature = "tasks")]
mod awaiting;
mod cache;
mod error;
mod info;
mod local;
mod lookup;
mod named;
mod resolver;
mod workers;

pub use self::{
    error::{HostInfoError, HostInfoErrorKind},
    info::{LookupId, QHostInfo},
};
#[cfg(test)]
pub(crate) use self::{lookup::remember, resolver::staged::stage};
pub(crate) use self::{
    lookup::{Lookup, ask, ask_family},
    named::named,
};

/// Converts and reads any text as a host name and as the resolver's configuration, for the fuzz
/// target.
#[cfg(fuzzing)]
pub(crate) fn fuzz(text: &str) {
    if let Some(ace) = ace::to_ace(text) {
        assert!(ace.is_ascii() && ace.split('.').all(|label| label.len() <= 63), "{ace}");
        assert_eq!(ace::to_ace(&ace).as_deref(), Some(&*ace));
    }
    #[cfg(feature = "dns")]
    if let Some(decoded) = ace::from_punycode(text) {
        assert!(decoded.chars().count() <= text.len());
    }
    assert!(local::domain(None, text, "host").len() <= text.len());
}

#[cfg(test)]
mod tests;
