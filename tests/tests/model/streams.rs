//! Two programs that exchange bytes over one connection: plain, encrypted, through a proxy, or
//! local. The steps of both are random.

use std::{
    marker::PhantomData,
    rc::Rc,
    sync::{Arc, LazyLock, atomic::Ordering::Relaxed},
    time::Duration,
};

use integration::{
    local::Dir,
    tls::{identified, trusting},
};
use qnetwork::{
    ProxyType, QHostAddress, QLocalServer, QLocalSocket, QNetworkProxy, QSslConfiguration,
    QSslServer, QSslSocket, QTcpServer, QTcpSocket, SocketState,
    simulation::{Host, Network, Simulation},
};

use super::{
    conn::Conn,
    dice::Dice,
    driver::{Program, check, until, without},
    end::{Act, End, When},
    net::{Mischief, Trouble, Wire},
    proxy,
    run::Run,
};

/// How long making a connection may take in virtual time.
pub(crate) const LIMIT: Duration = Duration::from_secs(5000);
const PORT: u16 = 80;

pub(crate) static SERVER: LazyLock<QSslConfiguration> = LazyLock::new(|| identified("good"));
pub(crate) static CLIENT: LazyLock<QSslConfiguration> = LazyLock::new(|| trusting("ca"));

/// How the two ends are connected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    Tcp,
    Local,
    Ssl,
    Socks5,
    Http,
    SslOverSocks5,
    SslOverHttp,
}

impl Transport {
    pub(crate) fn encrypts(self) -> bool {
        matches!(self, Transport::Ssl | Transport::SslOverSocks5 | Transport::SslOverHttp)
    }

    pub(crate) fn proxy(self) -> Option<ProxyType> {
        match self {
            Transport::Socks5 | Transport::SslOverSocks5 => Some(ProxyType::Socks5),
            Transport::Http | Transport::SslOverHttp => Some(ProxyType::Http),
            _ => None,
        }
    }
}

/// The two hosts and what is between them.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) transport: Transport,
    host: &'static str,
    path: Arc<str>,
}

impl Scene {
    /// Makes the hosts. Returns the one of the server, and the one that the client talks to.
    pub(crate) fn new(
        net: &Network,
        transport: Transport,
        apart: bool,
        dir: &Dir,
    ) -> (Self, [Host; 2]) {
        let is_remote = apart && transport != Transport::Local;
        let server = if is_remote { net.host("server", "10.0.0.1") } else { net.main() };
        let next = match transport.proxy() {
            Some(kind) => {
                let proxy = net.host("proxy", "10.0.0.2");
                proxy.start(move || proxy::serve(kind));
                proxy
            }
            None => server.clone(),
        };
        let host = match (is_remote, transport.proxy()) {
            (true, _) => "10.0.0.1",
            // The host of the client is not that of the proxy.
            (false, Some(_)) => "10.255.255.1",
            (false, None) => "127.0.0.1",
        };
        let path = dir.path("server").into();
        (Scene { transport, host, path }, [server, next])
    }

    /// Begins to connect.
    pub(crate) fn client(&self) -> Conn {
        if self.transport == Transport::Local {
            return Conn::Local(QLocalSocket::new());
        }
        let socket = match self.transport.encrypts() {
            true => {
                let socket = QSslSocket::new();
                socket.set_ssl_configuration(CLIENT.clone());
                socket.set_peer_verify_name("localhost");
                QTcpSocket::from(&socket)
            }
            false => QTcpSocket::new(),
        };
        if let Some(kind) = self.transport.proxy() {
            socket.set_proxy(QNetworkProxy::new(kind, "10.0.0.2", proxy::PORT));
        }
        Conn::Inet(socket)
    }

    pub(crate) fn connect(&self, conn: &Conn) {
        match conn {
            Conn::Local(socket) => socket.connect_to_server(&*self.path),
            Conn::Inet(socket) => match socket.cast::<QSslSocket>() {
                Some(ssl) => ssl.connect_to_host_encrypted(self.host, PORT),
                None => socket.connect_to_host(self.host, PORT),
            },
        }
    }

