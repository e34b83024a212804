//! `$x`, `${x:-d}`, and what is refused behind `$`.

use super::word::Word;
use super::{OWN, Shell};

impl Shell<'_> {
    /// What follows a `$`. `deepest` is how many braces may still be in each other.
    pub(super) fn dollar(&mut self, word: &mut Word, is_quoted: bool, deepest: usize) -> Result<(), String> {
        let name = self.name();
        if !name.is_empty() {
            self.at += name.len();
            if self.rest().starts_with("\\\n") {
                return Err("a name goes on in the next line".into());
            }
            let value = self.value(name).map(Option::unwrap_or_default);
            word.put(value, is_quoted);
            return Ok(());
        }
        match self.next() {
            Some('{') => {
                self.at += 1;
                return self.braced(word, is_quoted, deepest);
            }
            Some('(') => return self.command_in_brackets(word),
            Some('[') => return Err("`$[` is more than an assignment".into()),
            Some('\'') if !is_quoted => return Err("shells differ at `$'`".into()),
            Some('"') if !is_quoted => word.lose("shells differ at `$\"`"),
            Some('\\') => word.lose("a backslash follows `$`"),
            Some(c) if c.is_ascii_digit() || "@*#?-$!".contains(c) => {
                word.lose(&format!("`${c}` is only known while the shell runs"));
                self.at += 1;
            }
            _ => word.push("$"),
        }
        Ok(())
    }

    /// A value of the file, else of the environment.
    pub(super) fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let value = match (self.values.get(name), self.outside.get(name)) {
            (Some(Err(why)), _) => return Err(why.clone()),
            (Some(Ok(Some(value))), _) => Some(value),
            _ if OWN.contains(&name) => return Err(format!("`{name}` belongs to the shell")),
            (_, value) => value,
        };
        // Before it is copied.
        self.budget.spend(value.map_or(0, String::len))?;
        Ok(value.cloned())
    }

    /// What follows `${`.
    fn braced(&mut self, word: &mut Word, is_quoted: bool, deepest: usize) -> Result<(), String> {
        let more = || Err("`${…}` is more than a name with a default".into());
        let name = self.name();
        self.at += name.len();
        if name.is_empty() {
            return more();
        }
        let value = self.value(name);
        if self.took("}") {
            word.put(value.map(Option::unwrap_or_default), is_quoted);
            return Ok(());
        }
        let counts_empty = self.took(":");
        let Some(operator) = self.next().filter(|c| ['-', '+', '?'].contains(c)) else { return more() };
        self.at += 1;
        let other = self.default(is_quoted, deepest)?;
        match value {
            Err(why) => word.lose(&why),
            Ok(value) => {
                let is_set = value.as_ref().is_some_and(|value| !counts_empty || !value.is_empty());
                match (operator, is_set) {
                    ('-', false) | ('+', true) => word.put(other, is_quoted),
                    ('+', false) => {}
                    ('?', false) => return Err(format!("`{name}` must be set")),
                    _ => word.put(Ok(value.unwrap_or_default()), is_quoted),
                }
            }
        }
        Ok(())
    }

    /// What stands in the braces behind the operator: plain characters and references. Quotes in it are read by shells as
    /// they like.
    fn default(&mut self, is_quoted: bool, deepest: usize) -> Result<Result<String, String>, String> {
        let mut word = Word::new(false);
        let deepest = deepest.checked_sub(1).ok_or("references are nested too deep")?;
        loop {
            let rest = self.rest();
            let end = rest.find(|c| "}$\\'\"`~\n&|<>();{".contains(c)).ok_or("`${` is not closed")?;
            word.push(&rest[..end]);
            self.at += end;
            match rest.as_bytes()[end] {
                b'}' => {
                    self.at += 1;
                    return Ok(word.value());
                }
                b'$' => {
                    self.at += 1;
                    self.dollar(&mut word, is_quoted, deepest)?;
                }
                other => return Err(format!("`{}` is in `${{…}}`", char::from(other).escape_default())),
            }
        }
    }

    /// `$(command)`: not run, and not known. Only a simple one, of which the end is certain.
    fn command_in_brackets(&mut self, word: &mut Word) -> Result<(), String> {
        self.at += 1;
        self.command_up_to(')', "()'\"\\`$#\n", word)
    }

    pub(super) fn backquoted(&mut self, word: &mut Word) -> Result<(), String> {
        self.at += 1;
        self.command_up_to('`', "`'\"\\$#\n", word)
    }

    fn command_up_to(&mut self, end: char, special: &str, word: &mut Word) -> Result<(), String> {
        let rest = self.rest();
        match rest.find(|c| special.contains(c)) {
            Some(at) if rest[at..].starts_with(end) => {
                self.at += at + 1;
                word.lose("it is the output of a command");
                Ok(())
            }
            _ => Err("a command is in it".into()),
        }
    }
}
