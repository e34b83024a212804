//! What a kind of server says of one of its servers, asked from outside of a runbook.

use super::layers::Layers;
use super::runbook::Runbook;
use crate::data::Arguments;
use crate::failure::Result;
use crate::session::Session;
use serde_json::Value;
use std::sync::Arc;

/// Calls a function of the kind with the session's server, in a session that writes nothing.
pub fn call(layers: Arc<Layers>, session: &Arc<Session>, function: &str) -> Result<Value> {
    let text = format!("import \"kind\" as kind;\nfn main() {{ kind::{function}(this_server()) }}\n");
    Runbook::from_text(layers, function, &text)?.value(session, &Arguments::new())
}
