//! Calls to the operating system. This folder has all unsafe code of the crate.

#![allow(unsafe_code)]

pub(crate) mod datagrams;
mod interfaces;
mod options;
pub(crate) mod pipes;
#[cfg(feature = "tasks")]
pub(crate) mod splice;
pub(crate) mod tcp;

use std::{
    ffi::{CStr, CString},
    io,
    net::SocketAddr,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    time::Duration,
};

use mio::{Interest, net::TcpStream};
use qcore::event_loop::Registration;
#[cfg(not(feature = "simulation"))]
pub(crate) use socket2::Socket;

#[cfg(all(fuzzing, any(target_os = "linux", target_os = "android")))]
pub(crate) use self::interfaces::fuzz as fuzz_interfaces;
pub use self::interfaces::{InterfaceFlags, InterfaceType};
pub(crate) use self::interfaces::{Lifetime, Link, LinkAddress, links};
pub(crate) use self::options::{
    available, has_input, inline_urgent_data, option, receive, send, set_option,
};
use crate::common::{SocketError, SocketErrorKind};
#[cfg(feature = "simulation")]
pub(crate) use crate::simulation::{Socket, Watched};

/// Returns the index of a network interface; 0 if there is none of that name.
pub(crate) fn interface_index(name: &str) -> u32 {
    let Ok(name) = CString::new(name) else { return 0 };
    // SAFETY: `name` is a NUL-terminated string that lives during the call.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

/// Returns the name of a network interface.
pub(crate) fn interface_name(index: u32) -> Option<String> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: the buffer is of the size that the call asks for, and lives during it.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if found.is_null() {
        return None;
    }
    CStr::from_bytes_until_nul(&name).ok()?.to_str().ok().map(str::to_owned)
}

/// Returns the host name of this machine.
pub(crate) fn host_name() -> String {
    #[cfg(feature = "simulation")]
    if let Some(name) = crate::simulation::host_name() {
        return name;
    }
    // Longer than any system's limit.
    let mut name = [0u8; 1025];
    // SAFETY: the buffer is valid for its length during the call. The call may omit the NUL of a
    // name that does not fit, so it does not get the last byte, which stays 0.
    let failed = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) } != 0;
    if failed {
        return String::new();
    }
    let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A flag for `getaddrinfo`. It omits the addresses of a family if this machine has no address of
/// that family.
pub(crate) const ADDRESSES_OF_USE: i32 = libc::AI_ADDRCONFIG;

/// Waits until one of the descriptors can be written to, or fails. Returns `false` when the time is
/// over, where `None` is no limit, or after a signal.
pub(crate) fn wait_for_any(descriptors: &[RawFd], time: Option<Duration>) -> bool {
    #[cfg(feature = "simulation")]
    if crate::simulation::is_simulated() {
        // These descriptors say nothing of simulated sockets, so the caller looks each millisecond.
        const STEP: Duration = Duration::from_millis(1);
        crate::simulation::sleep(time.map_or(STEP, |time| time.min(STEP)));
        return true;
    }
    let poll = |fd: &RawFd| libc::pollfd { fd: *fd, events: libc::POLLOUT, revents: 0 };
    let mut polls: Vec<_> = descriptors.iter().map(poll).collect();
    // Rounded up, so that the time is over when the call returns.
    let millis = |time: Duration| time.as_nanos().div_ceil(1_000_000).try_into();
    let millis = time.map_or(-1, |time| millis(time).unwrap_or(libc::c_int::MAX));
    let count = polls.len() as libc::nfds_t;
    // SAFETY: there are `count` structures, and they live during the call.
    unsafe { libc::poll(polls.as_mut_ptr(), count, millis) > 0 }
}

/// Returns whether a socket is listening.
pub(crate) fn is_listening(socket: &Socket) -> bool {
    #[cfg(feature = "simulation")]
    if let Some(listens) = socket.simulated_listens() {
        return listens;
    }
    let (mut listens, mut length): (libc::c_int, _) =
        (0, size_of::<libc::c_int>() as libc::socklen_t);
    // SAFETY: the descriptor is open as long as it is borrowed, and `length` is the size of the
    // number that the call writes.
    let failed = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut listens).cast(),
            &raw mut length,
        )
    } != 0;
    !failed && listens != 0
}

