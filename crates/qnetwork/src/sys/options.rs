//! Socket options with integer values.

use std::{
    ffi::c_int,
    io::{self, IoSlice},
    os::fd::{AsFd, AsRawFd},
    ptr,
};

use super::Socket;
use crate::common::SocketOption;

/// Receives at most `max` bytes and appends them to `buffer`, into room that it has already.
pub(crate) fn receive(socket: &Socket, buffer: &mut Vec<u8>, max: usize) -> io::Result<usize> {
    let room = buffer.spare_capacity_mut();
    let max = max.min(room.len());
    let count = socket.recv(&mut room[..max])?;
    // SAFETY: `recv` has initialized the first `count` bytes of the spare capacity.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}

/// Makes the system deliver urgent data with the normal data. The sockets that a listening socket
/// accepts inherit this.
pub(crate) fn inline_urgent_data(socket: &Socket) {
    // A system without this option has no urgent data.
    let _ = socket.set_out_of_band_inline(true);
}

/// Sends data. If the connection is closed, the process gets no SIGPIPE.
#[cfg(feature = "simulation")]
pub(crate) fn send(socket: &Socket, data: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.send_slices(data)
}

/// Sends data. If the connection is closed, the process gets no SIGPIPE.
#[cfg(not(feature = "simulation"))]
pub(crate) fn send(socket: &Socket, data: &[IoSlice<'_>]) -> io::Result<usize> {
    #[cfg(not(target_vendor = "apple"))]
    const FLAGS: c_int = libc::MSG_NOSIGNAL;
    // Here a socket option does the same.
    #[cfg(target_vendor = "apple")]
    const FLAGS: c_int = 0;
    match data {
        [one] => socket.send_with_flags(one, FLAGS),
        many => socket.send_vectored_with_flags(many, FLAGS),
    }
}

/// Returns the level and the name of an option; `None` if the system has no such option for sockets
/// of this family.
fn named(option: SocketOption, is_v6: bool) -> Option<(c_int, c_int)> {
    Some(match option {
        SocketOption::LowDelay => (libc::IPPROTO_TCP, libc::TCP_NODELAY),
        SocketOption::KeepAlive => (libc::SOL_SOCKET, libc::SO_KEEPALIVE),
        SocketOption::SendBufferSize => (libc::SOL_SOCKET, libc::SO_SNDBUF),
        SocketOption::ReceiveBufferSize => (libc::SOL_SOCKET, libc::SO_RCVBUF),
        SocketOption::MulticastTtl if is_v6 => (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS),
        SocketOption::MulticastTtl => (libc::IPPROTO_IP, libc::IP_MULTICAST_TTL),
        SocketOption::MulticastLoopback if is_v6 => (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP),
        SocketOption::MulticastLoopback => (libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP),
        SocketOption::TypeOfService if is_v6 => return None,
        SocketOption::TypeOfService => (libc::IPPROTO_IP, libc::IP_TOS),
        SocketOption::PathMtu => return path_mtu(is_v6),
    })
}

#[cfg(target_os = "linux")]
fn path_mtu(is_v6: bool) -> Option<(c_int, c_int)> {
    Some(if is_v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU)
    } else {
        (libc::IPPROTO_IP, libc::IP_MTU)
    })
}

#[cfg(not(target_os = "linux"))]
fn path_mtu(_: bool) -> Option<(c_int, c_int)> {
    None
}

/// Sets an option. The error is `Unsupported` if the system has no such option.
pub(crate) fn set_option(
    socket: impl AsFd,
    option: SocketOption,
    is_v6: bool,
    value: c_int,
) -> io::Result<()> {
    let (level, name) = named(option, is_v6).ok_or(io::ErrorKind::Unsupported)?;
    let fd = socket.as_fd().as_raw_fd();
    let size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: `value` is a number of the size that is given, and lives during the call.
    let done = unsafe { libc::setsockopt(fd, level, name, ptr::from_ref(&value).cast(), size) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns the value of an option. The error is `Unsupported` if the system has no such option.
pub(crate) fn option(socket: &Socket, option: SocketOption, is_v6: bool) -> io::Result<c_int> {
    #[cfg(feature = "simulation")]
    if option == SocketOption::PathMtu
        && let Some(mtu) = socket.simulated_mtu()
    {
        return Ok(mtu);
    }
    let (level, name) = named(option, is_v6).ok_or(io::ErrorKind::Unsupported)?;
    let fd = socket.as_fd().as_raw_fd();
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the system writes at most `size` bytes to `value`, and a size to `size`; both live
    // during the call.
    let done = unsafe {
        libc::getsockopt(fd, level, name, ptr::from_mut(&mut value).cast(), &raw mut size)
    };
    if done == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// Returns whether a read would return data, the end of the stream or an error.
pub(crate) fn has_input(socket: &Socket) -> bool {
    #[cfg(feature = "simulation")]
    if let Some(has_input) = socket.simulated_input() {
        return has_input;
    }
    super::pipes::has_input(socket)
}

/// Returns how many bytes can be read.
pub(crate) fn available(socket: &Socket) -> usize {
    #[cfg(feature = "simulation")]
    if let Some(available) = socket.simulated_available() {
        return available;
    }
    let mut count: c_int = 0;
    // SAFETY: the call writes a number to `count`, which lives during it.
    let done = unsafe {
        libc::ioctl(socket.as_fd().as_raw_fd(), libc::FIONREAD, ptr::from_mut(&mut count))
    };
    if done == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}
