//! Every handle converts into handles of its base classes, and back with `cast`.

use qcore::{QIODevice, QObject, object::Object};
use qnetwork::{QAbstractSocket, QLocalServer, QLocalSocket, QTcpServer, QTcpSocket, QUdpSocket};

/// Goes up to `Base` by value and by reference, and down again.
fn up_and_down<Derived, Base>(object: &Derived)
where
    Derived: Object + Clone + PartialEq + std::fmt::Debug + Into<Base>,
    for<'a> &'a Derived: Into<Base>,
    Base: Object + Clone + PartialEq + std::fmt::Debug + std::ops::Deref,
    QObject: for<'a> From<&'a Derived>,
{
    let base: Base = object.into();
    let same: Base = object.clone().into();
    assert_eq!(base, same);
    let root = QObject::from(object);
    assert_eq!(root.cast::<Base>().as_ref(), Some(&base));
    drop((base, same));
    assert_eq!(root.cast::<Derived>().as_ref(), Some(object));
}

#[test]
fn sockets() {
    let socket = QTcpSocket::new();
    up_and_down::<_, QAbstractSocket>(&socket);
    up_and_down::<_, QIODevice>(&socket);
    up_and_down::<_, QObject>(&socket);
    up_and_down::<_, QIODevice>(&QAbstractSocket::from(&socket));
    up_and_down::<_, QObject>(&QAbstractSocket::from(&socket));
    assert_eq!(QObject::from(socket).cast::<QUdpSocket>(), None);

    let socket = QUdpSocket::new();
    up_and_down::<_, QAbstractSocket>(&socket);
    up_and_down::<_, QIODevice>(&socket);
    up_and_down::<_, QObject>(&socket);

    let socket = QLocalSocket::new();
    up_and_down::<_, QIODevice>(&socket);
    up_and_down::<_, QObject>(&socket);
    assert_eq!(QIODevice::from(socket).cast::<QAbstractSocket>(), None);
}

#[test]
fn servers() {
    up_and_down::<_, QObject>(&QTcpServer::new());
    up_and_down::<_, QObject>(&QLocalServer::new());
}

/// A handle of a base class keeps the whole object alive.
#[test]
fn the_base_is_the_object() {
    let socket = QTcpSocket::new();
    let weak = qcore::QPointer::from(&socket);
    let object: QObject = socket.into();
    assert!(!weak.is_null());
    assert!(object.cast::<QTcpSocket>().is_some());
    drop(object);
    assert!(weak.is_null());
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[test]
fn encrypting() {
    use qnetwork::{QSslServer, QSslSocket};

    let socket = QSslSocket::new();
    up_and_down::<_, QTcpSocket>(&socket);
    up_and_down::<_, QAbstractSocket>(&socket);
    up_and_down::<_, QIODevice>(&socket);
    up_and_down::<_, QObject>(&socket);
    assert_eq!(QObject::from(QTcpSocket::new()).cast::<QSslSocket>(), None);

    let server = QSslServer::new();
    up_and_down::<_, QTcpServer>(&server);
    up_and_down::<_, QObject>(&server);
    assert_eq!(QObject::from(QTcpServer::new()).cast::<QSslServer>(), None);
}
