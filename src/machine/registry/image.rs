//! References of images, as people and Compose files write them: `postgres:15-alpine`,
//! `ghcr.io/immich-app/immich-server:v2.1.0@sha256:…`, `localhost:5000/a/b`.

use super::digest::Digest;
use crate::failure::{Failure, Kind};
use crate::machine::client::url::Url;
use std::fmt;
use std::str::FromStr;

/// The registry of references without one.
const HUB: &str = "docker.io";
/// Where the registry of that name is.
const HUB_HOST: &str = "registry-1.docker.io";
/// A name with its host may have as many characters.
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;

/// A reference: what it means, all defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The registry's host, with its port: `docker.io`, `localhost:5000`.
    pub host: String,
    /// `library/postgres`.
    pub repository: String,
    /// `latest` if neither tag nor digest is written.
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

impl Image {
    /// The host that the registry's interface is at.
    pub fn registry(&self) -> &str {
        if self.host == HUB { HUB_HOST } else { &self.host }
    }

    /// The reference without tag and digest, as people write it: `postgres`, `ghcr.io/a/b`.
    pub fn name(&self) -> String {
        match self.host == HUB {
            true => self.repository.strip_prefix("library/").unwrap_or(&self.repository).to_owned(),
            false => format!("{}/{}", self.host, self.repository),
        }
    }

    /// The same image under another tag, and without a digest.
    ///
    /// Fails with [`Kind::Invalid`] if it is not a tag.
    pub fn with_tag(&self, tag: &str) -> Result<Image, Failure> {
        match is_tag(tag) {
            true => Ok(Image { tag: Some(tag.to_owned()), digest: None, ..self.clone() }),
            false => {
                Err(invalid(tag, "a tag has letters, digits, `_`, `.` and `-`, and at most 128 of them"))
            }
        }
    }

    /// What a manifest is asked by: the digest, if it has one.
    pub fn by(&self) -> &str {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.as_str(),
            (None, tag) => tag.as_deref().unwrap_or("latest"),
        }
    }
}

impl FromStr for Image {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Image, Failure> {
        let wrong = |why: &str| invalid(text, why);
        if text.contains("://") {
            return Err(wrong("it begins with the registry's host, without `https://`"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = Digest::parse(digest);
                (rest, Some(digest.ok_or_else(|| wrong("a digest is `sha256:` and 64 digits"))?))
            }
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let (name, tag) = match rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            Some((name, tag)) => (name, Some(tag)),
            None => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("a tag has letters, digits, `_`, `.` and `-`, and at most 128 of them"));
        }
        let (host, path) = match name.split_once('/').filter(|(host, _)| is_host(host)) {
            Some((host, path)) => (host.to_ascii_lowercase(), path),
            None => (HUB.to_owned(), name),
        };
        let host = if host == "index.docker.io" || host == HUB_HOST { HUB.to_owned() } else { host };
        if Url::of_host(true, &host).is_none() {
            return Err(wrong("its registry is no host"));
        }
        let is_official = host == HUB && !path.contains('/');
        let repository = if is_official { format!("library/{path}") } else { path.to_owned() };
        if name.len() > LONGEST_NAME || !repository.split('/').all(is_part) {
            return Err(wrong("its name has small letters, digits, and single `.`, `_` or `-` between them"));
        }
        let tag = tag.or(digest.is_none().then_some("latest")).map(str::to_owned);
        Ok(Image { host, repository, tag, digest })
    }
}

impl fmt::Display for Image {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name())?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(out, "@{digest}"))
    }
}

/// Whether a registry may call a version of an image so.
pub fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= LONGEST_TAG
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

/// Whether the first part of a name is a registry, and not the first part of the repository of Docker Hub.
fn is_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':']) || text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Small letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_part(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.bytes().next().is_some_and(is_word)
        && text.bytes().last().is_some_and(is_word)
        && separators
            .all(|part| matches!(part, "" | "." | "_" | "__") || part.bytes().all(|byte| byte == b'-'))
}

fn invalid(text: &str, why: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("`{}` is not a reference of an image", text.escape_debug())).why(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn parts(text: &str) -> (String, String, Option<String>, bool) {
        let image: Image = text.parse().unwrap_or_else(|failure| panic!("{failure}"));
        (image.host, image.repository, image.tag, image.digest.is_some())
    }

    #[test]
    fn a_reference_is_read_as_docker_reads_it() {
        let hub = || "docker.io".to_owned();
        let tag = |tag: &str| Some(tag.to_owned());
        assert_eq!(parts("postgres:15-alpine"), (hub(), "library/postgres".into(), tag("15-alpine"), false));
        assert_eq!(parts("postgres"), (hub(), "library/postgres".into(), tag("latest"), false));
        assert_eq!(parts("localhost/a"), ("localhost".into(), "a".into(), tag("latest"), false));
        assert_eq!(
            parts("localhost:5000/a/b"),
            ("localhost:5000".into(), "a/b".into(), tag("latest"), false)
        );
        assert_eq!(parts("index.docker.io/nginx:1"), (hub(), "library/nginx".into(), tag("1"), false));
        assert_eq!(parts("docker.io/a/b"), (hub(), "a/b".into(), tag("latest"), false));
        assert_eq!(parts("GHCR.io/a/b:V1"), ("ghcr.io".into(), "a/b".into(), tag("V1"), false));
        assert_eq!(parts("[::1]:5000/a"), ("[::1]:5000".into(), "a".into(), tag("latest"), false));
        assert_eq!(parts(&format!("postgres@{DIGEST}")), (hub(), "library/postgres".into(), None, true));
        let written = format!("ghcr.io/immich-app/immich-server:v2.1.0@{DIGEST}");
        assert_eq!(
            parts(&written),
            ("ghcr.io".into(), "immich-app/immich-server".into(), tag("v2.1.0"), true)
        );
        assert_eq!(written.parse::<Image>().unwrap().to_string(), written);
        assert_eq!("docker.io/library/a:1".parse::<Image>().unwrap().to_string(), "a:1");
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            ":",
            "@",
            "a:",
            "a@sha256:12",
            "https://ghcr.io/a/b",
            "a//b",
            "/a",
            "a/",
            "Postgres",
            "ghcr.io/A/b",
            "a:${TAG}",
            "${IMAGE}",
            "a b",
            "a..b",
            "a___b",
            "-a",
            "a-",
            "host:99999/a",
            "host:/a",
            "user@host.example/a",
            "a.example/../b",
            "a:-x",
            "ä",
            "a:\u{1b}[2J",
        ] {
            assert!(text.parse::<Image>().is_err(), "{text}");
        }
        assert!("a".repeat(300).parse::<Image>().is_err());
        assert!(format!("a:{}", "b".repeat(129)).parse::<Image>().is_err());
    }
}
