//! Limits for the work of a verification.

use std::cell::Cell;

/// The maximum number of signatures. The first path always uses one for each certificate; the
/// search for another path has the rest.
pub(super) const MAX_SIGNATURES: usize = 100;
/// The maximum number of comparisons of a name with a constraint. OpenSSL allows as many for one
/// certificate and one of its issuers.
pub(super) const MAX_COMPARISONS: usize = 1 << 20;

/// The remaining work of a verification, for all paths together. The peer's chain determines how
/// much work there is.
pub(super) struct Budget {
    pub(super) signatures: Cell<usize>,
    /// The remaining comparisons of a name with a constraint.
    comparisons: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { signatures: Cell::new(MAX_SIGNATURES), comparisons: Cell::new(MAX_COMPARISONS) }
    }
}

impl Budget {
    /// Spends signatures. Returns whether enough are left.
    pub(super) fn spend_signatures(&self, count: usize) -> bool {
        spend(&self.signatures, count)
    }

    /// Spends comparisons. Returns whether enough are left.
    pub(super) fn spend_comparisons(&self, count: usize) -> bool {
        spend(&self.comparisons, count)
    }
}

/// Spends `count`. If less is left, spends all of it and returns `false`.
fn spend(left: &Cell<usize>, count: usize) -> bool {
    let rest = left.get().checked_sub(count);
    left.set(rest.unwrap_or(0));
    rest.is_some()
}
