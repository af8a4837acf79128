mod handshakes;
mod settings;

use super::*;
use ProxyCapabilities as Can;

#[test]
fn get_set_check() {
    let proxy = QNetworkProxy::default();
    assert_eq!((proxy.proxy_type(), proxy.host_name(), proxy.port()), (ProxyType::Default, "", 0));
    for kind in [
        ProxyType::Default,
        ProxyType::Socks5,
        ProxyType::NoProxy,
        ProxyType::Http,
        ProxyType::HttpCaching,
        ProxyType::FtpCaching,
    ] {
        let mut proxy = QNetworkProxy::default();
        proxy.set_type(kind);
        assert_eq!(proxy.proxy_type(), kind);
        assert_eq!(proxy, QNetworkProxy::from(kind));
    }
    let mut one = QNetworkProxy::with_credentials(ProxyType::Socks5, "h", 1, "u", "p");
    let mut other = QNetworkProxy::none();
    one.swap(&mut other);
    assert_eq!(
        (other.host_name(), other.port(), other.user(), other.password()),
        ("h", 1, "u", "p")
    );
    assert_ne!(one, other);
    assert!(!format!("{other:?}").contains("password"));
}

#[test]
fn capabilities_per_type() {
    // The numbers are Qt's.
    for (kind, number, caching, transparent) in [
        (ProxyType::Default, 103, false, true),
        (ProxyType::Socks5, 23, false, true),
        (ProxyType::NoProxy, 103, false, true),
        (ProxyType::Http, 25, true, true),
        (ProxyType::HttpCaching, 24, true, false),
        (ProxyType::FtpCaching, 24, true, false),
    ] {
        let proxy = QNetworkProxy::new(kind, "h", 1);
        assert_eq!(proxy.capabilities().bits(), number, "{kind:?}");
        assert_eq!(
            (proxy.is_caching_proxy(), proxy.is_transparent_proxy()),
            (caching, transparent)
        );
    }
    let mut proxy = QNetworkProxy::from(ProxyType::Socks5);
    proxy.set_type(ProxyType::Http);
    assert_eq!(proxy.capabilities().bits(), 25);
    proxy.set_capabilities(Can::UDP_TUNNELING);
    proxy.set_type(ProxyType::NoProxy);
    assert_eq!(proxy.capabilities(), Can::UDP_TUNNELING);
    // Setting capabilities to their default does not make a different proxy.
    let mut same = QNetworkProxy::from(ProxyType::Http);
    same.set_capabilities(same.capabilities());
    assert_eq!(same, QNetworkProxy::from(ProxyType::Http));
}

#[test]
fn headers() {
    let plain = QNetworkProxy::new(ProxyType::Http, "h", 1);
    let mut proxy = plain.clone();
    proxy.set_raw_header("X", "y");
    assert_eq!(proxy, plain);
    assert!(proxy.has_raw_header("x"));
    assert_eq!(proxy.raw_header("x"), b"y");
    proxy.set_raw_header("A", "1");
    proxy.set_raw_header("x", "z");
    assert_eq!(proxy.raw_header_list(), [b"A", b"x"]);
    proxy.set_raw_header("", "v");
    proxy.set_raw_header("X", "");
    assert_eq!(proxy.raw_header_list(), [b"A", b"X"]);
    proxy.set_header(KnownHeader::UserAgent, "agent");
    assert_eq!(proxy.header(KnownHeader::UserAgent).as_deref(), Some("agent"));
    assert_eq!(proxy.header(KnownHeader::ContentLength), None);
    proxy.remove_raw_header("USER-AGENT");
    assert_eq!(proxy.raw_header_list(), [b"A", b"X"]);
    // Values cannot inject further headers.
    for (name, value) in [("Y", "a\r\nZ: b"), ("Y\n", "a"), ("Y: a", "b"), ("Y", "a\0")] {
        proxy.set_raw_header(name, value);
    }
    assert_eq!(proxy.raw_header_list(), [b"A", b"X"]);
}

#[test]
fn queries() {
    let query = QNetworkProxyQuery::default();
    assert_eq!(query.query_type(), ProxyQueryType::TcpSocket);
    assert_eq!((query.peer_host_name(), query.peer_port(), query.local_port()), ("", None, None));
    assert_eq!((query.protocol_tag(), &*query.url()), ("", ""));

    let query = QNetworkProxyQuery::new(ProxyQueryType::TcpSocket, "Host.Example", 80, "HTTP");
    assert_eq!((query.peer_host_name(), query.peer_port()), ("host.example", Some(80)));
    assert_eq!((query.protocol_tag(), &*query.url()), ("http", "http://host.example:80"));
    let query = QNetworkProxyQuery::new(ProxyQueryType::UdpSocket, "::1", 0, "my tag");
    assert_eq!((query.peer_host_name(), query.peer_port()), ("::1", Some(0)));
    assert_eq!((query.protocol_tag(), &*query.url()), ("", "://[::1]:0"));
    let query = QNetworkProxyQuery::for_server(ProxyQueryType::TcpServer, 8080, "tag");
    assert_eq!((query.local_port(), query.peer_port()), (Some(8080), None));
    assert_eq!((query.query_type(), &*query.url()), (ProxyQueryType::TcpServer, "tag:"));

    let mut query = QNetworkProxyQuery::for_url("http://u:p@Some.Host:81/path?x#y");
    assert_eq!(query.url(), "http://u:p@some.host:81/path?x#y");
    assert_eq!((query.peer_host_name(), query.peer_port()), ("some.host", Some(81)));
    assert_eq!(query.query_type(), ProxyQueryType::UrlRequest);
    query.set_peer_port(None);
    query.set_peer_host_name("bücher.example");
    query.set_protocol_tag("é");
    assert_eq!(query.peer_host_name(), "xn--bcher-kva.example");
    assert_eq!(query.url(), "://u:p@xn--bcher-kva.example/path?x#y");
    query.set_peer_host_name("a b");
    assert_eq!(query.peer_host_name(), "");
    query.set_url("http://host:99999/");
    assert_eq!(query.peer_host_name(), "");
    let mut other = QNetworkProxyQuery::default();
    other.swap(&mut query);
    assert_eq!(query, QNetworkProxyQuery::default());
}

#[test]
fn everything_may_go_to_another_thread() {
    fn check<T: Send + Sync + Clone>() {}
    check::<QNetworkProxy>();
    check::<QNetworkProxyQuery>();
    check::<QNetworkProxyFactory>();
}
