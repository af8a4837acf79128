//! Datagrams: several in one call, with their control messages.

mod control;
#[cfg(feature = "simulation")]
mod simulated;

use std::{
    ffi::{c_int, c_void},
    io,
    mem::{self, MaybeUninit},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd, RawFd},
    ptr,
};

use socket2::SockAddr;

use self::control::Control;
use super::Socket;

/// How many datagrams one call moves at most.
pub(crate) const BATCH: usize = 32;

/// The size of the buffer for a received datagram. No datagram is larger.
pub(crate) const SLOT: usize = 64 * 1024;

/// The properties of a received datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) len: usize,
    /// The sender's address, if it has one.
    pub(crate) from: Option<SocketAddr>,
    pub(crate) path: Path,
}

/// The path of a datagram, from its control messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Path {
    pub(crate) destination: Option<IpAddr>,
    /// The index of the interface; 0 if it is not known.
    pub(crate) interface: u32,
    pub(crate) hops: Option<i32>,
}

/// A datagram to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departure<'a> {
    pub(crate) data: &'a [u8],
    /// The destination; `None` sends to the peer of a connected socket.
    pub(crate) to: Option<SocketAddr>,
    pub(crate) from: Option<IpAddr>,
    pub(crate) interface: u32,
    pub(crate) hops: Option<i32>,
}

impl Departure<'_> {
    /// Returns whether the datagram needs control messages.
    fn is_special(&self) -> bool {
        self.from.is_some() || self.interface != 0 || self.hops.is_some()
    }
}

/// Makes the system report destination, interface and hop limit of datagrams, as far as it can.
pub(crate) fn tell_paths(socket: impl AsFd, is_v6: bool) {
    control::tell_paths(socket.as_fd().as_raw_fd(), is_v6);
}

/// Receives up to `count` datagrams, each into a [`SLOT`] of `room`. `count` is at most [`BATCH`].
/// Calls `each` for each datagram with the number of its slot.
///
/// Returns how many there were. Fewer than `count` means that there are no more; if there is none
/// at all, the error is "would block".
pub(crate) fn receive(
    socket: &Socket,
    room: &mut [u8],
    count: usize,
    mut each: impl FnMut(usize, Arrival),
) -> io::Result<usize> {
    let count = count.min(BATCH).min(room.len() / SLOT);
    #[cfg(feature = "simulation")]
    if let Some(received) = simulated::receive(socket, room, count, &mut each) {
        return received;
    }
    let mut names = [const { MaybeUninit::<libc::sockaddr_storage>::uninit() }; BATCH];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; BATCH];
    let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut headers = [const { MaybeUninit::<Header>::uninit() }; BATCH];
    for (at, slot) in room.chunks_exact_mut(SLOT).take(count).enumerate() {
        let part = libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: SLOT };
        let header = message(headers[at].write(empty_header()));
        header.msg_name = names[at].as_mut_ptr().cast();
        header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        header.msg_iov = parts[at].write(part);
        header.msg_iovlen = 1;
        header.msg_control = controls[at].as_mut_ptr().cast();
        header.msg_controllen = size_of::<Control>() as _;
    }
    // SAFETY: the loop above has written `count` headers.
    let headers = unsafe { written(&mut headers, count) };
    // SAFETY: the headers point to a name, a part, control messages and a slot each, of the sizes
    // that they state. All live until the end of this function, and nothing else uses them before
    // the call has returned.
    let received = unsafe { receive_messages(socket.as_fd().as_raw_fd(), headers) }?;
    for (at, header) in headers.iter_mut().take(received).enumerate() {
        let len = message_len(header);
        let header = message(header);
        // SAFETY: the call has written `msg_namelen` bytes of a name.
        let from = unsafe { address(header.msg_name.cast(), header.msg_namelen) };
        // SAFETY: the header is one that the call has filled in, its control messages included.
        let path = unsafe { control::path(header) };
        each(at, Arrival { len: len.min(SLOT), from, path });
    }
    Ok(received)
}

