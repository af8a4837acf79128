//! Datagrams of simulated sockets.

use std::io;

use super::{Arrival, Departure, Path, SLOT, Socket};

/// Receives as [`receive`](super::receive) does, if the socket is a simulated one.
pub(super) fn receive(
    socket: &Socket,
    room: &mut [u8],
    count: usize,
    each: &mut dyn FnMut(usize, Arrival),
) -> Option<io::Result<usize>> {
    for at in 0..count {
        match socket.simulated_packet()? {
            Ok(packet) => {
                let len = packet.data.len().min(SLOT);
                room[at * SLOT..][..len].copy_from_slice(&packet.data[..len]);
                let path = Path {
                    destination: Some(packet.to.ip()),
                    interface: packet.interface,
                    hops: Some(packet.hops),
                };
                each(at, Arrival { len, from: Some(packet.from), path });
            }
            Err(error) if at == 0 => return Some(Err(error)),
            // The next call returns it, unless it means that there are no more.
            Err(error) => {
                socket.keep_error(&error);
                return Some(Ok(at));
            }
        }
    }
    Some(Ok(count))
}

/// Sends as [`send_all`](super::send_all) does, if the socket is a simulated one.
pub(super) fn send_all(socket: &Socket, datagrams: &[Departure<'_>]) -> Option<io::Result<usize>> {
    for (at, one) in datagrams.iter().enumerate() {
        match socket.simulated_send(one.data, one.to, one.from, one.hops)? {
            Ok(_) => {}
            Err(error) if at == 0 => return Some(Err(error)),
            Err(error) => {
                socket.keep_error(&error);
                return Some(Ok(at));
            }
        }
    }
    Some(Ok(datagrams.len()))
}
