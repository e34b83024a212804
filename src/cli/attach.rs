//! `banister attach`.

use super::context::{Context, at_once};
use super::{elsewhere, homes, outcome, view};
use crate::book::{self, Book, Open};
use crate::event::RunState;
use crate::failure::Result;
use crate::journal::run::{Glance, Summary};
use crate::person::Person;
use crate::reach::inquiry;
use crate::report::prompt::Terminal;
use crate::runner;
use crate::secret::show;
use crate::site::{Home, Site};
use serde_json::json;
use std::sync::Arc;

/// Looks on while a run works, and answers its questions.
pub fn attach(context: &Context, run: Option<&str>) -> Result<u8> {
    let works = |glance: &Glance| runner::is_at_work(&glance.path);
    let is_here = run.is_none() && context.find_run(None, works)?.is_some();
    if !is_here && let Some(found) = homes::find(context, run, |listed| listed.is_at_work)? {
        return elsewhere::attach(context, &found);
    }
    let Some(found) = context.find_run(run, works)? else {
        match context.json {
            true => println!("{}", json!({ "run": null, "state": "nothing_works" })),
            false => {
                println!("no run works in the background; see what there is with `banister runs`");
                of_others(context).iter().for_each(|line| println!("{line}"));
            }
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
    let person = context.is_interactive().then(|| Arc::new(Terminal) as Arc<dyn Person>);
    let session = runner::session(&found.path).max(1);
    view::view_with(context, &found.path, session, site.map(Arc::new), person, true)
}

/// The runs at work of other users, or of other machines, by the books of the servers that are homes of runs, a line each.
fn of_others(context: &Context) -> Vec<String> {
    let Some(site) = context.site_if_any().ok().flatten().filter(|site| site.home == Home::Server) else {
        return Vec::new();
    };
    let reach = context.reach(&site);
    let servers = context.servers(&site).unwrap_or_default();
    let books = at_once(&servers, |server| inquiry::noted(reach.as_ref(), server).map(|noted| noted.book));
    let lines = servers.iter().zip(books).flat_map(|(server, book)| {
        let Ok(book) = book else { return Vec::new() };
        let at_work = book.open.iter().filter(|open| open.state == RunState::Running);
        at_work.map(|open| said_of(&server.name, &book, open)).collect()
    });
    lines.collect()
}

fn said_of(server: &str, book: &Book, open: &Open) -> String {
    let line = format!("{server}: {}; its journal: {}", book::describe(book, open), open.journal);
    show(&line).replace(|c: char| c.is_control(), "")
}
