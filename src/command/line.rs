//! What a command wrote, as lines to show: whole ones, without what only a terminal understands.

use crate::output::clean;
use crate::secret::{tail, without_tail};
use std::time::Duration;

/// A line that has no end yet is shown after this long without more of it: it may be a question or a progress.
const SILENCE: Duration = Duration::from_millis(250);
/// A longer line is shown in pieces.
const LONGEST: usize = 64 << 10;

/// Puts lines together from pieces.
#[derive(Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
    /// The beginning of this line was shown.
    begun: bool,
    /// The rest of this line is not shown.
    dropping: bool,
}

impl Lines {
    /// Takes more output.
    pub(super) fn push(&mut self, bytes: &[u8], show: &mut dyn FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.pending.pop();
                let all_was_shown = self.begun && self.pending.is_empty();
                if !self.dropping && !all_was_shown {
                    show(&clean(&self.pending));
                }
                *self = Lines::default();
            } else if self.pending.len() > LONGEST {
                self.show_beginning(show);
            }
        }
    }

    /// Says that nothing more came for so long.
    pub(super) fn silent(&mut self, since: Duration, show: &mut dyn FnMut(&str)) {
        if since >= SILENCE {
            self.show_beginning(show);
        }
    }

    /// Says that nothing more will come, or that something was left out and the next piece begins within a line.
    pub(super) fn interrupt(&mut self, within_line: bool, show: &mut dyn FnMut(&str)) {
        if !self.pending.is_empty() && !self.dropping {
            show(&without_tail(&clean(&self.pending)));
        }
        *self = Lines { dropping: within_line, ..Lines::default() };
    }

    /// Shows what there is of a line but its end, where a secret may begin: of that, one half would be shown now and the
    /// other later, and neither is hidden.
    fn show_beginning(&mut self, show: &mut dyn FnMut(&str)) {
        if self.pending.is_empty() || self.dropping {
            self.pending.clear();
            return;
        }
        let line = clean(&self.pending);
        let held = match tail(&line) {
            0 => 0,
            held if line.as_bytes() == self.pending.as_slice() => held,
            // Where its end is among what only a terminal understands, nobody has counted.
            _ if self.pending.len() <= 2 * LONGEST => self.pending.len(),
            _ => 0,
        };
        let shown = self.pending.len() - held;
        if shown > 0 {
            show(&line[..line.len() - held]);
            self.begun = true;
        }
        self.pending.drain(..shown);
    }
}

/// One line as a person would see it at the end: what stands after the last carriage return wins, escape sequences
/// and control characters are gone.
pub(super) fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches('\r');
    clean::line(text.rsplit('\r').next().unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(steps: &[&str]) -> Vec<String> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for step in steps {
            match *step {
                "(silence)" => lines.silent(SILENCE, &mut |line| all.push(line.into())),
                "(left out)" => lines.interrupt(true, &mut |line| all.push(line.into())),
                text => lines.push(text.as_bytes(), &mut |line| all.push(line.into())),
            }
        }
        lines.interrupt(false, &mut |line| all.push(line.into()));
        all
    }

    #[test]
    fn lines_are_shown_whole_and_only_once() {
        assert_eq!(shown(&["on", "e\ntwo\n\nth", "ree"]), ["one", "two", "", "three"]);
        assert_eq!(shown(&["sure? ", "(silence)", "(silence)", "\ngoing on\n"]), ["sure? ", "going on"]);
        assert_eq!(shown(&["1.", "(silence)", "2.\n"]), ["1.", "2."]);
        assert_eq!(shown(&["half", "(left out)", "of a line\nwhole\n"]), ["half", "whole"]);
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(shown(&[&long, "y\n"]), [long.as_str(), "y"]);
    }

    #[test]
    fn a_pause_within_a_secret_shows_no_half_of_it() {
        let value = "pause-within-9zQ";
        crate::secret::keep("line test", value);
        assert_eq!(
            shown(&["p=pause-wi", "(silence)", "(silence)", "thin-9zQ!\n"]),
            ["p=", &format!("{value}!")]
        );
        assert_eq!(shown(&["now pau", "(silence)", "ses\n"]), ["now ", "pauses"]);
        assert_eq!(shown(&["p=pause-within-9", "(silence)"]), ["p=", "‹secret›"]);
        let long = "x".repeat(LONGEST - 4);
        assert_eq!(shown(&[&long, "pause-wi", "thin-9zQ\n"]), [long.as_str(), value]);
    }

    #[test]
    fn what_only_a_terminal_understands_is_not_shown() {
        let cases = [
            ("plain\tand ‹ünicode›", "plain\tand ‹ünicode›"),
            ("\x1b[1;32mgreen\x1b[0m", "green"),
            ("10%\r50%\r100%", "100%"),
            ("from Windows\r", "from Windows"),
            ("\x1b]0;a title\x07text", "text"),
            ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(Btext\x1b7\x1bM", "text"),
            ("bell\x07 null\0 back\x08space \u{9b}31m", "bell null backspace 31m"),
            ("cut \x1b[3", "cut "),
            ("cut \x1b", "cut "),
            ("\x1b[3é after", " after"),
        ];
        for (raw, expected) in cases {
            assert_eq!(clean(raw.as_bytes()), expected, "{raw:?}");
        }
        assert_eq!(clean(b"not \xff UTF-8"), "not \u{fffd} UTF-8");
    }
}
