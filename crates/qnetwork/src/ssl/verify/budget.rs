//! How much work a verification may cause.

use std::cell::Cell;

/// How many signatures are verified in all. The first path takes one a certificate in any case; the
/// search for another one has what is left.
pub(super) const MAX_SIGNATURES: usize = 100;
/// How often a name is compared with a constraint: as often as OpenSSL allows for one certificate
/// and one of those above it.
pub(super) const MAX_COMPARISONS: usize = 1 << 20;

/// What a verification may still cost, all paths together: who sends a chain decides how much there
/// is to be done.
pub(super) struct Budget {
    pub(super) signatures: Cell<usize>,
    /// How often a name is compared with a constraint.
    comparisons: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { signatures: Cell::new(MAX_SIGNATURES), comparisons: Cell::new(MAX_COMPARISONS) }
    }
}

impl Budget {
    /// Whether so many signatures may still be verified.
    pub(super) fn spend_signatures(&self, count: usize) -> bool {
        spend(&self.signatures, count)
    }

    /// Whether so many names may still be compared.
    pub(super) fn spend_comparisons(&self, count: usize) -> bool {
        spend(&self.comparisons, count)
    }
}

/// What was not enough is used up.
fn spend(left: &Cell<usize>, count: usize) -> bool {
    let rest = left.get().checked_sub(count);
    left.set(rest.unwrap_or(0));
    rest.is_some()
}
