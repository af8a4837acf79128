//! Moving bytes between sockets within the kernel, through a pipe.

use std::{io, os::fd::AsFd};

use super::{Socket, pipes::SigPipe};

/// How many bytes a pipe of the kernel holds, and one call moves, at most.
pub(crate) const CAPACITY: usize = 256 * 1024;

/// A pipe of the kernel. Bytes go from a socket into it and from it into another socket. They are
/// not copied to the process.
pub(crate) struct KernelPipe {
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    reader: io::PipeReader,
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    writer: io::PipeWriter,
    /// How many bytes are in the pipe.
    held: usize,
    /// The system does not splice these sockets.
    refused: bool,
    /// The bytes of simulated sockets, whose descriptors carry none.
    #[cfg(feature = "simulation")]
    simulated: Vec<u8>,
}

impl KernelPipe {
    /// Creates a pipe. Fails for lack of descriptors, or if the system cannot splice.
    pub(crate) fn new() -> io::Result<Self> {
        if !cfg!(any(target_os = "linux", target_os = "android")) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (reader, writer) = io::pipe()?;
        enlarge(&writer);
        Ok(KernelPipe {
            reader,
            writer,
            held: 0,
            refused: false,
            #[cfg(feature = "simulation")]
            simulated: Vec::new(),
        })
    }

    /// Returns how many bytes are in the pipe.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Moves bytes from a socket into the pipe, at most `max`. Returns their number; 0 means that
    /// the socket's peer sends no more. The pipe must be empty.
    pub(crate) fn fill(&mut self, from: &Socket, max: usize) -> io::Result<usize> {
        #[cfg(feature = "simulation")]
        if from.is_simulated() {
            let mut bytes = vec![0; max.min(CAPACITY)];
            let count = io::Read::read(&mut &*from, &mut bytes)?;
            bytes.truncate(count);
            (self.simulated, self.held) = (bytes, count);
            return Ok(count);
        }
        let spliced = splice(from, &self.writer, max.min(CAPACITY));
        let count = self.note_refusal(spliced)?;
        self.held += count;
        Ok(count)
    }

    /// Moves bytes from the pipe into a socket. Returns their number. The pipe must not be empty.
    /// If the connection is closed, that is an error; the process gets no SIGPIPE.
    pub(crate) fn drain(&mut self, to: &Socket, max: usize) -> io::Result<usize> {
        #[cfg(feature = "simulation")]
        if to.is_simulated() {
            let bytes = &self.simulated[..self.held.min(max)];
            let count = io::Write::write(&mut &*to, bytes)?;
            self.simulated.drain(..count);
            self.held -= count;
            return Ok(count);
        }
        let blocked = SigPipe::block();
        let spliced = splice(&self.reader, to, self.held.min(max));
        if matches!(&spliced, Err(error) if error.raw_os_error() == Some(libc::EPIPE)) {
            blocked.take();
        }
        drop(blocked);
        let count = self.note_refusal(spliced)?;
        self.held -= count;
        Ok(count)
    }

    /// Returns whether a call returned "would block" because the system cannot splice here.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    fn note_refusal(&mut self, spliced: io::Result<usize>) -> io::Result<usize> {
        spliced.map_err(|error| match error.raw_os_error() {
            Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP | libc::EPERM) => {
                self.refused = true;
                io::ErrorKind::WouldBlock.into()
            }
            _ => error,
        })
    }

    /// Takes all bytes out of the pipe.
    pub(crate) fn take(&mut self) -> io::Result<Vec<u8>> {
        #[cfg(feature = "simulation")]
        if !self.simulated.is_empty() {
            self.held = 0;
            return Ok(std::mem::take(&mut self.simulated));
        }
        let mut bytes = vec![0; self.held];
        io::Read::read_exact(&mut &self.reader, &mut bytes)?;
        self.held = 0;
        Ok(bytes)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn enlarge(pipe: impl AsFd) {
    use std::os::fd::AsRawFd;

    // SAFETY: the call takes numbers only, and the descriptor is open. If the system refuses, the
    // pipe keeps its size.
    unsafe {
        libc::fcntl(pipe.as_fd().as_raw_fd(), libc::F_SETPIPE_SZ, CAPACITY as libc::c_int);
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn enlarge(_: impl AsFd) {}

/// Moves bytes without waiting. Moving them to a closed connection raises SIGPIPE.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn splice(from: impl AsFd, to: impl AsFd, max: usize) -> io::Result<usize> {
    use std::{os::fd::AsRawFd, ptr};

    let (from, to) = (from.as_fd().as_raw_fd(), to.as_fd().as_raw_fd());
    let flags = libc::SPLICE_F_NONBLOCK | libc::SPLICE_F_MOVE;
    // SAFETY: both descriptors are open, and no offsets are given.
    let count = unsafe { libc::splice(from, ptr::null_mut(), to, ptr::null_mut(), max, flags) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn splice(_: impl AsFd, _: impl AsFd, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::{
        io::Write,
        os::{fd::OwnedFd, unix::net::UnixStream},
    };

    use super::*;
    use crate::sys::pipes::DefaultSigPipe;

    /// With the default action for SIGPIPE, splicing to a closed connection would end this process.
    #[test]
    fn a_closed_connection_is_an_error_and_no_signal() {
        let _default = DefaultSigPipe::set();
        let (mut source, from) = UnixStream::pair().unwrap();
        let (to, sink) = UnixStream::pair().unwrap();
        let [from, to] = [from, to].map(|stream| Socket::from(OwnedFd::from(stream)));
        source.write_all(b"bytes").unwrap();
        let mut pipe = KernelPipe::new().unwrap();
        assert_eq!(pipe.fill(&from, CAPACITY).unwrap(), 5);
        drop(sink);
        for _ in 0..3 {
            let error = pipe.drain(&to, CAPACITY).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
        }
        assert_eq!(pipe.take().unwrap(), b"bytes");
    }
}
