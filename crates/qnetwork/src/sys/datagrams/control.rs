//! Control messages: the properties of a datagram besides its bytes and its address.

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
pub(super) use linux::stop_checksums;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::{CAN_SEGMENT, add, add_segment_size, path, tell_paths};
#[cfg(all(test, not(any(target_os = "linux", target_os = "android"))))]
pub(super) use none::stop_checksums;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use none::{CAN_SEGMENT, add, add_segment_size, path, tell_paths};

/// Buffer for the control messages of a datagram: path and hop limit.
#[repr(C, align(8))]
#[derive(Clone, Copy, Default)]
pub(super) struct Control([u64; 16]);

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::{
        ffi::c_int,
        net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
        os::fd::RawFd,
        ptr,
    };

    use super::super::{Departure, Path};

    pub(crate) fn tell_paths(fd: RawFd, is_v6: bool) {
        let options = if is_v6 {
            [
                (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
                (libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT),
            ]
        } else {
            [(libc::IPPROTO_IP, libc::IP_PKTINFO), (libc::IPPROTO_IP, libc::IP_RECVTTL)]
        };
        for (level, name) in options {
            let on: c_int = 1;
            let size = size_of::<c_int>() as libc::socklen_t;
            // SAFETY: `on` is a number of the size that is given, and lives during the call. If the
            // system refuses, it only reports less about datagrams.
            unsafe { libc::setsockopt(fd, level, name, ptr::from_ref(&on).cast(), size) };
        }
    }

    /// Reads the control messages of a received datagram.
    ///
    /// # Safety
    ///
    /// The system has filled in the header, and the memory that it points to is still alive.
    pub(crate) unsafe fn path(header: &libc::msghdr) -> Path {
        let mut path = Path::default();
        // SAFETY: these functions walk the control messages within the length in the header.
        let mut control = unsafe { libc::CMSG_FIRSTHDR(header) };
        while !control.is_null() {
            // SAFETY: it is one of the header's control messages, with data of the type that its
            // level and its type say.
            unsafe {
                let data = libc::CMSG_DATA(control);
                match ((*control).cmsg_level, (*control).cmsg_type) {
                    (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                        let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                        let to = Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr));
                        path.destination = Some(to.into());
                        path.interface = info.ipi_ifindex.cast_unsigned();
                    }
                    (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                        let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                        path.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
                        path.interface = info.ipi6_ifindex as u32;
                    }
                    (libc::IPPROTO_IP, libc::IP_TTL)
                    | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                        path.hops = Some(data.cast::<c_int>().read_unaligned());
                    }
                    _ => {}
                }
                control = libc::CMSG_NXTHDR(header, control);
            }
        }
        path
    }

    /// Adds the control messages of a datagram to send. Returns their length.
    ///
    /// As in Qt, they belong to the family of the destination. Qt writes the sender's IPv4 address
    /// into a field that Linux ignores, so the system chooses the sender.
    ///
    /// # Safety
    ///
    /// The header has zeroed room for two control messages.
    pub(crate) unsafe fn add(header: &libc::msghdr, datagram: &Departure<'_>) -> usize {
        let mut at = ptr::null_mut();
        let mut len = 0;
        let is_v6 = matches!(datagram.to, Some(SocketAddr::V6(_)));
        if let Some(hops) = datagram.hops {
            let (level, kind) = if is_v6 {
                (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT)
            } else {
                (libc::IPPROTO_IP, libc::IP_TTL)
            };
            // SAFETY: there is room, as the caller promises.
            len += unsafe { put(header, &mut at, level, kind, hops) };
        }
        if datagram.interface == 0 && datagram.from.is_none() {
            return len;
        }
        if is_v6 {
            let from = match datagram.from {
                Some(IpAddr::V6(from)) => from,
                Some(IpAddr::V4(from)) => from.to_ipv6_mapped(),
                None => Ipv6Addr::UNSPECIFIED,
            };
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr { s6_addr: from.octets() },
                ipi6_ifindex: datagram.interface as _,
            };
            // SAFETY: there is room, as the caller promises.
            len += unsafe { put(header, &mut at, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info) };
        } else {
            let info = libc::in_pktinfo {
                ipi_ifindex: datagram.interface.cast_signed(),
                ipi_spec_dst: libc::in_addr { s_addr: 0 },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            // SAFETY: there is room, as the caller promises.
            len += unsafe { put(header, &mut at, libc::IPPROTO_IP, libc::IP_PKTINFO, info) };
        }
        len
    }

    /// The system divides a message into datagrams if it gets their size.
    pub(crate) const CAN_SEGMENT: bool = true;

    /// Adds the size of the datagrams into which the system is to divide the message. Returns the
    /// length of the control messages.
    ///
    /// # Safety
    ///
    /// The header has zeroed room for a [`Control`](super::Control).
    pub(crate) unsafe fn add_segment_size(header: &libc::msghdr, size: usize) -> usize {
        // No larger datagram is a part of a message.
        let size = size as u16;
        // SAFETY: there is room, as the caller promises.
        unsafe { put(header, &mut ptr::null_mut(), libc::SOL_UDP, libc::UDP_SEGMENT, size) }
    }

    /// Makes a socket send datagrams without checksums. Returns whether that has worked.
    #[cfg(test)]
    pub(crate) fn stop_checksums(fd: RawFd) -> bool {
        let on: c_int = 1;
        let size = size_of::<c_int>() as libc::socklen_t;
        let (level, name) = (libc::SOL_SOCKET, libc::SO_NO_CHECK);
        // SAFETY: `on` is a number of the size that is given, and lives during the call.
        0 == unsafe { libc::setsockopt(fd, level, name, ptr::from_ref(&on).cast(), size) }
    }

    /// Writes a control message behind the one at `at`. Returns its length.
    ///
    /// # Safety
    ///
    /// The header has zeroed room for the message.
    unsafe fn put<T>(
        header: &libc::msghdr,
        at: &mut *mut libc::cmsghdr,
        level: c_int,
        kind: c_int,
        data: T,
    ) -> usize {
        let size = size_of::<T>() as libc::c_uint;
        // SAFETY: the place is within the room for control messages, as the caller promises.
        unsafe {
            *at = match at.is_null() {
                true => libc::CMSG_FIRSTHDR(header),
                false => libc::CMSG_NXTHDR(header, *at),
            };
            let control = &mut **at;
            control.cmsg_level = level;
            control.cmsg_type = kind;
            control.cmsg_len = libc::CMSG_LEN(size) as _;
            libc::CMSG_DATA(*at).cast::<T>().write_unaligned(data);
            libc::CMSG_SPACE(size) as usize
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod none {
    use std::os::fd::RawFd;

    use super::super::{Departure, Path};

    pub(crate) fn tell_paths(_: RawFd, _: bool) {}

    pub(crate) const CAN_SEGMENT: bool = false;

    /// # Safety
    ///
    /// The caller has nothing to ensure.
    pub(crate) unsafe fn add_segment_size(_: &libc::msghdr, _: usize) -> usize {
        0
    }

    #[cfg(test)]
    pub(crate) fn stop_checksums(_: RawFd) -> bool {
        false
    }

    /// # Safety
    ///
    /// The caller has nothing to ensure.
    pub(crate) unsafe fn path(_: &libc::msghdr) -> Path {
        Path::default()
    }

    /// # Safety
    ///
    /// The caller has nothing to ensure.
    pub(crate) unsafe fn add(_: &libc::msghdr, _: &Departure<'_>) -> usize {
        0
    }
}
