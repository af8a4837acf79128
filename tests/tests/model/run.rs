//! [`Run`]: what the model knows of the two ends of one connection.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use qnetwork::CloseReason;

/// Both ends of a connection, which may be in different programs. Only one program runs at a time.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) ends: [EndState; 2],
    /// Whether the network or a system call has ended the connection, or may have.
    pub(crate) is_broken: AtomicBool,
    violations: Mutex<Vec<String>>,
}

/// One end of the connection.
#[derive(Default)]
pub(crate) struct EndState {
    /// How many bytes the socket has taken to be sent.
    pub(crate) written: AtomicU64,
    /// How many of them it had taken when it was told to disconnect.
    pub(crate) promised: AtomicU64,
    /// How many bytes the program offers, those of a running call among them.
    pub(crate) offered: AtomicU64,
    /// How many bytes the socket has reported with `bytes_written`.
    pub(crate) reported: AtomicU64,
    /// How many bytes of the other end's the program has read.
    pub(crate) received: AtomicU64,
    /// How often a socket of this end has emitted `closed`.
    pub(crate) closings: AtomicU64,
    pub(crate) reason: Mutex<Option<CloseReason>>,
    /// Whether the socket has been connected.
    pub(crate) was_connected: AtomicBool,
    /// Whether a task has a stream of the socket.
    pub(crate) has_stream: AtomicBool,
    /// Whether the program has told the socket to end, and to send the rest first.
    pub(crate) disconnects: AtomicBool,
    /// Whether the program has thrown away what the socket had not sent or not read.
    pub(crate) discards: AtomicBool,
    /// Whether a time-out of the socket may end the connection.
    pub(crate) may_time_out: AtomicBool,
    /// Whether the program has made all its steps.
    pub(crate) is_done: AtomicBool,
    /// Whether the program has ended.
    pub(crate) is_over: AtomicBool,
}

impl EndState {
    pub(crate) fn reason(&self) -> Option<CloseReason> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_reason(&self, reason: CloseReason) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }
}

impl Run {
    /// Notes that the model is broken. A slot cannot panic while an object is dropped.
    pub(crate) fn fail(&self, text: String) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    pub(crate) fn both(&self, flag: impl Fn(&EndState) -> &AtomicBool) -> bool {
        self.ends.iter().all(|end| flag(end).load(Relaxed))
    }

    /// The program of an end has received bytes.
    pub(crate) fn receive(&self, side: usize, data: &[u8]) {
        let end = &self.ends[side];
        let at = end.received.load(Relaxed);
        self.compare(side, at, data);
        end.received.store(at + data.len() as u64, Relaxed);
    }

    /// Compares bytes that arrive at an end with those that the other end has sent.
    pub(crate) fn compare(&self, side: usize, at: u64, data: &[u8]) {
        let other = 1 - side;
        let offered = self.ends[other].offered.load(Relaxed);
        if at + data.len() as u64 > offered {
            let size = data.len();
            self.fail(format!("end {side} has received {size} bytes at {at} of {offered}"));
        }
        let wanted = pattern(other, at, data.len());
        if wanted != data
            && let Some(place) = wanted.iter().zip(data).position(|(wanted, byte)| wanted != byte)
        {
            self.fail(format!("end {side} has received a wrong byte at {}", at + place as u64));
        }
    }

    /// Panics if the model is broken. Both programs have ended.
    ///
    /// `is_direct` says that nothing is between the ends. `encrypts` says that the sockets report
    /// bytes which they have encrypted and perhaps not sent.
    pub(crate) fn verdict(&self, is_direct: bool, encrypts: bool) {
        for side in 0..2 {
            self.judge(side, is_direct, encrypts);
        }
        let violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }

    fn judge(&self, side: usize, is_direct: bool, encrypts: bool) {
        let (end, other) = (&self.ends[side], &self.ends[1 - side]);
        if !end.was_connected.load(Relaxed) {
            return;
        }
        let closings = end.closings.load(Relaxed);
        if closings != 1 {
            self.fail(format!("end {side} has emitted closed {closings} times"));
        }
        let reasons = (end.reason(), other.reason());
        match &reasons.0 {
            Some(CloseReason::TimedOut(kind)) if !end.may_time_out.load(Relaxed) => {
                self.fail(format!("end {side} has no time-out {kind:?}"));
            }
            Some(CloseReason::Local)
                if !end.disconnects.load(Relaxed) && !end.discards.load(Relaxed) =>
            {
                self.fail(format!("end {side} has not ended the connection"));
            }
            // Somebody must have ended it.
            Some(CloseReason::Reset | CloseReason::Failed(_) | CloseReason::Remote)
                if !self.is_broken.load(Relaxed)
                    && !matches!(
                        reasons.1,
                        Some(
                            CloseReason::Local
                                | CloseReason::TimedOut(_)
                                | CloseReason::ConnectFailed(_)
                        ) | None
                    ) =>
            {
                self.fail(format!("nobody has ended the connection: {reasons:?}"));
            }
            _ => {}
        }
        if reasons.0 == Some(CloseReason::Remote) && is_direct && !end.discards.load(Relaxed) {
            let received = end.received.load(Relaxed);
            let closed_well =
                reasons.1 == Some(CloseReason::Local) && !other.discards.load(Relaxed);
            let least = match closed_well {
                true => other.promised.load(Relaxed),
                false if encrypts => 0,
                false => other.reported.load(Relaxed),
            };
            if received < least {
                self.fail(format!(
                    "end {side} has received {received} of at least {least} bytes: {reasons:?}"
                ));
            }
        }
    }
}

/// Returns bytes of the stream that an end sends. They make lost and shifted bytes visible.
pub(crate) fn pattern(side: usize, at: u64, size: usize) -> Vec<u8> {
    let end = at + size as u64;
    let mut bytes = Vec::with_capacity(size + 16);
    for word in at >> 3..(end + 7) >> 3 {
        let mixed = (word * 2 + side as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 29)).to_le_bytes());
    }
    bytes.drain(..(at & 7) as usize);
    bytes.truncate(size);
    bytes
}