/// What a loop watches of a socket.
#[cfg(not(feature = "simulation"))]
pub(crate) type Watched = RawFd;

/// Returns what a loop watches of a socket.
pub(crate) fn watched(socket: &Socket) -> Watched {
    #[cfg(feature = "simulation")]
    return socket.watched();
    #[cfg(not(feature = "simulation"))]
    socket.as_raw_fd()
}

/// Registers a socket with a loop.
pub(crate) fn watch(
    registration: &Registration,
    watched: &Watched,
    interest: Interest,
) -> io::Result<()> {
    #[cfg(feature = "simulation")]
    return watched.register(registration, interest);
    #[cfg(not(feature = "simulation"))]
    registration.register(&mut mio::unix::SourceFd(watched), interest)
}

/// Removes a socket from a loop.
pub(crate) fn unwatch(registration: &Registration, watched: &Watched) {
    #[cfg(feature = "simulation")]
    watched.deregister(registration);
    #[cfg(not(feature = "simulation"))]
    registration.deregister(&mut mio::unix::SourceFd(watched));
}

/// Accepts a connection. Its descriptor is non-blocking and close-on-exec.
pub(crate) fn accept(listener: &Socket) -> io::Result<(TcpStream, SocketAddr)> {
    #[cfg(feature = "simulation")]
    if listener.simulated_listens().is_some() {
        let (socket, peer) = listener.accept()?;
        socket.set_nonblocking(true)?;
        let peer = peer.as_socket().ok_or(io::ErrorKind::InvalidData)?;
        return Ok((TcpStream::from_std(OwnedFd::from(socket).into()), peer));
    }
    // SAFETY: the descriptor is open as long as `listener` is borrowed, and is not closed here.
    let listener = unsafe { mio::net::TcpListener::from_raw_fd(listener.as_raw_fd()) };
    std::mem::ManuallyDrop::new(listener).accept()
}

/// Accepts a connection. Its descriptor is in blocking mode and close-on-exec.
pub(crate) fn accept_blocking(listener: &Socket) -> io::Result<OwnedFd> {
    let (socket, _) = listener.accept()?;
    // On some systems it inherits the listener's mode.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    socket.set_nonblocking(false)?;
    Ok(socket.into())
}

/// Returns whether a call failed for lack of descriptors or memory, and may succeed later.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

/// Returns whether `accept` failed because of that one connection.
pub(crate) fn is_lost_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::EINTR
                | libc::EPROTO
                | libc::ENETDOWN
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::EOPNOTSUPP
                | libc::ENETUNREACH
                | libc::EPERM
        )
    )
}

/// Returns whether Qt ignores this failure of a connection attempt: a router or the peer has sent
/// an ICMP message about one packet alone (protocol unreachable, source route failed, bad header).
pub(crate) fn is_passing_failure(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP | libc::EPROTO))
}

/// Converts the error of a failed `connect` to Qt's.
pub(crate) fn connect_error(error: &io::Error) -> SocketError {
    use SocketErrorKind::*;
    let (kind, text) = match error.raw_os_error() {
        Some(libc::ECONNREFUSED | libc::EINVAL) => return SocketError::connection_refused(),
        Some(libc::ETIMEDOUT) => (Network, "Connection timed out"),
        Some(libc::EHOSTUNREACH) => (Network, "Host unreachable"),
        Some(libc::ENETUNREACH) => (Network, "Network unreachable"),
        Some(libc::EADDRINUSE) => (Network, "The bound address is already in use"),
        Some(libc::EADDRNOTAVAIL) => (SocketAddressNotAvailable, "The address is not available"),
        Some(libc::EACCES | libc::EPERM) => (SocketAccess, "Permission denied"),
        Some(libc::ECONNRESET) => return SocketError::remote_host_closed(),
        Some(libc::EAGAIN) => (SocketResource, "Out of resources"),
        // The address is of another family than the socket.
        Some(libc::EAFNOSUPPORT) => return SocketError::unknown(),
        _ => return other_error(error),
    };
    SocketError::new(kind, text)
}

