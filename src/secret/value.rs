//! Which values are secrets, and which of those are looked for everywhere.

/// Shorter values are in every second word.
const SHORTEST: usize = 8;

/// What may stand behind a number.
const UNITS: [&str; 25] = [
    "ns", "us", "ms", "s", "sec", "m", "min", "h", "d", "w", "y", "b", "k", "kb", "kib", "mb", "mib", "g",
    "gb", "gib", "t", "tb", "tib", "%", "px",
];

/// Whether a value can't be a secret, whatever its setting is called: nothing, yes or no, a number with a unit, a path,
/// an address without a password.
pub fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    let words = ["true", "false", "yes", "no", "on", "off", "none", "null", "nil"];
    value.is_empty()
        || words.contains(&value.to_ascii_lowercase().as_str())
        || is_measure(value)
        || is_path(value)
        || (value.contains("://") && password_of(value).is_none())
}

/// Whether a secret is so like a word that it is hidden only beside its name: in a text it may be something else.
pub fn is_weak(value: &str) -> bool {
    let value = value.trim();
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let word = value.bytes().all(|byte| byte.is_ascii_lowercase());
    value.len() < SHORTEST
        || (digits && value.len() < 12)
        || (word && value.len() < 16)
        || is_harmless(value)
        || is_host(value)
}

/// A number with a unit: `30s`, `64MB`, `1.5`.
fn is_measure(value: &str) -> bool {
    let rest = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unit = rest.trim_start();
    rest.len() < value.len() && UNITS.contains(&unit.to_ascii_lowercase().as_str())
}

/// A path, as settings have it. A key in base64 may begin with a slash, too, but has signs that paths lack.
fn is_path(value: &str) -> bool {
    let begins = ["/", "~/", "./", "../"].iter().any(|begin| value.starts_with(begin));
    // What is long and has digits and letters in one part is no folder's name, but generated.
    let is_generated = |part: &str| {
        part.len() >= 16
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    begins && !value.contains(['+', '=', ' ', '\n']) && !value.split('/').any(is_generated)
}

/// A host: words with points between, the last without a digit, and maybe a port.
fn is_host(value: &str) -> bool {
    let (host, port) = value.split_once(':').unwrap_or((value, "0"));
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    labels.len() > 1
        && labels.iter().all(is_label)
        && labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_lowercase()))
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// The password in an address, as it stands there.
pub fn password_of(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // A password that is written raw may have a slash in it, or an `@`.
    let (user, _) = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@'))?;
    user.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_secret_under_any_name_is_known_by_its_form() {
        for value in ["", "true", "None", "30s", "64 MB", "/srv/web", "~/.key", "https://example.org/x"] {
            assert!(is_harmless(value), "{value}");
        }
        for value in ["hunter2", "123456", "postgres://u:p@db/x", "/a+b=c"] {
            assert!(!is_harmless(value), "{value}");
        }
    }

    #[test]
    fn a_word_is_weak_and_what_was_generated_is_not() {
        for value in ["attempt", "postgres", "12345678901", "short1", "db.example.org:80", "/srv/web"] {
            assert!(is_weak(value), "{value}");
        }
        for value in ["hunter22x", "123456789012", "abcdefghijklmnop", "c4nary/of+the=test"] {
            assert!(!is_weak(value), "{value}");
        }
    }

    #[test]
    fn the_password_of_an_address_is_found() {
        assert_eq!(password_of("postgres://app:s3cr%2Ft@db:5432/x"), Some("s3cr%2Ft"));
        assert_eq!(password_of("redis://:pa/ss@db"), Some("pa/ss"));
        for none in ["postgres://app@db/x", "https://example.org/a:b", "app:x@db"] {
            assert_eq!(password_of(none), None, "{none}");
        }
    }
}
