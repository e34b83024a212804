//! The settings of a text as they are written, and texts with one more.

use super::dialect::Dialect;
use super::edit::{self, ending};
use super::reading::{Form, Outside};

/// A setting as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// Its value with its quotes and references; nothing of a name alone, and for make, whose lines may hold more.
    pub written: Option<String>,
}

/// The settings of a text, in their order. Fails with the line and the reason if the dialect's program would refuse it.
pub fn listed(text: &str, dialect: Dialect, outside: &Outside) -> Result<Vec<Listed>, String> {
    let reading = edit::read(text, dialect, outside)?;
    let listed = reading.settings.iter().map(|setting| {
        let is_value = dialect != Dialect::Make && setting.form != Form::Bare;
        let written = is_value.then(|| text[setting.place.clone()].to_owned());
        Listed { name: setting.name.clone(), written }
    });
    Ok(listed.collect())
}

/// The text with one more setting at its end, whose value is written so; nothing if the dialect's program would not read it as
/// that, or another one than before.
pub fn with_added(
    text: &str,
    dialect: Dialect,
    outside: &Outside,
    name: &str,
    written: &str,
) -> Option<String> {
    let before = listed(text, dialect, outside).ok()?;
    let glue = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let added = format!("{text}{glue}{name}={written}{}", ending(text, dialect));
    let after = listed(&added, dialect, outside).ok()?;
    let (last, others) = after.split_last()?;
    let is_meant = last.name == name && last.written.as_ref().is_none_or(|it| it == written);
    (is_meant && others == before).then_some(added)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_setting_is_added_where_nothing_else_is_read_otherwise() {
        let outside = Outside::new();
        let added = |text: &str, dialect, written: &str| with_added(text, dialect, &outside, "K", written);
        assert_eq!(added("A=1\r\n", Dialect::Compose, "\"x y\"").as_deref(), Some("A=1\r\nK=\"x y\"\r\n"));
        assert_eq!(added("A=1", Dialect::Make, "x y").as_deref(), Some("A=1\nK=x y\n"));
        assert_eq!(added("A=1\n", Dialect::Shell, "x y"), None, "the shell would run y");
        assert_eq!(added("A=1 \\", Dialect::Make, "x"), None, "it would be part of A");
        assert_eq!(added("A=\"1\n", Dialect::Compose, "x"), None, "its quote is open");
    }
}
