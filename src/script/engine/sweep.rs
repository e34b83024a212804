//! In plans: every function that is not ours, kept from taking an unknown for a value. In a run that is resumed and has
//! lost what a secret was, the same is done for texts with that secret in them.
//!
//! Without this, `len(unknown)` would be an error that a `try` swallows, and a text that an unknown was written into
//! would be a text like any other. A function that answers yes or no is asked; any other ends the path. What is
//! no function can't be kept from it: `text[0]`, and `for letter in text`.

use super::assume::{ask, ask_relation, fact, shown, unanswered};
use super::assumed::Relation;
use super::here::Here;
use super::operators::ARITHMETIC;
use super::unknown::{MARK, Unknown};
use crate::secret::{has_letters, lost_in};
use rhai::{Dynamic, Engine, EvalAltResult, FuncInfo, ImmutableString, Map, NativeCallContext};
use serde_json::Value;
use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Functions to which a text with an unknown in it is as good as any.
const HARMLESS: [&str; 9] = ["+", "+=", "append", "to_string", "to_debug", "print", "debug", "trim", "known"];
/// Registered for unknowns by themselves, besides what is computed with them.
const OWN: [&str; 12] =
    ["==", "!=", "<", "<=", ">", ">=", "!", "to_string", "to_debug", "print", "debug", "known"];

/// How Rhai writes the type of a function that answers yes or no.
const YES_OR_NO: [&str; 2] = ["bool", "RhaiResultOf<bool >"];

/// A native function.
#[derive(Clone)]
struct Native {
    name: String,
    types: Vec<TypeId>,
    /// Whether functions of its name answer yes or no.
    answers: bool,
}

impl Native {
    fn is_text(&self, n: usize) -> bool {
        self.types.get(n) == Some(&TypeId::of::<ImmutableString>())
    }
}

/// Everything that is registered, but what has a name that no script can call; in an order that is always the same.
fn natives(engine: &Engine) -> Vec<Native> {
    let signature = |info: FuncInfo| {
        let metadata = info.metadata;
        let callable = info.script.is_none() && info.namespace.is_empty() && !metadata.name.contains('$');
        let answers = YES_OR_NO.contains(&&*metadata.return_type);
        callable.then(|| ((metadata.name.to_string(), metadata.param_types.to_vec()), answers))
    };
    let signatures: BTreeMap<_, _> = engine.collect_fn_metadata(None, signature, true).into_iter().collect();
    let answering: HashSet<String> =
        signatures.iter().filter(|(_, answers)| **answers).map(|((name, _), _)| name.clone()).collect();
    let native = |(name, types): (String, Vec<TypeId>)| {
        let answers = answering.contains(&name);
        Native { name, types, answers }
    };
    signatures.into_keys().map(native).collect()
}

/// Makes an engine, with everything else registered, one that plans.
pub fn sweep(engine: &mut Engine) {
    let registered = natives(engine);
    let unknown = TypeId::of::<Unknown>();
    let anything = TypeId::of::<Dynamic>();
    let mut swept = HashSet::new();
    for native in &registered {
        let name = native.name.as_str();
        let computes = ARITHMETIC.contains(&name.strip_suffix('=').unwrap_or(name));
        if OWN.contains(&name) || computes || native.types.contains(&unknown) {
            continue;
        }
        for (n, of) in native.types.iter().enumerate().filter(|(_, of)| **of != anything) {
            // Where the function takes anything, it takes an unknown too.
            let mut types = vec![anything; native.types.len()];
            types[0] = if n == 0 { anything } else { native.types[0] };
            types[n] = unknown;
            debug_assert_ne!(*of, unknown);
            if swept.insert((native.name.clone(), types.clone())) {
                guard(engine, native, &types);
            }
        }
    }
    // A comparison of texts must be ours to see whether there is an unknown in one.
    engine.set_fast_operators(false);
    comparisons(engine);
    let bare = Arc::new(Engine::new());
    for native in natives(&bare) {
        let of_map = native.types.first() == Some(&TypeId::of::<Map>())
            && ["contains", "get", "remove", "set"].contains(&native.name.as_str());
        if (native.is_text(0) || (of_map && native.is_text(1))) && !HARMLESS.contains(&native.name.as_str()) {
            watch(engine, native, bare.clone());
        }
    }
}

/// The function for arguments of which one is an unknown.
fn guard(engine: &mut Engine, native: &Native, types: &[TypeId]) {
    let native = native.clone();
    let name = native.name.clone();
    engine.register_raw_fn(&name, types, move |context: NativeCallContext, given: &mut [&mut Dynamic]| {
        outcome(&context, &native, given)
    });
}

/// The function for a text that may have an unknown in it; for any other it is what it was.
fn watch(engine: &mut Engine, native: Native, bare: Arc<Engine>) {
    let (name, types) = (native.name.clone(), native.types.clone());
    engine.register_raw_fn(&name, types, move |context: NativeCallContext, given: &mut [&mut Dynamic]| {
        if given.iter().any(|value| is_marked(value)) {
            return outcome(&context, &native, given);
        }
        let plain = NativeCallContext::new_with_all_fields(
            &bare,
            context.fn_name(),
            context.call_source(),
            context.global_runtime_state(),
            context.call_position(),
        );
        plain.call_native_fn_raw(&native.name, true, given)
    });
}

fn outcome(
    context: &NativeCallContext,
    native: &Native,
    given: &mut [&mut Dynamic],
) -> Result<Dynamic, Box<EvalAltResult>> {
    let list =
        |show: fn(&Dynamic) -> String| given.iter().map(|value| show(value)).collect::<Vec<_>>().join(", ");
    let call = format!("{}({})", native.name, list(shown));
    match native.answers {
        true => ask(context, &format!("{}({})", native.name, list(fact)), &call).map(Dynamic::from),
        false => Err(unanswered(&Here::of(context.tag())?, &call)),
    }
}

fn is_marked(value: &Dynamic) -> bool {
    value.read_lock::<ImmutableString>().is_some_and(|text| text.contains(MARK) || has_lost(&text))
}

/// Whether a secret of this machine stands in a text and is not known any more.
fn has_lost(text: &str) -> bool {
    let text = Value::String(text.into());
    has_letters(&text) && lost_in(&text).iter().any(|lost| lost.at.is_none())
}

fn comparisons(engine: &mut Engine) {
    macro_rules! compared {
        ($a:ty, $b:ty) => {
            for (name, relation, holds) in Relation::OF_OPERATORS {
                engine.register_fn(name, move |context: NativeCallContext, a: $a, b: $b| {
                    compare(&context, a.into(), relation, b.into()).map(|answer| answer == holds)
                });
            }
        };
    }
    compared!(ImmutableString, ImmutableString);
    compared!(ImmutableString, char);
    compared!(char, ImmutableString);
}

fn compare(
    context: &NativeCallContext,
    a: Dynamic,
    relation: Relation,
    b: Dynamic,
) -> Result<bool, Box<EvalAltResult>> {
    if is_marked(&a) {
        return ask_relation(context, &a, relation, &b);
    }
    if is_marked(&b) {
        return ask_relation(context, &b, relation.turned(), &a);
    }
    let (a, b) = (a.to_string(), b.to_string());
    Ok(match relation {
        Relation::Equal => a == b,
        Relation::Less => a < b,
        Relation::Greater => a > b,
    })
}
