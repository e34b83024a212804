//! What a kind of servers says of one of its servers, asked from outside of a runbook.

use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::script::check::contract::ASKED;
use crate::script::check::unknown_kind;
use crate::script::layers::Layers;
use crate::script::runbook::Runbook;
use crate::session::Session;
use serde_json::Value;
use std::sync::Arc;

/// Calls a function of the kind, one of [`ASKED`], with the session's server, in a session that writes nothing.
pub fn call(layers: Arc<Layers>, session: &Arc<Session>, function: &str) -> Result<Value> {
    debug_assert!(ASKED.contains(&function), "{function} is nothing that a kind must offer");
    if layers.module("kind")?.is_none() {
        let (message, help) = unknown_kind(layers.kind(), &layers);
        return Err(Failure::new(Kind::Invalid, message).why(help.clone()).help(help));
    }
    let text = format!("import \"kind\" as kind;\nfn main() {{ kind::{function}(this_server()) }}\n");
    Runbook::from_text(layers, function, &text)?.value(session, &Arguments::new())
}
