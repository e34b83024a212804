//! A call of a primitive without a session.

use banister::failure::Result;
use banister::internals::primitives;
use banister::primitive::Accepted;
use serde_json::Value;

/// The primitive of this name with these arguments, which are those of a call as a journal has them.
pub fn accepted(name: &str, arguments: &Value) -> Result<Box<dyn Accepted>> {
    primitives::find(name).unwrap().accept(arguments.as_object().unwrap())
}
