//! A client that does not keep to any protocol, on blocking sockets of the standard library.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{Arc, atomic::Ordering::SeqCst},
    thread,
    time::Duration,
};

use socket2::SockRef;

use super::{
    random::{self, Random},
    shared::{Kind, Phase, Shared},
};

/// How many connections stay open without a word.
const HELD: usize = 20;
const LIMIT: Duration = Duration::from_millis(200);

/// Disturbs servers until the soak is over.
pub(super) fn run(shared: &Arc<Shared>) {
    let random = Random::new(shared.seed ^ 0xbad);
    let mut held = Vec::new();
    loop {
        match shared.phase() {
            Phase::Over => return,
            Phase::Busy => {
                if let Some(stream) = disturb(shared, &random) {
                    held.push(stream);
                }
                if held.len() > HELD {
                    drop(held.swap_remove(random.below(HELD)));
                }
                thread::sleep(Duration::from_millis(10));
            }
            _ => {
                held.clear();
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// Connects and sends something. Returns connections that are to stay open.
fn disturb(shared: &Shared, random: &Random) -> Option<TcpStream> {
    let port = {
        let targets = shared.targets();
        let fitting: Vec<_> = targets.iter().filter(|target| target.kind != Kind::Local).collect();
        fitting.get(random.below(fitting.len().max(1)))?.port
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    shared.counters.disturbances.fetch_add(1, SeqCst);
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    let id = shared.new_id();
    let data = match random.below(7) {
        0 => Vec::new(),
        1 => random::bytes(id, false, 64, random.size(4096)),
        2 => random::header(id, false)[..random.below(16)].to_vec(),
        // The beginning of a record of TLS.
        3 => [&[22, 3, 1, 2, 0, 1, 0][..], &[3; 64]].concat(),
        4 => vec![5, 1, 0, 5, 1, 0, 3, 255],
        5 => vec![b'a'; 100_000],
        _ => [&b"CONNECT nowhere HTTP/1.1\r\n"[..], &[b'x'; 1000]].concat(),
    };
    stream.write_all(&data).ok()?;
    match random.below(3) {
        0 => return Some(stream),
        1 => SockRef::from(&stream).set_linger(Some(Duration::ZERO)).ok()?,
        _ => {}
    }
    None
}
