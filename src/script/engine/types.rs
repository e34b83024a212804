//! What scripts can do with the values that they hold besides Rhai's own.

use super::values::{FailureValue, ServerValue, to_error};
use crate::failure::{Failure, Kind};
use crate::machine::release::{Release, mentioned};
use crate::secret::Secret;
use crate::site;
use crate::units;
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};
use std::any::TypeId;
use std::sync::LazyLock;

/// The keys of a server that are `()` if nothing says them.
static OPTIONAL: LazyLock<Vec<String>> =
    LazyLock::new(|| site::documented().into_iter().filter(|key| key.optional).map(|key| key.name).collect());

/// Registers the types and what can be asked of them.
pub fn register(engine: &mut Engine) {
    register_units(engine);
    engine.register_type_with_name::<ServerValue>("Server");
    engine.register_indexer_get(|server: &mut ServerValue, name: ImmutableString| setting(server, &name));
    // How a script asks for what may be absent; of a map the same is Rhai's own.
    engine.register_fn("get", |server: &mut ServerValue, name: ImmutableString| setting(server, &name));
    engine.register_raw_fn(
        "get",
        [TypeId::of::<Dynamic>(), TypeId::of::<ImmutableString>()],
        |context: NativeCallContext, given: &mut [&mut Dynamic]| {
            let (value, name) = given.split_at_mut(1);
            context.call_native_fn_raw(format!("get${}", name[0]), true, &mut [&mut *value[0]])
        },
    );
    engine.register_fn("get", |_: (), name: ImmutableString| -> Result<Dynamic, Box<EvalAltResult>> {
        Err(format!("there is no `{name}` in `()`: what it is read from is not there").into())
    });
    engine.register_fn("to_string", |server: &mut ServerValue| server.0.name.clone());
    engine.register_fn("to_debug", |server: &mut ServerValue| server.0.name.clone());
    engine.register_fn("==", |a: ServerValue, b: ServerValue| a.0.name == b.0.name);
    engine.register_fn("!=", |a: ServerValue, b: ServerValue| a.0.name != b.0.name);

    engine.register_type_with_name::<FailureValue>("Failure");
    engine.register_get("kind", |failure: &mut FailureValue| failure.0.kind.name());
    engine.register_get("message", |failure: &mut FailureValue| failure.0.message.clone());
    engine.register_get("why", |failure: &mut FailureValue| failure.0.why.join("\n"));
    engine.register_get("at", |failure: &mut FailureValue| failure.0.at.clone().unwrap_or_default());
    engine.register_fn("get", |failure: &mut FailureValue, name: ImmutableString| -> Dynamic {
        let plain = serde_json::to_value(&failure.0).unwrap_or_default();
        match name.as_str() {
            "why" => failure.0.why.join("\n").into(),
            name => plain.get(name).map(super::convert::plain_to_dynamic).unwrap_or_default(),
        }
    });
    engine.register_fn("to_string", |failure: &mut FailureValue| failure.0.to_string());

    engine.register_type_with_name::<Secret>("Secret");
    register_secret(engine);

    engine.register_fn("join", |context: NativeCallContext, items: Array, between: ImmutableString| {
        let text = |item: Dynamic| context.call_native_fn::<ImmutableString>("to_string", (item,));
        let texts: Result<Vec<_>, _> = items.into_iter().map(text).collect();
        texts.map(|texts| texts.join(&between))
    });
    engine.register_fn("version_of", |tag: &str| {
        tag.parse::<Release>().map_or_else(|_| tag.to_owned(), |release| release.version().to_owned())
    });
    engine.register_fn("version_in", |text: &str| {
        let is_one_word = !text.trim().contains(char::is_whitespace);
        let version = if is_one_word { Some(text.trim()) } else { mentioned(text) };
        version.map_or(Dynamic::UNIT, |version| version.to_owned().into())
    });
    engine.register_fn("is_map", |value: Dynamic| value.is_map());
    engine.register_fn("is_text", |value: Dynamic| value.is_string());
    engine.register_fn("is_array", |value: Dynamic| value.is_array());
    engine.register_fn("is_bool", |value: Dynamic| value.is_bool());
    engine.register_fn("is_number", |value: Dynamic| value.is_int() || value.is_float());
}

/// In a text a secret is a letter of its own, which is filled in where a secret may go. Compared it is by its value: an
/// answer without that would be a guess.
fn register_secret(engine: &mut Engine) {
    type Answer = Result<bool, Box<EvalAltResult>>;
    engine.register_fn("to_string", |secret: &mut Secret| secret.letter().to_string());
    engine.register_fn("to_debug", |secret: &mut Secret| secret.letter().to_string());
    let value = |secret: &Secret| -> Result<String, Box<EvalAltResult>> {
        secret.reveal().map_err(|failure| {
            to_error(Failure {
                kind: Kind::Refused,
                help: Some("compare it where it is known: in a script that runs on its server".into()),
                ..failure
            })
        })
    };
    engine.register_fn("==", move |a: Secret, b: &str| -> Answer { Ok(value(&a)? == b) });
    engine.register_fn("!=", move |a: Secret, b: &str| -> Answer { Ok(value(&a)? != b) });
    engine.register_fn("==", move |a: &str, b: Secret| -> Answer { Ok(value(&b)? == a) });
    engine.register_fn("!=", move |a: &str, b: Secret| -> Answer { Ok(value(&b)? != a) });
    engine.register_fn("==", move |a: Secret, b: Secret| -> Answer {
        Ok(a.name == b.name || value(&a)? == value(&b)?)
    });
    engine.register_fn("!=", move |a: Secret, b: Secret| -> Answer {
        Ok(a.name != b.name && value(&a)? != value(&b)?)
    });
    engine.register_fn("is_empty", move |secret: &mut Secret| -> Answer { Ok(value(secret)?.is_empty()) });
}

