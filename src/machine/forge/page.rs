//! One release as a forge lists it.

use super::LONGEST_TEXT;
use crate::machine::client::is_written;
use crate::machine::client::json::Loose;
use serde::Deserialize;

/// What is read of it. GitHub, Gitea and Forgejo have `body`, GitLab has `description`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Listed {
    tag_name: Loose,
    name: Loose,
    body: Loose,
    description: Loose,
    draft: Loose,
}

impl Listed {
    /// Its tag and what is said of it; nothing if nothing is, or if it is a draft.
    pub fn said(self) -> Option<(String, String)> {
        if self.draft == Loose::Flag(true) {
            return None;
        }
        let tag = self.tag_name.text()?;
        let text = self.body.text().or(self.description.text()).unwrap_or_default();
        let text = plain(&text);
        let name = plain(&self.name.text().unwrap_or_default()).replace('\n', " ");
        // Many projects name a release as its tag.
        let title = Some(name)
            .filter(|name| !name.is_empty() && !name.contains(tag.as_str()) && !tag.contains(name.as_str()));
        let said = match (title, text.is_empty()) {
            (Some(title), false) => format!("{title}\n\n{text}"),
            (Some(title), true) => title,
            (None, _) => text,
        };
        (!said.is_empty()).then_some((tag, said))
    }
}

/// A text of several lines without what a terminal would obey, and not too long.
fn plain(text: &str) -> String {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (kept, rest) = text.split_at(end);
    let lines = kept.lines().map(|line| {
        let line: String = line.chars().map(|letter| if is_written(letter) { letter } else { ' ' }).collect();
        line.trim_end().to_owned()
    });
    let mut plain = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    if !rest.is_empty() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Option<(String, String)> {
        serde_json::from_str::<Listed>(json).unwrap().said()
    }

    #[test]
    fn what_is_said_is_plain_text() {
        let one = |tag: &str, text: &str| Some((tag.to_owned(), text.to_owned()));
        assert_eq!(
            said(r#"{"tag_name":"v1","name":"v1","body":"a\r\nb\u001b[2J\r\n","draft":false}"#),
            one("v1", "a\nb [2J")
        );
        assert_eq!(
            said(r#"{"tag_name":"v1","name":"Tin\nCan","description":"x"}"#),
            one("v1", "Tin Can\n\nx")
        );
        assert_eq!(said(r#"{"tag_name":"v1","name":"Release v1","body":null}"#), None);
        assert_eq!(said(r#"{"tag_name":"v1","body":"secret","draft":true}"#), None);
        assert_eq!(said(r#"{"tag_name":7,"body":["x"]}"#), None);
        let long = format!(r#"{{"tag_name":"v1","body":"{}"}}"#, "é".repeat(LONGEST_TEXT));
        assert!(said(&long).unwrap().1.len() <= LONGEST_TEXT + '…'.len_utf8());
    }
}
