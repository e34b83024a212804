//! The runs of a server at this home, for who lists them elsewhere.

use crate::cli::context::Context;
use crate::cli::{outcome, show, unread};
use crate::failure::Result;
use crate::home::parcel;
use crate::home::wire::{Listed, Says};
use crate::journal::file::Unread;
use crate::journal::run::{self, Glance, Summary};
use crate::reach::desk::say;
use crate::runner;
use crate::secret;
use crate::site::{Server, Site};
use std::path::{Path, PathBuf};

/// Says them, the oldest first: those of this key, those that began for the same checkout under another name, and those that
/// are named.
pub fn list(context: &Context, key: &str, checkout: &Path, named: &[String]) -> Result<()> {
    let folder = parcel::folder(&context.state, key);
    let sites = parcel::sites(&context.state);
    let mut wanted = checkout.to_owned();
    if let (Ok(rest), Some(home)) = (checkout.strip_prefix("~"), std::env::var_os("HOME")) {
        wanted = PathBuf::from(home).join(rest);
    }
    let is_of_checkout = |site: &Path| {
        let is_it = |server: &Server| server.checkout == wanted;
        site.starts_with(&sites) && Site::load(site).is_ok_and(|site| site.servers.values().any(is_it))
    };
    let is_meant = |glance: &Glance| {
        let site = &glance.header.site;
        site.starts_with(&folder) || named.contains(&glance.name) || glance.is_open() && is_of_checkout(site)
    };
    let all = run::all(&context.state)?.into_iter().filter(is_meant);
    let all: Vec<Glance> = all.map(Glance::verified).collect();
    let count = all.len();
    let listed = all.into_iter().enumerate().map(|(n, glance)| listed(context, &glance, n + 1 == count));
    say(&Says::Runs(listed.collect()));
    Ok(())
}

fn listed(context: &Context, glance: &Glance, is_newest: bool) -> Listed {
    let (mut text, mut next, mut needs_somebody) = (String::new(), String::new(), false);
    if is_newest {
        let summary = Summary::as_far_as_readable(&glance.path).0;
        (text, next) = outcome::lines(context, &summary);
        needs_somebody = outcome::needs_somebody(&summary) || outcome::went_wrong(&summary);
    }
    let is_at_work = runner::is_at_work(&glance.path);
    let ended = if is_at_work { None } else { glance.last.clone() };
    let head = show::head(glance, glance.unread.as_ref().map(Unread::failure));
    Listed {
        run: glance.name.clone(),
        runbook: glance.header.runbook.clone(),
        servers: glance.header.servers.clone(),
        state: glance.state.name().into(),
        started: glance.started.clone(),
        wrong: unread::briefly(glance),
        head: secret::show_value(head),
        is_open: glance.is_open(),
        is_at_work,
        ended,
        needs_somebody,
        text: secret::show(&text).into_owned(),
        next: secret::show(&next).into_owned(),
    }
}
