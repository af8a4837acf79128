//! The work of the process of one scenario.

use std::{
    fs,
    path::Path,
    sync::LazyLock,
    time::{Duration, Instant},
};

use qcore::QCoreApplication;
use qnetwork::simulation::{self, Simulation};

use crate::{
    check::By,
    error::{Error, Result},
    parse,
    world::World,
};

/// Runs a scenario on this thread's event loop and returns its trace.
///
/// An error in one of its blocks ends the process, because no caller could get it.
///
/// # Errors
///
/// If the scenario cannot be read, or one of its outermost statements fails.
pub(crate) fn scenario(path: &Path, certs: &Path, by: Option<By>) -> Result<String> {
    let text = fs::read(path)?;
    let text = String::from_utf8(text).map_err(|_| Error::new("a scenario is UTF-8"))?;
    let block = parse::parse(&text)?;
    let app = QCoreApplication::new();
    let world = World::new(path, certs, by);
    world.run_block(&block)?;
    world.settle();
    drop(app);
    // The trace ends here. Events at the end of the process do not belong to it.
    Ok(world.trace())
}

/// Runs a scenario in a simulation with this seed and returns its trace.
///
/// # Errors
///
/// As [`scenario`].
pub(crate) fn simulated(path: &Path, certs: &Path, seed: u64) -> Result<String> {
    Simulation::new(seed).run(|_| scenario(path, certs, None))
}

/// Returns the time since some instant: the simulation's time, or the real one.
pub(crate) fn now() -> Duration {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    simulation::now().unwrap_or_else(|| EPOCH.elapsed())
}
