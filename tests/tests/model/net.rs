//! Bad networks and bad kernels for random programs.

use std::{fmt, time::Duration};

use qnetwork::simulation::{Faults, Host, Link, Network};

use super::dice::Dice;

/// How often system calls fail.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Mischief {
    pub(crate) interrupted: f64,
    pub(crate) would_block: f64,
    pub(crate) short_reads: f64,
    pub(crate) short_writes: f64,
    pub(crate) no_buffers: f64,
    pub(crate) no_descriptors: f64,
}

impl Mischief {
    pub(crate) fn random(dice: &mut Dice) -> Self {
        if dice.one_in(3) {
            return Mischief::default();
        }
        let mut chance = || dice.pick(&[0.0, 0.01, 0.3, 0.8]);
        let (interrupted, would_block) = (chance(), chance());
        let (short_reads, short_writes) = (chance(), chance());
        let no_buffers = if dice.one_in(8) { 0.02 } else { 0.0 };
        let no_descriptors = if dice.one_in(4) { 0.2 } else { 0.0 };
        Mischief { interrupted, would_block, short_reads, short_writes, no_buffers, no_descriptors }
    }

    pub(crate) fn faults(self) -> Faults {
        Faults::new()
            .interrupted(self.interrupted)
            .would_block(self.would_block)
            .short_reads(self.short_reads)
            .short_writes(self.short_writes)
            .no_buffers(self.no_buffers)
            .no_descriptors(self.no_descriptors)
    }
}

impl fmt::Debug for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Mischief::default() {
            return f.write_str("Mischief::default()");
        }
        let mut fields = f.debug_struct("Mischief");
        for (name, chance) in [
            ("interrupted", self.interrupted),
            ("would_block", self.would_block),
            ("short_reads", self.short_reads),
            ("short_writes", self.short_writes),
            ("no_buffers", self.no_buffers),
            ("no_descriptors", self.no_descriptors),
        ] {
            if chance > 0.0 {
                fields.field(name, &chance);
            }
        }
        fields.finish_non_exhaustive()
    }
}

/// The link between two hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Wire {
    pub(crate) latency: u64,
    pub(crate) jitter: u64,
    pub(crate) bandwidth: Option<u64>,
    pub(crate) loss: f64,
}

impl Wire {
    pub(crate) fn random(dice: &mut Dice) -> Self {
        if dice.one_in(3) {
            return Wire::default();
        }
        Wire {
            latency: dice.pick(&[0, 1, 40, 300]),
            jitter: dice.pick(&[0, 1, 100]),
            bandwidth: dice.one_in(3).then(|| 10_000 + dice.below(1_000_000)),
            loss: dice.pick(&[0.0, 0.0, 0.01, 0.2]),
        }
    }

    pub(crate) fn link(self) -> Link {
        let link = Link::new()
            .latency(Duration::from_micros(100 + 1000 * self.latency))
            .jitter(Duration::from_millis(self.jitter))
            .loss(self.loss);
        match self.bandwidth {
            Some(bandwidth) => link.bandwidth(bandwidth),
            None => link,
        }
    }
}

/// Something that happens to the network while a program runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    Cut,
    Repair,
    /// A router resets all connections.
    Reset,
    /// The first host, or the second one, stops for some milliseconds.
    Freeze(usize, i32),
    /// The calls of a host fail as often as this says from now on.
    Fail(usize, Mischief),
    Change(Wire),
}

impl Trouble {
    pub(crate) fn random(dice: &mut Dice) -> Self {
        match dice.below(10) {
            0..3 => Trouble::Cut,
            3..6 => Trouble::Repair,
            6 if dice.one_in(3) => Trouble::Reset,
            7 => Trouble::Freeze(dice.count(2), dice.millis(2000)),
            8 => Trouble::Fail(dice.count(2), Mischief::random(dice)),
            _ => Trouble::Change(Wire::random(dice)),
        }
    }

    /// Returns whether this can end a connection.
    pub(crate) fn breaks(self) -> bool {
        match self {
            Trouble::Reset => true,
            Trouble::Fail(_, mischief) => mischief.no_buffers > 0.0,
            _ => false,
        }
    }

    pub(crate) fn cause(self, net: &Network, hosts: [&Host; 2]) {
        let [a, b] = hosts;
        match self {
            Trouble::Cut => net.cut(a, b),
            Trouble::Repair => net.repair(a, b),
            Trouble::Reset => net.reset_connections(a, b),
            Trouble::Freeze(which, millis) => {
                hosts[which].freeze(Duration::from_millis(millis as u64));
            }
            Trouble::Fail(which, mischief) => hosts[which].set_faults(mischief.faults()),
            Trouble::Change(wire) => net.set_link(a, b, wire.link()),
        }
    }
}
