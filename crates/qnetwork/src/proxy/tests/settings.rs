//! Tests of the process-wide settings and of the environment.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::*;

/// Holds the process-wide settings for one test at a time and restores them at the end.
struct Settings(#[allow(dead_code)] MutexGuard<'static, ()>);

impl Settings {
    fn take() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        Settings(ALONE.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        QNetworkProxyFactory::set_use_system_configuration(true);
    }
}

fn to(host: &str) -> QNetworkProxyQuery {
    QNetworkProxyQuery::new(ProxyQueryType::TcpSocket, host, 80, "")
}

fn types(proxies: &[QNetworkProxy]) -> Vec<ProxyType> {
    proxies.iter().map(QNetworkProxy::proxy_type).collect()
}

fn route(own: Option<&QNetworkProxy>, host: &str) -> Route {
    resolve(own, host, Can::TUNNELING, || to(host))
}

#[test]
fn local_hosts_have_no_proxy() {
    let _settings = Settings::take();
    let proxy = QNetworkProxy::new(ProxyType::Socks5, "p", 9);
    QNetworkProxy::set_application_proxy(proxy.clone());
    assert_eq!(QNetworkProxy::application_proxy(), proxy);
    assert!(!QNetworkProxyFactory::uses_system_configuration());
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.localdomain",
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "[::1]",
    ] {
        let proxies = QNetworkProxyFactory::proxy_for_query(&to(host));
        assert_eq!(types(&proxies), [ProxyType::NoProxy], "{host}");
        assert_eq!(route(None, host), Route::Direct, "{host}");
        // A socket uses its own proxy for every host.
        assert_eq!(route(Some(&proxy), host), Route::By(Box::new(proxy.clone())));
    }
    for host in ["x.example", "0.0.0.0", "", "foo.localhost", "localhosts"] {
        assert_eq!(
            QNetworkProxyFactory::proxy_for_query(&to(host)),
            std::slice::from_ref(&proxy),
            "{host}"
        );
        assert_eq!(route(None, host), Route::By(Box::new(proxy.clone())), "{host}");
        assert_eq!(route(Some(&QNetworkProxy::none()), host), Route::Direct);
    }
    QNetworkProxy::set_application_proxy(QNetworkProxy::default());
    assert_eq!(QNetworkProxy::application_proxy().proxy_type(), ProxyType::NoProxy);
    assert_eq!(route(None, "x.example"), Route::Direct);

    // The proxy `none` for every host.
    QNetworkProxy::set_application_proxy(QNetworkProxy::none());
    for host in ["localhost", "127.0.0.1", "::1", "x.example", "192.0.2.1", "2001:db8::1"] {
        let proxies = QNetworkProxyFactory::proxy_for_query(&to(host));
        assert_eq!(types(&proxies), [ProxyType::NoProxy], "{host}");
        assert_eq!(route(None, host), Route::Direct, "{host}");
    }
}

