//! The blocks: `step "name" { … }`, `on_failure { … }` with `drop_rollback()`, and `parallel(items, |item| …)`.

use super::error::{place, to_failure};
use super::heed::{heed, heeded};
use super::here::{Handler, Here};
use super::hooked;
use super::nothing;
use super::pace::{Branch, Pace};
use super::values::{ServerValue, to_error};
use crate::failure::{Failure, Kind};
use crate::key::Key;
use crate::site::hooks::When;
use rhai::{
    Array, Dynamic, Engine, EvalAltResult, EvalContext, Expression, FnPtr, Map, NativeCallContext, Position,
};
use std::sync::Arc;

/// Registers the words that begin a block.
pub fn words(engine: &mut Engine) {
    engine
        .register_custom_syntax(["step", "$expr$", "$block$"], false, step)
        .and_then(|engine| engine.register_custom_syntax(["on_failure", "$func$"], false, on_failure))
        .expect("the words of the blocks are free");
}

/// Registers the functions that run blocks.
pub fn register(engine: &mut Engine) {
    engine.register_fn("drop_rollback", |context: NativeCallContext| drop_rollback(&context));
    engine.register_fn("parallel", |context: NativeCallContext, items: Array, branch: FnPtr| {
        parallel(&context, items, &Map::new(), &branch)
    });
    engine.register_fn(
        "parallel",
        |context: NativeCallContext, items: Array, options: Map, branch: FnPtr| {
            parallel(&context, items, &options, &branch)
        },
    );
}

/// Where a block is from that stands at a place.
fn origin(source: &str, place: Position) -> &str {
    crate::script::text::source::origin(source, place.line().unwrap_or_default())
}

/// A named block. `return`, `break` and `continue` pass through it as if it were not there.
fn step(context: &mut EvalContext, inputs: &[Expression]) -> Result<Dynamic, Box<EvalAltResult>> {
    let name = context.eval_expression_tree(&inputs[0])?;
    let name = name.into_string().map_err(|found| format!("a step's name is text, not {found}"))?;
    nothing::refuse()?;
    let here = Here::of(Some(context.tag()))?;
    let source = origin(context.source().unwrap_or_default(), inputs[0].position()).to_owned();
    let after = here.ahead.as_ref().and_then(|ahead| {
        ahead.after(context.source().unwrap_or_default(), inputs[0].position()).filter(|rest| !rest.open)
    });
    let ahead = after.map(|rest| rest.certain);
    let at = place(context.source().unwrap_or_default(), inputs[0].position());
    let hooks = hooked::of_step(&here, &name);
    let source = match source.as_str() {
        "bundled" if !hooks.is_empty() => here.session.site.file.display().to_string(),
        _ => source,
    };
    let begun = here.session.begin_step(&here.frame, &name, &source, ahead);
    let block = begun.map_err(|failure| to_error(placed(failure, &at)))?;
    let block = Arc::new(block);
    let _span = tracing::info_span!("step", name = name.as_str()).entered();
    let frame = block.frame.clone();
    let result = match &block.skipped {
        Some(reason) => {
            if !block.is_replayed() {
                let text = format!("step `{name}` is left out: {reason}");
                here.session.tell(&crate::event::Event::Noted { text: text.into() });
            }
            Ok(Dynamic::UNIT)
        }
        None => {
            let result = hooked::run(&here, &frame, &hooks, When::Before).and_then(|()| {
                let inside = Dynamic::from(here.with_frame(frame.clone()));
                let before = std::mem::replace(context.tag_mut(), inside);
                let result = body(context, &inputs[1], &here);
                *context.tag_mut() = before;
                result
            });
            match has_failed(&result) {
                true => result,
                false => hooked::run(&here, &frame, &hooks, When::After).and(result),
            }
        }
    };
    let outcome = match &result {
        Ok(_) => Ok(()),
        Err(error) => match **error {
            EvalAltResult::Return(..) | EvalAltResult::LoopBreak(..) => Ok(()),
            _ => Err(to_failure(error, context.source().unwrap_or_default())),
        },
    };
    let ended = here.session.end_step(&block, outcome.clone());
    match (outcome, ended) {
        (Ok(()), Err(failure)) => Err(to_error(placed(failure, &at))),
        _ => result,
    }
}

/// Whether a step failed: `return`, `break` and `continue` leave it well.
fn has_failed(result: &Result<Dynamic, Box<EvalAltResult>>) -> bool {
    matches!(result, Err(error)
        if !matches!(**error, EvalAltResult::Return(..) | EvalAltResult::LoopBreak(..)))
}

