//! `()` in a text: an error that names the value. Without it, `rm -rf data/${tenant}` would be `rm -rf data/`.
//!
//! Rhai swallows the errors of what makes a text of a value within backticks. So such an error is kept beside, for the
//! thread, and ends the script at its next operation: before anything can be made of the text.

use super::error::place;
use super::types::{FailureValue, to_error};
use crate::failure::{Failure, Kind};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

thread_local! {
    static FOUND: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// The texts that an engine has compiled, by source, to name a value as its script does.
#[derive(Clone, Default)]
pub struct Texts(Arc<Mutex<HashMap<String, String>>>);

impl Texts {
    /// Keeps a text.
    pub fn keep(engine: &Engine, source: &str, text: &str) {
        if let Some(texts) = engine.default_tag().read_lock::<Texts>() {
            let mut texts = texts.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            texts.insert(source.into(), text.into());
        }
    }

    /// The text before the place of a call, and from there on, within its line.
    fn around(context: &NativeCallContext) -> Option<(String, String)> {
        let texts = context.engine().default_tag().clone().try_cast::<Texts>()?;
        let texts = texts.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let text = texts.get(context.call_source().unwrap_or_default())?;
        let position = context.call_position();
        let line = text.lines().nth(position.line()?.checked_sub(1)?)?;
        let column = position.position()?.checked_sub(1)?;
        Some((line.chars().take(column).collect(), line.chars().skip(column).collect()))
    }
}

/// Registers what a text and `()` give, which is never a text.
pub fn register(engine: &mut Engine) {
    type Text = Result<ImmutableString, Box<EvalAltResult>>;
    engine.set_default_tag(Dynamic::from(Texts::default()));
    engine.on_progress(|_| end());
    engine.register_fn("to_string", |context: NativeCallContext, _: ()| -> Text {
        let failure = failure(&context, within(&context));
        FOUND.with(|found| found.borrow_mut().get_or_insert(failure.clone()).clone());
        Err(to_error(failure))
    });
    engine.register_fn("+", |context: NativeCallContext, _: ImmutableString, _: ()| -> Text {
        Err(to_error(failure(&context, right(&context))))
    });
    engine.register_fn("+", |context: NativeCallContext, _: (), _: ImmutableString| -> Text {
        Err(to_error(failure(&context, left(&context))))
    });
    for name in ["+=", "append"] {
        engine.register_fn(
            name,
            |context: NativeCallContext, _: &mut ImmutableString, _: ()| -> Result<(), Box<EvalAltResult>> {
                Err(to_error(failure(&context, right(&context))))
            },
        );
    }
    // Rhai's own `+` would come before these.
    engine.set_fast_operators(false);
}

/// What ends the script at this operation.
pub fn end() -> Option<Dynamic> {
    take().map(|failure| Dynamic::from(FailureValue(failure)))
}

/// Fails if a text with `()` in it was made since the last operation.
pub fn refuse() -> Result<(), Box<EvalAltResult>> {
    take().map_or(Ok(()), |failure| Err(to_error(failure)))
}

/// Nothing of it is left for what the thread does next.
pub fn take() -> Option<Failure> {
    FOUND.with(|found| found.borrow_mut().take())
}

fn failure(context: &NativeCallContext, name: Option<String>) -> Failure {
    let message = match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("nothing is in `{name}`"),
        None => "nothing is in a value that a text is made of".into(),
    };
    let mut failure = Failure::new(Kind::Invalid, message)
        .why("a text with `()` in it would say something else than is meant")
        .help("give it a value, or write `?? \"…\"` behind it to say what stands there instead");
    failure.at = Some(place(context.call_source().unwrap_or_default(), context.call_position()));
    failure
}

/// `${tenant}` within backticks, around the place.
fn within(context: &NativeCallContext) -> Option<String> {
    let (mut before, after) = Texts::around(context)?;
    let begins_here = after.starts_with('{');
    before.extend(after.chars().take(usize::from(begins_here)));
    let start = before.rfind("${")?;
    let whole = before[start..].to_owned() + &after[usize::from(begins_here)..];
    let mut open = 0_usize;
    let end = whole.char_indices().find(|(_, letter)| {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        *letter == '}' && open == 0
    });
    end.map(|(end, _)| whole[..=end].to_owned())
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || ['_', '.', '?', ':', '[', ']', '"'].contains(&letter)
}

fn right(context: &NativeCallContext) -> Option<String> {
    let (_, after) = Texts::around(context)?;
    let after = after.trim_start_matches(['+', '=', ' ']);
    let after = after.strip_prefix("append(").unwrap_or(after);
    Some(after.chars().take_while(|letter| is_of_name(*letter)).collect())
}

fn left(context: &NativeCallContext) -> Option<String> {
    let (before, _) = Texts::around(context)?;
    let name: Vec<char> = before.trim_end().chars().rev().take_while(|letter| is_of_name(*letter)).collect();
    Some(name.into_iter().rev().collect())
}
