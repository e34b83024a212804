//! What a step sees when it fails: its variables, and the modules and functions that it can call.

use rhai::{Dynamic, EvalContext, GlobalRuntimeState};

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

impl Seen {
    /// Keeps what the body of a step that failed has seen, after what the steps in it have.
    pub fn keep(&mut self, context: &EvalContext, step: Option<String>) {
        if self.step.is_none() {
            self.step = step;
            self.global = Some(context.global_runtime_state().clone());
        }
        let variables: Vec<_> = context
            .scope()
            .iter_raw()
            .map(|(name, _, value)| (name.to_owned(), value.flatten_clone()))
            .collect();
        // The newest of a name hides the others.
        for (name, value) in variables.into_iter().rev() {
            if !self.variables.iter().any(|(known, _)| *known == name) {
                self.variables.push((name, value));
            }
        }
    }
}
