//! Where a request says that it goes, and from which page it comes.
//!
//! A server on loopback is reached by every page that a browser on this machine shows: by its address, or by a name that
//! its owner has made point here (DNS rebinding). So the `Host` has to be a name of this server, and a request that a
//! browser sends for a page has to be for a page of ours, or one that the operator has named.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use reqwest::Url;

use super::AccessError;
use crate::serve::problem::Problem;

/// A page's origin, as browsers write it: `https://app.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin(String);

impl Origin {
    /// Reads what the operator has written.
    pub fn parse(text: &str) -> Result<Origin, AccessError> {
        let wrong = |why: String| AccessError::Origin(text.to_owned(), why);
        if text == "*" {
            return Err(wrong(
                "every page on the web could use this server; name each origin".to_owned(),
            ));
        }
        let example = "write scheme, host and port, for example https://app.example.com or http://localhost:5173";
        let url = Url::parse(text).map_err(|_| wrong(example.to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(example.to_owned()));
        }
        let origin = url.origin().ascii_serialization();
        match origin.eq_ignore_ascii_case(text.trim_end_matches('/')) {
            true => Ok(Origin(origin)),
            false => Err(wrong(format!("an origin is only scheme, host and port: {origin}"))),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads another name of this server: a host without scheme and port.
pub(super) fn name(text: &str) -> Result<String, AccessError> {
    let fits = |char: char| char.is_ascii_alphanumeric() || "-._[]:".contains(char);
    let port = text.parse::<Ipv6Addr>().is_err() && !text.ends_with(']') && text.contains(':');
    match !text.is_empty() && !port && text.chars().all(fits) {
        true => Ok(text.trim_matches(['[', ']']).to_ascii_lowercase()),
        false => Err(AccessError::Host(text.to_owned())),
    }
}

/// What requests may say of their places.
#[derive(Debug)]
pub(super) struct Places {
    /// Whether only this machine reaches the server. Beyond it every request needs a token, which no foreign page has,
    /// and the names by which it is reached are not known.
    pub on_loopback: bool,
    /// Names of this server besides those of loopback, in lower case.
    pub hosts: Vec<String>,
    /// Pages besides its own.
    pub origins: Vec<Origin>,
}

impl Places {
    /// Refuses a request that was meant for another server, or that a foreign page sends.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let host = host(headers)?;
        if self.on_loopback {
            // A request to a proxy names the server twice.
            let named = uri.authority().map(|authority| authority.as_str());
            for host in [host, named].into_iter().flatten() {
                self.check_host(host)?;
            }
            if host.is_none() && named.is_none() {
                return Err(Problem::ForeignHost("the request has no Host header".to_owned()));
            }
        }
        match headers.get(header::ORIGIN) {
            Some(origin) => self.check_origin(origin, host),
            None => check_site(method, headers),
        }
    }

    fn check_host(&self, host: &str) -> Result<(), Problem> {
        let name = without_port(host);
        if is_loopback(name) || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(Problem::ForeignHost(format!(
            "this server is not known as {name}; if that is a name of it, start it with --host {name}"
        )))
    }

    fn check_origin(&self, origin: &HeaderValue, host: Option<&str>) -> Result<(), Problem> {
        let origin = origin.to_str().unwrap_or_default();
        // Behind a proxy the scheme is not known here, so the rest decides.
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let own = authority.is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
        if own || self.origins.iter().any(|known| known.0 == origin) {
            return Ok(());
        }
        Err(Problem::ForeignOrigin(match authority {
            Some(_) => format!("pages of {origin} may not use this server; to let them, start it with --cors {origin}"),
            None => "pages without an origin may not use this server; serve the page over HTTP and name its origin \
                     with --cors"
                .to_owned(),
        }))
    }
}

/// Without an origin it is no script that asks, but it may still be a foreign page: an image, a frame, a form.
/// Following a link from anywhere is fine.
fn check_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(site) = headers.get("sec-fetch-site") else {
        return Ok(());
    };
    let link = || method == Method::GET && headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    match site.as_bytes() {
        b"same-origin" | b"none" => Ok(()),
        _ if link() => Ok(()),
        _ => Err(Problem::ForeignOrigin(
            "pages of other sites may not use this server; to let one, start it with --cors and its origin".to_owned(),
        )),
    }
}

/// The host that the request names; two would be two opinions about where it goes.
fn host(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let wrong = || Problem::ForeignHost("the request needs exactly one Host header".to_owned());
    match (hosts.next(), hosts.next()) {
        (None, _) => Ok(None),
        (Some(host), None) => host.to_str().map(Some).map_err(|_| wrong()),
        (Some(_), Some(_)) => Err(wrong()),
    }
}

/// `localhost:3141` to `localhost`, `[::1]:3141` to `::1`.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether a name can only mean this machine.
pub(super) fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            on_loopback: true,
            hosts: vec!["flows.example.com".to_owned()],
            origins: vec![Origin::parse("https://app.example.com").unwrap()],
        }
    }

    fn check(places: &Places, headers: &[(&'static str, &str)]) -> Result<(), Problem> {
        let map = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (axum::http::HeaderName::from_static(name), value)
        });
        let mut all = HeaderMap::new();
        for (name, value) in map {
            all.append(name, value);
        }
        places.check(&Method::POST, &Uri::from_static("/workflows"), &all)
    }

    #[test]
    fn only_names_of_this_server_are_taken() {
        let foreign = [
            "evil.example",
            "evil.example:3141",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.localhost",
            "128.0.0.1",
            "0.0.0.0",
            "[::2]:3141",
            "",
            "2130706433",
            "127.1",
            "localhost@evil.example",
        ];
        for host in foreign {
            let checked = check(&places(), &[("host", host)]);
            assert!(matches!(checked, Err(Problem::ForeignHost(_))), "{host}: {checked:?}");
        }
        let own = [
            "localhost",
            "LocalHost:80",
            "127.0.0.1:3141",
            "127.9.8.7",
            "[::1]",
            "[::1]:3141",
            "Flows.example.com:443",
        ];
        for host in own {
            assert_eq!(check(&places(), &[("host", host)]), Ok(()), "{host}");
        }
        let checked = check(&places(), &[]);
        assert!(matches!(checked, Err(Problem::ForeignHost(_))), "{checked:?}");
        let twice = check(&places(), &[("host", "localhost"), ("host", "localhost")]);
        assert!(matches!(twice, Err(Problem::ForeignHost(_))), "{twice:?}");
        let proxied = Uri::from_static("http://evil.example/workflows");
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        let checked = places().check(&Method::GET, &proxied, &headers);
        assert!(matches!(checked, Err(Problem::ForeignHost(_))), "{checked:?}");
    }

    #[test]
    fn only_pages_of_this_server_and_named_ones_may_ask() {
        for origin in [
            "https://evil.example",
            "null",
            "",
            "http://localhost:5173",
            "http://localhost",
            "http://app.example.com",
            "https://app.example.com.evil.example",
            "https://app.example.com:8443",
        ] {
            let checked = check(&places(), &[("host", "localhost:3141"), ("origin", origin)]);
            assert!(
                matches!(checked, Err(Problem::ForeignOrigin(_))),
                "{origin}: {checked:?}"
            );
        }
        for origin in ["http://localhost:3141", "https://app.example.com"] {
            let headers = [("host", "localhost:3141"), ("origin", origin)];
            assert_eq!(check(&places(), &headers), Ok(()), "{origin}");
        }
    }

    #[test]
    fn what_a_browser_sends_for_another_site_is_refused_unless_it_is_a_link() {
        let site = |method: Method, headers: &[(&'static str, &'static str)]| {
            let own = [("host", "localhost")];
            let headers = own.iter().chain(headers).map(|(name, value)| {
                let name = axum::http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            places().check(&method, &Uri::from_static("/"), &headers.collect())
        };
        for other in ["cross-site", "same-site", "who-knows"] {
            let image = site(Method::GET, &[("sec-fetch-site", other), ("sec-fetch-mode", "no-cors")]);
            assert!(matches!(image, Err(Problem::ForeignOrigin(_))), "{image:?}");
            let form = site(
                Method::POST,
                &[("sec-fetch-site", other), ("sec-fetch-mode", "navigate")],
            );
            assert!(matches!(form, Err(Problem::ForeignOrigin(_))), "{form:?}");
            let link = [("sec-fetch-site", other), ("sec-fetch-mode", "navigate")];
            assert_eq!(site(Method::GET, &link), Ok(()));
        }
        assert_eq!(site(Method::POST, &[("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(site(Method::GET, &[("sec-fetch-site", "none")]), Ok(()));
    }

    #[test]
    fn names_and_origins_are_read_strictly() {
        for wrong in ["", "https://flows.example.com", "flows.example.com:80", "a/b", "a b"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        assert_eq!(name("Flows.example.com").unwrap(), "flows.example.com");
        assert_eq!(name("[fe80::1]").unwrap(), "fe80::1");
        for wrong in [
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/page",
            "file:///x",
            "https://a@b.example",
        ] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            Origin::parse("https://App.example.com/").unwrap().0,
            "https://app.example.com"
        );
    }
}