#[test]
fn factories() {
    let _settings = Settings::take();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    QNetworkProxyFactory::set_application_proxy_factory(move |query: &QNetworkProxyQuery| {
        counted.fetch_add(1, Ordering::Relaxed);
        if query.peer_host_name() == "nothing.example" {
            return Vec::new();
        }
        // A factory may itself query for a proxy.
        let inner = QNetworkProxyFactory::proxy_for_query(&to("localhost"));
        assert_eq!(types(&inner), [ProxyType::NoProxy]);
        vec![ProxyType::HttpCaching.into(), ProxyType::Http.into(), ProxyType::NoProxy.into()]
    });
    assert!(!QNetworkProxyFactory::uses_system_configuration());
    // The first proxy with the needed capability is taken, and the factory is called once.
    assert_eq!(route(None, "x.example"), Route::By(Box::new(ProxyType::Http.into())));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let listens = resolve(None, "", Can::LISTENING, || to(""));
    assert_eq!(listens, Route::Direct);
    // An empty list means no proxy.
    let proxies = QNetworkProxyFactory::proxy_for_query(&to("nothing.example"));
    assert_eq!(types(&proxies), [ProxyType::NoProxy]);
    QNetworkProxyFactory::clear_application_proxy_factory();
    assert_eq!(route(None, "x.example"), Route::Direct);

    QNetworkProxyFactory::set_application_proxy_factory(|_: &QNetworkProxyQuery| {
        vec![ProxyType::HttpCaching.into()]
    });
    assert_eq!(route(None, "x.example"), Route::None);
    QNetworkProxyFactory::set_use_system_configuration(false);
    assert_eq!(route(None, "x.example"), Route::None);
    QNetworkProxyFactory::set_use_system_configuration(true);
    assert!(QNetworkProxyFactory::uses_system_configuration());
    let proxies = QNetworkProxyFactory::proxy_for_query(&to("x.example"));
    assert_eq!(proxies.last().map(QNetworkProxy::proxy_type), Some(ProxyType::NoProxy));
    QNetworkProxyFactory::set_use_system_configuration(false);
    assert_eq!(route(None, "x.example"), Route::Direct);
}

#[test]
fn a_factory_that_goes_may_set_another() {
    struct Sets;
    impl Drop for Sets {
        fn drop(&mut self) {
            QNetworkProxyFactory::set_use_system_configuration(true);
        }
    }
    let _settings = Settings::take();
    let sets = Sets;
    QNetworkProxyFactory::set_application_proxy_factory(move |_: &QNetworkProxyQuery| {
        let _ = &sets;
        Vec::new()
    });
    QNetworkProxy::set_application_proxy(QNetworkProxy::none());
    assert!(QNetworkProxyFactory::uses_system_configuration());
}

