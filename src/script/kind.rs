//! A kind of servers: what it must offer, and what it says of one of its servers, asked from outside of a runbook.

use super::check::unknown_kind;
use super::layers::{Folder, Layers};
use super::outline::outline;
use super::runbook::Runbook;
use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::session::Session;
use serde_json::Value;
use std::sync::Arc;

/// The functions that `status` asks with a server.
pub const ASKED: [&str; 3] = ["health", "running_release", "backup_folder"];

/// A function that a kind must offer.
pub struct Offer {
    /// `check_ready(server, from, to)`.
    pub usage: String,
    /// What it is for, as the kind `plain` says; nothing where its name says it.
    pub about: String,
    /// Who calls it: bundled runbooks, and `status`.
    pub callers: Vec<String>,
}

/// All of them, in the order of the kind `plain`, which does of each as much as can be done for any server.
pub fn offers() -> Vec<Offer> {
    let plain = Layers::bundled_file(Folder::Stdlib, "plain").unwrap_or_default();
    let layers = Layers::of_site(None, "");
    let runbooks: Vec<String> = layers.list(Folder::Runbooks).into_iter().map(|(name, _)| name).collect();
    let offer = |function: &super::outline::Function| {
        let calls = |runbook: &&String| {
            let text = Layers::bundled_file(Folder::Runbooks, runbook).unwrap_or_default();
            text.contains(&format!("kind::{}(", function.name))
        };
        let mut callers: Vec<String> = runbooks.iter().filter(calls).cloned().collect();
        callers.extend(ASKED.contains(&function.name.as_str()).then(|| "status".to_owned()));
        let usage = &plain[function.place..];
        let usage = usage[..usage.find(')').map_or(usage.len(), |end| end + 1)].to_owned();
        let lines = plain[..function.whole.start].lines().rev();
        let mut about: Vec<&str> = lines.map_while(|line| line.strip_prefix("/// ")).collect();
        about.reverse();
        Offer { usage, about: about.join("\n"), callers }
    };
    let all = outline(plain).functions;
    all.iter().map(offer).filter(|offer| !offer.callers.is_empty()).collect()
}

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
