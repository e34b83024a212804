//! Begins to work on a run in the background.

use super::context::Context;
use super::request::Request;
use super::view;
use crate::failure::Result;
use crate::journal::run::OpenRun;
use crate::output::word;
use crate::runner::{self, unit};
use crate::site::Site;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Whether a run has begun by what this process did.
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// What is to be done when one begins, and not only at its end, which may be hours later.
static THEN: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Says that a run has begun: what becomes of it is told by who works on it.
pub fn begins() {
    HAS_BEGUN.store(true, Ordering::Relaxed);
    THEN.get().into_iter().for_each(|then| then());
}

/// Has this done when a run begins.
pub fn when_begun(then: Box<dyn Fn() + Send + Sync>) {
    _ = THEN.set(then);
}

/// Whether this process has begun a run.
pub fn has_begun() -> bool {
    HAS_BEGUN.load(Ordering::Relaxed)
}

/// Has a runner work on the run from now on, and looks on until it ends, unless it is to be left to itself. Gives the exit
/// code.
pub fn begin(context: &Context, site: Arc<Site>, run: OpenRun, request: Request) -> Result<u8> {
    let (path, name) = (run.path.clone(), run.name());
    let (session, detach) = (runner::session(&path) + 1, request.answers.detach);
    let was_killed = run.index.sessions > 0 && run.index.finished.is_none();
    let earlier = Request::read(&path).ok().filter(|_| was_killed).map(|earlier| earlier.first);
    Request { first: session, earlier, ..request }.write(&path)?;
    // The runner opens it.
    drop(run);
    // Who begins it from another machine is logged in here only for that.
    let leaves = context.abroad.is_some();
    unit::start(&path, leaves, &|warning| eprintln!("warning: {warning}"))?;
    begins();
    if !detach {
        return view::view(context, &path, session, Some(site));
    }
    tell(context, &name);
    Ok(0)
}

/// Says that a run works, and how to follow it.
pub fn tell(context: &Context, name: &str) {
    match context.json {
        true => println!("{}", json!({ "run": name, "state": "running" })),
        false => {
            println!("{} the run {name} works in the background", context.style.bold("state:"));
            let next = context.command(&format!("attach {}", word(name)));
            println!("{}  {next}", context.style.bold("next:"));
        }
    }
}
