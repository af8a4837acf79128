//! Tests of the native engine.

use super::*;

struct Nobody;

impl EventSource for Nobody {
    fn ready(self: Rc<Self>, _: Readiness) {}
}

fn opened(protocol: NetworkLayerProtocol) -> NativeEngine {
    let source = Weak::<Nobody>::new();
    NativeEngine::open(&Dispatcher::current(), source, SocketType::Tcp, protocol).unwrap()
}

#[test]
fn construction() {
    let engine = opened(NetworkLayerProtocol::IPv4);
    assert_eq!(engine.stage(), Stage::Unconnected);
    assert!(engine.descriptor() > 0);
    assert_eq!(engine.local_address(), Some((QHostAddress::AnyIPv4, 0)));
    assert_eq!((engine.peer_address(), engine.bytes_available()), (None, 0));
    assert_eq!(engine.error(), SocketError::unknown());
    assert!(!engine.registered.get());
}

#[test]
fn the_peer_closes() {
    use std::io::Write;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let engine = opened(NetworkLayerProtocol::IPv4);
    let port = listener.local_addr().unwrap().port();
    let mut progress = engine.connect(&QHostAddress::LocalHost, port);
    while progress == Ok(Progress::Connecting) {
        assert_eq!(engine.stage(), Stage::Connecting);
        engine.wait(QDeadlineTimer::forever());
        progress = engine.finish_connecting();
    }
    assert_eq!((progress, engine.stage()), (Ok(Progress::Connected), Stage::Connected));
    assert_eq!(engine.peer_address(), Some((QHostAddress::LocalHost, port)));
    let (mut stream, _) = listener.accept().unwrap();
    let read = || loop {
        match engine.read(&mut [0]) {
            Outcome::WouldBlock => engine.wait(QDeadlineTimer::forever()),
            outcome => return outcome,
        };
    };
    stream.write_all(b"x").unwrap();
    assert!(matches!(read(), Outcome::Moved(1)));
    drop(stream);
    let Outcome::Failed(error) = read() else { panic!("the connection is over") };
    assert_eq!(error, SocketErrorKind::RemoteHostClosed);
    assert_eq!((engine.error(), engine.stage()), (error, Stage::Unconnected));
    assert_eq!(engine.descriptor(), -1);
}

#[test]
fn it_is_used_again_after_a_failure() {
    let taken = opened(NetworkLayerProtocol::IPv4);
    taken.bind(&QHostAddress::LocalHost, 0, None).unwrap();
    let (_, closed) = taken.local_address().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();

    let engine = opened(NetworkLayerProtocol::IPv4);
    let descriptor = engine.descriptor();
    let connect = |port| {
        let mut progress = engine.connect(&QHostAddress::LocalHost, port);
        while matches!(progress, Ok(Progress::Connecting)) {
            engine.wait(QDeadlineTimer::forever());
            progress = engine.finish_connecting();
        }
        progress
    };
    let refused = connect(closed).unwrap_err();
    assert_eq!(refused, SocketErrorKind::ConnectionRefused);
    assert_eq!((engine.stage(), engine.registered.get()), (Stage::Unconnected, false));
    assert_eq!(connect(port), Ok(Progress::Connected));
    assert_eq!((engine.descriptor(), engine.registered.get()), (descriptor, true));
    // The engine keeps its first error.
    assert_eq!(engine.error(), refused);
    drop(listener);
}
