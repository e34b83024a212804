//! An `.env` as Compose reads it, as far as values are literal: what has a `$` in it is left to Compose.

use crate::failure::Result;
use crate::machine::bytes;
use std::ops::Range;
use std::path::Path;

/// The file.
pub struct Dotenv {
    pub text: String,
    settings: Vec<Setting>,
}

struct Setting {
    name: String,
    /// The value between its quotes.
    value: Range<usize>,
    /// `"`, `'`, or none.
    quote: Option<char>,
}

impl Dotenv {
    /// Reads it; nothing if there is none.
    pub fn read(path: &Path) -> Result<Option<Dotenv>> {
        match path.exists() {
            true => bytes::read(path).map(|text| Some(Dotenv::of(text))),
            false => Ok(None),
        }
    }

    fn of(text: String) -> Dotenv {
        let mut settings = Vec::new();
        let mut start = 0;
        while start < text.len() {
            let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
            start = match setting(&text, start, end) {
                Some((setting, end)) => {
                    settings.push(setting);
                    // The rest of the line is a comment, if it is anything.
                    text[end..].find('\n').map_or(text.len(), |rest| end + rest + 1)
                }
                None => end + 1,
            };
        }
        Dotenv { text, settings }
    }

    /// The value of a setting, if it is there and can be known: of several the last counts.
    pub fn get(&self, name: &str) -> Option<String> {
        let found = self.settings.iter().rfind(|setting| setting.name == name)?;
        let value = &self.text[found.value.clone()];
        match found.quote {
            Some('\'') => Some(value.to_owned()),
            _ if value.contains(['$', '\\']) => None,
            _ => Some(value.to_owned()),
        }
    }

    /// The text with another value of a setting, and all else as it is. Nothing if it is not there.
    pub fn with(&self, name: &str, value: &str) -> Option<String> {
        let found = self.settings.iter().rfind(|setting| setting.name == name)?;
        Some([&self.text[..found.value.start], value, &self.text[found.value.end..]].concat())
    }
}

/// The setting that begins in a line, and where it ends.
fn setting(text: &str, start: usize, end: usize) -> Option<(Setting, usize)> {
    let line = &text[start..end];
    let indented = line.len() - line.trim_start().len();
    let rest = line.trim_start();
    let exported = rest.strip_prefix("export ").map_or(0, |after| rest.len() - after.trim_start().len());
    let at = start + indented + exported;
    let rest = &text[at..end];
    let name_ends = rest.find(['=', ':'])?;
    let name = rest[..name_ends].trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let after = at + name_ends + 1;
    let blank = text[after..end].len() - text[after..end].trim_start().len();
    let begins = after + blank;
    let quote = text[begins..end].chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        let inside = begins + 1;
        let mut escaped = false;
        // It may end in a later line.
        let closing = text[inside..].char_indices().find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && quote == '"' && !escaped;
            closes
        });
        let (length, _) = closing?;
        let value = inside..inside + length;
        let end = value.end + 1;
        return Some((Setting { name: name.to_owned(), value, quote: Some(quote) }, end));
    }
    let value = &text[begins..end];
    // A comment has a blank before it.
    let comment = value
        .char_indices()
        .find(|(at, c)| *c == '#' && (*at == 0 || value[..*at].ends_with([' ', '\t'])))
        .map_or(value.len(), |(at, _)| at);
    let length = value[..comment].trim_end().len();
    Some((Setting { name: name.to_owned(), value: begins..begins + length, quote: None }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_and_changed_where_it_stands() {
        let text = "# VERSION=9\nVERSION=0.9\r\nA='x\nVERSION=8\n'\nexport VERSION = \"v1.0\" # why\nB=a#b # c\nC=$VERSION\nD=\nE='un";
        let file = Dotenv::of(text.into());
        assert_eq!(file.get("VERSION").as_deref(), Some("v1.0"));
        assert_eq!(file.get("A").as_deref(), Some("x\nVERSION=8\n"));
        assert_eq!(
            (file.get("B").as_deref(), file.get("C"), file.get("D").as_deref()),
            (Some("a#b"), None, Some(""))
        );
        assert_eq!((file.get("E"), file.get("NONE")), (None, None));
        let changed = file.with("VERSION", "v1.1").unwrap();
        assert_eq!(changed, text.replace("v1.0", "v1.1"));
        assert_eq!(Dotenv::of(changed).with("VERSION", "v1.0").unwrap(), text);
        assert_eq!(Dotenv::of("X=1\r\n".into()).get("X").as_deref(), Some("1"));
    }
}
