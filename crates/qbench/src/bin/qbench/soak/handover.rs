//! Connections that go from one thread to another.

use std::sync::atomic::Ordering::SeqCst;

use qnetwork::{DetachedSocket, QSslSocket, QTcpSocket};

use super::{
    acts,
    end::End,
    log::Log,
    shared::{Kind, Phase},
    socket::Socket,
    world::{self, World},
};

impl World {
    /// Hands the connection of an end over to a thread, which may be this one.
    pub(super) fn hand_over(&self, end: &End) {
        let Socket::Ip(socket) = &end.socket else { return };
        if !acts::can_go(end) {
            return;
        }
        end.log.is_moved.set(true);
        let Ok(connection) = socket.detach() else { return end.log.is_moved.set(false) };
        let (log, is_client) = (end.log.carry(), end.is_client);
        self.forget(end);
        let target = &self.posters[self.random.below(self.posters.len())];
        let post = target.post(move || {
            if let Some(world) = world::current() {
                world.take_over(connection, log, is_client);
            }
        });
        if let Err(error) = post {
            self.complain(&format!("a connection cannot be handed over: {error}"));
        }
    }

    fn take_over(&self, connection: DetachedSocket, log: Log, is_client: bool) {
        if self.shared.phase() != Phase::Busy {
            return;
        }
        let socket = match log.kind {
            Kind::Tls => QTcpSocket::clone(&QSslSocket::new()),
            _ => QTcpSocket::new(),
        };
        let end = self.add(Socket::Ip(socket.clone()), log, is_client);
        match socket.attach(connection) {
            Ok(()) => {
                self.shared.counters.handed_over.fetch_add(1, SeqCst);
                // Some bytes may have been read by the socket that had the connection before.
                end.take_all();
            }
            Err(error) => {
                end.log.begun.set(false);
                self.complain(&format!("a connection is not taken over: {}", error.error()));
                self.forget(&end);
            }
        }
    }
}