    /// Makes a server that does not listen yet.
    pub(crate) fn server(&self) -> Listener {
        if self.transport == Transport::Local {
            return Listener::Local(QLocalServer::new());
        }
        if !self.transport.encrypts() {
            return Listener::Inet(QTcpServer::new());
        }
        let server = QSslServer::new();
        server.set_ssl_configuration(SERVER.clone());
        Listener::Inet(QTcpServer::from(&server))
    }

    pub(crate) fn listen(&self) -> Listener {
        let listener = self.server();
        if let Listener::Inet(server) = &listener
            && let Some(server) = server.cast::<QSslServer>()
        {
            server.set_handshake_timeout(1_000_000);
        }
        assert!(self.open(&listener), "the server does not listen");
        listener
    }

    /// Makes a server listen. Returns whether it does.
    pub(crate) fn open(&self, listener: &Listener) -> bool {
        match listener {
            Listener::Inet(server) => server.listen(QHostAddress::Any, PORT).is_ok(),
            Listener::Local(server) => server.listen(&*self.path).is_ok(),
        }
    }
}

#[derive(Clone)]
pub(crate) enum Listener {
    Inet(QTcpServer),
    Local(QLocalServer),
}

impl Listener {
    pub(crate) fn next(&self) -> Option<Conn> {
        let next = match self {
            Listener::Inet(server) => server.next_pending_connection().map(Conn::Inet),
            Listener::Local(server) => server.next_pending_connection().map(Conn::Local),
        };
        // The handle alone keeps it alive.
        next.inspect(|conn| conn.device().set_parent(None))
    }
}

/// Waits until the sockets that the ends had are closed.
pub(crate) fn expect_closed(net: &Network, hosts: &[Host]) {
    for (at, host) in hosts.iter().chain([&net.main()]).enumerate() {
        // A proxy listens.
        let closed = until(LIMIT, || host.open_sockets() <= usize::from(at == 1));
        assert!(closed, "host {at} has {} open sockets", host.open_sockets());
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Act(usize, When, Act),
    Net(Trouble),
}

/// Two programs and their connection.
#[derive(Clone, Debug)]
pub(crate) struct Session<K> {
    kind: PhantomData<K>,
    transport: Transport,
    apart: bool,
    wire: Wire,
    mischief: [Mischief; 2],
    /// Whether each end has a slot of `bytes_written`.
    taps: [bool; 2],
    /// How many steps the client makes before it is connected.
    early: usize,
    steps: Vec<Step>,
}

impl<K: Kind> Session<K> {
    fn random(dice: &mut Dice) -> Self {
        let apart = dice.one_in(2);
        let steps = 1 + dice.count(60);
        let steps = (0..steps)
            .map(|_| match dice.below(12) {
                0 if apart => Step::Net(Trouble::random(dice)),
                _ => Step::Act(dice.count(2), When::random(dice), Act::random(dice)),
            })
            .collect();
        Session {
            kind: PhantomData,
            transport: dice.pick(K::TRANSPORTS),
            apart,
            wire: Wire::random(dice),
            mischief: [Mischief::random(dice), Mischief::random(dice)],
            taps: [dice.one_in(2), dice.one_in(2)],
            early: if dice.one_in(3) { dice.count(4) } else { 0 },
            steps,
        }
    }

    fn breaks(&self) -> bool {
        let calls = self.mischief.iter().any(|mischief| mischief.no_buffers > 0.0);
        calls || self.steps.iter().any(|step| matches!(step, Step::Net(it) if it.breaks()))
    }

    /// Makes the steps of some ends.
    fn play(&self, ends: [Option<&Rc<End>>; 2], skip: usize, cause: impl Fn(Trouble)) {
        for step in self.steps.iter().skip(skip) {
            match step {
                Step::Act(side, when, act) => {
                    if let Some(end) = ends[*side] {
                        end.plan(*when, *act);
                    }
                }
                Step::Net(trouble) => cause(*trouble),
            }
        }
    }

    /// Begins to connect and makes the early steps.
    fn connect(&self, scene: &Scene, run: &Arc<Run>) -> Rc<End> {
        let conn = scene.client();
        let end = End::new(run, 0, conn.clone(), self.taps[0]);
        scene.connect(&conn);
        for step in self.steps.iter().take(self.early) {
            if let Step::Act(_, when, act) = step {
                end.plan(*when, *act);
            }
        }
        end
    }

    /// Waits for the connection at the side of the server.
    fn accept(&self, listener: &Listener, run: &Arc<Run>) -> Option<Rc<End>> {
        let mut conn = None;
        until(LIMIT, || {
            conn = listener.next();
            conn.is_some() || run.ends[0].is_over.load(Relaxed)
        });
        conn.map(|conn| End::new(run, 1, conn, self.taps[1]))
    }
}

fn wait_for_connection(end: &End) {
    until(LIMIT, || {
        let ready = end.conn().is_some_and(|conn| conn.is_ready());
        ready || end.state() == SocketState::Unconnected
    });
}

/// A kind of session, each of which has a test.
pub(crate) trait Kind: Clone + std::fmt::Debug + Send + Sync + 'static {
    const TEST: &'static str;
    const TRANSPORTS: &'static [Transport];
}

