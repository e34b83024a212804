//! What was meant by a line that begins a block with a word that begins none: `main() {`, `onfailure {`.

use crate::output::nearest::MISSPELT;
use crate::script::layers::{distance, nearest};
use crate::script::text::outline::HOOKS;
use rhai::Position;

/// Words before a block that need nothing between.
const BARE: [&str; 6] = ["on_failure", "else", "try", "loop", "do", "catch"];

/// Where the word stands, what is wrong with it, and what to write instead; if the parser gave up in its line or, as it
/// may see that only there, in the next.
pub fn meant(text: &str, stopped: Position) -> Option<(Position, String, String)> {
    let last = stopped.line()?;
    let lines: Vec<(usize, &str)> =
        text.lines().enumerate().take(last).skip(last.saturating_sub(2)).collect();
    lines.into_iter().rev().find_map(|(n, line)| {
        let start = line.len() - line.trim_start().len();
        let word: String =
            line[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let rest = line[start + word.len()..].trim();
        let (message, help) = of_line(&word, rest, start == 0)?;
        let column = u16::try_from(line[..start].chars().count() + 1).ok()?;
        Some((Position::new(u16::try_from(n + 1).ok()?, column), message, help))
    })
}

fn of_line(word: &str, rest: &str, at_top: bool) -> Option<(String, String)> {
    let near = |words: &[&'static str]| {
        let near = nearest(word, words.iter().copied())?;
        (distance(word, near) <= MISSPELT).then(|| format!("did you mean `{near}`?"))
    };
    let unknown = format!("`{word}` begins no block");
    if rest.starts_with('{') {
        return Some((unknown, near(&BARE)?));
    }
    if !at_top
        || !rest.starts_with('(')
        || !rest.contains(") {")
        || HOOKS.contains(&word)
        || is_of_language(word)
    {
        return None;
    }
    if let Some(help) = near(&HOOKS).filter(|_| rest.starts_with("(\"")) {
        return Some((unknown, help));
    }
    let inside = rest[1..].split(')').next().unwrap_or_default();
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let names = inside.trim().is_empty() || inside.split(',').all(|name| is_name(name.trim()));
    let help = format!("write `fn {word}({inside}) {{`");
    (names && is_name(word)).then(|| (format!("`{word}` is defined without `fn`"), help))
}

fn is_of_language(word: &str) -> bool {
    ["if", "while", "for", "switch", "catch", "step", "on_failure", "fn"].contains(&word)
}
