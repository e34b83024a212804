//! The word behind `NAME=`: quotes, backslashes, `~`.

use super::super::reading::{DEEPEST, LONGEST};
use super::Shell;

/// What a word is so far; once it can't be known, only why.
pub(super) struct Word {
    value: Result<String, String>,
    /// Of `export`, which shells treat as a command: what is put into it may be split at blanks.
    is_export: bool,
}

impl Word {
    pub fn new(is_export: bool) -> Word {
        Word { value: Ok(String::new()), is_export }
    }

    pub fn value(self) -> Result<String, String> {
        self.value
    }

    pub fn push(&mut self, text: &str) {
        if let Ok(value) = &mut self.value {
            value.push_str(text);
            if value.len() > LONGEST {
                self.lose("it is too long");
            }
        }
    }

    /// What a reference stands for.
    pub fn put(&mut self, value: Result<String, String>, is_quoted: bool) {
        match value {
            Ok(text) if self.is_export && !is_quoted && text.contains([' ', '\t', '\n', '*', '?', '[']) => {
                self.lose("some shells split what `export` is given without quotes");
            }
            Ok(text) => self.push(&text),
            Err(why) => self.lose(&why),
        }
    }

    pub fn lose(&mut self, why: &str) {
        if self.value.is_ok() {
            self.value = Err(why.to_owned());
        }
    }
}

impl Shell<'_> {
    /// Reads a word: its value, or why that is not known. Fails if not even its end is.
    pub(super) fn word(&mut self, is_export: bool) -> Result<Result<String, String>, String> {
        let mut word = Word::new(is_export);
        let mut may_be_home = true;
        while let Some(c) = self.next() {
            let was_start = std::mem::replace(&mut may_be_home, c == ':');
            match c {
                ' ' | '\t' | '\n' | ';' => break,
                '&' | '|' | '<' | '>' | '(' | ')' => return Err(format!("`{c}` is more than an assignment")),
                '~' if was_start => self.home(&mut word),
                '\\' => {
                    // A line's end that is taken away leaves `~` where it was.
                    may_be_home = was_start && self.rest().starts_with("\\\n");
                    self.backslash(&mut word);
                }
                '\'' => {
                    let inner = &self.rest()[1..];
                    let end = inner.find('\'').ok_or("a quote is not closed")?;
                    word.push(&inner[..end]);
                    self.at += end + 2;
                }
                '"' => self.double_quoted(&mut word)?,
                '$' => {
                    self.at += 1;
                    self.dollar(&mut word, false, DEEPEST)?;
                }
                '`' => self.backquoted(&mut word)?,
                '{' if is_export => {
                    word.lose("some shells replace braces behind `export`");
                    self.at += 1;
                }
                _ => {
                    let stops = |c: char| " \t\n;&|<>()~\\'\"$`{:".contains(c);
                    let plain = self.rest();
                    let end = plain.find(stops).unwrap_or(plain.len()).max(c.len_utf8());
                    word.push(&plain[..end]);
                    self.at += end;
                }
            }
        }
        Ok(word.value())
    }

    fn backslash(&mut self, word: &mut Word) {
        self.at += 1;
        match self.next() {
            None => word.lose("a backslash ends the file"),
            Some(c) => {
                self.at += c.len_utf8();
                if c != '\n' {
                    word.push(c.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Word) -> Result<(), String> {
        self.at += 1;
        loop {
            let rest = self.rest();
            let end = rest.find(['"', '\\', '$', '`']).ok_or("a quote is not closed")?;
            word.push(&rest[..end]);
            self.at += end;
            match rest.as_bytes()[end] {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') => self.at += 1,
                        Some(c) if ['$', '`', '"', '\\'].contains(&c) => {
                            word.push(c.encode_utf8(&mut [0; 4]));
                            self.at += 1;
                        }
                        _ => word.push("\\"),
                    }
                }
                b'$' => {
                    self.at += 1;
                    self.dollar(word, true, DEEPEST)?;
                }
                _ => self.backquoted(word)?,
            }
        }
    }

    /// `~` where it may stand for the home.
    fn home(&mut self, word: &mut Word) {
        self.at += 1;
        match self.next() {
            None | Some('/' | ':' | ' ' | '\t' | '\n' | ';') => {
                let home = self.value("HOME").and_then(|home| home.ok_or("`HOME` is not set".into()));
                word.put(
                    home.and_then(|home| match home.is_empty() || home.ends_with('/') {
                        // What becomes of its last slash differs.
                        true => Err("`HOME` is no folder's path".into()),
                        false => Ok(home),
                    }),
                    true,
                );
            }
            _ => word.lose("`~` stands for something else than the home"),
        }
    }
}