impl<K: Kind> Program for Session<K> {
    const TEST: &'static str = K::TEST;

    fn random(dice: &mut Dice) -> Self {
        Session::random(dice)
    }

    fn run(&self, net: &Network) {
        let dir = Dir::new();
        let (scene, hosts) = Scene::new(net, self.transport, self.apart, &dir);
        let run = Arc::<Run>::default();
        run.is_broken.store(self.breaks(), Relaxed);
        let [server, next] = &hosts;
        net.set_default_link(self.wire.link());
        let main = net.main();
        if self.apart {
            let (this, scene, run) = (self.clone(), scene.clone(), run.clone());
            server.start(move || {
                let listener = scene.listen();
                if let Some(end) = this.accept(&listener, &run) {
                    this.play([None, Some(&end)], 0, |_| ());
                    end.finish(false);
                }
                drop(listener);
                run.ends[1].is_over.store(true, Relaxed);
            });
            // The server listens before the client connects.
            qnetwork::simulation::sleep(Duration::from_millis(1));
        }
        let listener = (!self.apart).then(|| scene.listen());
        main.set_faults(self.mischief[0].faults());
        if self.apart {
            next.set_faults(self.mischief[1].faults());
        }
        let client = self.connect(&scene, &run);
        let server = listener.as_ref().and_then(|listener| {
            until(LIMIT, || {
                client.conn().is_none_or(|conn| conn.is_ready())
                    || client.state() == SocketState::Unconnected
            });
            // The client may have ended: then nobody may come.
            if client.state() == SocketState::Unconnected {
                run.ends[0].is_over.store(true, Relaxed);
            }
            self.accept(listener, &run)
        });
        wait_for_connection(&client);
        self.play([Some(&client), server.as_ref()], self.early, |trouble| {
            trouble.cause(net, [&main, next]);
        });
        net.repair(&main, next);
        if let Some(server) = &server {
            run.ends.iter().for_each(|end| end.is_done.store(true, Relaxed));
            server.stop();
        }
        client.finish(true);
        match (&server, self.apart) {
            (Some(server), _) => server.finish(false),
            (None, true) => {
                // The server fails first if its end does not end.
                let over = until(4 * LIMIT, || run.ends[1].is_over.load(Relaxed));
                assert!(over, "the server does not end");
            }
            (None, false) => {}
        }
        drop((client, server, listener));
        expect_closed(net, &hosts);
        run.verdict(self.transport.proxy().is_none(), self.transport.encrypts());
    }

