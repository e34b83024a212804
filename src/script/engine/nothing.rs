//! `()` in a text: an error that names the value. Without it, `rm -rf data/${tenant}` would be `rm -rf data/`.
//!
//! Rhai swallows the errors of what makes a text of a value within backticks. So such an error is kept beside, for the
//! thread, and ends the script at its next operation: before anything can be made of the text.

use super::error::place;
use super::values::{FailureValue, to_error};
use crate::failure::{Failure, Kind};
use crate::sync::Mutex;
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, NativeCallContext};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

thread_local! {
    static FOUND: RefCell<Option<Failure>> = const { RefCell::new(None) };
    static MADE: Cell<bool> = const { Cell::new(false) };
}

/// The texts that an engine has compiled, by source, to name a value as its script does; each with that of which it was
/// made.
#[derive(Clone, Default)]
pub struct Texts(Arc<Mutex<HashMap<String, (String, String)>>>);

impl Texts {
    /// Keeps a text that is compiled, and the original.
    pub fn keep(engine: &Engine, source: &str, original: &str, text: &str) {
        if let Some(texts) = engine.default_tag().read_lock::<Texts>() {
            let mut texts = texts.0.lock();
            texts.insert(source.into(), (text.into(), original.into()));
        }
    }

    /// The text before the place of a call, and from there on, within its line.
    fn around(context: &NativeCallContext) -> Option<(String, String)> {
        let texts = context.engine().default_tag().clone().try_cast::<Texts>()?;
        let texts = texts.0.lock();
        let (text, _) = texts.get(context.call_source().unwrap_or_default())?;
        let position = context.call_position();
        let line = text.lines().nth(position.line()?.checked_sub(1)?)?;
        let column = position.position()?.checked_sub(1)?;
        Some((line.chars().take(column).collect(), line.chars().skip(column).collect()))
    }

    /// What is named, as the script has it: reads that ask were made calls of `get` when it was compiled.
    fn as_written(context: &NativeCallContext, name: String) -> Option<String> {
        let texts = context.engine().default_tag().clone().try_cast::<Texts>()?;
        let texts = texts.0.lock();
        let (_, original) = texts.get(context.call_source().unwrap_or_default())?;
        let line = original.lines().nth(context.call_position().line()?.checked_sub(1)?)?;
        if line.contains(&name) {
            return Some(name);
        }
        let parts: Vec<&str> = name.split(".get(\"").collect();
        let (first, calls) = parts.split_first()?;
        let mut written = (*first).to_owned();
        for call in calls {
            let (key, rest) = call.split_once("\")")?;
            written += &format!(".{key}{rest}");
        }
        line.contains(&written).then_some(written)
    }
}

/// Registers what a text and `()` give, which is never a text.
pub fn register(engine: &mut Engine) {
    type Text = Result<ImmutableString, Box<EvalAltResult>>;
    engine.set_default_tag(Dynamic::from(Texts::default()));
    engine.register_fn("to_string", |context: NativeCallContext, _: ()| -> Text {
        let failure = failure(&context, within(&context));
        keep(&failure);
        Err(to_error(failure))
    });
    engine.register_fn("to_string", |context: NativeCallContext, items: &mut Array| -> Text {
        listed(&context, Dynamic::from_array(items.clone()))
    });
    engine.register_fn("to_string", |context: NativeCallContext, map: &mut Map| -> Text {
        listed(&context, Dynamic::from_map(map.clone()))
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

/// An array or a map in a text, as Rhai writes it.
fn listed(context: &NativeCallContext, value: Dynamic) -> Result<ImmutableString, Box<EvalAltResult>> {
    if lacks(&value) {
        let failure = failure(context, within(context));
        keep(&failure);
        return Err(to_error(failure));
    }
    context.call_native_fn("to_debug", (value,))
}

fn lacks(value: &Dynamic) -> bool {
    if let Some(items) = value.read_lock::<Array>() {
        return items.iter().any(lacks);
    }
    if let Some(map) = value.read_lock::<Map>() {
        return map.values().any(lacks);
    }
    value.is_unit()
}

/// What ends the script at this operation: a text with `()` in it was made.
pub fn end() -> Option<Dynamic> {
    take().map(|failure| Dynamic::from(FailureValue(failure)))
}

/// Fails if a text with `()` in it was made since the last operation.
pub fn refuse() -> Result<(), Box<EvalAltResult>> {
    take().map_or(Ok(()), |failure| Err(to_error(failure)))
}

/// Whether a text with `()` in it was made since [`begin`]: a variable may hold it.
pub fn was_made() -> bool {
    MADE.get()
}

/// Forgets what the thread did before.
pub fn begin() {
    MADE.set(false);
    take();
}

fn keep(failure: &Failure) {
    MADE.set(true);
    FOUND.with(|found| _ = found.borrow_mut().get_or_insert_with(|| failure.clone()));
}

/// Nothing of it is left for what the thread does next.
pub fn take() -> Option<Failure> {
    FOUND.with(|found| found.borrow_mut().take())
}

fn failure(context: &NativeCallContext, name: Option<String>) -> Failure {
    let name = name.filter(|name| !name.is_empty()).and_then(|name| Texts::as_written(context, name));
    let message = match name {
        Some(name) => format!("`{name}` has no value"),
        None => "a part of this text has no value".into(),
    };
    let mut failure = Failure::new(Kind::Invalid, message)
        .why("without it the text would mean something else")
        .help("give it a value, or a default: `${… ?? \"…\"}`");
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
