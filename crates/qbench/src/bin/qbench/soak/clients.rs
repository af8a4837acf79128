//! Clients, which connect to the servers of all threads.

use std::sync::atomic::Ordering::SeqCst;

use qnetwork::{ProxyType, QLocalSocket, QNetworkProxy, QSslSocket, QTcpSocket};

use super::{
    acts,
    end::End,
    log::Log,
    shared::{Kind, Target},
    socket::Socket,
    world::World,
};

impl World {
    /// Connects a client to some server.
    pub(super) fn open(&self) {
        let Some(target) = self.any_target() else { return };
        if !self.has_room(target.kind) {
            return;
        }
        let is_clean = target.kind == Kind::Tasks || self.random.one_in(3);
        let socket = match target.kind {
            Kind::Local => Socket::Local(QLocalSocket::new()),
            Kind::Tls => {
                let socket = QSslSocket::new();
                socket.set_ssl_configuration(self.trusting.clone());
                socket.set_peer_verify_name("localhost");
                Socket::Ip(QTcpSocket::clone(&socket))
            }
            _ => Socket::Ip(QTcpSocket::new()),
        };
        let end = self.add(socket, Log::new(&self.shared, target.kind, is_clean), true);
        end.log.begun.set(true);
        end.beat(15);
        self.shared.counters.opened.fetch_add(1, SeqCst);
        self.connect(&end, &target);
        // Bytes may be written before the connection is made.
        if self.random.one_in(4) {
            acts::write_more(&end);
        }
        acts::in_slot(&end);
    }

    fn connect(&self, end: &End, target: &Target) {
        let host = if self.random.one_in(50) { "localhost" } else { "127.0.0.1" };
        let socket = match &end.socket {
            Socket::Local(socket) => return socket.connect_to_server(&target.name),
            Socket::Ip(socket) => socket,
        };
        let proxy = match target.kind {
            Kind::Tls => {
                let socket: QSslSocket = socket.cast().expect("a QSslSocket");
                return socket.connect_to_host_encrypted(host, target.port);
            }
            Kind::Socks5 => ProxyType::Socks5,
            Kind::Http => ProxyType::Http,
            _ => return socket.connect_to_host(host, target.port),
        };
        socket.set_proxy(QNetworkProxy::new(proxy, "127.0.0.1", target.port));
        socket.connect_to_host("127.0.0.1", target.behind);
    }

    fn any_target(&self) -> Option<Target> {
        let kind = match self.random.below(20) {
            0..7 => Kind::Tcp,
            7..10 => Kind::Tls,
            10..13 => Kind::Local,
            13..16 => Kind::Tasks,
            16..18 => Kind::Relayed,
            18 => Kind::Socks5,
            _ => Kind::Http,
        };
        let targets = self.shared.targets();
        let fitting: Vec<_> = targets.iter().filter(|target| target.kind == kind).collect();
        (!fitting.is_empty()).then(|| fitting[self.random.below(fitting.len())].clone())
    }
}