/// Sends up to [`BATCH`] datagrams in order. Returns how many were sent. An error concerns the
/// first datagram; an error of a later one appears when that datagram comes first.
pub(crate) fn send_all(socket: &Socket, datagrams: &[Departure<'_>]) -> io::Result<usize> {
    #[cfg(feature = "simulation")]
    if let Some(sent) = simulated::send_all(socket, datagrams) {
        return sent;
    }
    let fd = socket.as_fd().as_raw_fd();
    match datagrams {
        [] => Ok(0),
        [one] if !one.is_special() => send_plain(fd, one).map(|()| 1),
        many => send_batch(fd, &many[..many.len().min(BATCH)]),
    }
}

fn send_plain(fd: RawFd, datagram: &Departure<'_>) -> io::Result<()> {
    let data = datagram.data;
    let to = datagram.to.map(SockAddr::from);
    let (name, len) = to.as_ref().map_or((ptr::null(), 0), |to| (to.as_ptr().cast(), to.len()));
    // SAFETY: the bytes and the name are valid for the lengths that are given, and live during the
    // call.
    let sent = unsafe { libc::sendto(fd, data.as_ptr().cast(), data.len(), NO_SIGNAL, name, len) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn send_batch(fd: RawFd, datagrams: &[Departure<'_>]) -> io::Result<usize> {
    let mut names = [const { MaybeUninit::<SockAddr>::uninit() }; BATCH];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; BATCH];
    let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut headers = [const { MaybeUninit::<Header>::uninit() }; BATCH];
    for (at, datagram) in datagrams.iter().enumerate() {
        // The system does not write to it.
        let base = datagram.data.as_ptr().cast_mut().cast::<c_void>();
        let part = libc::iovec { iov_base: base, iov_len: datagram.data.len() };
        let header = message(headers[at].write(empty_header()));
        header.msg_iov = parts[at].write(part);
        header.msg_iovlen = 1;
        if let Some(to) = datagram.to {
            let name = names[at].write(SockAddr::from(to));
            header.msg_name = name.as_ptr().cast_mut().cast();
            header.msg_namelen = name.len();
        }
        if datagram.is_special() {
            let control = controls[at].write(Control::default());
            header.msg_control = ptr::from_mut(control).cast();
            header.msg_controllen = size_of::<Control>() as _;
            // SAFETY: the header has room for control messages, which is zeroed.
            let len = unsafe { control::add(header, datagram) };
            header.msg_controllen = len as _;
            if len == 0 {
                header.msg_control = ptr::null_mut();
            }
        }
    }
    // SAFETY: a header was written for each datagram, of which there are `BATCH` at most.
    let headers = unsafe { written(&mut headers, datagrams.len()) };
    // SAFETY: each of these headers points to a part, and to a name and control messages of the
    // lengths that it states, or to none. The part points to the datagram's bytes. All live until
    // the call has returned.
    unsafe { send_messages(fd, headers) }
}

#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: c_int = libc::MSG_NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: c_int = 0;

// ---- addresses

/// Reads an address that the system has written.
///
/// # Safety
///
/// `name` points to `len` bytes of an address.
unsafe fn address(name: *const c_void, len: libc::socklen_t) -> Option<SocketAddr> {
    let len = len as usize;
    if len < size_of::<libc::sockaddr_in>() {
        return None;
    }
    // SAFETY: there are that many bytes.
    let v4 = unsafe { name.cast::<libc::sockaddr_in>().read_unaligned() };
    match c_int::from(v4.sin_family) {
        libc::AF_INET => {
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 if len >= size_of::<libc::sockaddr_in6>() => {
            // SAFETY: there are that many bytes.
            let v6 = unsafe { name.cast::<libc::sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            Some(SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

// ---- several datagrams in one call, on systems that support it

#[cfg(any(target_os = "linux", target_os = "android"))]
mod several {
    use super::*;

    pub(super) type Header = libc::mmsghdr;

    pub(super) fn message(header: &mut Header) -> &mut libc::msghdr {
        &mut header.msg_hdr
    }

    pub(super) fn message_len(header: &Header) -> usize {
        header.msg_len as usize
    }

    /// # Safety
    ///
    /// The caller must keep what the headers point to alive and unused until this returns, as for
    /// `recvmmsg`.
    pub(super) unsafe fn receive_messages(fd: RawFd, headers: &mut [Header]) -> io::Result<usize> {
        let flags = libc::MSG_DONTWAIT as _;
        // SAFETY: the headers are as the caller promises.
        let count = unsafe {
            libc::recvmmsg(fd, headers.as_mut_ptr(), headers.len() as _, flags, ptr::null_mut())
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// # Safety
    ///
    /// The caller must keep what the headers point to valid until this returns, as for `sendmmsg`.
    pub(super) unsafe fn send_messages(fd: RawFd, headers: &mut [Header]) -> io::Result<usize> {
        let flags = NO_SIGNAL as _;
        // SAFETY: the headers are as the caller promises.
        let count = unsafe { libc::sendmmsg(fd, headers.as_mut_ptr(), headers.len() as _, flags) };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod several {
    use super::*;

    #[derive(Clone, Copy)]
    pub(super) struct Header {
        message: libc::msghdr,
        len: usize,
    }

    pub(super) fn message(header: &mut Header) -> &mut libc::msghdr {
        &mut header.message
    }

    pub(super) fn message_len(header: &Header) -> usize {
        header.len
    }

    /// # Safety
    ///
    /// The caller must keep what the headers point to alive and unused until this returns, as for
    /// `recvmsg`.
    pub(super) unsafe fn receive_messages(fd: RawFd, headers: &mut [Header]) -> io::Result<usize> {
        one_by_one(headers, |header| {
            // SAFETY: the headers are as the caller promises.
            unsafe { libc::recvmsg(fd, header, libc::MSG_DONTWAIT) }
        })
    }

    /// # Safety
    ///
    /// The caller must keep what the headers point to valid until this returns, as for `sendmsg`.
    pub(super) unsafe fn send_messages(fd: RawFd, headers: &mut [Header]) -> io::Result<usize> {
        one_by_one(headers, |header| {
            // SAFETY: the headers are as the caller promises.
            unsafe { libc::sendmsg(fd, header, NO_SIGNAL) }
        })
    }

    fn one_by_one(
        headers: &mut [Header],
        mut call: impl FnMut(&mut libc::msghdr) -> isize,
    ) -> io::Result<usize> {
        for at in 0..headers.len() {
            match usize::try_from(call(&mut headers[at].message)) {
                Ok(len) => headers[at].len = len,
                Err(_) if at > 0 => return Ok(at),
                Err(_) => return Err(io::Error::last_os_error()),
            }
        }
        Ok(headers.len())
    }
}

use several::{Header, message, message_len, receive_messages, send_messages};

/// Returns the first `count` headers.
///
/// # Safety
///
/// The first `count` headers have been written.
unsafe fn written(headers: &mut [MaybeUninit<Header>], count: usize) -> &mut [Header] {
    let headers = &mut headers[..count];
    // SAFETY: they are all written, and `MaybeUninit` has the layout of its content.
    unsafe { &mut *(ptr::from_mut(headers) as *mut [Header]) }
}

fn empty_header() -> Header {
    // SAFETY: the header has only numbers and pointers, for which zero is valid.
    unsafe { mem::zeroed() }
}
