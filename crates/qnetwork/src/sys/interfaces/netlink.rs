//! Linux reports interfaces through netlink. It needs no privileges and has all that Qt returns.

use std::{
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{
    Lifetime, Link, LinkAddress,
    kind::{InterfaceFlags, InterfaceType},
    warn,
};

/// The largest message of the kernel.
const BUFFER: usize = 32 * 1024;
/// How often the kernel is asked if its answer changed meanwhile.
const ATTEMPTS: u32 = 4;
/// How long the kernel may take to answer. Normally it answers within the request's system call.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How many bytes of an answer are kept. An interface takes about 2 KiB, an address 100 bytes.
const ANSWER_LIMIT: usize = 64 << 20;

const HEADER: usize = 16;
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const ATTRIBUTE_HEADER: usize = 4;
/// The bits of an attribute's type without the flags.
const ATTRIBUTE_TYPE: u16 = 0x3fff;

const DUMP_INTERRUPTED: u16 = 0x10;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_OPERSTATE: u16 = 16;
const IF_OPER_UNKNOWN: u8 = 0;
const IF_OPER_UP: u8 = 6;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
/// Another machine on the link has the same address.
const IFA_F_DADFAILED: u8 = 8;
const FOR_EVER: u32 = u32::MAX;

const SIOCGIWMODE: u32 = 0x8b07;

/// Returns the interfaces with their addresses, in the kernel's order. If the kernel does not
/// answer, the function logs a warning and returns none.
pub(crate) fn links() -> Vec<Link> {
    let (family, protocol) = (Domain::from(libc::AF_NETLINK), Protocol::from(libc::NETLINK_ROUTE));
    let socket = match Socket::new(family, Type::DGRAM, Some(protocol)) {
        Ok(socket) => socket,
        Err(error) => {
            warn("Could not create AF_NETLINK socket", &error);
            return Vec::new();
        }
    };
    let mut links: Vec<Link> = ask(&socket, libc::RTM_GETLINK, &[0; LINK_HEADER])
        .iter()
        .filter(|message| message.kind == libc::RTM_NEWLINK)
        .filter_map(|message| link(&message.payload))
        .collect();
    for link in &mut links {
        if link.kind == InterfaceType::Ethernet && is_wireless(&socket, &link.name) {
            link.kind = InterfaceType::Wifi;
        }
    }
    for message in ask(&socket, libc::RTM_GETADDR, &[0; ADDRESS_HEADER]) {
        if message.kind != libc::RTM_NEWADDR {
            continue;
        }
        let Some((index, address)) = address(&message.payload) else { continue };
        match links.iter_mut().find(|link| link.index == index) {
            Some(link) => link.addresses.push(address),
            None => qcore::q_warning!(
                "QNetworkInterface/AF_NETLINK: found unknown interface with index {index}"
            ),
        }
    }
    links
}

// ---- messages

struct Message {
    kind: u16,
    payload: Vec<u8>,
}

/// Sends a request and returns all messages of the answer.
fn ask(socket: &Socket, kind: u16, body: &[u8]) -> Vec<Message> {
    for sequence in 1..=ATTEMPTS {
        match dump(socket, kind, sequence, body, TIMEOUT) {
            Ok((messages, whole)) if whole || sequence == ATTEMPTS => return messages,
            Ok(_) => {}
            Err(error) => {
                warn("QNetworkInterface/AF_NETLINK: no answer", &error);
                break;
            }
        }
    }
    Vec::new()
}

/// Returns the answer to one request, and whether nothing changed meanwhile.
fn dump(
    socket: &Socket,
    kind: u16,
    sequence: u32,
    body: &[u8],
    timeout: Duration,
) -> io::Result<(Vec<Message>, bool)> {
    let until = Instant::now() + timeout;
    socket.set_read_timeout(Some(timeout))?;
    socket.send(&request(kind, sequence, body))?;
    let mut kept = 0;
    let mut messages = Vec::new();
    let mut whole = true;
    let mut buffer = vec![0; BUFFER];
    let mut reader = socket;
    loop {
        let count = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        kept += count;
        if kept > ANSWER_LIMIT || Instant::now() > until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if read_answer(&buffer[..count], sequence, &mut messages, &mut whole)? {
            return Ok((messages, whole));
        }
    }
}

/// Reads the messages of one packet. Clears `whole` if the kernel's tables have changed since the
/// answer began. Returns whether this was the last packet.
fn read_answer(
    mut packet: &[u8],
    sequence: u32,
    messages: &mut Vec<Message>,
    whole: &mut bool,
) -> io::Result<bool> {
    while let Some(message) = next_message(&mut packet) {
        let (header, payload) = message.split_at(HEADER);
        let (kind, flags) = (u16_at(header, 4)?, u16_at(header, 6)?);
        if u32_at(header, 8)? != sequence {
            continue;
        }
        *whole &= flags & DUMP_INTERRUPTED == 0;
        match i32::from(kind) {
            libc::NLMSG_DONE => return Ok(true),
            libc::NLMSG_ERROR => {
                let code = u32_at(payload, 0)? as i32;
                return Err(io::Error::from_raw_os_error(code.saturating_neg()));
            }
            _ => messages.push(Message { kind, payload: payload.to_vec() }),
        }
    }
    Ok(false)
}

/// Parses a packet of any content, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn fuzz(packet: &[u8]) -> Vec<Link> {
    let sequence = u32_at(packet, 8).unwrap_or_default();
    let (mut messages, mut whole) = (Vec::new(), true);
    let _ = read_answer(packet, sequence, &mut messages, &mut whole);
    assert!(messages.iter().map(|one| one.payload.len() + HEADER).sum::<usize>() <= packet.len());
    let mut links: Vec<_> = messages.iter().filter_map(|one| link(&one.payload)).collect();
    let addresses: Vec<_> = messages.iter().filter_map(|one| address(&one.payload)).collect();
    for link in &mut links {
        link.addresses = addresses.iter().map(|(_, address)| address.clone()).collect();
    }
    links
}

