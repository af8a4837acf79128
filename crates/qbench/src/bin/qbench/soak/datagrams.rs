//! UDP sockets that send each other datagrams.

use std::{
    rc::Rc,
    sync::{Mutex, atomic::Ordering::SeqCst},
};

use qnetwork::{QHostAddress, QNetworkDatagram, QUdpSocket};

use super::{
    random,
    shared::lock,
    world::{Traffic, World},
};

/// The ports of all sockets, and the numbers of their streams.
static PORTS: Mutex<Vec<(u16, u64)>> = Mutex::new(Vec::new());

/// How many sockets a thread has.
const COUNT: usize = 8;

pub(super) struct Datagrams(Vec<(QUdpSocket, u64)>);

impl Datagrams {
    pub(super) fn new(world: &Rc<World>) -> Self {
        let mut sockets = Vec::new();
        for _ in 0..COUNT {
            let socket = QUdpSocket::new();
            let id = world.shared.new_id();
            if let Err(error) = socket.bind(QHostAddress::LocalHost, 0) {
                world.complain(&format!("a socket for datagrams: {error}"));
                continue;
            }
            lock(&PORTS).push((socket.local_port(), id));
            socket.ready_read.connect_to((world, &socket), |(world, socket), ()| {
                receive(world, socket);
            });
            sockets.push((socket, id));
        }
        Datagrams(sockets)
    }
}

impl Traffic for Datagrams {
    /// Sends some datagrams from one socket to others.
    fn act(&self, world: &World) {
        let (sockets, random) = (&self.0, &world.random);
        let Some((socket, id)) = sockets.get(random.below(sockets.len().max(1))) else { return };
        let targets = lock(&PORTS).clone();
        let mut datagrams = Vec::new();
        for _ in 0..random.below(4) {
            let (port, _) = targets[random.below(targets.len())];
            let data = payload(*id, random.size(9000));
            datagrams.push(QNetworkDatagram::new(data, QHostAddress::LocalHost, port));
        }
        let sent = if random.one_in(2) {
            socket.write_datagrams(&datagrams).unwrap_or(0)
        } else {
            let sent = datagrams.iter().filter(|datagram| {
                let (data, port) = (datagram.data(), datagram.destination_port());
                socket.write_datagram(data, QHostAddress::LocalHost, port.unwrap_or(0)).is_ok()
            });
            sent.count()
        };
        world.shared.counters.datagrams.fetch_add(sent as u64, SeqCst);
        // Some are read late, or when nothing has arrived.
        if random.one_in(8) {
            receive(world, socket);
        }
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        lock(&PORTS).retain(|(_, id)| self.0.iter().all(|(_, own)| own != id));
    }
}

/// Returns a datagram of the stream `id`: its header, its size, and a pattern.
fn payload(id: u64, size: usize) -> Vec<u8> {
    let mut data = random::header(id, false).to_vec();
    data.extend((size as u64).to_le_bytes());
    data.extend(random::bytes(id, false, 16 + size as u64, size));
    data
}

fn receive(world: &World, socket: &QUdpSocket) {
    let random = &world.random;
    if random.one_in(16) {
        // It stays there; the next one that arrives is announced nevertheless, once it is read.
        return;
    }
    if random.one_in(3) {
        for datagram in socket.receive_datagrams(64) {
            check(world, datagram.data(), datagram.sender_port());
        }
        return;
    }
    for _ in 0..64 {
        if !socket.has_pending_datagrams() {
            return;
        }
        if random.one_in(2) {
            match socket.receive_datagram() {
                Ok(datagram) => check(world, datagram.data(), datagram.sender_port()),
                Err(error) => world.complain(&format!("a pending datagram: {error}")),
            }
        } else {
            let mut data = vec![0; 16 * 1024];
            match socket.read_datagram_into(&mut data) {
                Ok((count, _, port)) => check(world, &data[..count], Some(port)),
                Err(error) => world.complain(&format!("a pending datagram: {error}")),
            }
        }
    }
}

fn check(world: &World, data: &[u8], port: Option<u16>) {
    world.shared.counters.received_datagrams.fetch_add(1, SeqCst);
    let Some((id, _)) = data.get(..16).and_then(random::sender_of) else {
        return world.complain("a datagram of an unknown sender");
    };
    let sender = lock(&PORTS).iter().find(|(_, other)| *other == id).map(|(port, _)| *port);
    if sender.is_some() && sender != port {
        world.complain(&format!("a datagram from {sender:?} comes from {port:?}"));
    }
    let size = data.get(16..24).and_then(|size| size.try_into().ok()).map(u64::from_le_bytes);
    let is_whole = size.is_some_and(|size| data == payload(id, size as usize));
    if !is_whole {
        world.complain(&format!("a datagram of {} bytes is damaged", data.len()));
    }
}
