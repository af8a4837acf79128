//! The names of ports in a trace.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// The known ports and their names in a trace.
///
/// A peer under `meanwhile` adds its port from another thread.
#[derive(Debug, Default)]
pub(crate) struct Ports(Mutex<HashMap<u16, String>>);

impl Ports {
    /// Gives the port this name, unless it has one already.
    pub(crate) fn learn(&self, port: u16, name: impl FnOnce() -> String) {
        if port > 0 {
            let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            names.entry(port).or_insert_with(name);
        }
    }

    /// Returns the port's name if it is known, or else its number.
    #[must_use]
    pub(crate) fn show(&self, port: i64) -> String {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = u16::try_from(port).ok().and_then(|port| names.get(&port).cloned());
        known.unwrap_or_else(|| port.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_stays() {
        let ports = Ports::default();
        ports.learn(80, || "s.port".to_owned());
        ports.learn(80, || "w.port".to_owned());
        ports.learn(0, || "never".to_owned());
        assert_eq!(ports.show(80), "s.port");
        assert_eq!(ports.show(81), "81");
        assert_eq!(ports.show(0), "0");
        assert_eq!(ports.show(-1), "-1");
        assert_eq!(ports.show(65536 + 80), "65616");
    }
}
