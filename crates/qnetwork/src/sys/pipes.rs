//! Streams that are not sockets: pipes, FIFOs, terminals.

#[cfg(test)]
use std::os::fd::{FromRawFd, OwnedFd};
use std::{
    ffi::c_int,
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd},
    ptr,
};

/// Reads what is available into `data`.
pub(crate) fn read(stream: impl AsFd, data: &mut [u8]) -> io::Result<usize> {
    let fd = stream.as_fd().as_raw_fd();
    // SAFETY: the buffer is valid for its length, and the descriptor is open, during the call.
    moved(unsafe { libc::read(fd, data.as_mut_ptr().cast(), data.len()) })
}

/// Writes as much as there is room for. Writing to a pipe without a reader is an error; the process
/// gets no SIGPIPE.
pub(crate) fn write(stream: impl AsFd, data: &[IoSlice<'_>]) -> io::Result<usize> {
    /// At least as many parts as a socket writes at once, and fewer than any system's limit.
    const MAX_PARTS: usize = 512;
    let parts = data.len().min(MAX_PARTS) as c_int;
    let fd = stream.as_fd().as_raw_fd();
    let blocked = SigPipe::block();
    // SAFETY: an `IoSlice` is laid out as an `iovec`; the slices and the descriptor live during the
    // call.
    let written = moved(unsafe { libc::writev(fd, data.as_ptr().cast(), parts) });
    if matches!(&written, Err(error) if error.raw_os_error() == Some(libc::EPIPE)) {
        blocked.take();
    }
    written
}

/// Returns whether a read would return data, the end of the stream or an error.
pub(crate) fn has_input(stream: impl AsFd) -> bool {
    let mut poll =
        libc::pollfd { fd: stream.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `poll` is one structure, and lives during the call, which does not wait.
    unsafe { libc::poll(&raw mut poll, 1, 0) > 0 }
}

fn moved(count: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Blocks SIGPIPE in this thread while the thread writes to a pipe, or splices to a socket.
///
/// Rust's own `main` ignores the signal. A program with another `main`, or one that has restored
/// the default, would end. Sending to a socket has a flag for this;
/// writing to a pipe and splicing do not.
pub(super) struct SigPipe {
    before: libc::sigset_t,
    /// The signal was pending before this write, so another call has caused it.
    was_pending: bool,
}

impl SigPipe {
    pub(super) fn block() -> Self {
        let (alone, mut before) = (Self::alone(), MaybeUninit::uninit());
        // SAFETY: both sets live during the call, which fills the second one. The call cannot fail,
        // because its arguments are valid.
        let before = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const alone, before.as_mut_ptr());
            before.assume_init()
        };
        let was_pending = Self::is_in(&before) && Self::is_pending();
        SigPipe { before, was_pending }
    }

    /// Removes the signal that this write has caused.
    pub(super) fn take(&self) {
        if !self.was_pending && Self::is_pending() {
            let (alone, mut signal) = (Self::alone(), 0);
            // SAFETY: the set and the number live during the call. The signal is blocked and
            // pending, so the call does not wait.
            unsafe { libc::sigwait(&raw const alone, &raw mut signal) };
        }
    }

    fn is_pending() -> bool {
        let mut pending = MaybeUninit::uninit();
        // SAFETY: the set lives during the call, which fills it.
        let pending = unsafe {
            libc::sigpending(pending.as_mut_ptr());
            pending.assume_init()
        };
        Self::is_in(&pending)
    }

    fn is_in(set: &libc::sigset_t) -> bool {
        // SAFETY: the set was filled by the system, and lives during the call.
        unsafe { libc::sigismember(set, libc::SIGPIPE) == 1 }
    }

    /// Returns a set with SIGPIPE alone.
    fn alone() -> libc::sigset_t {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the first call makes an empty set of it, the second one adds to that.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
            set.assume_init()
        }
    }
}

impl Drop for SigPipe {
    fn drop(&mut self) {
        // SAFETY: the set is the one that this thread had, and lives during the call.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}

/// Gives SIGPIPE its default action, which ends the process, as long as this value lives. The
/// action belongs to the process, so only one test at a time has such a value.
#[cfg(test)]
pub(super) struct DefaultSigPipe {
    before: libc::sighandler_t,
    _alone: std::sync::MutexGuard<'static, ()>,
}

#[cfg(test)]
impl DefaultSigPipe {
    pub(super) fn set() -> Self {
        static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // SAFETY: the default action runs no handler.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        DefaultSigPipe { before, _alone: alone }
    }
}

#[cfg(test)]
impl Drop for DefaultSigPipe {
    fn drop(&mut self) {
        // SAFETY: this restores the previous action.
        unsafe { libc::signal(libc::SIGPIPE, self.before) };
    }
}

/// Opens a pseudo-terminal: returns its master and its slave.
#[cfg(test)]
pub(crate) fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let (mut shows, mut runs) = (-1, -1);
    let (name, settings, size) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the two numbers live during the call, and the other pointers may be null.
    if unsafe { libc::openpty(&raw mut shows, &raw mut runs, name, settings, size) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both were just opened, and nothing else owns them.
    Ok(unsafe { (OwnedFd::from_raw_fd(shows), OwnedFd::from_raw_fd(runs)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_through() {
        let (reader, writer) = io::pipe().unwrap();
        assert!(!has_input(&reader));
        let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(write(&writer, &parts).unwrap(), 6);
        assert!(has_input(&reader));
        let mut data = [0; 10];
        assert_eq!(read(&reader, &mut data).unwrap(), 6);
        assert_eq!(&data[..6], b"onetwo");
        drop(writer);
        assert!(has_input(&reader));
        assert_eq!(read(&reader, &mut data).unwrap(), 0);
        assert_eq!(write(&reader, &parts).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }

    /// With the default action for SIGPIPE, writing to a pipe without a reader would end this
    /// process.
    #[test]
    fn a_pipe_without_a_reader_is_no_signal() {
        let _default = DefaultSigPipe::set();
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        for _ in 0..3 {
            let error = write(&writer, &[IoSlice::new(b"x")]).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
            assert!(!SigPipe::is_pending());
        }
        // A signal that was blocked and pending before stays pending.
        let outer = SigPipe::block();
        // SAFETY: the signal is blocked.
        unsafe { libc::raise(libc::SIGPIPE) };
        write(&writer, &[IoSlice::new(b"x")]).unwrap_err();
        assert!(SigPipe::is_pending());
        outer.take();
        assert!(!SigPipe::is_pending());
    }
}
