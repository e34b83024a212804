//! What a plan can't know, as a value of a script.
//!
//! A plan lies most easily where a script compares such a value: here the comparison asks the plan's chooser, which
//! goes through the script once for each answer. Whatever can't be asked ends the path, in a way that no `try` can
//! catch.

use super::assume::{Relation, ask, ask_relation};
use super::types::to_error;
use crate::failure::{Failure, Kind};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the text of an unknown begins with. A text that was put together with an unknown is recognised by it.
pub const MARK: &str = "‹known after ";
/// The name of the type in Rhai's functions.
const TYPE: &str = "Unknown";

/// What is computed with an unknown is unknown.
pub const ARITHMETIC: [&str; 13] = ["+", "-", "*", "/", "%", "**", "<<", ">>", "&", "|", "^", "..", "..="];

/// A value that only a run can know.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// What it is: `commit of Check out`.
    pub about: String,
    /// Which fact it is, for the same words may name two: equal only if it is the same value, or was taken from the
    /// same value in the same way.
    pub fact: String,
}

impl Unknown {
    /// A fact of its own.
    pub fn new(about: impl Into<String>) -> Unknown {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Unknown { about: about.into(), fact: format!("#{}", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// What is taken from it, or made of it.
    fn derived(&self, how: impl Fn(&str) -> String) -> Unknown {
        Unknown { about: how(&self.about), fact: how(&self.fact) }
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{MARK}{}›", self.about)
    }
}

/// Iterating over it ends the path: nobody knows how often.
impl IntoIterator for Unknown {
    type Item = Result<Dynamic, Box<EvalAltResult>>;
    type IntoIter = std::iter::Once<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(Err(depends(&self)))
    }
}

/// The end of a path, where nothing more can be said; no `try` catches it.
pub fn depends(on: impl std::fmt::Display) -> Box<EvalAltResult> {
    to_error(Failure::new(Kind::Depends, on.to_string()))
}

/// Whether Rhai's own message is about an unknown where a value of a certain type must be, such as after `if`.
pub fn is_about_one(message: &str) -> bool {
    message.contains(std::any::type_name::<Unknown>())
}

/// A script's value as a question shows it.
pub fn shown(value: &Dynamic) -> String {
    match super::convert::to_plain(value) {
        Ok(plain) => crate::data::describe(&plain),
        Err(_) => format!("a {}", value.type_name()),
    }
}

/// A value as a fact: the same as shown, but that two unknowns of the same words differ.
pub fn fact(value: &Dynamic) -> String {
    match value.read_lock::<Unknown>() {
        Some(unknown) => unknown.fact.clone(),
        None => shown(value),
    }
}

/// Registers what a script can do with an unknown.
pub fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Unknown>(TYPE);
    engine.register_fn("to_string", |unknown: &mut Unknown| unknown.to_string());
    engine.register_fn("to_debug", |unknown: &mut Unknown| unknown.to_string());
    engine.register_indexer_get(|unknown: &mut Unknown, name: ImmutableString| {
        unknown.derived(|of| format!("{of}.{name}"))
    });
    engine.register_indexer_get(|unknown: &mut Unknown, index: i64| {
        unknown.derived(|of| format!("{of}[{index}]"))
    });
    engine.register_fn("get", |unknown: &mut Unknown, name: ImmutableString| {
        unknown.derived(|of| format!("{of}.{name}"))
    });
    engine.register_fn("get", |unknown: &mut Unknown, index: i64| {
        unknown.derived(|of| format!("{of}[{index}]"))
    });
    engine.register_iterator_result::<Unknown, Dynamic>();
    engine.register_fn("known", |value: Dynamic| -> Result<Dynamic, Box<EvalAltResult>> {
        match value.is_string() && value.to_string().contains(MARK) {
            true => Err(depends(value)),
            false => Ok(value),
        }
    });
    engine.register_fn("known", |unknown: Unknown| -> Result<Dynamic, Box<EvalAltResult>> {
        Err(depends(&unknown))
    });
    for (name, what) in [
        ("is_map", "a map"),
        ("is_text", "text"),
        ("is_array", "an array"),
        ("is_number", "a number"),
        ("is_bool", "yes or no"),
    ] {
        engine.register_fn(name, move |context: NativeCallContext, unknown: Unknown| {
            ask(&context, &format!("{} {what}", unknown.fact), &format!("{unknown} is {what}"))
        });
    }
    engine.register_fn("!", |context: NativeCallContext, unknown: Unknown| {
        ask(&context, &unknown.fact, &unknown.to_string()).map(|yes| !yes)
    });
    comparisons(engine);
    arithmetic(engine);
}

/// Each as one of three relations or its negation, so that a path can't contradict itself.
fn comparisons(engine: &mut Engine) {
    for (name, relation, holds) in [
        ("==", Relation::Equal, true),
        ("!=", Relation::Equal, false),
        ("<", Relation::Less, true),
        (">=", Relation::Less, false),
        (">", Relation::Greater, true),
        ("<=", Relation::Greater, false),
    ] {
        engine.register_fn(name, move |context: NativeCallContext, a: Unknown, b: Dynamic| {
            ask_relation(&context, &Dynamic::from(a), relation, &b).map(|answer| answer == holds)
        });
        engine.register_fn(name, move |context: NativeCallContext, a: Dynamic, b: Unknown| {
            ask_relation(&context, &Dynamic::from(b), relation.turned(), &a).map(|answer| answer == holds)
        });
        engine.register_fn(name, move |context: NativeCallContext, a: Unknown, b: Unknown| {
            // The same two in the other order are the same question.
            let (a, b, relation) = match a.fact <= b.fact {
                true => (a, b, relation),
                false => (b, a, relation.turned()),
            };
            ask_relation(&context, &Dynamic::from(a), relation, &Dynamic::from(b))
                .map(|answer| answer == holds)
        });
    }
}

/// What is computed with an unknown is unknown.
fn arithmetic(engine: &mut Engine) {
    for name in ARITHMETIC {
        let right = move |a: &Unknown, b: &Dynamic| Unknown {
            about: format!("{} {name} {}", a.about, bare(b)),
            fact: format!("({} {name} {})", a.fact, fact(b)),
        };
        let left = move |a: &Dynamic, b: &Unknown| Unknown {
            about: format!("{} {name} {}", bare(a), b.about),
            fact: format!("({} {name} {})", fact(a), b.fact),
        };
        engine.register_fn(name, move |a: Unknown, b: Dynamic| right(&a, &b));
        engine.register_fn(name, move |a: Dynamic, b: Unknown| left(&a, &b));
        engine.register_fn(name, move |a: Unknown, b: Unknown| right(&a, &Dynamic::from(b)));
        engine.register_fn(format!("{name}="), move |a: &mut Unknown, b: Dynamic| *a = right(a, &b));
        engine.register_fn(format!("{name}="), move |a: &mut Unknown, b: Unknown| {
            *a = right(a, &Dynamic::from(b));
        });
    }
    // Rhai's own `+` for text would come before those that take anything.
    let joined = |text: String, unknown: &Unknown, turned: bool| {
        let of = |of: &str| if turned { format!("{of} + {text:?}") } else { format!("{text:?} + {of}") };
        unknown.derived(of)
    };
    engine.register_fn("+", move |a: ImmutableString, b: Unknown| joined(a.to_string(), &b, false));
    engine.register_fn("+", move |a: char, b: Unknown| joined(a.to_string(), &b, false));
    engine.register_fn("+", move |a: Unknown, b: ImmutableString| joined(b.to_string(), &a, true));
    engine.register_fn("+", move |a: Unknown, b: char| joined(b.to_string(), &a, true));
    for name in ["-", "+"] {
        engine.register_fn(name, move |a: Unknown| a.derived(|of| format!("{name}{of}")));
    }
}

/// A value within the words of another unknown.
fn bare(value: &Dynamic) -> String {
    match value.read_lock::<Unknown>() {
        Some(unknown) => unknown.about.clone(),
        None => shown(value),
    }
}