/// Evaluates the body of a step, and keeps what it saw if it fails and that is asked for.
fn body(context: &mut EvalContext, body: &Expression, here: &Here) -> Result<Dynamic, Box<EvalAltResult>> {
    let Some(seen) = &here.seen else { return context.eval_expression_tree(body) };
    let around = context.scope().len();
    #[expect(deprecated, reason = "nothing else leaves the variables of a block to be looked at")]
    let result = context.eval_expression_tree_raw(body, false);
    if has_failed(&result) {
        let inner = context.tag().clone().try_cast::<Here>();
        let step = inner.and_then(|inner| inner.frame.steps.last().cloned());
        seen.lock().keep(context, step);
    }
    context.scope_mut().rewind(around);
    result
}

/// The failure with the place of its block, if it is that the block is not what the journal has: no call places it then.
fn placed(failure: Failure, at: &str) -> Failure {
    match (failure.kind, &failure.at) {
        (Kind::Mismatch, None) => Failure { at: Some(at.to_owned()), ..failure },
        _ => failure,
    }
}

/// Remembers what has to be done if the run fails later than here.
fn on_failure(context: &mut EvalContext, inputs: &[Expression]) -> Result<Dynamic, Box<EvalAltResult>> {
    let closure = context.eval_expression_tree(&inputs[0])?;
    let Some(mut closure) = closure.try_cast::<FnPtr>() else {
        return Err("on_failure takes a block".into());
    };
    // What it captures is shared with what comes after it, such as the next item of a loop.
    closure.iter_curry_mut().for_each(|value| *value = unshared(value));
    let here = Here::of(Some(context.tag()))?;
    let handler = Handler {
        key: here.session.declare_way_back(&here.frame),
        closure,
        global: context.global_runtime_state().clone(),
        position: inputs[0].position(),
    };
    here.handlers.lock().push(handler);
    Ok(Dynamic::UNIT)
}

/// Forgets what `on_failure` has to do so far: what was done up to here stays. In a branch of `parallel` only what was
/// declared there is forgotten, because the others are not done with theirs.
fn drop_rollback(context: &NativeCallContext) -> Result<(), Box<EvalAltResult>> {
    let here = Here::of(context.tag())?;
    let branch = here.frame.key.as_key().innermost_branch();
    let mut handlers = here.handlers.lock();
    handlers.retain(|handler| !handler.key.as_key().is_in(branch));
    here.session.has_dropped_way_back(!handlers.is_empty());
    Ok(())
}

/// Runs what `on_failure` has to do, the newest first, each in a key space of its own.
pub fn roll_back(engine: &Engine, here: &Here, source: &str) -> Result<(), Failure> {
    let handlers = std::mem::take(&mut *here.handlers.lock());
    for handler in handlers.into_iter().rev() {
        let frame = Arc::new(here.session.handler_frame(&here.frame, handler.key.as_key()));
        let mut global = handler.global;
        global.tag = Dynamic::from(here.with_frame(frame));
        let context =
            NativeCallContext::new_with_all_fields(engine, "on_failure", None, &global, handler.position);
        nothing::take();
        let result = handler.closure.call_raw(&context, None, []);
        let result = result.and_then(|_| nothing::refuse());
        result.map_err(|error| to_failure(&error, source))?;
    }
    Ok(())
}