/// `5.minutes`, `2.gigabytes`: units live in values, never in names.
fn register_units(engine: &mut Engine) {
    engine.register_type_with_name::<units::Duration>("Duration");
    engine.register_type_with_name::<units::Size>("Size");
    for (names, seconds) in [
        (["second", "seconds"], 1),
        (["minute", "minutes"], 60),
        (["hour", "hours"], 3_600),
        (["day", "days"], 86_400),
    ] {
        for name in names {
            engine.register_get(name, move |n: &mut i64| amount(*n, seconds).map(units::Duration::seconds));
        }
    }
    for name in ["millisecond", "milliseconds"] {
        engine.register_get(name, |n: &mut i64| amount(*n, 1).map(units::Duration::milliseconds));
    }
    for (names, bytes) in [
        (["byte", "bytes"], 1),
        (["kilobyte", "kilobytes"], 1_000),
        (["megabyte", "megabytes"], 1_000_000),
        (["gigabyte", "gigabytes"], 1_000_000_000),
        (["terabyte", "terabytes"], 1_000_000_000_000),
    ] {
        for name in names {
            engine.register_get(name, move |n: &mut i64| amount(*n, bytes).map(units::Size));
        }
    }
    macro_rules! compared {
        ($type:ty) => {
            engine.register_fn("to_string", |value: &mut $type| value.to_string());
            engine.register_fn("to_debug", |value: &mut $type| value.to_string());
            engine.register_fn("==", |a: $type, b: $type| a == b);
            engine.register_fn("!=", |a: $type, b: $type| a != b);
            engine.register_fn("<", |a: $type, b: $type| a < b);
            engine.register_fn("<=", |a: $type, b: $type| a <= b);
            engine.register_fn(">", |a: $type, b: $type| a > b);
            engine.register_fn(">=", |a: $type, b: $type| a >= b);
        };
    }
    compared!(units::Duration);
    compared!(units::Size);
    macro_rules! counted {
        ($type:ident) => {
            engine.register_fn("+", |a: units::$type, b: units::$type| {
                within(a.0.checked_add(b.0).map(units::$type), || format!("`{a}` + `{b}` is too much"))
            });
            engine.register_fn("-", |a: units::$type, b: units::$type| {
                within(a.0.checked_sub(b.0).map(units::$type), || {
                    format!("`{a}` - `{b}` is less than nothing")
                })
            });
        };
    }
    counted!(Duration);
    counted!(Size);
    engine.register_fn("*", |a: units::Size, n: i64| {
        let product = u64::try_from(n).ok().and_then(|n| a.0.checked_mul(n)).map(units::Size);
        within(product, || format!("`{a}` * `{n}` is less than nothing, or too much"))
    });
    engine.register_get("in_seconds", |a: &mut units::Duration| a.0.as_secs_f64());
    engine.register_get("in_bytes", |a: &mut units::Size| a.0 as i64);
}

fn within<T>(value: Option<T>, wrong: impl FnOnce() -> String) -> Result<T, Box<EvalAltResult>> {
    value.ok_or_else(|| to_error(Failure::new(Kind::Invalid, wrong()).help("compare them before")))
}

fn amount(n: i64, unit: u64) -> Result<u64, Box<EvalAltResult>> {
    u64::try_from(n)
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .ok_or_else(|| format!("{n} is out of range for this unit").into())
}

/// A server's setting, as `site.toml` names it, units as values; `()` for one that is not given.
fn setting(server: &mut ServerValue, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    if let Some(value) = server.0.own.get(name) {
        return Ok(super::convert::plain_to_dynamic(value));
    }
    let settings = units::tagged(|| serde_json::to_value(&*server.0)).unwrap_or_default();
    match settings.get(name).filter(|_| !["facts", "own"].contains(&name)) {
        Some(value) => Ok(super::convert::plain_to_dynamic(value)),
        None if name == "home" && server.0.ssh.is_some() => {
            Err(format!("where the home of `{}` is, is known there: write `~` in paths", server.0.name)
                .into())
        }
        None if name == "home" => Ok(server.0.home().display().to_string().into()),
        None if OPTIONAL.iter().any(|key| key == name) => Ok(Dynamic::UNIT),
        None => Err(format!("a server has no setting `{name}`").into()),
    }
}
