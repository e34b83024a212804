//! What stands behind the numbers of a version.

use super::number::Number;
use super::start::pieces;
use super::words::{self, Word, is_commit};

/// What makes one version earlier or later than another with the same numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Before the release: `rc2`. The stage, the earliest first, and its number.
    Stage(u8, Option<Number>),
    /// A number in the flavour, such as the 3 and the 19 of `alpine3.19`.
    Flavour(Number),
    /// After the release: `-1`, `-ls42`, `.post1`.
    Build(Option<Number>),
    /// After the release and its builds: the `k` of `1.0.2k`.
    Letter(char),
}

/// The rest of a version.
#[derive(Debug, Default)]
pub struct Rest {
    /// In the order in which they stand.
    pub items: Vec<Item>,
    /// Words that say what it is made for, such as `alpine`.
    pub flavour: Vec<String>,
    pub has_commit: bool,
    /// What a number that follows would belong to.
    last: Last,
}

#[derive(Debug, Default, PartialEq)]
enum Last {
    #[default]
    Nothing,
    /// A stage or a build without its number.
    Item,
    Flavour,
}

/// Reads the rest of a version, in lower case.
pub fn rest(text: &str) -> Rest {
    let mut rest = Rest::default();
    let pieces = pieces(text);
    for (n, piece) in pieces.iter().enumerate() {
        let number_follows = pieces.get(n + 1).is_some_and(|next| {
            next.separator != Some('+') && next.text.starts_with(|letter: char| letter.is_ascii_digit())
        });
        if piece.separator == Some('+') {
            rest.last = Last::Nothing;
        }
        // The first piece follows the numbers without anything between.
        rest.piece(piece.text, n == 0, number_follows);
    }
    rest
}

impl Rest {
    fn piece(&mut self, text: &str, is_joined: bool, number_follows: bool) {
        if !is_joined && is_commit(text) {
            self.has_commit = true;
            self.last = Last::Nothing;
            return;
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, text) = text.split_at(digits);
        if digits > 0 {
            self.number(number);
        }
        let is_joined = is_joined || digits > 0;
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (None, _) => {}
            (Some(letter), None) if is_joined && letter.is_ascii_lowercase() => {
                self.items.push(Item::Letter(letter));
                self.last = Last::Nothing;
            }
            _ => match known(text, number_follows) {
                Some(pairs) => pairs.into_iter().for_each(|(word, number)| self.word(word, number)),
                None => self.flavour(text),
            },
        }
    }

    fn word(&mut self, word: Word, number: &str) {
        let item_number = (!number.is_empty()).then(|| Number::new(number));
        self.last = if item_number.is_some() { Last::Nothing } else { Last::Item };
        match word {
            Word::Stage(stage) => self.items.push(Item::Stage(stage, item_number)),
            Word::Build => self.items.push(Item::Build(item_number)),
            Word::Nothing | Word::Other => {
                self.last = Last::Nothing;
                self.items.extend(item_number.map(|number| Item::Build(Some(number))));
            }
        }
    }

    /// A number without a word of its own.
    fn number(&mut self, digits: &str) {
        let number = Number::new(digits);
        match (&self.last, self.items.last_mut()) {
            (Last::Flavour, _) => return self.items.push(Item::Flavour(number)),
            (Last::Item, Some(Item::Stage(_, missing) | Item::Build(missing))) => *missing = Some(number),
            _ => self.items.push(Item::Build(Some(number))),
        }
        self.last = Last::Nothing;
    }

    fn flavour(&mut self, text: &str) {
        let word = text.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = &text[word.len()..];
        if number.is_empty() || words::is_processor(word) {
            self.flavour.push(text.to_owned());
        } else {
            self.flavour.push(word.to_owned());
            self.items.push(Item::Flavour(Number::new(number)));
        }
        self.last = Last::Flavour;
    }
}

/// The words of a piece such as `rc1` or `post2dev3`, each with its number or nothing, if each is known. A `v` with a
/// number says nothing; another lone letter says nothing without one.
fn known(text: &str, number_follows: bool) -> Option<Vec<(Word, &str)>> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let letters = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(letters);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = after.split_at(digits);
        let is_lone = name.len() == 1 && number.is_empty() && !(after.is_empty() && number_follows);
        match words::word(name) {
            _ if is_lone => return None,
            Word::Other if name != "v" => return None,
            word => found.push((word, number)),
        }
        rest = after;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let rest = rest(text);
        let number = |number: &Option<Number>| number.as_ref().map(Number::to_string).unwrap_or_default();
        let items = rest.items.iter().map(|item| match item {
            Item::Stage(stage, of) => format!("s{stage}:{}", number(of)),
            Item::Build(of) => format!("b:{}", number(of)),
            Item::Flavour(of) => format!("f:{of}"),
            Item::Letter(letter) => format!("l:{letter}"),
        });
        let flavour = rest.flavour.iter().cloned();
        let commit = rest.has_commit.then(|| "commit".to_owned());
        items.chain(flavour).chain(commit).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn stages_builds_letters_and_flavours_are_told_apart() {
        for (text, expected) in [
            ("", ""),
            ("b", "l:b"),
            ("k-1", "l:k b:1"),
            ("b3", "s3:3"),
            ("-b.64", "s3:64"),
            ("-b", "b"),
            ("-rc.1", "s4:1"),
            ("-rc-2", "s4:2"),
            ("-rc+5", "s4: b:5"),
            ("-beta.rc1", "s3: s4:1"),
            ("rc1.dev3", "s4:1 s0:3"),
            (".post1.dev2", "b:1 s0:2"),
            ("post1dev2", "b:1 s0:2"),
            ("-rc1-2", "s4:1 b:2"),
            ("+rc42.ee.0", "s4:42 f:0 ee"),
            ("+ee.0", "f:0 ee"),
            ("-fpm-alpine3.19", "f:3 f:19 fpm alpine"),
            ("-debian-12-r7", "f:12 b:7 debian"),
            ("+k3s1", "f:1 k3s"),
            ("-ls428", "b:428"),
            ("-hotfix", "b:"),
            ("-final", ""),
            ("-1ubuntu2", "b:1 f:2 ubuntu"),
            ("-3.0.2", "b:3 b:0 b:2"),
            ("-v2", "b:2"),
            ("-14-gabc1234", "b:14 commit"),
            ("-e1280b2fb", "commit"),
            ("-pkg-7ab1c2f3-ls12", "b:12 pkg commit"),
            ("-win64", "win64"),
            ("-amd64", "amd64"),
            ("-b20240101", "s3:20240101"),
            (".fips", "fips"),
            ("é1", "f:1 é"),
            ("--..", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
