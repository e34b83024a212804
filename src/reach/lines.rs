//! Lines of messages, read with a bound: neither side takes memory, or believes a line, because the other sends bytes.

use crate::failure::{Context, Failure, Kind, Result};
use crate::output::clean;
use crate::secret::{self, Shown};
use std::io::{self, BufRead};

/// No message is longer, as no record of a journal is. What a call may come to, the last hundred lines of a command, is less,
/// even if all of it must be escaped.
const LONGEST: usize = 128 << 20;
/// So much of what can't be understood is shown.
const SHOWN: usize = 120;
/// So much of it is looked at for that: a secret must be whole to be found.
const LOOKED_AT: usize = 8 << 10;

/// What was read.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// A whole line, without its end. It begins as an object of JSON does.
    Whole(Vec<u8>),
    /// What no message is: its first bytes as a person may read them.
    Nonsense(String),
    /// There is nothing more. Half a line before it is thrown away: nobody knows how it would have gone on.
    End,
}

/// The next line. What does not begin as a message is not read to its end.
pub fn next(input: &mut impl BufRead) -> Line {
    let mut line = Vec::new();
    loop {
        let piece = match input.fill_buf() {
            Ok([]) => return Line::End,
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Line::End,
        };
        if line.is_empty() && piece[0] != b'{' {
            return Line::Nonsense(first_of(piece));
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(piece.len());
        if line.len() + taken > LONGEST {
            return Line::Nonsense(first_of(&line));
        }
        line.extend_from_slice(&piece[..taken]);
        input.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Line::Whole(line);
        }
    }
}

/// A message as a line. Fails with [`Kind::Refused`] if the other side would not read it.
pub fn written(message: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(message).or_fail(Kind::Bug, || "a message is not plain data".into())?;
    if text.len() > LONGEST {
        let message = format!("{} MB can't be sent over ssh at once", text.len() / 1_000_000);
        return Err(
            Failure::new(Kind::Refused, message).why(format!("the most is {} MB", LONGEST / 1_000_000))
        );
    }
    text.push(b'\n');
    Ok(text)
}

/// The first bytes of what others said, as one line: clean, short, and without secrets.
pub fn first_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]);
    let text = match bytes.len() > LOOKED_AT {
        true => secret::without_tail(&text),
        false => text.as_ref().into(),
    };
    // Before it is cut: of half a secret nobody would know that it is one.
    let shown = Shown::from(text);
    let words: Vec<String> = shown.as_str().lines().map(clean::line).collect();
    let line = words.join(" ").trim().to_owned();
    if line.is_empty() && !bytes.is_empty() {
        return "no text".into();
    }
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    #[test]
    fn only_whole_lines_that_begin_like_a_message_are_read() {
        let mut input = BufReader::with_capacity(4, &b"{\"id\":1}\n{}\n{\"id\":2"[..]);
        assert_eq!(next(&mut input), Line::Whole(b"{\"id\":1}".to_vec()));
        assert_eq!(next(&mut input), Line::Whole(b"{}".to_vec()));
        assert_eq!(next(&mut input), Line::End, "half a line is none");
        let mut input = BufReader::new(&b"\x1b[1mWelcome\x07 back\n"[..]);
        assert_eq!(next(&mut input), Line::Nonsense("Welcome back".into()));
    }

    #[test]
    fn a_line_without_an_end_is_not_read_on_and_on() {
        let mut endless = BufReader::new(io::repeat(b'x'));
        assert_eq!(next(&mut endless), Line::Nonsense(format!("{}…", "x".repeat(SHOWN))));
        let mut endless = BufReader::with_capacity(1 << 20, b"{".chain(io::repeat(b' ')));
        assert_eq!(next(&mut endless), Line::Nonsense("{".into()));
    }
}
