//! Comparisons of what can't be compared: errors. Rhai's own answer is no, whatever is asked, and `free < "100GB"` would let
//! a full disk pass.

use super::assume::shown;
use super::error::place;
use super::values::to_error;
use crate::failure::{Failure, Kind};
use crate::secret::Secret;
use crate::units::{Duration, Size};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};

/// The operators.
pub const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// What a script may confuse, in the words of the check. Two of one word can be compared.
pub const APART: [&str; 5] = ["text", "number", "size", "duration", "bool"];

/// Registers the errors.
pub fn register(engine: &mut Engine) {
    macro_rules! apart {
        ($($a:ty, $b:ty, $of_a:literal, $of_b:literal;)*) => {$(
            for name in COMPARISONS {
                engine.register_fn(name, |context: NativeCallContext, a: $a, b: $b| {
                    refuse(&context, ($of_a, a.into_dynamic()), ($of_b, b.into_dynamic()))
                });
                engine.register_fn(name, |context: NativeCallContext, b: $b, a: $a| {
                    refuse(&context, ($of_b, b.into_dynamic()), ($of_a, a.into_dynamic()))
                });
            }
        )*};
    }
    apart! {
        ImmutableString, i64, "text", "number";
        ImmutableString, f64, "text", "number";
        ImmutableString, Size, "text", "size";
        ImmutableString, Duration, "text", "duration";
        Secret, i64, "text", "number";
        Secret, f64, "text", "number";
        Secret, Size, "text", "size";
        Secret, Duration, "text", "duration";
        i64, Size, "number", "size";
        i64, Duration, "number", "duration";
        f64, Size, "number", "size";
        f64, Duration, "number", "duration";
        Size, Duration, "size", "duration";
        ImmutableString, bool, "text", "bool";
        Secret, bool, "text", "bool";
        i64, bool, "number", "bool";
        f64, bool, "number", "bool";
        Size, bool, "size", "bool";
        Duration, bool, "duration", "bool";
    }
    // Whether a value is nothing may be asked; nothing is neither less nor more than another value.
    macro_rules! nothing {
        ($($b:ty, $of_b:literal;)*) => {$(
            for name in COMPARISONS.into_iter().filter(|name| !["==", "!="].contains(name)) {
                engine.register_fn(name, |context: NativeCallContext, _: (), b: $b| {
                    refuse(&context, ("()", Dynamic::UNIT), ($of_b, b.into_dynamic()))
                });
                engine.register_fn(name, |context: NativeCallContext, b: $b, _: ()| {
                    refuse(&context, ($of_b, b.into_dynamic()), ("()", Dynamic::UNIT))
                });
            }
        )*};
    }
    nothing! {
        ImmutableString, "text";
        i64, "number";
        f64, "number";
        Size, "size";
        Duration, "duration";
        bool, "bool";
    }
}

/// As a value of a script.
trait IntoDynamic {
    fn into_dynamic(self) -> Dynamic;
}

impl<T: Clone + Send + Sync + 'static> IntoDynamic for T {
    fn into_dynamic(self) -> Dynamic {
        Dynamic::from(self)
    }
}

fn refuse(
    context: &NativeCallContext,
    (of_a, a): (&str, Dynamic),
    (of_b, b): (&str, Dynamic),
) -> Result<bool, Box<EvalAltResult>> {
    let value = |value: Dynamic| match (value.read_lock::<Size>(), value.read_lock::<Duration>()) {
        (Some(size), _) => size.to_string(),
        (_, Some(duration)) => duration.to_string(),
        _ => shown(&value),
    };
    let (a, b) = (value(a), value(b));
    let named = |of: &str, value: String| match of {
        "()" => "nothing".to_owned(),
        "bool" => format!("`{value}`"),
        of => format!("{} `{value}`", with_article(of)),
    };
    let message = format!("{} can't be compared with {}", named(of_a, a), named(of_b, b));
    let mut failure = Failure::new(Kind::Invalid, message).help(help(of_a, of_b));
    failure.at = Some(place(context.call_source().unwrap_or_default(), context.call_position()));
    Err(to_error(failure))
}

/// `the size`.
fn with_article(of: &str) -> &str {
    match of {
        "number" => "the number",
        "size" => "the size",
        "duration" => "the duration",
        other => other,
    }
}

/// What to write instead.
pub fn help(of_a: &str, of_b: &str) -> &'static str {
    match (of_a, of_b) {
        ("()", _) | (_, "()") => {
            "give it a value, or write `?? …` behind it to say what holds if there is none"
        }
        ("size", _) | (_, "size") => {
            "write a size as `2.gigabytes`, or ask a size for its number with `….in_bytes`"
        }
        ("duration", _) | (_, "duration") => {
            "write a duration as `5.minutes`, or ask one for its number with `….in_seconds`"
        }
        ("bool", _) | (_, "bool") => "compare it with `true` or `false` only where it is one of them",
        _ => "make a number of the text with `parse_int(…)`, or a text of the number with `….to_string()`",
    }
}
