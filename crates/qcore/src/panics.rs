//! What becomes of a panic in code of the program's that the library calls.

use std::{
    any::Any,
    fmt::Display,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// What becomes of a panic in a slot; see
/// [`QCoreApplication::set_panic_policy`](crate::QCoreApplication::set_panic_policy).
///
/// # Examples
///
/// ```
/// use qcore::{PanicPolicy, QCoreApplication};
///
/// assert_eq!(QCoreApplication::panic_policy(), PanicPolicy::Unwind);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PanicPolicy {
    /// It unwinds out of `emit()` and of `exec()`, and mostly ends the program. The default.
    #[default]
    Unwind,
    /// It is logged, and the program goes on with the next slot.
    Report,
}

/// One for the whole process, as there is one application.
static REPORTS: AtomicBool = AtomicBool::new(false);

pub(crate) fn policy() -> PanicPolicy {
    if reports() { PanicPolicy::Report } else { PanicPolicy::Unwind }
}

pub(crate) fn set_policy(policy: PanicPolicy) {
    REPORTS.store(policy == PanicPolicy::Report, Relaxed);
}

#[inline]
pub(crate) fn reports() -> bool {
    REPORTS.load(Relaxed)
}

/// Calls `call`. If it panics, and panics are to be reported, `None`; `what` says what it was.
#[inline]
pub(crate) fn guard<V>(what: impl Display, call: impl FnOnce() -> V) -> Option<V> {
    if reports() { catch(&what, call) } else { Some(call()) }
}

/// The slot that was connected at `place`.
pub(crate) fn guard_slot<V>(
    place: &'static Location<'static>,
    call: impl FnOnce() -> V,
) -> Option<V> {
    guard(format_args!("a slot connected at {place}"), call)
}

#[cold]
#[inline(never)]
fn catch<V>(what: &dyn Display, call: impl FnOnce() -> V) -> Option<V> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => Some(value),
        Err(payload) => {
            crate::message::critical(format_args!("{what} panicked: {}", text_of(&*payload)));
            // A payload may be of any type, and panic once more when it is dropped.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            None
        }
    }
}

fn text_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("(no message)")
}
