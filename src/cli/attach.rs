//! `banister attach`.

use super::context::Context;
use super::{elsewhere, outcome, view};
use crate::failure::Result;
use crate::journal::run::{Glance, Summary};
use crate::runner;
use crate::site::Site;
use serde_json::json;
use std::sync::Arc;

/// Looks on while a run works, and answers its questions.
pub fn attach(context: &Context, run: Option<&str>) -> Result<u8> {
    let works = |glance: &Glance| runner::is_at_work(&glance.path);
    let is_here = run.is_none() && context.find_run(None, works)?.is_some();
    if !is_here && let Some(found) = elsewhere::list::find(context, run, |listed| listed.is_at_work)? {
        return elsewhere::attach(context, &found);
    }
    let Some(found) = context.find_run(run, works)? else {
        match context.json {
            true => println!("{}", json!({ "run": null, "state": "nothing_works" })),
            false => println!("no run works in the background; see what there is with `banister runs`"),
        }
        return Ok(0);
    };
    if !works(&found) {
        // One that was named. There is nothing to follow.
        let (summary, unread) = Summary::as_far_as_readable(&found.path);
        if let Some(unread) = unread {
            return Err(unread.into());
        }
        match context.json {
            true => println!("{}", json!({ "run": found.name, "state": summary.state.name() })),
            false => outcome::print(context, &summary, None),
        }
        return Ok(0);
    }
    let site = Site::load(&found.header.site).ok();
    view::view(context, &found.path, runner::session(&found.path).max(1), site.map(Arc::new))
}
