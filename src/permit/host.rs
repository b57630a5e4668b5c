use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// A pattern for hosts: `api.example.com`, `*.example.com` (all names below it, itself excepted), an IP address, each
/// also with a port: `localhost:8080`, `[::1]:8080`. Without a port all ports are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: String,
    /// Whether the names below are meant, not the name itself.
    below: bool,
    port: Option<u16>,
}

/// Why a text is no host pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a host: {reason}")]
pub struct HostError {
    /// What was written.
    pub text: String,
    /// What is wrong with it, and what to write.
    pub reason: &'static str,
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Host, HostError> {
        let wrong = |reason| HostError {
            text: text.to_owned(),
            reason,
        };
        if text.contains('/') {
            return Err(wrong(
                "write the name only, without scheme and path, such as `api.example.com`",
            ));
        }
        if text == "*" {
            return Err(wrong("leave the value out to allow every host"));
        }
        let (name, port) = split_port(text).ok_or_else(|| wrong("the port is a number up to 65535"))?;
        let (name, below) = match name.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.contains('*') {
            return Err(wrong("`*` stands only at the beginning, as in `*.example.com`"));
        }
        if !name.is_ascii() {
            return Err(wrong("write international names in their ASCII form, `xn--...`"));
        }
        let name = normal(name);
        if name.is_empty() || name.contains(|char: char| char.is_whitespace() || "@?#".contains(char)) {
            return Err(wrong("write a name such as `api.example.com` or an IP address"));
        }
        Ok(Host { name, below, port })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.name)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl Host {
    /// Whether a normalised name and port are meant.
    pub(super) fn matches(&self, name: &str, port: Option<u16>) -> bool {
        let named = match self.below {
            true => is_below(name, &self.name),
            false => name == self.name,
        };
        named && (self.port.is_none() || self.port == port)
    }

    /// Whether all that another pattern means is meant by this one.
    pub(super) fn covers(&self, other: &Host) -> bool {
        let named = match (self.below, other.below) {
            (true, true) => other.name == self.name || is_below(&other.name, &self.name),
            (true, false) => is_below(&other.name, &self.name),
            (false, true) => false,
            (false, false) => other.name == self.name,
        };
        named && (self.port.is_none() || self.port == other.port)
    }
}

/// A name as it is compared: lower case, without the dot of the root; IPv6 in brackets and in its shortest form.
pub(super) fn normal(name: &str) -> String {
    let inner = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    if let Ok(address) = inner.parse::<Ipv6Addr>() {
        return format!("[{address}]");
    }
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent)
        .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// The name and the port; `None` if the port is none.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    let (name, port) = match text.rsplit_once(':') {
        // The last colon of `[::1]` belongs to the address.
        Some((_, behind)) if behind.ends_with(']') => return Some((text, None)),
        Some(split) => split,
        None => return Some((text, None)),
    };
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        .then(|| port.parse().ok())
        .flatten()
        .map(|port| (name, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_say() {
        let cases = [
            ("api.example.com", "api.example.com", 443, true),
            ("API.example.com", "api.example.com", 443, true),
            ("example.com", "api.example.com", 443, false),
            ("*.example.com", "api.example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", "badexample.com", 443, false),
            ("localhost:8080", "localhost", 8080, true),
            ("localhost:8080", "localhost", 80, false),
            ("*.example.com:81", "a.example.com", 81, true),
            ("::1", "[::1]", 80, true),
            ("[0:0::1]:80", "[::1]", 80, true),
            ("127.0.0.1", "127.0.0.1", 1, true),
        ];
        for (pattern, name, port, expected) in cases {
            let host: Host = pattern.parse().unwrap();
            assert_eq!(
                host.matches(&normal(name), Some(port)),
                expected,
                "{pattern} {name}:{port}"
            );
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_a_reason() {
        for text in [
            "",
            "*",
            "https://example.com",
            "example.com/a",
            "a.*.com",
            "a:b",
            "a:99999",
            "a:",
            "*.",
            "b\u{fc}.de",
            "u@h",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
        assert_eq!(
            "*.Example.com:81".parse::<Host>().unwrap().to_string(),
            "*.example.com:81"
        );
    }
}
