//! A cache of names that were found, each for a minute.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::info::QHostInfo;

/// How long an entry stays valid.
const MAX_AGE: Duration = Duration::from_secs(60);
/// The greatest number of entries. A further one replaces the least recently used one.
const MAX_NAMES: usize = 128;

/// Returns the entry for `name`, if it is there and still valid.
pub(super) fn get(name: &str) -> Option<QHostInfo> {
    #[cfg(feature = "simulation")]
    if let Some((cache, now)) = simulated() {
        return lock(&cache).get(name, now);
    }
    cache().get(name, Instant::now())
}

/// Stores an answer, unless it is an error.
pub(super) fn put(name: &str, info: &QHostInfo) {
    #[cfg(feature = "simulation")]
    if let Some((cache, now)) = simulated() {
        return lock(&cache).put(name, info, now);
    }
    cache().put(name, info, Instant::now());
}

/// Returns a function that stores an answer, unless it is an error, when a look-up has taken its
/// time. It stores in the cache of the simulated host that calls `later`.
#[cfg(feature = "simulation")]
pub(super) fn later(time: Duration) -> impl FnOnce(&str, &QHostInfo) + Send {
    let simulated = simulated();
    move |name, info| {
        if let Some((cache, now)) = simulated {
            lock(&cache).put(name, info, now + time);
        }
    }
}

fn cache() -> MutexGuard<'static, Cache> {
    static CACHE: LazyLock<Mutex<Cache>> = LazyLock::new(Mutex::default);
    lock(&CACHE)
}

fn lock(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    // No code panics while it holds the lock.
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the cache of a simulated host, and the time there.
#[cfg(feature = "simulation")]
fn simulated() -> Option<(std::sync::Arc<Mutex<Cache>>, Instant)> {
    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
    let cache = crate::simulation::of_host::<Mutex<Cache>>()?;
    Some((cache, *BEGINNING + crate::simulation::now()?))
}

#[derive(Default)]
struct Cache {
    names: HashMap<String, Known>,
    /// Counts the accesses, to find the least recently used entry.
    uses: u64,
    #[cfg(test)]
    disabled: bool,
}

struct Known {
    info: QHostInfo,
    since: Instant,
    used: u64,
}

impl Cache {
    fn get(&mut self, name: &str, now: Instant) -> Option<QHostInfo> {
        let known = self.names.get_mut(name)?;
        self.uses += 1;
        known.used = self.uses;
        let fresh = now.saturating_duration_since(known.since) < MAX_AGE;
        fresh.then(|| known.info.clone())
    }

    fn put(&mut self, name: &str, info: &QHostInfo, now: Instant) {
        if info.error().is_some() {
            return;
        }
        #[cfg(test)]
        if self.disabled {
            return;
        }
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(name) {
            let unused = self.names.iter().min_by_key(|(_, known)| known.used);
            if let Some(unused) = unused.map(|(name, _)| name.clone()) {
                self.names.remove(&unused);
            }
        }
        self.uses += 1;
        let known = Known { info: info.clone(), since: now, used: self.uses };
        self.names.insert(name.to_owned(), known);
    }
}

/// Removes all entries. A disabled cache stores nothing.
#[cfg(test)]
pub(super) fn reset(disabled: bool) {
    *cache() = Cache { disabled, ..Cache::default() };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QHostAddress;

    fn info(name: &str) -> QHostInfo {
        QHostInfo::found(name, vec![QHostAddress::LocalHost])
    }

    #[test]
    fn a_name_is_remembered_for_a_minute() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        cache.put("a", &info("a"), now);
        cache.put("none", &QHostInfo::not_found("none"), now);
        assert_eq!(cache.get("a", now + Duration::from_millis(59_999)), Some(info("a")));
        assert_eq!(cache.get("a", now + Duration::from_secs(60)), None);
        assert_eq!(cache.get("A", now), None);
        assert_eq!(cache.get("none", now), None);
        // A query keeps an entry from being replaced, but does not extend its lifetime.
        cache.put("a", &info("b"), now + Duration::from_secs(60));
        assert_eq!(cache.get("a", now + Duration::from_secs(61)), Some(info("b")));
    }

    #[test]
    fn what_nobody_asks_for_makes_room() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        for at in 0..MAX_NAMES {
            cache.put(&at.to_string(), &info("x"), now);
        }
        assert!(cache.get("0", now).is_some());
        cache.put("new", &info("x"), now);
        cache.put("new", &info("x"), now);
        assert_eq!(cache.names.len(), MAX_NAMES);
        assert!(cache.get("0", now).is_some());
        assert!(cache.get("1", now).is_none());
        assert!(cache.get("2", now).is_some());
    }
}
