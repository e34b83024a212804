//! What could not be learnt from a server of others, and why.

use crate::units::Duration;

/// A reason of another server's is kept up to here, in characters.
const LONGEST: usize = 200;

/// It is not known. That is no failure of a run, and never the same as "there is nothing new".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// As the reason of a failure: `ghcr.io limits how often it is asked (429)`.
    pub why: String,
    /// When it may be asked again, if the server said so.
    pub again: Option<Duration>,
    /// A sentence with the command to type, where there is one.
    pub help: Option<String>,
}

/// What was asked of a server of others, or why it is not known.
pub type Asked<T> = Result<T, Unknown>;

impl Unknown {
    pub fn new(why: impl Into<String>) -> Unknown {
        Unknown { why: why.into(), again: None, help: None }
    }

    /// Adds the help.
    pub fn help(mut self, help: impl Into<String>) -> Unknown {
        self.help = Some(help.into());
        self
    }

    /// Adds when it may be asked again.
    pub fn again(mut self, again: Option<std::time::Duration>) -> Unknown {
        self.again = again.map(Duration);
        self
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.why)?;
        self.again.map_or(Ok(()), |again| write!(out, "; it may be asked again in {again}"))
    }
}

/// The beginning of a text of another server's, on one line, without what a terminal would obey.
pub fn excerpt(text: &str) -> String {
    let mut letters = text.chars().map(|c| if is_written(c) { c } else { ' ' });
    let kept: String = letters.by_ref().take(LONGEST).collect();
    let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    if letters.next().is_some() { format!("{kept}…") } else { kept }
}

/// Whether a character is one that is only seen: none that moves a cursor or turns the direction of writing.
pub fn is_written(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
