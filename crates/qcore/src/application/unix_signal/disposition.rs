//! What a signal did before a notifier watched it, and does again afterwards.
//!
//! `signal-hook` leaves its handler in place when nobody uses it any more: the signal then has no
//! effect. So this file adds a handler of its own, once for each signal that ended the process
//! before. The handler does nothing while a notifier watches the signal, and otherwise ends the
//! process as the operating system would do it.

use std::{
    collections::BTreeMap,
    fs, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::flag;

/// The signals that notifiers have watched, by their numbers.
static TAKEN: Mutex<BTreeMap<i32, Taken>> = Mutex::new(BTreeMap::new());

/// A signal that has a handler of `signal-hook`.
struct Taken {
    /// The number of watches.
    watches: usize,
    /// Whether the signal is to end the process, as nobody watches it. `None` if the program has a
    /// handler of its own: `signal-hook` calls that handler in any case.
    unwatched: Option<Arc<AtomicBool>>,
}

fn taken() -> MutexGuard<'static, BTreeMap<i32, Taken>> {
    // No code panics while it holds this lock.
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Suspends the earlier effect of a signal until it is dropped.
pub(super) struct Claim {
    signal: i32,
}

impl Claim {
    /// Registers the first handler of a watch, and then suspends the earlier effect of the signal.
    /// Returns `None`, and registers nothing, if the process ignores the signal.
    pub(super) fn new(
        signal: i32,
        register: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<Option<Claim>> {
        let mut taken = taken();
        if let Some(before) = taken.get_mut(&signal) {
            register()?;
            before.watches += 1;
            if let Some(unwatched) = &before.unwatched {
                unwatched.store(false, Ordering::SeqCst);
            }
            return Ok(Some(Claim { signal }));
        }
        let unwatched = match Disposition::of(signal)? {
            Disposition::Ignored => return Ok(None),
            Disposition::Default => Some(Arc::new(AtomicBool::new(false))),
            Disposition::Handled => None,
        };
        register()?;
        if let Some(unwatched) = &unwatched {
            flag::register_conditional_default(signal, unwatched.clone())?;
        }
        taken.insert(signal, Taken { watches: 1, unwatched });
        Ok(Some(Claim { signal }))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(taken) = taken().get_mut(&self.signal) {
            taken.watches -= 1;
            if let (0, Some(unwatched)) = (taken.watches, &taken.unwatched) {
                unwatched.store(true, Ordering::SeqCst);
            }
        }
    }
}

/// What the process does with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    Default,
    Ignored,
    Handled,
}

impl Disposition {
    fn of(signal: i32) -> io::Result<Disposition> {
        match fs::read_to_string("/proc/self/status") {
            Ok(status) => Ok(Disposition::in_status(&status, signal)),
            // Only Linux has this file, and not everywhere.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Disposition::Default),
            Err(error) => Err(error),
        }
    }

    /// Reads the masks of the ignored and of the caught signals: `SigIgn:\t0000000000001000`.
    fn in_status(status: &str, signal: i32) -> Disposition {
        let contains = |mask: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(mask));
            let bits = value.and_then(|value| u128::from_str_radix(value.trim(), 16).ok());
            bits.is_some_and(|bits| bits >> (signal - 1) & 1 == 1)
        };
        if contains("SigIgn:") {
            Disposition::Ignored
        } else if contains("SigCgt:") {
            Disposition::Handled
        } else {
            Disposition::Default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masks_of_the_kernel() {
        let status = "Name:\tcat\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000004002\nx:\t1\n";
        let of = |signal| Disposition::in_status(status, signal);
        assert_eq!((of(1), of(13)), (Disposition::Ignored, Disposition::Ignored));
        assert_eq!((of(2), of(15)), (Disposition::Handled, Disposition::Handled));
        assert_eq!((of(3), of(14)), (Disposition::Default, Disposition::Default));
        assert_eq!(Disposition::in_status("SigIgn:\tx", 1), Disposition::Default);
    }
}
