//! Lines that a person types at a terminal, with editing.

use super::complete::{self, Words};
use super::highlight::paint;
use super::history::History;
use super::line::{Input, Line};
use crate::cli::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::output::width::{self, cut};
use crate::script::repl::Repl;
use crate::script::repl::words::TYPED;
use crate::script::text::tokens::is_open;
use rustyline::completion::Completer;
use rustyline::config::CompletionType;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Editor, Helper};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

const PROMPT: &str = "banister> ";

/// Fills in what takes a moment to find, when it is first asked for.
pub type Find = Box<dyn Fn(&mut Words)>;

/// The terminal.
pub struct Prompt {
    editor: Editor<Person, MemHistory>,
    words: Rc<Vocabulary>,
    /// Absent if it can't be read.
    history: Option<History>,
    /// Whether a history that can't be written was told of.
    told: bool,
}

/// The words, which are found at the first key that needs them.
struct Vocabulary {
    words: RefCell<Words>,
    find: RefCell<Option<Find>>,
}

impl Vocabulary {
    fn look<T>(&self, look: impl FnOnce(&Words) -> T) -> T {
        if let Some(find) = self.find.borrow_mut().take() {
            find(&mut self.words.borrow_mut());
        }
        look(&self.words.borrow())
    }
}

impl Prompt {
    pub fn new(context: &Context, find: Find) -> Result<Prompt> {
        let config = Config::builder().completion_type(CompletionType::List).auto_add_history(false);
        let config = config.max_history_size(2_000).map_err(|error| broken(&error))?.build();
        let kept = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, kept).map_err(|error| broken(&error))?;
        let (history, lines) = match History::open(&context.state) {
            Ok((history, lines)) => (Some(history), lines),
            Err(failure) => {
                eprintln!("warning: earlier lines are not available here: {failure}");
                (None, Vec::new())
            }
        };
        for line in lines {
            editor.add_history_entry(line).map_err(|error| broken(&error))?;
        }
        let words = Rc::new(Vocabulary { words: RefCell::default(), find: RefCell::new(Some(find)) });
        editor.set_helper(Some(Person { words: words.clone(), color: context.style.color }));
        Ok(Prompt { editor, words, history, told: false })
    }
}

fn broken(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Invalid, "the terminal can't be read").why(error)
}

impl Input for Prompt {
    fn read(&mut self, repl: &Repl) -> Result<Line> {
        {
            let mut words = self.words.words.borrow_mut();
            words.variables = repl.variables();
            words.callables.retain(|callable| callable.summary != TYPED);
            words.callables.extend(repl.typed_functions());
        }
        let mut text = String::new();
        loop {
            let prompt = if text.is_empty() { PROMPT } else { "        > " };
            match self.editor.readline(prompt) {
                Ok(line) => text += &(line + "\n"),
                Err(ReadlineError::Interrupted) => return Ok(Line::Cleared),
                Err(ReadlineError::Eof) => return Ok(Line::End),
                Err(error) => return Err(broken(&error)),
            }
            if super::command::parse(&text, &repl.variables()).is_some() || !repl.is_unfinished(&text) {
                return Ok(Line::Text(text));
            }
        }
    }

    fn remember(&mut self, text: &str) {
        let _ = self.editor.add_history_entry(text);
        if let Some(Err(failure)) = self.history.as_ref().map(|history| history.add(text))
            && !std::mem::replace(&mut self.told, true)
        {
            eprintln!("warning: the history is not saved for the next time: {failure}");
        }
    }

    fn is_person(&self) -> bool {
        true
    }
}

/// What the editor asks while a person types.
struct Person {
    words: Rc<Vocabulary>,
    color: bool,
}

impl Helper for Person {}

impl Completer for Person {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.words.look(|words| complete::complete(&line[..pos], words)))
    }
}

/// A signature, which is only to be read.
struct Signature(String);

impl Hint for Signature {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Person {
    type Hint = Signature;

    fn hint(&self, line: &str, pos: usize, _: &rustyline::Context<'_>) -> Option<Signature> {
        let hint = (pos == line.len()).then(|| self.words.look(|words| complete::hint(line, words)))??;
        // As much of it as the line has room for.
        let columns =
            rustix::termios::tcgetwinsize(std::io::stdout()).map_or(80, |size| usize::from(size.ws_col));
        let last = width::of(line.lines().last().unwrap_or_default()) + PROMPT.len();
        let room = columns.saturating_sub(last + 1);
        (room >= 20).then(|| Signature(cut(&hint, room)))
    }
}

impl Highlighter for Person {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        if self.color { paint(line, pos).into() } else { line.into() }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.color { format!("\x1b[1m{prompt}\x1b[0m").into() } else { prompt.into() }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.color { format!("\x1b[2m{hint}\x1b[0m").into() } else { hint.into() }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.color
    }
}

impl Validator for Person {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(match is_open(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}
