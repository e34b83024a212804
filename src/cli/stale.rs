//! Overrides of what has changed since they were written.

use super::arguments::Answers;
use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::person::{Form, Question};
use crate::report::findings::render;
use crate::script::layers::Layers;
use crate::script::runbook::Runbook;
use crate::site::Site;

/// Shows both versions of what was overridden and has changed, if anything did; whether there was something to show.
pub fn show(context: &Context, runbook: &Runbook) -> Result<bool> {
    if runbook.layers().unkept()?.is_empty() {
        return Ok(false);
    }
    let stale = runbook.stale();
    if !stale.is_empty() {
        let mut files: Vec<&str> = stale.iter().map(|finding| finding.source.as_str()).collect();
        files.dedup();
        eprint!("{}", render(&stale, files.len(), true, context.style, false));
    }
    Ok(!stale.is_empty())
}

/// The same, and asks whether all is right as it is. That is asked once: the site keeps what its files are written
/// against from then on.
pub fn settle(context: &Context, site: &Site, runbook: &Runbook, answers: &Answers) -> Result<()> {
    let unkept = runbook.layers().unkept()?;
    if show(context, runbook)? {
        let text = "Are the site's files still right?".to_owned();
        let answer = context.person(answers).ask(&Question { text, form: Form::Confirm })?;
        if !answer.is_yes() {
            return Err(Failure::new(Kind::Declined, "the site's files are to be changed first")
                .help("change them, check with `banister check`, and run it again"));
        }
    }
    for (folder, name) in unkept {
        // The next run asks again.
        if let Err(failure) = Layers::keep_base(site.folder(), folder, &name) {
            eprintln!("warning: the site can't keep what `{name}` was written against: {failure}");
        }
    }
    Ok(())
}