#[test]
fn called_from_threads() {
    let _settings = Settings::take();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            thread::spawn(move || {
                for round in 0..200 {
                    let proxy = QNetworkProxy::new(ProxyType::Http, "p", number);
                    match round % 3 {
                        0 => QNetworkProxy::set_application_proxy(proxy),
                        1 => QNetworkProxyFactory::set_application_proxy_factory(
                            move |_: &QNetworkProxyQuery| vec![proxy.clone()],
                        ),
                        _ => QNetworkProxyFactory::set_use_system_configuration(true),
                    }
                    for kind in KINDS {
                        let query = QNetworkProxyQuery::new(kind, "x.example", 80, "http");
                        assert!(!QNetworkProxyFactory::proxy_for_query(&query).is_empty());
                        assert!(!QNetworkProxyFactory::system_proxy_for_query(&query).is_empty());
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

const KINDS: [ProxyQueryType; 6] = [
    ProxyQueryType::TcpSocket,
    ProxyQueryType::UdpSocket,
    ProxyQueryType::SctpSocket,
    ProxyQueryType::TcpServer,
    ProxyQueryType::UrlRequest,
    ProxyQueryType::SctpServer,
];

// ---- the environment

fn proxy_of(query: &QNetworkProxyQuery, environment: &[(&str, &str)]) -> QNetworkProxy {
    let value = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let proxies = system::proxies(query, &value);
    assert_eq!(proxies.len(), 1);
    proxies.into_iter().next().unwrap()
}

fn named(value: &str) -> (ProxyType, String, u16) {
    let proxy = proxy_of(&to("x.example"), &[("http_proxy", value)]);
    (proxy.proxy_type(), proxy.host_name().to_owned(), proxy.port())
}

#[test]
fn generic_system_proxy() {
    let is = |kind, host: &str, port| (kind, host.to_owned(), port);
    let none = is(ProxyType::NoProxy, "", 0);
    assert_eq!(named(""), none);
    assert_eq!(named("http://p:1"), is(ProxyType::Http, "p", 1));
    assert_eq!(named("HTTP://P:1/"), is(ProxyType::Http, "p", 1));
    assert_eq!(named("//p:5"), is(ProxyType::Http, "p", 5));
    assert_eq!(named("http://[::1]:8"), is(ProxyType::Http, "::1", 8));
    assert_eq!(named("socks5://p:2"), is(ProxyType::Socks5, "p", 2));
    assert_eq!(named("socks5h://p:2"), is(ProxyType::Socks5, "p", 2));
    // In these cases Qt uses port 65535, or no host.
    assert_eq!(named("http://p"), is(ProxyType::Http, "p", 8080));
    assert_eq!(named("socks5://p"), is(ProxyType::Socks5, "p", 1080));
    assert_eq!(named("http://p:0"), is(ProxyType::Http, "p", 8080));
    assert_eq!(named("p:4"), is(ProxyType::Http, "p", 4));
    assert_eq!(named(" http://p:1 "), is(ProxyType::Http, "p", 1));
    for other in
        ["https://p:6", "ftp://p:6", "socks://p:1", "socks4://p:1", "http://", "http://p:99999"]
    {
        assert_eq!(named(other), none, "{other}");
    }
    let proxy = proxy_of(&to("x.example"), &[("http_proxy", "http://u%40x:p%3aw%@p:7/")]);
    assert_eq!((proxy.user(), proxy.password()), ("u@x", "p:w%"));
}

#[test]
fn which_variable_it_is() {
    let all = [("http_proxy", "h"), ("https_proxy", "s"), ("ftp_proxy", "f"), ("all_proxy", "a")];
    for (tag, host) in
        [("", "a"), ("http", "h"), ("https", "s"), ("ftp", "f"), ("HTTPS", "s"), ("smtp", "a")]
    {
        let query = QNetworkProxyQuery::new(ProxyQueryType::TcpSocket, "x.example", 80, tag);
        assert_eq!(proxy_of(&query, &all).host_name(), host, "{tag}");
        assert_eq!(proxy_of(&query, &all[..1]).host_name(), "h", "{tag}");
    }
    let secure = QNetworkProxyQuery::for_url("https://x.example/");
    assert_eq!(proxy_of(&secure, &[("HTTPS_PROXY", "s")]).host_name(), "s");
    assert_eq!(proxy_of(&secure, &[("all_proxy", "a")]).host_name(), "");
    assert_eq!(proxy_of(&to("x.example"), &[("ALL_PROXY", "a")]).host_name(), "a");
    // A web server puts a header of its client's into this variable.
    assert_eq!(proxy_of(&to("x.example"), &[("HTTP_PROXY", "h")]).host_name(), "");
}

#[test]
fn system_proxies_can_do_what_is_wanted() {
    for kind in KINDS {
        let query = QNetworkProxyQuery::new(kind, "x.example", 80, "");
        for value in ["", "http://p:1", "socks5://p:1", "what?"] {
            let proxy = proxy_of(&query, &[("http_proxy", value)]);
            let sctp = matches!(kind, ProxyQueryType::SctpSocket | ProxyQueryType::SctpServer);
            // Qt does not consider SCTP here; the socket does.
            assert!(sctp || proxy.capabilities().contains(kind.needs()), "{kind:?} {value}");
        }
    }
}

#[test]
fn hosts_without_a_proxy() {
    let proxied = |list: &str, name: &str| {
        let environment = [("http_proxy", "p:1"), (name, list)];
        proxy_of(&to("x.example"), &environment).proxy_type() == ProxyType::Http
    };
    for list in
        ["x.example", ".example", "example", "a, x.example ,b", "*", "a,*", "X.EXAMPLE", "EXAMPLE"]
    {
        assert!(!proxied(list, "no_proxy"), "{list}");
        assert!(!proxied(list, "NO_PROXY"), "{list}");
    }
    for list in
        ["", "ample", ".x.example", "y.x.example", "10.0.0.0/8", "x.example:80", ".", "b,,c"]
    {
        assert!(proxied(list, "no_proxy"), "{list}");
    }
}
