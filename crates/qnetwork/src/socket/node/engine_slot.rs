//! The place of a socket's engine.

use std::{cell::RefCell, rc::Rc};

use crate::engine::Engine;

/// Holds the engine that a socket has at the moment, if it has one.
///
/// A slot may close the socket or connect it again. So code that emits a signal compares the engine
/// before and after, with [`holds`](EngineSlot::holds).
#[derive(Default)]
pub(crate) struct EngineSlot(RefCell<Option<Rc<dyn Engine>>>);

impl EngineSlot {
    pub(crate) fn get(&self) -> Option<Rc<dyn Engine>> {
        self.0.borrow().clone()
    }

    /// Returns whether this engine is still the socket's.
    pub(crate) fn holds(&self, engine: &Rc<dyn Engine>) -> bool {
        self.0.borrow().as_ref().is_some_and(|current| Rc::ptr_eq(current, engine))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// Puts an engine in and drops the one before.
    pub(crate) fn put(&self, engine: Rc<dyn Engine>) {
        let before = self.0.replace(Some(engine));
        drop(before);
    }

    /// Drops the engine, which closes its descriptor unless something else holds it.
    pub(crate) fn clear(&self) {
        let before = self.0.take();
        drop(before);
    }
}
