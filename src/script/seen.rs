//! What a step sees when it fails: its variables, and the modules and functions that it can call.

use super::here::Here;
use rhai::{Dynamic, EvalAltResult, EvalContext, Expression, GlobalRuntimeState};

/// What was seen, from the innermost step outward.
#[derive(Default)]
pub struct Seen {
    /// The name of the innermost step.
    pub step: Option<String>,
    /// Each name once, with the value that it had nearest to the failure.
    pub variables: Vec<(String, Dynamic)>,
    /// The modules and functions there.
    pub global: Option<GlobalRuntimeState>,
}

/// Evaluates the body of a step, and keeps what it saw if it fails and that is asked for.
pub fn body(
    context: &mut EvalContext,
    body: &Expression,
    here: &Here,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let Some(seen) = &here.seen else { return context.eval_expression_tree(body) };
    let around = context.scope().len();
    #[expect(deprecated, reason = "nothing else leaves the variables of a block to be looked at")]
    let result = context.eval_expression_tree_raw(body, false);
    let failed = matches!(&result, Err(error)
        if !matches!(**error, EvalAltResult::Return(..) | EvalAltResult::LoopBreak(..)));
    if failed {
        let mut seen = seen.lock();
        if seen.step.is_none() {
            seen.step =
                context.tag().clone().try_cast::<Here>().and_then(|here| here.frame.steps.last().cloned());
            seen.global = Some(context.global_runtime_state().clone());
        }
        let variables: Vec<_> = context
            .scope()
            .iter_raw()
            .map(|(name, _, value)| (name.to_owned(), value.flatten_clone()))
            .collect();
        // The newest of a name hides the others.
        for (name, value) in variables.into_iter().rev() {
            if !seen.variables.iter().any(|(known, _)| *known == name) {
                seen.variables.push((name, value));
            }
        }
    }
    context.scope_mut().rewind(around);
    result
}
