//! What the operators and functions of a script do with a value that a plan can't know.

use super::assume::{ask, ask_relation, fact, shown};
use super::assumed::Relation;
use super::unknown::{MARK, Unknown, depends};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};

/// What is computed with an unknown is unknown.
pub const ARITHMETIC: [&str; 13] = ["+", "-", "*", "/", "%", "**", "<<", ">>", "&", "|", "^", "..", "..="];

/// Registers what a script can do with an unknown.
pub fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Unknown>("Unknown");
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
    engine
        .register_fn("version_of", |unknown: &mut Unknown| unknown.derived(|of| format!("version_of({of})")))
        .register_fn("version_in", |unknown: &mut Unknown| unknown.derived(|of| format!("version_in({of})")));
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
    for (name, relation, holds) in Relation::OF_OPERATORS {
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
