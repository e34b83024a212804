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

/// A kind that is asked, with any number of questions.
pub struct Asked(Runbook);

impl Asked {
    /// The kind that these layers are of. Fails with [`Kind::Invalid`] if they have none.
    pub fn of(layers: Arc<Layers>) -> Result<Asked> {
        if layers.module("kind")?.is_none() {
            let kind = layers.kinds().first().map_or("", String::as_str);
            let (message, help) = unknown_kind(kind, &layers);
            return Err(Failure::new(Kind::Invalid, message).why(help.clone()).help(help));
        }
        let answer = |function| format!("        \"{function}\" => kind::{function}(this_server()),\n");
        let answers: String = ASKED.into_iter().map(answer).collect();
        let text = format!(
            "import \"kind\" as kind;\nfn main(question) {{\n    switch question {{\n{answers}    }}\n}}\n"
        );
        Runbook::from_text(layers, "status", &text).map(Asked)
    }

    /// Calls a function of the kind, one of [`ASKED`], with the session's server, in a session that writes nothing.
    pub fn call(&self, session: &Arc<Session>, function: &str) -> Result<Value> {
        debug_assert!(ASKED.contains(&function), "{function} is nothing that a kind must offer");
        let question = Arguments::from_iter([("question".to_owned(), function.into())]);
        self.0.value(session, &question)
    }
}