    fn smaller(&self) -> Vec<Self> {
        let mut all: Vec<Self> = without(&self.steps)
            .into_iter()
            .map(|steps| Session { steps, ..self.clone() })
            .collect();
        let calm = Mischief::default();
        let [first, second] = self.mischief;
        all.push(Session { early: 0, ..self.clone() });
        all.push(Session { wire: Wire::default(), ..self.clone() });
        all.push(Session { mischief: [calm, second], ..self.clone() });
        all.push(Session { mischief: [first, calm], ..self.clone() });
        for (at, step) in self.steps.iter().enumerate() {
            let Step::Act(side, when, act) = *step else { continue };
            let simpler = match (when, act) {
                (_, Act::Write(size)) if size > 1 => Step::Act(side, when, Act::Write(size / 2)),
                (When::Now, _) => continue,
                _ => Step::Act(side, When::Now, act),
            };
            let mut smaller = self.clone();
            smaller.steps[at] = simpler;
            all.push(smaller);
        }
        all
    }
}

macro_rules! kinds {
    ($($kind:ident, $test:ident, [$($transport:ident),*];)*) => {
        $(
            #[derive(Clone, Debug)]
            pub(crate) struct $kind;

            impl Kind for $kind {
                const TEST: &'static str = concat!("model::streams::", stringify!($test));
                const TRANSPORTS: &'static [Transport] = &[$(Transport::$transport),*];
            }

            #[test]
            fn $test() {
                check::<Session<$kind>>();
            }
        )*
    };
}

kinds! {
    Tcp, tcp, [Tcp];
    Local, local, [Local];
    Ssl, ssl, [Ssl];
    Proxied, proxied, [Socks5, Http, SslOverSocks5, SslOverHttp];
}

/// The smallest programs that have broken the model once, each with its seed.
#[test]
fn programs_that_have_failed() {
    use Step::{Act as Does, Net};
    use When::{AboutToClose, Closed, Disconnected, Now, ReadyRead};
    fn expect<K: Kind>(seed: u64, apart: bool, second: Mischief, steps: &[Step]) {
        for transport in K::TRANSPORTS {
            let program = Session::<K> {
                kind: PhantomData,
                transport: *transport,
                apart,
                wire: Wire::default(),
                mischief: [Mischief::default(), second],
                taps: [true, true],
                early: 0,
                steps: steps.to_vec(),
            };
            Simulation::new(seed).run(|net| program.run(net));
        }
    }
    let calm = Mischief::default();
    let slow = Mischief { interrupted: 0.01, would_block: 0.8, ..calm };
    // A reset overtakes the end of the stream.
    let steps = [
        Net(Trouble::Cut),
        Does(1, Now, Act::Write(1)),
        Does(0, Now, Act::WaitForReadyRead(46)),
        Does(0, Now, Act::Write(1)),
        Does(0, Now, Act::Disconnect),
        Does(1, Now, Act::Write(37378)),
    ];
    expect::<Tcp>(4884, true, slow, &steps);
    // A reset has to wait for the link.
    let steps = [
        Does(1, Now, Act::Write(7736)),
        Does(0, ReadyRead, Act::DisconnectWithin(57)),
        Net(Trouble::Cut),
        Does(0, Now, Act::WaitForDisconnected(18)),
    ];
    for seed in 2000..2020 {
        expect::<Proxied>(seed, true, slow, &steps);
    }
    // A local socket that dies while it sends, and whose slot runs a loop.
    let steps = [
        Does(0, Closed, Act::RunLoop(2)),
        Does(0, Now, Act::Write(1)),
        Does(0, Now, Act::DeleteLater),
        Does(0, Now, Act::RunLoop(4)),
    ];
    expect::<Local>(4243, false, calm, &steps);
    // A slot writes after what was written before was dropped.
    let steps = [
        Does(0, ReadyRead, Act::Write(1)),
        Does(0, AboutToClose, Act::RunLoop(2)),
        Does(1, Now, Act::Write(1)),
        Does(0, Now, Act::Write(1)),
        Does(0, Now, Act::DeleteLater),
        Does(1, Now, Act::RunLoop(4)),
    ];
    expect::<Tcp>(8500, false, calm, &steps);
    let steps = [Does(0, Disconnected, Act::Abort), Does(0, Now, Act::Disconnect)];
    expect::<Local>(178, true, calm, &steps);
}
