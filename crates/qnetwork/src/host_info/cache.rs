//! Names that were found, for a minute.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::QHostAddress;

/// How long a name is remembered.
const MAX_AGE: Duration = Duration::from_secs(60);
/// How many are.
const MAX_NAMES: usize = 128;

struct Found {
    addresses: Vec<QHostAddress>,
    at: Instant,
}

fn names() -> MutexGuard<'static, HashMap<String, Found>> {
    static NAMES: LazyLock<Mutex<HashMap<String, Found>>> = LazyLock::new(Mutex::default);
    // Nothing panics while it is locked.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn get(name: &str) -> Option<Vec<QHostAddress>> {
    let names = names();
    let found = names.get(name).filter(|found| found.at.elapsed() < MAX_AGE)?;
    Some(found.addresses.clone())
}

pub(super) fn put(name: &str, addresses: &[QHostAddress]) {
    let mut names = names();
    if names.len() >= MAX_NAMES && !names.contains_key(name) {
        names.retain(|_, found| found.at.elapsed() < MAX_AGE);
        while names.len() >= MAX_NAMES {
            let oldest = names.iter().min_by_key(|(_, found)| found.at);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else { break };
            names.remove(&oldest);
        }
    }
    names.insert(name.to_owned(), Found { addresses: addresses.to_vec(), at: Instant::now() });
}
