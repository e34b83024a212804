//! Begins to work on a run in the background.

use super::context::Context;
use super::request::Request;
use super::view;
use crate::failure::Result;
use crate::journal::run::OpenRun;
use crate::output::word;
use crate::runner::{self, watch};
use crate::site::Site;
use serde_json::json;
use std::sync::Arc;

/// Has a runner work on the run from now on, and looks on until it ends, unless it is to be left to itself. Gives the exit
/// code.
pub fn begin(context: &Context, site: Arc<Site>, run: OpenRun, request: &Request) -> Result<u8> {
    let (path, name) = (run.path.clone(), run.name());
    request.write(&path)?;
    let session = runner::session(&path) + 1;
    // The runner opens it.
    drop(run);
    watch::start(&path)?;
    if !request.answers.detach {
        return view::view(context, &path, session, Some(site));
    }
    match context.json {
        true => println!("{}", json!({ "run": name, "state": "running" })),
        false => {
            println!("{} the run {name} works in the background", context.style.bold("state:"));
            let next = context.command(&format!("attach {}", word(&name)));
            println!("{}  {next}", context.style.bold("next:"));
        }
    }
    Ok(0)
}
