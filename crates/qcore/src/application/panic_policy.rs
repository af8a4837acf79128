//! What the application does about panics.

use super::QCoreApplication;
use crate::panics::{self, PanicPolicy};

/// Panics. These are functions of no application in particular: there is one policy for the
/// process.
impl QCoreApplication {
    /// Sets what becomes of a panic in code of yours that the library calls.
    ///
    /// With [`PanicPolicy::Unwind`], the default, a slot's panic unwinds out of the emission and
    /// out of [`exec`](QCoreApplication::exec), and ends the program unless somebody catches it.
    /// With [`PanicPolicy::Report`] the library catches it, logs an error with the panic's message
    /// and the place where the slot was connected, and goes on with the next slot: what PySide2
    /// does with an exception. Rust prints the place of the panic itself in either case. A queued
    /// slot, a timer's call, an event handler and whatever else the event loop calls are treated
    /// alike.
    ///
    /// Set it first: a slot that was connected before still keeps the slots after it from being
    /// called, and its report does not say where it was connected. Code that runs outside of slots
    /// and of the loop unwinds as ever, and so does all code if the program is built with
    /// `panic = "abort"`.
    ///
    /// A panic leaves what it was in the middle of half done. A program that goes on has to be
    /// able to live with that.
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
