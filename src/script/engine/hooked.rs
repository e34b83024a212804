//! What `site.toml` has before and after a step: calls of that step, as if its block began and ended with them.

use super::here::Here;
use super::values::to_error;
use crate::data::{Arguments, SERVER};
use crate::journal::Call;
use crate::primitive::Primitive;
use crate::primitives::run::Run;
use crate::script::layers::hooks::Hook;
use crate::session::Frame;
use crate::site::hooks::When;
use rhai::EvalAltResult;
use serde_json::json;

/// The commands of a step that is about to begin in the frame of `here`.
pub fn of_step(here: &Here, name: &str) -> Vec<Hook> {
    // Most sites have none.
    if here.hooks.is_empty() {
        return Vec::new();
    }
    let Some(server) = here.session.server_of_step(&here.frame, name) else { return Vec::new() };
    here.hooks.iter().filter(|hook| hook.is_of(server, name)).cloned().collect()
}

/// Runs those of one side, in `frame`, that of the step. The first that fails is the last.
pub fn run(here: &Here, frame: &Frame, hooks: &[Hook], when: When) -> Result<(), Box<EvalAltResult>> {
    for hook in hooks.iter().filter(|hook| hook.when == when) {
        let arguments = Arguments::from_iter([
            ("server".to_owned(), json!({ SERVER: hook.server })),
            ("arguments".to_owned(), json!(hook.command)),
        ]);
        let call = Call { name: Run::NAME.into(), arguments };
        here.session.call(frame, &hook.at, call).map_err(to_error)?;
    }
    Ok(())
}
