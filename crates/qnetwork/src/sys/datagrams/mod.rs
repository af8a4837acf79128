//! Datagrams: several in one call, with their control messages.

mod control;
#[cfg(feature = "simulation")]
mod simulated;

use std::{
    cell::Cell,
    ffi::{c_int, c_void},
    io,
    mem::{self, MaybeUninit},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd, RawFd},
    ptr,
};

use socket2::SockAddr;

use self::control::Control;
use super::{Socket, is_shortage};

/// How many datagrams one call moves at most.
pub(crate) const BATCH: usize = 32;

/// The size of the buffer for a received datagram. No datagram is larger.
pub(crate) const SLOT: usize = 64 * 1024;

/// The size of the largest datagrams that go out as parts of a message. With larger ones, most
/// networks refuse the message.
const MOST_SEGMENTED: usize = 1472;

/// The most bytes of such a message. A UDP packet over IPv4 has room for little more.
const MOST_IN_MESSAGE: usize = 65_000;

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
///
/// Datagrams of the same size to the same address go to the system as one large message, which it
/// divides. This takes a fraction of the time. If the system refuses such a message, the function
/// sends the datagrams one by one. If the device cannot divide messages at all, the function clears
/// `segments` so that it does not try again.
pub(crate) fn send_all(
    socket: &Socket,
    datagrams: &[Departure<'_>],
    segments: &Cell<bool>,
) -> io::Result<usize> {
    #[cfg(feature = "simulation")]
    if let Some(sent) = simulated::send_all(socket, datagrams) {
        return sent;
    }
    let fd = socket.as_fd().as_raw_fd();
    let datagrams = &datagrams[..datagrams.len().min(BATCH)];
    match datagrams {
        [] => return Ok(0),
        [one] if !one.is_special() => return send_plain(fd, one).map(|()| 1),
        _ => {}
    }
    if segments.get() && run_len(datagrams) > 1 {
        match send_batch(fd, datagrams, run_len) {
            Err(error) if may_be_refused(&error) => {
                let never = [libc::EIO, libc::EOPNOTSUPP];
                segments.set(error.raw_os_error().is_none_or(|code| !never.contains(&code)));
            }
            sent => return sent,
        }
    }
    send_batch(fd, datagrams, |_| 1)
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

/// Returns how many of the datagrams, from the first on, can go out as one message. All have the
/// size of the first one, but the last may be shorter.
fn run_len(datagrams: &[Departure<'_>]) -> usize {
    let first = &datagrams[0];
    let size = first.data.len();
    if !control::CAN_SEGMENT || first.is_special() || !(1..=MOST_SEGMENTED).contains(&size) {
        return 1;
    }
    let (mut count, mut ended) = (1, false);
    for next in &datagrams[1..] {
        let len = next.data.len();
        let total = (count + 1) * size;
        if ended || next.is_special() || next.to != first.to || total > MOST_IN_MESSAGE {
            break;
        }
        if len == 0 || len > size {
            break;
        }
        ended = len < size;
        count += 1;
    }
    count
}

/// Returns whether the system may have failed because it was to divide a message. A path may be too
/// narrow for the parts, a device may be unable to do it, or the whole may not fit into the buffer
/// or into memory.
fn may_be_refused(error: &io::Error) -> bool {
    let refusals = [libc::EINVAL, libc::EIO, libc::EMSGSIZE, libc::EOPNOTSUPP];
    error.kind() == io::ErrorKind::WouldBlock
        || is_shortage(error)
        || error.raw_os_error().is_some_and(|code| refusals.contains(&code))
}

/// Sends at most [`BATCH`] datagrams. `run` tells how many of the rest make up the next message.
fn send_batch(
    fd: RawFd,
    datagrams: &[Departure<'_>],
    run: impl Fn(&[Departure<'_>]) -> usize,
) -> io::Result<usize> {
    let mut names = [const { MaybeUninit::<SockAddr>::uninit() }; BATCH];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; BATCH];
    let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut headers = [const { MaybeUninit::<Header>::uninit() }; BATCH];
    let mut runs = [0; BATCH];
    for (part, datagram) in parts.iter_mut().zip(datagrams) {
        // The system does not write to it.
        let base = datagram.data.as_ptr().cast_mut().cast::<c_void>();
        part.write(libc::iovec { iov_base: base, iov_len: datagram.data.len() });
    }
    let parts = parts.as_mut_ptr().cast::<libc::iovec>();
    let (mut count, mut done) = (0, 0);
    while done < datagrams.len() {
        let len = run(&datagrams[done..]);
        let datagram = &datagrams[done];
        let header = message(headers[count].write(empty_header()));
        header.msg_iov = parts.wrapping_add(done);
        header.msg_iovlen = len as _;
        if let Some(to) = datagram.to {
            let name = names[count].write(SockAddr::from(to));
            header.msg_name = name.as_ptr().cast_mut().cast();
            header.msg_namelen = name.len();
        }
        if len > 1 || datagram.is_special() {
            let control = controls[count].write(Control::default());
            header.msg_control = ptr::from_mut(control).cast();
            header.msg_controllen = size_of::<Control>() as _;
            // SAFETY: the header has room for control messages, which is zeroed.
            let len = unsafe {
                match len {
                    1 => control::add(header, datagram),
                    _ => control::add_segment_size(header, datagram.data.len()),
                }
            };
            header.msg_controllen = len as _;
            if len == 0 {
                header.msg_control = ptr::null_mut();
            }
        }
        runs[count] = len;
        count += 1;
        done += len;
    }
    // SAFETY: `count` headers were written. There are `BATCH` at most.
    let headers = unsafe { written(&mut headers, count) };
    // SAFETY: each of these headers points to as many parts as it states, and to a name and control
    // messages of the lengths that it states, or to none. The parts point to the bytes of the
    // datagrams. All live until the call has returned.
    let sent = unsafe { send_messages(fd, headers) }?;
    Ok(runs[..sent].iter().sum())
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

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    fn departure(len: usize, port: u16) -> Departure<'static> {
        let data = &[7; 4096][..len];
        let to = Some(SocketAddr::from(([127, 0, 0, 1], port)));
        Departure { data, to, from: None, interface: 0, hops: None }
    }

    #[test]
    fn a_message_that_finds_no_memory_may_go_out_in_parts() {
        for code in [libc::ENOBUFS, libc::ENOMEM, libc::EMSGSIZE] {
            assert!(may_be_refused(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(!may_be_refused(&io::Error::from_raw_os_error(libc::ECONNREFUSED)));
    }

    #[test]
    fn datagrams_of_one_size_and_address_make_a_message() {
        if !control::CAN_SEGMENT {
            return;
        }
        let runs = |lens: &[usize]| {
            let all: Vec<_> = lens.iter().map(|&len| departure(len, 1)).collect();
            run_len(&all)
        };
        assert_eq!(runs(&[5, 5, 5]), 3);
        assert_eq!(runs(&[5, 5, 3, 3, 5]), 3);
        assert_eq!(runs(&[5, 6, 6]), 1);
        assert_eq!(runs(&[5, 5, 0, 5]), 2);
        assert_eq!(runs(&[0, 0]), 1);
        assert_eq!(runs(&[1473, 1473]), 1);
        assert_eq!(runs(&[1472; 100]), 44);
        assert_eq!(run_len(&[departure(5, 1), departure(5, 2)]), 1);
        let special = Departure { hops: Some(3), ..departure(5, 1) };
        assert_eq!(run_len(&[departure(5, 1), special]), 1);
        assert_eq!(run_len(&[special, departure(5, 1)]), 1);
    }

    #[test]
    fn they_are_sent_one_by_one_if_the_system_does_not_divide() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = Socket::from(OwnedFd::from(sender));
        let port = receiver.local_addr().unwrap().port();
        let many = [4, 4, 4, 2, 9, 9, 0].map(|len| departure(len, port));
        let mut buffer = [0; 100];
        // The system divides no message of a socket that sends no checksums.
        for checksums in [true, false] {
            if !checksums && !control::stop_checksums(sender.as_fd().as_raw_fd()) {
                eprintln!("skipped: checksums cannot be switched off");
                return;
            }
            let segments = Cell::new(true);
            assert_eq!(send_all(&sender, &many, &segments).unwrap(), many.len());
            // The system's error, EINVAL, may concern these datagrams alone.
            assert!(segments.get());
            for sent in &many {
                assert_eq!(receiver.recv(&mut buffer).unwrap(), sent.data.len());
            }
        }
    }
}
