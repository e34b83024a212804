//! Files with checksums, as `sha256sum` and its relatives write them.

use std::fmt;

/// A digest in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sum {
    Sha256(String),
    Sha512(String),
}

impl Sum {
    /// By its length; nothing, if it is none of the two.
    fn of(text: &str) -> Option<Sum> {
        let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.len() {
            64 if is_hexadecimal => Some(Sum::Sha256(text.to_ascii_lowercase())),
            128 if is_hexadecimal => Some(Sum::Sha512(text.to_ascii_lowercase())),
            _ => None,
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Sum::Sha256(digits) => write!(formatter, "sha256:{digits}"),
            Sum::Sha512(digits) => write!(formatter, "sha512:{digits}"),
        }
    }
}

/// The digest of the file with this name: its SHA-256, or where there is none its SHA-512. Nothing, if the text has none for
/// it, or two of a sort that differ.
pub fn sum_in(text: &str, name: &str) -> Option<Sum> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let own: Vec<Sum> =
        lines().filter_map(line).filter(|(of, _)| *of == name).map(|(_, digest)| digest).collect();
    for is_meant in [|sum: &&Sum| matches!(sum, Sum::Sha256(_)), |sum: &&Sum| matches!(sum, Sum::Sha512(_))] {
        let mut found = own.iter().filter(is_meant);
        if let Some(first) = found.next() {
            return found.all(|other| other == first).then(|| first.clone());
        }
    }
    // Alone it can only be of that file.
    let mut all = lines();
    let only = Sum::of(all.next()?)?;
    all.next().is_none().then_some(only)
}

/// `DIGEST  NAME`, `DIGEST *NAME` or `SHA256 (NAME) = DIGEST`; of a path only its last part counts.
fn line(line: &str) -> Option<(&str, Sum)> {
    let tagged = || {
        let rest = line.strip_prefix("SHA256 (").or_else(|| line.strip_prefix("SHA512 ("))?;
        let (name, digest) = rest.split_once(") = ")?;
        Some((name, digest.trim()))
    };
    let plain = || {
        let (digest, name) = line.split_once(char::is_whitespace)?;
        let name = name.trim_start();
        Some((name.strip_prefix('*').unwrap_or(name), digest))
    };
    let (name, digest) = tagged().or_else(plain)?;
    Some((name.rsplit('/').next().unwrap_or(name), Sum::of(digest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_in_every_form() {
        let (one, two) = ("a".repeat(64), "B".repeat(64));
        let found = |text: &str| match sum_in(text, "app-linux")? {
            Sum::Sha256(digits) => Some(digits),
            Sum::Sha512(_) => panic!("it is no SHA-256: {text}"),
        };
        for text in [
            format!("{one}  app-linux\n{two}  app-mac\n"),
            format!("{two}  app-linux.sig\n{one} *dist/app-linux\r\n"),
            format!("# sums\nSHA256 (app-linux) = {one}\nSHA512 (app-linux) = {two}{two}\n"),
            format!("\n{one}\n"),
            format!("{one}  app-linux\n{one}  ./app-linux\n"),
        ] {
            assert_eq!(found(&text).as_deref(), Some(one.as_str()), "{text}");
        }
        assert_eq!(found(&format!("{two}  app-linux")).unwrap(), "b".repeat(64));
        for text in [
            String::new(),
            format!("{one}  app-mac\n"),
            format!("{one}\n{two}\n"),
            format!("{one}  app-linux\n{two}  app-linux\n"),
            format!("{}  app-linux\n", &one[1..]),
            "<html>Not found</html>".into(),
        ] {
            assert_eq!(found(&text), None, "{text}");
        }
    }

    #[test]
    fn a_sha_512_counts_where_there_is_no_sha_256() {
        let (short, long) = ("a".repeat(64), "c".repeat(128));
        let found = |text: &str| sum_in(text, "app-linux").map(|sum| sum.to_string());
        for text in [
            format!("{long}  app-linux\n{}  app-mac\n", "d".repeat(128)),
            format!("SHA512 (app-linux) = {long}\n"),
            format!("{}\n", long.to_uppercase()),
        ] {
            assert_eq!(found(&text), Some(format!("sha512:{long}")), "{text}");
        }
        let both = format!("{long}  app-linux\n{short}  app-linux\n");
        assert_eq!(found(&both), Some(format!("sha256:{short}")));
        let two = format!("{long}  app-linux\n{}  app-linux\n", "d".repeat(128));
        assert_eq!((found(&two), found(&long[1..])), (None, None));
    }
}