/// Each item in a thread of its own, `at_most` at a time: when one ends the next begins. Every branch works on its own copy
/// of what it captures, so that no branch sees another and a resume finds the same. When more than `max_failures` failed
/// no new one is begun, those that run are let end, and all that failed are told.
fn parallel(
    context: &NativeCallContext,
    items: Array,
    options: &Map,
    branch: &FnPtr,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let here = Here::of(context.tag())?;
    let number = |name: &str, least: i64, otherwise: usize| match options.get(name).map(|n| n.as_int()) {
        None => Ok(otherwise),
        Some(Ok(n)) if n >= least => Ok(n as usize),
        Some(_) => Err(format!("parallel: `{name}` is a number of at least {least}")),
    };
    let at_most = number("at_most", 1, items.len().max(1))?;
    let max_failures = number("max_failures", 0, 0)?;
    if let Some(unknown) = options.keys().find(|name| !["at_most", "max_failures"].contains(&name.as_str())) {
        let message =
            format!("parallel: there is no option `{unknown}`; it has `at_most` and `max_failures`");
        return Err(message.into());
    }
    // Every place in the course is recorded but that of `on_failure`, by which it is known.
    if items.is_empty() && here.session.header.version >= 3 {
        return Ok(Array::new().into());
    }
    let key = here.frame.next_key();
    let source = context.call_source().unwrap_or_default().to_owned();
    // What a thread logs is of the step that began it.
    let around = tracing::Span::current();
    let stop = heeded();
    let run = |item: &Dynamic, name: &str| -> Result<Dynamic, Box<EvalAltResult>> {
        let _around = around.enter();
        heed(stop.clone());
        let origin = origin(&source, context.call_position());
        let at = place(&source, context.call_position());
        let begun = here.session.begin_branch(&here.frame, key.as_key(), name, origin);
        let block = begun.map_err(|failure| to_error(placed(failure, &at)))?;
        let mut global = context.global_runtime_state().clone();
        global.tag = Dynamic::from(here.with_frame(block.frame.clone()));
        let mut branch = branch.clone();
        branch.iter_curry_mut().for_each(|value| *value = unshared(value));
        let inner = NativeCallContext::new_with_all_fields(
            context.engine(),
            context.fn_name(),
            context.call_source(),
            &global,
            context.call_position(),
        );
        let value = branch.call_raw(&inner, None, [unshared(item)])?;
        nothing::refuse()?;
        here.session.end_block(&block).map_err(|failure| to_error(placed(failure, &at)))?;
        Ok(value)
    };
    let names = branch_names(&items);
    let was_begun = |name: &str| here.session.has_begun(key.as_key(), name);
    let branches: Vec<Branch> = names
        .iter()
        .zip(&items)
        .map(|(name, item)| Branch { was_begun: was_begun(name), run: Box::new(|| run(item, name)) })
        .collect();
    let pace = Pace {
        // A plan asks itself questions in an order that it can repeat, so its branches take turns.
        at_most: if here.chooser.is_some() { 1 } else { at_most },
        max_failures,
        is_passed: here.session.is_passed(key.as_key()),
    };
    gather(pace.run(&branches, &source), &source)
}

/// The results in order, or the failures as one.
fn gather(
    results: impl IntoIterator<Item = Result<Dynamic, Box<EvalAltResult>>>,
    source: &str,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let mut values = Array::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    match errors.len() {
        0 => Ok(values.into()),
        1 => Err(errors.remove(0)),
        _ => {
            let failures: Vec<Failure> = errors.iter().map(|error| to_failure(error, source)).collect();
            // What can't be caught leads.
            let leads = failures.iter().position(|failure| !failure.kind.catchable()).unwrap_or(0);
            let mut first = failures[leads].clone();
            for (_, other) in failures.iter().enumerate().filter(|(n, _)| *n != leads) {
                first.why.push(format!("also: {other}"));
            }
            Err(to_error(first))
        }
    }
}

/// A branch is called by its server, or that in its map, or its text; otherwise, or if two were called the same, by its
/// number.
fn branch_names(items: &Array) -> Vec<String> {
    let name = |item: &Dynamic| {
        let within = item.read_lock::<Map>().and_then(|map| map.get("server").cloned());
        match within.unwrap_or_else(|| item.clone()).flatten().try_cast::<ServerValue>() {
            Some(server) => server.0.name.clone(),
            None => item.clone().into_string().unwrap_or_default(),
        }
    };
    let names: Vec<String> = items.iter().map(name).collect();
    let number = |n: usize, name: &String| match Key::can_name_branch(name)
        && names.iter().filter(|other| *other == name).count() == 1
    {
        true => name.clone(),
        false => n.to_string(),
    };
    names.iter().enumerate().map(|(n, name)| number(n, name)).collect()
}

/// A copy that shares nothing, nor do the closures in it.
fn unshared(value: &Dynamic) -> Dynamic {
    let flat = value.flatten_clone();
    if let Some(items) = flat.read_lock::<Array>() {
        return items.iter().map(unshared).collect::<Array>().into();
    }
    if let Some(map) = flat.read_lock::<Map>() {
        return map.iter().map(|(name, item)| (name.clone(), unshared(item))).collect::<Map>().into();
    }
    if let Some(closure) = flat.read_lock::<FnPtr>() {
        let mut closure = closure.clone();
        closure.iter_curry_mut().for_each(|value| *value = unshared(value));
        return closure.into();
    }
    flat
}
