//! `print(…)` and `debug(…)`: what a script says to who watches it. Neither is recorded, and neither is said again while a
//! run that is resumed catches up.

use super::error::place;
use super::here::Here;
use rhai::{Dynamic, Engine, EvalAltResult, FuncInfo, ImmutableString, NativeCallContext};
use std::any::TypeId;
use std::collections::HashSet;

/// Registers them, for each type for which Rhai has its own.
pub fn register(engine: &mut Engine) {
    // Rhai gives the text alone to these; it is said where the call is known.
    engine.on_print(|_| {});
    engine.on_debug(|_, _, _| {});
    for (name, to_text) in [("print", "to_string"), ("debug", "to_debug")] {
        let of_name = |info: FuncInfo| {
            let types = &info.metadata.param_types;
            (info.metadata.name == name && types.len() == 1).then(|| types[0])
        };
        let types: HashSet<TypeId> = engine.collect_fn_metadata(None, of_name, true).into_iter().collect();
        for of in types.into_iter().chain([TypeId::of::<Dynamic>(), TypeId::of::<()>()]) {
            engine.register_raw_fn(
                name,
                [of],
                move |context: NativeCallContext, given: &mut [&mut Dynamic]| {
                    let text = text(&context, to_text, given[0])?;
                    say(&context, name, &text)?;
                    Ok(Dynamic::from(ImmutableString::new()))
                },
            );
        }
    }
}

/// A value as a text; nothing is `()`, for who looks for it.
fn text(
    context: &NativeCallContext,
    to_text: &str,
    value: &mut Dynamic,
) -> Result<String, Box<EvalAltResult>> {
    match to_text == "to_string" {
        true if value.is_unit() => Ok("()".into()),
        true if value.is_string() => Ok(value.to_string()),
        // For who looks for what is missing in it, too.
        true if value.is_array() || value.is_map() => text(context, "to_debug", value),
        _ => context.call_native_fn_raw(to_text, true, &mut [value]).map(|text| text.to_string()),
    }
}

fn say(context: &NativeCallContext, name: &str, text: &str) -> Result<(), Box<EvalAltResult>> {
    super::nothing::refuse()?;
    let here = Here::of(context.tag())?;
    let at = place(context.call_source().unwrap_or_default(), context.call_position());
    match name {
        "print" => here.session.print(&here.frame, &at, text),
        _ => here.session.debug(&here.frame, &at, text),
    }
    Ok(())
}
