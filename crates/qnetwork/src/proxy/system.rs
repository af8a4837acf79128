//! The proxies that the environment names.

use super::{
    query::{ProxyQueryType, QNetworkProxyQuery},
    value::{ProxyType, QNetworkProxy},
};

/// Returns whether the environment names any proxy. Every connecting socket calls this; without a
/// proxy it allocates nothing.
pub(super) fn has_any() -> bool {
    ALL.iter().any(|names| names.iter().any(|name| std::env::var_os(name).is_some()))
}

/// Qt reads only the first name of each. `HTTP_PROXY` is not here, because a web server sets it for
/// its scripts from a header of its client's.
const HTTP: &[&str] = &["http_proxy"];
const HTTPS: &[&str] = &["https_proxy", "HTTPS_PROXY"];
const FTP: &[&str] = &["ftp_proxy", "FTP_PROXY"];
const OTHER: &[&str] = &["all_proxy", "ALL_PROXY"];
const EXCEPT: &[&str] = &["no_proxy", "NO_PROXY"];
const ALL: [&[&str]; 4] = [HTTP, HTTPS, FTP, OTHER];

/// Returns the system's proxies for a query, from the environment as it is now.
pub(super) fn proxies_of_environment(query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
    proxies(query, &|name| std::env::var(name).ok())
}

/// Returns the proxies for a query with the given environment.
pub(super) fn proxies(
    query: &QNetworkProxyQuery,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<QNetworkProxy> {
    let value = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| environment(name));
        values.find(|value| !value.trim().is_empty())
    };
    if value(EXCEPT).is_some_and(|list| is_listed(query.peer_host_name(), &list)) {
        return vec![QNetworkProxy::none()];
    }
    let names = match query.protocol_tag() {
        "http" => HTTP,
        "https" => HTTPS,
        "ftp" => FTP,
        _ => OTHER,
    };
    let named = value(names).or_else(|| value(HTTP));
    let proxy = named.and_then(|text| proxy(text.trim(), query.query_type()));
    vec![proxy.unwrap_or_else(QNetworkProxy::none)]
}

/// Returns whether a host is in a list of hosts and domains.
fn is_listed(host: &str, list: &str) -> bool {
    list.split(',').map(str::trim).any(|entry| {
        if entry == "*" {
            return true;
        }
        let domain = entry.strip_prefix('.').unwrap_or(entry);
        let Some(at) = host.len().checked_sub(domain.len()).filter(|_| !domain.is_empty()) else {
            return false;
        };
        let matches = host.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
        let whole = at == 0 && domain.len() == entry.len();
        matches && (whole || host[..at].ends_with('.'))
    })
}

/// Parses a proxy from the environment. Returns `None` if it is invalid or does not support the
/// query.
fn proxy(text: &str, kind: ProxyQueryType) -> Option<QNetworkProxy> {
    let proxy: QNetworkProxy = text.parse().ok()?;
    let listens_or_sends = matches!(kind, ProxyQueryType::UdpSocket | ProxyQueryType::TcpServer);
    if proxy.proxy_type() == ProxyType::Http && listens_or_sends {
        return None;
    }
    Some(proxy)
}
