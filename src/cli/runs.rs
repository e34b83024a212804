//! `banister runs`.

use super::context::Context;
use super::homes::{self, Found};
use super::show;
use crate::failure::Result;
use crate::home::remembered::Remembered;
use crate::home::wire::Listed;
use crate::journal::file::Unread;
use crate::journal::run::{self, Glance};
use crate::report::text::table;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Lists the runs, the newest first. Of one whose journal can't be read, what is known of it is listed.
pub fn runs(context: &Context) -> Result<u8> {
    let all: Vec<Glance> = run::all(&context.state)?.into_iter().map(Glance::verified).collect();
    let homes = homes::ask(context, true)?;
    if context.json {
        let head = |glance: &Glance| show::head(glance, glance.unread.as_ref().map(Unread::failure));
        let mut list: Vec<(Option<Timestamp>, Value)> =
            all.iter().map(|glance| (instant(&glance.started), head(glance))).collect();
        list.extend(
            homes.runs.iter().map(|found| (instant(&found.listed.started), found.listed.head.clone())),
        );
        list.extend(homes.unknown.iter().map(|(known, failure)| {
            let head = json!({
                "run": known.run, "runbook": known.runbook, "state": "unknown", "servers": [known.server],
                "started": known.since, "failure": failure,
            });
            (instant(&known.since), head)
        }));
        list.sort_by_key(|(began, _)| std::cmp::Reverse(*began));
        let list: Vec<Value> = list.into_iter().map(|(_, head)| head).collect();
        println!("{}", json!(list));
        return Ok(0);
    }
    let remarks = |head: &Value, wrong: String| {
        let all = [show::about::about(head), wrong];
        all.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    };
    let row = |glance: &Glance| {
        vec![
            glance.name.clone(),
            glance.header.runbook.clone(),
            glance.header.servers.join(","),
            glance.state.name().replace('_', " "),
            glance.started.clone(),
            remarks(&show::head(glance, None), super::unread::briefly(glance)),
        ]
    };
    let mut rows: Vec<(Option<Timestamp>, Vec<String>)> =
        all.iter().map(|glance| (instant(&glance.started), row(glance))).collect();
    rows.extend(homes.runs.iter().map(|Found { listed, .. }| {
        let wrong = if listed.wrong.is_empty() { "at its server".into() } else { listed.wrong.clone() };
        let state = listed.state.replace('_', " ");
        let Listed { run, runbook, servers, started, head, .. } = listed.clone();
        (instant(&started), vec![run, runbook, servers.join(","), state, started, remarks(&head, wrong)])
    }));
    rows.extend(homes.unknown.into_iter().map(|(known, failure)| {
        let Remembered { run, runbook, server, since, .. } = known;
        (instant(&since), vec![run, runbook, server, "unknown".into(), since, failure.to_string()])
    }));
    rows.sort_by_key(|(began, _)| std::cmp::Reverse(*began));
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
    let is_all = homes.silent.is_empty();
    for (server, failure) in homes.silent {
        eprintln!("warning: it is unknown which runs are on `{server}`: {failure}");
    }
    match rows.is_empty() {
        true if !is_all => {}
        true => println!("there are no runs yet; begin one with `banister run update`"),
        false => print!("{}", table(&rows)),
    }
    Ok(0)
}

fn instant(started: &str) -> Option<Timestamp> {
    started.parse().ok()
}
