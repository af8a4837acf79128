//! What the application does about panics.

use super::QCoreApplication;
use crate::panics::{self, PanicPolicy};

/// Panics. These are functions of no application in particular: there is one policy for the
/// process.
impl QCoreApplication {
    /// Sets what happens after a panic in code of the program that the library calls.
    ///
    /// With [`PanicPolicy::Unwind`], the default, a slot's panic unwinds out of the emission and
    /// out of [`exec`](QCoreApplication::exec), and ends the program unless somebody catches it.
    /// With [`PanicPolicy::Report`] the library catches it, logs an error with the panic's message
    /// and the place where the slot was connected, and continues with the next slot, as PySide2
    /// does after an exception. In both cases Rust prints the place of the panic itself. The same
    /// applies to queued slots, timer calls, event handlers and all other code that the event loop
    /// calls.
    ///
    /// Set the policy first. If a slot that was connected before panics, the slots after it are not
    /// called, and its report does not say where it was connected. The policy does not apply to
    /// code outside of slots and the loop, nor to a program that is built with `panic = "abort"`.
    ///
    /// A panic leaves an operation half done. A program that continues has to cope with that state.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{PanicPolicy, QCoreApplication, Signal};
    ///
    /// QCoreApplication::set_panic_policy(PanicPolicy::Report);
    /// let (signal, heard) = (Signal::new(), Rc::new(Cell::new(0)));
    /// signal.connect(|text: &String| panic!("not {text}!"));
    /// signal.connect_to(&heard, |heard, _| heard.set(heard.get() + 1));
    /// // Logs "a slot connected at src/main.rs:6:8 panicked: not again!".
    /// signal.emit("again".to_owned());
    /// assert_eq!(heard.get(), 1);
    /// ```
    pub fn set_panic_policy(policy: PanicPolicy) {
        panics::set_policy(policy);
    }

    /// What becomes of a panic: what [`set_panic_policy`](QCoreApplication::set_panic_policy) has
    /// set.
    #[must_use]
    pub fn panic_policy() -> PanicPolicy {
        panics::policy()
    }
}
