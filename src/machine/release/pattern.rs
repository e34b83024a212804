//! How tags look, as a site writes it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::failure::{Failure, Kind};

/// A pattern for whole tags: `version/{}`, `{n}.{n}.{n}`, `v1.9*`. `{n}` is a number, `{}` any text of at least one
/// letter, and `*` any text or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Byte(u8),
    /// A digit, and as many more as there are.
    Number,
    /// Any byte.
    One,
    /// Any bytes.
    Many,
}

/// As long as a tag.
const LONGEST: usize = 1_000;

impl Pattern {
    /// Whether a tag looks like it.
    pub fn fits(&self, tag: &str) -> bool {
        // Which parts could be next, after each byte: as many steps as both are long, whatever the pattern.
        let count = self.parts.len();
        let mut next = vec![false; count + 1];
        next[0] = true;
        self.skip(&mut next);
        for (at, byte) in tag.bytes().enumerate() {
            let digit_follows = tag.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
            let mut after = vec![false; count + 1];
            for part in (0..count).filter(|part| next[*part]) {
                match self.parts[part] {
                    Part::Byte(wanted) => after[part + 1] |= wanted == byte,
                    Part::One => after[part + 1] = true,
                    Part::Many => after[part] = true,
                    // A number is all digits that stand together.
                    Part::Number if byte.is_ascii_digit() => match digit_follows {
                        true => after[part] = true,
                        false => after[part + 1] = true,
                    },
                    Part::Number => {}
                }
            }
            self.skip(&mut after);
            next = after;
        }
        next[count]
    }

    /// A `*` may be nothing.
    fn skip(&self, next: &mut [bool]) {
        for (part, _) in self.parts.iter().enumerate().filter(|(_, part)| **part == Part::Many) {
            next[part + 1] |= next[part];
        }
    }
}

impl FromStr for Pattern {
    type Err = Failure;

    fn from_str(written: &str) -> Result<Pattern, Failure> {
        let wrong = |why: String| {
            Failure::new(Kind::Invalid, format!("`{written}` is not a pattern for tags")).why(why).help(
                "Write `{n}` for a number and `{}` for any text: `version/{n}.{n}.{n}` or `version/{}`.",
            )
        };
        if written.is_empty() || written.len() > LONGEST {
            return Err(wrong(format!("it has {} bytes", written.len())));
        }
        let mut parts = Vec::new();
        let mut rest = written;
        while let Some(letter) = rest.chars().next() {
            let (found, length): (&[Part], usize) = match letter {
                '{' if rest.starts_with("{n}") => (&[Part::Number], 3),
                '{' if rest.starts_with("{}") => (&[Part::One, Part::Many], 2),
                '{' | '}' => return Err(wrong(format!("`{letter}` stands alone"))),
                '*' => (&[Part::Many], 1),
                letter => (&[], letter.len_utf8()),
            };
            parts.extend_from_slice(found);
            if found.is_empty() {
                parts.extend(rest.as_bytes()[..length].iter().map(|byte| Part::Byte(*byte)));
            }
            rest = &rest[length..];
        }
        Ok(Pattern { written: written.to_owned(), parts })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.written)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_tags() {
        for (pattern, fitting, others) in [
            ("version/{}", vec!["version/2024.8.6", "version/1"], vec!["version/", "xversion/1", "helm-1"]),
            (
                "version/{n}.{n}.{n}",
                vec!["version/2024.10.1"],
                vec!["version/2024.10", "version/2024.10.1-rc1"],
            ),
            ("v1.9*", vec!["v1.9", "v1.9.3", "v1.90"], vec!["v1.8", "1.9"]),
            ("{n}-ls{n}", vec!["1-ls2"], vec!["1.2-ls2", "-ls2", "1-ls"]),
            ("{n}{n}", vec![], vec!["12", "1"]),
            ("*{n}", vec!["a1", "12"], vec!["a", ""]),
            ("{}é", vec!["1é", "éé"], vec!["é"]),
        ] {
            let pattern: Pattern = pattern.parse().unwrap();
            fitting.iter().for_each(|tag| assert!(pattern.fits(tag), "{pattern} {tag}"));
            others.iter().for_each(|tag| assert!(!pattern.fits(tag), "{pattern} {tag}"));
        }
        for wrong in ["", "{x}", "v{", "}"] {
            assert_eq!(wrong.parse::<Pattern>().unwrap_err().kind, Kind::Invalid, "{wrong}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern: Pattern = "*{n}".repeat(250).parse().unwrap();
        assert!(!pattern.fits(&"1a".repeat(100)));
        let pattern: Pattern = "{}*".repeat(333).parse().unwrap();
        assert!(!pattern.fits(&"a".repeat(300)));
    }
}
