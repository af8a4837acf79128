//! Connections that go from one thread to another.

use std::{rc::Rc, sync::atomic::Ordering::SeqCst};

use qnetwork::{DetachedSocket, QSslSocket, QTcpSocket};

use super::{
    acts,
    end::{End, Socket},
    log::{Carried, Log},
    shared::{Kind, Phase},
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
        let (carried, is_client) = (end.log.carry(), end.is_client);
        self.forget(end);
        let target = &self.posters[self.random.below(self.posters.len())];
        let post = target.post(move || {
            if let Some(world) = world::current() {
                world.take_over(connection, carried, is_client);
            }
        });
        if let Err(error) = post {
            self.complain(&format!("a connection cannot be handed over: {error}"));
        }
    }

    fn take_over(&self, connection: DetachedSocket, carried: Carried, is_client: bool) {
        if self.shared.phase() != Phase::Busy {
            return;
        }
        let log: Rc<Log> = Log::carried_on(&self.shared, carried);
        let socket = match log.kind {
            Kind::Tls => QTcpSocket::clone(&QSslSocket::new()),
            _ => QTcpSocket::new(),
        };
        let kind = log.kind;
        let is_clean = log.is_clean.get();
        if is_client {
            self.use_descriptors(kind);
        }
        let end = self.add(kind, Socket::Ip(socket.clone()), Some(log), is_client, is_clean);
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