fn request(kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    let mut request = Vec::with_capacity(HEADER + body.len());
    request.extend(((HEADER + body.len()) as u32).to_ne_bytes());
    request.extend(kind.to_ne_bytes());
    request.extend(flags.to_ne_bytes());
    request.extend(sequence.to_ne_bytes());
    request.extend(0u32.to_ne_bytes()); // the kernel knows who asks
    request.extend(body);
    request
}

/// Returns the next message with its header, if it is complete.
fn next_message<'a>(left: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32_at(left, 0).ok()? as usize;
    if length < HEADER {
        return None;
    }
    let message = left.get(..length)?;
    *left = left.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some(message)
}

/// An iterator over the types and values of attributes.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16_at(self.0, 0).ok()?);
        let kind = u16_at(self.0, 2).ok()? & ATTRIBUTE_TYPE;
        let value = self.0.get(ATTRIBUTE_HEADER..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> io::Result<u16> {
    array_at(bytes, at).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> io::Result<u32> {
    array_at(bytes, at).map(u32::from_ne_bytes)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> io::Result<[u8; N]> {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    bytes.copied().ok_or_else(|| io::ErrorKind::InvalidData.into())
}

// ---- the content of messages

fn link(payload: &[u8]) -> Option<Link> {
    let hardware = u16_at(payload, 2).ok()?;
    let mut link = Link {
        index: u32_at(payload, 4).ok()?,
        flags: flags(u32_at(payload, 8).ok()?),
        kind: kind(hardware),
        ..Link::default()
    };
    for (kind, value) in Attributes(payload.get(LINK_HEADER..)?) {
        match kind {
            IFLA_ADDRESS => link.hardware_address = value.to_vec(),
            IFLA_IFNAME => {
                let name = value.split(|&byte| byte == 0).next().unwrap_or_default();
                link.name = String::from_utf8_lossy(name).into_owned();
            }
            IFLA_MTU => link.mtu = u32_at(value, 0).ok()?,
            // Qt does not count an interface as up if it has no carrier.
            IFLA_OPERSTATE => match *value.first()? {
                IF_OPER_UNKNOWN => {}
                state => link.flags.set(InterfaceFlags::IS_UP, state == IF_OPER_UP),
            },
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

fn flags(bits: u32) -> InterfaceFlags {
    [
        (libc::IFF_UP, InterfaceFlags::IS_UP),
        (libc::IFF_RUNNING, InterfaceFlags::IS_RUNNING),
        (libc::IFF_BROADCAST, InterfaceFlags::CAN_BROADCAST),
        (libc::IFF_LOOPBACK, InterfaceFlags::IS_LOOP_BACK),
        (libc::IFF_POINTOPOINT, InterfaceFlags::IS_POINT_TO_POINT),
        (libc::IFF_MULTICAST, InterfaceFlags::CAN_MULTICAST),
    ]
    .into_iter()
    .filter_map(|(bit, flag)| (bits & bit as u32 != 0).then_some(flag))
    .collect()
}

/// Returns the type for a hardware number of the kernel (`ARPHRD_..`).
fn kind(hardware: u16) -> InterfaceType {
    match hardware {
        1 => InterfaceType::Ethernet,
        256..=259 => InterfaceType::Slip,
        280 => InterfaceType::CanBus,
        512 => InterfaceType::Ppp,
        768 | 769 | 0xfffe | 0xffff => InterfaceType::Virtual,
        772 => InterfaceType::Loopback,
        774 => InterfaceType::Fddi,
        801..=803 => InterfaceType::Wifi,
        804 => InterfaceType::Ieee802154,
        820 | 821 => InterfaceType::Phonet,
        825 => InterfaceType::SixLoWPAN,
        _ => InterfaceType::Unknown,
    }
}

/// Returns whether an interface that claims to be Ethernet is wireless.
fn is_wireless(socket: &Socket, name: &str) -> bool {
    // Longer than the name and the 16 bytes that the call reads and writes.
    let mut request = [0u8; 64];
    let Some(place) = request.get_mut(..libc::IFNAMSIZ - 1) else { return false };
    let Some(place) = place.get_mut(..name.len()) else { return false };
    place.copy_from_slice(name.as_bytes());
    // SAFETY: the descriptor is open, and the buffer, which has a name that ends with a NUL, is
    // longer than the `iwreq` that the kernel reads and writes.
    unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGIWMODE as _, request.as_mut_ptr()) >= 0 }
}

/// Parses an address and the index of its interface.
fn address(payload: &[u8]) -> Option<(u32, LinkAddress)> {
    let &[family, prefix_length, flags, ..] = payload else { return None };
    let index = u32_at(payload, 4).ok()?;
    let family = i32::from(family);
    let parse = |value: &[u8]| -> Option<IpAddr> {
        match family {
            libc::AF_INET => Some(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?).into()),
            libc::AF_INET6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?).into()),
            _ => None,
        }
    };
    if family == libc::AF_INET6 && flags & IFA_F_DADFAILED != 0 {
        return None;
    }
    let (mut shared, mut local, mut broadcast, mut lifetimes) = (None, None, None, None);
    for (kind, value) in Attributes(payload.get(ADDRESS_HEADER..)?) {
        match kind {
            // On a point-to-point link this is the peer's address, and IFA_LOCAL is this end's.
            IFA_ADDRESS => shared = parse(value),
            IFA_LOCAL => local = parse(value),
            IFA_BROADCAST => broadcast = parse(value),
            IFA_CACHEINFO => lifetimes = lifetime(value, 0).zip(lifetime(value, 4)),
            _ => {}
        }
    }
    let ip = local.or(shared)?;
    Some((index, LinkAddress { ip, broadcast, prefix_length: Some(prefix_length), lifetimes }))
}

fn lifetime(value: &[u8], at: usize) -> Option<Lifetime> {
    let seconds = u32_at(value, at).ok()?;
    Some((seconds != FOR_EVER).then_some(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = (ATTRIBUTE_HEADER + value.len()) as u16;
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link_message(hardware: u16, flags: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend(hardware.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(attributes.concat());
        bytes
    }

    fn address_message(family: i32, flags: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![family as u8, 24, flags, 0];
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(attributes.concat());
        bytes
    }

    fn name(name: &str) -> Vec<u8> {
        attribute(IFLA_IFNAME, &[name.as_bytes(), b"\0"].concat())
    }

    #[test]
    fn a_link_with_all_there_is() {
        let attributes = [
            attribute(IFLA_ADDRESS, &[1, 2, 3, 4, 5, 0xfe]),
            attribute(99 | 0x8000, b"of no meaning here"),
            name("eth0"),
            attribute(IFLA_MTU, &1400u32.to_ne_bytes()),
            attribute(IFLA_OPERSTATE, &[IF_OPER_UP]),
        ];
        let message = link_message(1, 0x1043, &attributes);
        let expected = Link {
            index: 7,
            name: "eth0".to_owned(),
            flags: InterfaceFlags::IS_UP
                | InterfaceFlags::IS_RUNNING
                | InterfaceFlags::CAN_BROADCAST
                | InterfaceFlags::CAN_MULTICAST,
            kind: InterfaceType::Ethernet,
            mtu: 1400,
            hardware_address: vec![1, 2, 3, 4, 5, 0xfe],
            addresses: Vec::new(),
        };
        assert_eq!(link(&message), Some(expected));
        // A truncated message gives less data, or none, but no panic.
        for end in 0..message.len() {
            link(&message[..end]);
        }
        assert_eq!(link(&link_message(1, 0, &[])), None);
    }

    /// How Qt 5.15 treats flags and states: 3 is down because of a lower layer, 5 is dormant.
    #[test]
    fn up_is_what_the_state_says() {
        let is_up = |state, flags| {
            let attributes = [name("x"), attribute(IFLA_OPERSTATE, &[state])];
            link(&link_message(1, flags, &attributes)).unwrap().flags
        };
        let (up, running) = (InterfaceFlags::IS_UP, InterfaceFlags::IS_RUNNING);
        assert_eq!(is_up(IF_OPER_UNKNOWN, 0x1), up);
        assert_eq!(is_up(IF_OPER_UNKNOWN, 0x40), running);
        assert_eq!(is_up(IF_OPER_UP, 0x40), up | running);
        for state in [1, 2, 3, 4, 5, 7] {
            assert_eq!(is_up(state, 0x41), running);
        }
    }

    /// All hardware numbers whose type Qt 5.15 knows.
    #[test]
    fn the_types_that_qt_tells() {
        use InterfaceType as T;
        let known: &[(T, &[u16])] = &[
            (T::Ethernet, &[1]),
            (T::Slip, &[256, 257, 258, 259]),
            (T::CanBus, &[280]),
            (T::Ppp, &[512]),
            (T::Virtual, &[768, 769, 65534, 65535]),
            (T::Loopback, &[772]),
            (T::Fddi, &[774]),
            (T::Ieee80211, &[801, 802, 803]),
            (T::Ieee802154, &[804]),
            (T::Phonet, &[820, 821]),
            (T::SixLoWPAN, &[825]),
        ];
        for number in 0..=u16::MAX {
            let known = known.iter().find(|(_, numbers)| numbers.contains(&number));
            assert_eq!(kind(number), known.map_or(T::Unknown, |(kind, _)| *kind), "{number}");
        }
    }

    #[test]
    fn addresses_of_both_families() {
        let (here, there) = (&[10, 0, 0, 1], &[10, 0, 0, 2]);
        let times = [50u32.to_ne_bytes(), FOR_EVER.to_ne_bytes(), [0; 4], [0; 4]].concat();
        let attributes = [
            attribute(IFA_ADDRESS, there),
            attribute(IFA_LOCAL, here),
            attribute(IFA_BROADCAST, &[10, 0, 0, 255]),
            attribute(IFA_CACHEINFO, &times),
        ];
        let message = address_message(libc::AF_INET, 0x88, &attributes);
        let expected = LinkAddress {
            ip: IpAddr::from(*here),
            broadcast: Some([10, 0, 0, 255].into()),
            prefix_length: Some(24),
            lifetimes: Some((Some(50), None)),
        };
        assert_eq!(address(&message), Some((7, expected)));
        for end in 0..message.len() {
            address(&message[..end]);
        }

        let six = [attribute(IFA_ADDRESS, &Ipv6Addr::LOCALHOST.octets())];
        let (_, entry) = address(&address_message(libc::AF_INET6, 0x80, &six)).unwrap();
        assert_eq!((entry.ip, entry.lifetimes), (Ipv6Addr::LOCALHOST.into(), None));
        // A duplicate address, an unknown family, no address, and a wrong length.
        assert_eq!(address(&address_message(libc::AF_INET6, 0x88, &six)), None);
        assert_eq!(address(&address_message(99, 0, &six)), None);
        assert_eq!(address(&address_message(libc::AF_INET, 0, &[])), None);
        assert_eq!(address(&address_message(libc::AF_INET, 0, &six)), None);
    }

    #[test]
    fn messages_follow_each_other() {
        let mut bytes = request(libc::RTM_GETLINK, 1, &[1; 5]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(request(libc::RTM_GETADDR, 2, &[]));
        let mut left = &bytes[..];
        assert_eq!(next_message(&mut left).unwrap()[HEADER..], [1; 5]);
        assert_eq!(next_message(&mut left).unwrap().len(), HEADER);
        assert_eq!(next_message(&mut left), None);
        // A length that is too short causes no endless loop. A length that is too long gives no
        // message.
        for length in [0u32, 15, 17, u32::MAX] {
            let bytes = [&length.to_ne_bytes()[..], &[0; 12]].concat();
            assert_eq!(next_message(&mut &bytes[..]), None);
        }
    }

    #[test]
    fn a_request_that_is_refused_is_an_error() {
        let family = Domain::from(libc::AF_NETLINK);
        let socket = Socket::new(family, Type::DGRAM, Some(Protocol::from(libc::NETLINK_ROUTE)));
        let socket = socket.unwrap();
        assert!(dump(&socket, u16::MAX, 1, &[0; LINK_HEADER], TIMEOUT).is_err());
        assert!(!is_wireless(&socket, "lo"));
        assert!(!is_wireless(&socket, &"x".repeat(100)));
    }

    /// Runs a peer in place of the kernel. It sends one message again and again as long as it is
    /// read.
    fn answered_by(
        timeout: Duration,
        message: impl Fn() -> Option<Vec<u8>> + Send + 'static,
    ) -> io::Error {
        let (here, there) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        let answerer = std::thread::spawn(move || {
            while let Some(message) = message() {
                if there.send(&message).is_err() {
                    return None;
                }
            }
            // Kept open.
            Some(there)
        });
        let dumped = dump(&here, libc::RTM_GETLINK, 1, &[0; LINK_HEADER], timeout);
        let failed = dumped.map(drop).unwrap_err();
        drop(here);
        answerer.join().unwrap();
        failed
    }

    #[test]
    fn an_answer_without_end() {
        // An answer to another request, then one to this request.
        for sequence in [2, 1] {
            let message = request(libc::RTM_NEWLINK, sequence, &[0; 20_000]);
            let failed = answered_by(TIMEOUT, move || Some(message.clone()));
            assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        }
        // An answer that never arrives.
        let timeout = Duration::from_millis(20);
        assert_eq!(answered_by(timeout, || None).kind(), io::ErrorKind::TimedOut);
    }
}
