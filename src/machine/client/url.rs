//! Addresses on the web, as far as it matters to whom a request goes.

use ureq::http::Uri;

/// Longer ones are not followed: what they carry was made up to be long.
const LONGEST: usize = 8 << 10;

/// An absolute address with `http` or `https`. It carries no user and no password.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Url {
    is_https: bool,
    /// In lower case; that of IPv6 in brackets.
    host: String,
    port: u16,
    /// Begins with a slash.
    path: String,
}

impl Url {
    /// Reads an absolute address. `None` if it is another one, or carries a user, or has characters in it that none has.
    pub fn parse(text: &str) -> Option<Url> {
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let text = text.split('#').next().unwrap_or(text);
        let uri: Uri = text.parse().ok()?;
        let is_https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        // Behind the host is a port or nothing, and before it no user.
        let port = match authority.get(host.len()..)? {
            "" if authority.len() == host.len() => {
                if is_https {
                    443
                } else {
                    80
                }
            }
            rest => rest.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        if !authority.to_ascii_lowercase().starts_with(&host) || authority.contains('@') {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Some(Url { is_https, host, port, path })
    }

    /// `https`, or `http`, at a host with its port (`ghcr.io`, `localhost:5000`).
    pub fn of_host(is_https: bool, authority: &str) -> Option<Url> {
        let scheme = if is_https { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{authority}/")).filter(|url| url.path == "/")
    }

    /// Another path of the same server, with its query.
    pub fn at(&self, path: impl Into<String>) -> Option<Url> {
        let url = Url { path: path.into(), ..self.clone() };
        Url::parse(&url.to_string()).filter(|parsed| *parsed == url)
    }

    /// Where a reference in this answer leads, as `Location` and `Link` have them: absolute, or without its beginning.
    pub fn join(&self, reference: &str) -> Option<Url> {
        let scheme = if self.is_https { "https" } else { "http" };
        let own = self.path.split('?').next().unwrap_or("/");
        if reference.contains("://") && !reference.starts_with(['/', '?', '.']) {
            Url::parse(reference)
        } else if reference.starts_with("//") {
            Url::parse(&format!("{scheme}:{reference}"))
        } else if reference.starts_with('/') {
            self.at(reference)
        } else if reference.starts_with('?') {
            self.at(format!("{own}{reference}"))
        } else {
            let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.at(format!("{folder}/{reference}"))
        }
    }

    /// The host with its port, unless that is the usual one.
    pub fn authority(&self) -> String {
        let usual = if self.is_https { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path with its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether both are of one server: what is meant for one may be sent to the other.
    pub fn is_same_server(&self, other: &Url) -> bool {
        (self.is_https, &self.host, self.port) == (other.is_https, &other.host, other.port)
    }

    /// Whether it leads to this machine itself.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost"
            || bare.ends_with(".localhost")
            || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(out, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(reference: &str) -> Option<String> {
        let url = Url::parse("https://r.example/v2/a/tags/list?n=2").unwrap();
        url.join(reference).map(|url| url.to_string())
    }

    #[test]
    fn an_address_with_a_user_a_blank_or_another_scheme_is_none() {
        for text in [
            "ftp://a/",
            "https://u:p@a/",
            "https://u@a/",
            "https:///x",
            "a/b",
            "/a",
            "https://a/b c",
            "https://a/\u{7}",
            "https://a:0/",
            "https://a:99999/",
            "https://a:/",
            "https://[::1/",
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
        assert_eq!(Url::parse(&format!("https://a/{}", "x".repeat(LONGEST))), None);
    }

    #[test]
    fn a_reference_is_joined() {
        assert_eq!(joined("/v2/x?last=1").unwrap(), "https://r.example/v2/x?last=1");
        assert_eq!(joined("?last=1").unwrap(), "https://r.example/v2/a/tags/list?last=1");
        assert_eq!(joined("list?last=1").unwrap(), "https://r.example/v2/a/tags/list?last=1");
        assert_eq!(joined("//other.example/x").unwrap(), "https://other.example/x");
        assert_eq!(joined("http://r.example/x").unwrap(), "http://r.example/x");
        assert_eq!(joined("https://u:p@r.example/x"), None);
        assert_eq!(joined("javascript:alert(1)").unwrap(), "https://r.example/v2/a/tags/javascript:alert(1)");
        assert_eq!(joined("/v2/\r\nhost: x"), None);
    }

    #[test]
    fn the_scheme_the_host_and_the_port_make_a_server() {
        let url = |text| Url::parse(text).unwrap();
        assert!(url("https://A.example/x").is_same_server(&url("https://a.example:443/y")));
        assert!(!url("https://a.example/x").is_same_server(&url("http://a.example/x")));
        assert!(!url("https://a.example/x").is_same_server(&url("https://a.example:444/x")));
        for text in
            ["http://localhost:1/", "http://127.9.9.9/", "http://[::1]:5/", "http://[::ffff:127.0.0.1]/"]
        {
            assert!(url(text).is_loopback(), "{text}");
        }
        for text in ["http://localhost.example/", "http://128.0.0.1/", "http://10.0.0.1/", "http://0.0.0.0/"]
        {
            assert!(!url(text).is_loopback(), "{text}");
        }
    }
}
