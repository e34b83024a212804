//! Texts that were parsed: the check and the run of a script look at the same ones, and parsing them is most of what a
//! command takes.

use super::bare::PARSER;
use crate::sync::Mutex;
use rhai::{AST, ParseError};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// How many bytes of text are kept as parsed; a runbook with all that it imports has some 200 kB.
const MOST: usize = 4 << 20;

/// A text with its source, and what became of it.
type Parsed = HashMap<(String, String), Result<Arc<AST>, ParseError>>;

static PARSED: LazyLock<Mutex<Parsed>> = LazyLock::new(Mutex::default);

/// Parses a text as a run does, or gives what was made of the same text before.
pub fn parsed(source: &str, text: &str) -> Result<Arc<AST>, ParseError> {
    let key = (source.to_owned(), text.to_owned());
    if let Some(known) = PARSED.lock().get(&key) {
        return known.clone();
    }
    let made = PARSER.compile(text).map(|mut ast| {
        // While nobody else has it: its functions take their source with it then only.
        ast.set_source(source);
        Arc::new(ast)
    });
    let mut parsed = PARSED.lock();
    if parsed.keys().map(|(_, text)| text.len()).sum::<usize>() > MOST {
        parsed.clear();
    }
    parsed.insert(key, made.clone());
    made
}
