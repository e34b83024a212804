//! A primitive's page: the comment at the top of its file, which is all the documentation there is.
//!
//! First line: the signature, in backticks. Then a sentence, and the sections Options, Returns, Errors, After a crash,
//! Example.

use super::Signature;

/// A page, read from a source text.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub name: &'static str,
    pub signature: Signature,
    /// The signature as it is written.
    pub usage: String,
    /// The first sentence.
    pub summary: String,
    /// Everything after the signature, as Markdown.
    pub body: String,
}

impl Page {
    /// Reads the page of the primitive `name` from its file's text.
    pub fn of(name: &'static str, source: &str) -> Page {
        let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
        let text: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let usage = text.first().map(|line| line.trim().trim_matches('`').to_owned()).unwrap_or_default();
        let body = text.get(1..).unwrap_or_default().join("\n").trim().to_owned();
        let summary = body.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let signature =
            Signature::read(&usage).unwrap_or(Signature { positional: Vec::new(), options: Vec::new() });
        Page { name, signature, usage, summary, body }
    }

    /// The text of a section, such as `After a crash`.
    pub fn section(&self, title: &str) -> Option<&str> {
        let start = self.body.find(&format!("# {title}\n"))? + title.len() + 3;
        let rest = &self.body[start..];
        Some(rest[..rest.find("\n# ").unwrap_or(rest.len())].trim())
    }
}
