//! Files with checksums, as `sha256sum` and its relatives write them.

use crate::machine::files::is_sha256;

/// The SHA-256 of the file with this name, in lower-case hexadecimal. Nothing, if the text has none for it, or two that
/// differ.
pub fn sha256_in(text: &str, name: &str) -> Option<String> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut found = lines().filter_map(line).filter(|(of, _)| *of == name).map(|(_, digest)| digest);
    let digest = match found.next() {
        Some(digest) => found.all(|other| other.eq_ignore_ascii_case(digest)).then_some(digest)?,
        // Alone it can only be of that file.
        None => {
            let mut all = lines();
            let only = all.next().filter(|only| is_sha256(only))?;
            all.next().is_none().then_some(only)?
        }
    };
    Some(digest.to_ascii_lowercase())
}

/// `DIGEST  NAME`, `DIGEST *NAME` or `SHA256 (NAME) = DIGEST`; of a path only its last part counts.
fn line(line: &str) -> Option<(&str, &str)> {
    let tagged = || {
        let (name, digest) = line.strip_prefix("SHA256 (")?.split_once(") = ")?;
        Some((name, digest.trim()))
    };
    let plain = || {
        let (digest, name) = line.split_once(char::is_whitespace)?;
        let name = name.trim_start();
        Some((name.strip_prefix('*').unwrap_or(name), digest))
    };
    let (name, digest) = tagged().or_else(plain)?;
    let name = name.rsplit('/').next().unwrap_or(name);
    is_sha256(digest).then_some((name, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_in_every_form() {
        let (one, two) = ("a".repeat(64), "B".repeat(64));
        let found = |text: &str| sha256_in(text, "app-linux");
        for text in [
            format!("{one}  app-linux\n{two}  app-mac\n"),
            format!("{two}  app-linux.sig\n{one} *dist/app-linux\r\n"),
            format!("# sums\nSHA256 (app-linux) = {one}\nSHA512 (app-linux) = {two}\n"),
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
}
