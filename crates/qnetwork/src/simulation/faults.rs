//! Faults of system calls.

use super::{
    net::{Errno, SocketId},
    world::State,
};

/// The probabilities with which system calls of a host fail although their arguments are valid.
///
/// Each function takes a probability from 0 to 1. By default no call fails.
///
/// ```
/// use qnetwork::simulation::Faults;
///
/// let faults = Faults::new().interrupted(0.1).short_reads(0.5).short_writes(0.5);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    interrupted: f64,
    would_block: f64,
    short_reads: f64,
    short_writes: f64,
    no_buffers: f64,
    no_descriptors: f64,
}

impl Faults {
    /// Returns faults with a probability of 0.
    #[must_use]
    pub fn new() -> Self {
        Faults::default()
    }

    /// A call is interrupted by a signal (`EINTR`).
    #[must_use]
    pub fn interrupted(self, chance: f64) -> Self {
        Faults { interrupted: chance, ..self }
    }

    /// A read or write of a non-blocking socket does nothing (`EAGAIN`). The loop reports the
    /// socket again.
    #[must_use]
    pub fn would_block(self, chance: f64) -> Self {
        Faults { would_block: chance, ..self }
    }

    /// A read of a stream returns only a part of the available bytes, at least 1. The rest becomes
    /// readable immediately after that, as if it had arrived in a second packet.
    #[must_use]
    pub fn short_reads(self, chance: f64) -> Self {
        Faults { short_reads: chance, ..self }
    }

    /// A write to a stream takes fewer bytes than would fit, at least 1.
    #[must_use]
    pub fn short_writes(self, chance: f64) -> Self {
        Faults { short_writes: chance, ..self }
    }

    /// A write, a new socket or an accepted connection fails for lack of memory (`ENOBUFS` or
    /// `ENOMEM`). On a stream a failed write ends the connection.
    #[must_use]
    pub fn no_buffers(self, chance: f64) -> Self {
        Faults { no_buffers: chance, ..self }
    }

    /// A new socket or an accepted connection fails for lack of descriptors: those of the process
    /// (`EMFILE`) or of the system (`ENFILE`).
    #[must_use]
    pub fn no_descriptors(self, chance: f64) -> Self {
        Faults { no_descriptors: chance, ..self }
    }
}

/// A call that may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Open,
    Accept,
    Read,
    Write,
}

impl State {
    /// Returns the error with which a call of a host fails now, if it does.
    fn fault(&mut self, host: usize, call: Call, nonblocking: bool) -> Option<Errno> {
        let faults = self.net.hosts[host].faults;
        if faults == Faults::default() {
            return None;
        }
        let moves = matches!(call, Call::Read | Call::Write);
        let random = &mut self.random;
        if call != Call::Open && random.chance(faults.interrupted) {
            return Some(libc::EINTR);
        }
        if moves && nonblocking && random.chance(faults.would_block) {
            return Some(libc::EAGAIN);
        }
        if call != Call::Read && random.chance(faults.no_buffers) {
            return Some([libc::ENOBUFS, libc::ENOMEM][random.below(2) as usize]);
        }
        if !moves && random.chance(faults.no_descriptors) {
            return Some([libc::EMFILE, libc::ENFILE][random.below(2) as usize]);
        }
        None
    }

    /// Returns the error with which a host fails to open a socket now, if it does.
    pub(super) fn open_fault(&mut self, host: usize) -> Option<Errno> {
        let error = self.fault(host, Call::Open, false)?;
        let name = self.net.hosts[host].name.clone();
        self.log_line(format_args!("{name} has the fault {error} in {:?}", Call::Open));
        Some(error)
    }

    /// Returns the error with which a call on a socket fails now, if it does.
    pub(super) fn socket_fault(&mut self, id: SocketId, call: Call) -> Option<Errno> {
        let sock = self.sock(id);
        let (host, nonblocking) = (sock.host, sock.nonblocking);
        let error = self.fault(host, call, nonblocking)?;
        self.note_socket(id, format_args!("has the fault {error} in {call:?}"));
        if call == Call::Write || error == libc::EAGAIN {
            // The next call may succeed.
            self.edge(id);
        }
        Some(error)
    }

    /// Returns how many of `count` bytes a call on a stream moves.
    pub(super) fn shorten(&mut self, id: SocketId, call: Call, count: usize) -> usize {
        let host = self.sock(id).host;
        let faults = self.net.hosts[host].faults;
        let chance = if call == Call::Read { faults.short_reads } else { faults.short_writes };
        if count < 2 || !self.random.chance(chance) {
            return count;
        }
        // Small numbers are as likely as large ones.
        let most = 1 + self.random.below(count as u64 - 1);
        1 + self.random.below(most) as usize
    }
}
