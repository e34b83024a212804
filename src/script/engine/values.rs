//! The values that scripts hold besides Rhai's own, and failures as errors of a script.

use crate::data;
use crate::failure::Failure;
use crate::site::Server;
use rhai::{Dynamic, EvalAltResult};
use std::sync::Arc;

/// A server of the site.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerValue(pub Arc<Server>);

/// What a script's `catch` gets.
#[derive(Clone, Debug)]
pub struct FailureValue(pub Failure);

/// A failure as a script's error: one that may be caught, or one that ends the script whatever it tries.
pub fn to_error(failure: Failure) -> Box<EvalAltResult> {
    let catchable = failure.kind.catchable();
    let value = Dynamic::from(FailureValue(failure));
    Box::new(match catchable {
        true => EvalAltResult::ErrorRuntime(value, rhai::Position::NONE),
        false => EvalAltResult::ErrorTerminated(value, rhai::Position::NONE),
    })
}

/// The server's name as an argument.
pub fn server_argument(server: &ServerValue) -> serde_json::Value {
    serde_json::json!({ data::SERVER: server.0.name })
}
