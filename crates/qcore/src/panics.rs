//! Handles panics of slots, event handlers and posted calls, as [`PanicPolicy`] says.

use std::{
    any::Any,
    fmt::Display,
    panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

/// How the library handles a panic of a slot; set by
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
    /// The panic unwinds through `emit()` and `exec()`. It ends the program unless the program
    /// catches it. This is the default.
    #[default]
    Unwind,
    /// The library logs the panic and calls the next slot.
    Report,
}

/// Whether panics are reported. The policy is that of the whole process.
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

/// Calls `call` and returns its result. If the policy is `Report` and `call` panics, it logs that
/// `what` panicked, and returns `None`.
#[inline]
pub(crate) fn guard<V>(what: impl Display, call: impl FnOnce() -> V) -> Option<V> {
    if reports() { catch(&what, call) } else { Some(call()) }
}

/// Calls `call`, which runs the slot that was connected at `place`, as [`guard`] does.
pub(crate) fn guard_slot<V>(
    place: &'static Location<'static>,
    call: impl FnOnce() -> V,
) -> Option<V> {
    guard(format_args!("a slot connected at {place}"), call)
}

#[cold]
#[inline(never)]
fn catch<V>(what: &dyn Display, call: impl FnOnce() -> V) -> Option<V> {
    match contain(call) {
        Ok(value) => Some(value),
        Err(text) => {
            crate::message::critical(format_args!("{what} panicked: {text}"));
            None
        }
    }
}

/// Calls `call` and returns its result, or the text of its panic, whatever the policy is.
pub(crate) fn contain<V>(call: impl FnOnce() -> V) -> Result<V, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let text = text_of(&*payload).to_owned();
        // The payload may have any type, so that dropping it may panic again.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        text
    })
}

/// Drops values of the user one by one. If several drops panic, only the first panic goes on, after
/// all values are dropped: a second one would abort the process.
pub(crate) fn drop_all<T>(values: impl IntoIterator<Item = T>) {
    let mut panic = None;
    for value in values {
        if panic.is_some() || thread::panicking() {
            let _ = contain(|| drop(value));
        } else {
            panic = catch_unwind(AssertUnwindSafe(|| drop(value))).err();
        }
    }
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
}

/// Logs that `what` panicked, and drops the payload of the panic.
#[cfg(feature = "tasks")]
pub(crate) fn report(what: &dyn Display, payload: Box<dyn Any + Send>) {
    crate::message::critical(format_args!("{what} panicked: {}", text_of(&*payload)));
    // The payload may have any type, so that dropping it may panic again.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Returns the message of a panic.
pub(crate) fn text_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("(no message)")
}