/// Converts the error of a failed `bind` or `listen` to Qt's.
pub(crate) fn bind_error(error: &io::Error) -> SocketError {
    use SocketErrorKind::*;
    let (kind, text) = match error.raw_os_error() {
        Some(libc::EADDRINUSE) => (AddressInUse, "The bound address is already in use"),
        Some(libc::EACCES) => (SocketAccess, "The address is protected"),
        Some(libc::EADDRNOTAVAIL) => (SocketAddressNotAvailable, "The address is not available"),
        Some(libc::EINVAL) => (UnsupportedSocketOperation, "Unsupported socket operation"),
        _ => return other_error(error),
    };
    SocketError::new(kind, text)
}

/// Converts the error of a failed `read` to Qt's.
pub(crate) fn read_error(error: &io::Error) -> SocketError {
    use SocketErrorKind::Network;
    match error.raw_os_error() {
        // A peer that closes with unread data resets the connection.
        Some(libc::ECONNRESET) => SocketError::remote_host_closed(),
        Some(libc::ETIMEDOUT) => SocketError::new(Network, "Connection timed out"),
        Some(libc::EHOSTUNREACH) => SocketError::new(Network, "No route to host"),
        _ => SocketError::new(Network, text_of(error)),
    }
}

/// Converts the error of a failed `write` to Qt's.
pub(crate) fn write_error(error: &io::Error) -> SocketError {
    match error.raw_os_error() {
        Some(libc::EPIPE | libc::ECONNRESET) => SocketError::remote_host_closed(),
        Some(libc::EACCES) => SocketError::new(SocketErrorKind::SocketAccess, "Permission denied"),
        _ => other_error(error),
    }
}

/// Converts the error of a datagram that could not be sent to Qt's.
pub(crate) fn send_error(error: &io::Error) -> SocketError {
    match error.raw_os_error() {
        Some(libc::EMSGSIZE) => SocketError::datagram_too_large(),
        Some(libc::ECONNRESET) => SocketError::remote_host_closed(),
        _ => SocketError::new(SocketErrorKind::Network, "Unable to send a message"),
    }
}

/// Converts the error of a datagram that could not be received to Qt's.
pub(crate) fn receive_error(error: &io::Error) -> SocketError {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => SocketError::connection_refused(),
        _ => SocketError::new(SocketErrorKind::Network, "Unable to receive a message"),
    }
}

/// Converts the error of a failed multicast setting to Qt's.
pub(crate) fn group_error(error: &io::Error) -> SocketError {
    match error.raw_os_error() {
        Some(libc::ENOPROTOOPT) => SocketError::unsupported(),
        Some(libc::EADDRNOTAVAIL) => {
            let kind = SocketErrorKind::SocketAddressNotAvailable;
            SocketError::new(kind, "The address is not available")
        }
        _ => SocketError::unknown(),
    }
}

/// Returns whether a failed call means that the other end has ended the connection without
/// reading everything, or will not read what is sent.
pub(crate) fn is_end(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPIPE | libc::ECONNRESET))
}

/// Converts the error of `socket`, or of a call with no rule of its own, to Qt's.
pub(crate) fn other_error(error: &io::Error) -> SocketError {
    use SocketErrorKind::*;
    let (kind, text) = match error.raw_os_error() {
        Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT | libc::EPROTOTYPE) => {
            return SocketError::unsupported();
        }
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
            (SocketResource, "Out of resources")
        }
        Some(libc::EACCES | libc::EPERM) => (SocketAccess, "Permission denied"),
        _ => return SocketError::new(Unknown, text_of(error)),
    };
    SocketError::new(kind, text)
}

/// Returns the system's text for an error as Qt has it: without the number that Rust adds.
fn text_of(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => text.trim_end_matches(&format!(" (os error {code})")).to_owned(),
        None => text,
    }
}
