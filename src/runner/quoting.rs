//! Words in the files of units, so that systemd reads what was meant.

use crate::failure::{Failure, Kind, Result};

/// A word of a command line, as in `ExecStart`.
///
/// Fails with [`Kind::Invalid`] for what no unit can hold.
pub fn of_command(word: &str) -> Result<String> {
    // There, and only there, a dollar sign begins a variable.
    of_setting(word).map(|quoted| quoted.replace('$', "$$"))
}

/// A word of another setting, as in `Environment`.
///
/// Fails as [`of_command`] does.
pub fn of_setting(word: &str) -> Result<String> {
    if word.contains(['\n', '\r', '\0']) {
        return Err(Failure::new(Kind::Invalid, format!("`{word:?}` can't be written into a unit")));
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@+".contains(&byte);
    Ok(match !word.is_empty() && escaped.bytes().all(is_plain) {
        true => escaped,
        false => format!("\"{escaped}\""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_comes_through_systemd_as_it_is() {
        assert_eq!(of_command("--to=0.3").unwrap(), "--to=0.3");
        assert_eq!(of_command("a b\"$x%\\").unwrap(), "\"a b\\\"$$x%%\\\\\"");
        assert_eq!(of_setting("A=$x").unwrap(), "\"A=$x\"");
        assert_eq!(of_command("").unwrap(), "\"\"");
        assert!(of_setting("a\nb").is_err());
    }
}
