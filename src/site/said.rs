//! What the parser says of `site.toml`, in the words of who writes it. Its own are those of Rust: `u64`, `sequence`.

use super::KEYS;
use crate::output::nearest::nearest;

/// The keys that are not of one server.
const OF_SITE: [&str; 6] = ["closed", "home", "metrics", "notify", "unattended", "window"];

/// What was said, and, if it is about a key that there is not, the keys that there are in its place. The lines before the
/// last one, which name the place, stay.
/// `added` are keys that the parser does not know of.
pub fn plainly(said: &str, added: &[String]) -> (String, Option<Vec<String>>) {
    let (place, reason) = match said.rsplit_once('\n') {
        Some((place, reason)) => (format!("{place}\n"), reason),
        None => (String::new(), said),
    };
    if let Some((key, mut keys)) = unknown(reason) {
        // The table of all servers has no other keys.
        if keys.iter().any(|key| key == "checkout") {
            keys.extend_from_slice(added);
        }
        let is_of_server = keys.iter().any(|key| key == "checkout");
        let meant = match nearest(&key, keys.iter().map(String::as_str)) {
            _ if is_of_server && OF_SITE.contains(&key.as_str()) => {
                "; it belongs at the beginning of the file, before the first table".to_owned()
            }
            _ if keys.iter().any(|key| key == "servers") && KEYS.contains(&key) => {
                "; it belongs in the table of a server".to_owned()
            }
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        return (format!("{place}unknown key `{key}`{meant}"), Some(keys));
    }
    let reason = match typed(reason).or_else(|| missing(reason)) {
        Some(plain) => plain,
        None => reason.to_owned(),
    };
    (format!("{place}{reason}"), None)
}

/// A key that is not known, and those that are.
fn unknown(reason: &str) -> Option<(String, Vec<String>)> {
    let mut ticked = reason.strip_prefix("unknown field `")?.split('`').step_by(2).map(str::to_owned);
    Some((ticked.next()?, ticked.collect()))
}

/// `invalid type: integer `5`, expected a string`.
fn typed(reason: &str) -> Option<String> {
    let rest = reason.strip_prefix("invalid type: ").or_else(|| reason.strip_prefix("invalid value: "))?;
    let (found, wanted) = rest.rsplit_once(", expected ")?;
    Some(format!("{} is expected here, not {}", expected(wanted), given(found)))
}

fn missing(reason: &str) -> Option<String> {
    let key = reason.strip_prefix("missing field ")?;
    Some(format!("the key {key} is missing"))
}

fn expected(wanted: &str) -> &str {
    match wanted {
        "a string" => "text",
        "path string" | "a path string" => "a path",
        "a sequence" => "a list",
        "a map" => "a table",
        "a boolean" => "`true` or `false`",
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative,",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        wanted if wanted.starts_with("struct ") => "a table",
        wanted => wanted,
    }
}

fn given(found: &str) -> String {
    for (said, plain) in [
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("boolean ", ""),
        ("string ", "the text "),
        ("sequence", "a list"),
        ("map", "a table"),
    ] {
        if let Some(rest) = found.strip_prefix(said) {
            return format!("{plain}{rest}");
        }
    }
    found.to_owned()
}

#[cfg(test)]
mod tests {
    use super::plainly;

    #[test]
    fn words_of_rust_become_words_of_who_writes_toml() {
        for (said, plain) in [
            ("invalid type: integer `5`, expected a string", "text is expected here, not the number `5`"),
            (
                "invalid type: string \"x\", expected a sequence",
                "a list is expected here, not the text \"x\"",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "a whole number, not negative, is expected here, not the number `-1`",
            ),
            ("missing field `kind`", "the key `kind` is missing"),
            ("invalid TOML value", "invalid TOML value"),
        ] {
            assert_eq!(plainly(&format!("line 3\n{said}"), &[]), (format!("line 3\n{plain}"), None));
        }
    }

    #[test]
    fn a_key_that_is_not_known_is_told_with_the_one_that_was_meant() {
        let (said, keys) = plainly("unknown field `helth`, expected one of `ssh`, `health`", &[]);
        assert_eq!(said, "unknown key `helth`; did you mean `health`?");
        assert_eq!(keys.unwrap(), ["ssh", "health"]);
        assert_eq!(plainly("unknown field `zzz`, expected `servers`", &[]).0, "unknown key `zzz`");
        let of_server = plainly("unknown field `window`, expected one of `checkout`, `kind`", &[]).0;
        assert!(of_server.ends_with("it belongs at the beginning of the file, before the first table"));
        let of_site = plainly("unknown field `longest_maintenance`, expected `servers`", &[]).0;
        assert!(of_site.ends_with("it belongs in the table of a server"), "{of_site}");
    }
}
