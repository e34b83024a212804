//! `banister runs`.

use super::context::Context;
use super::show;
use crate::failure::Result;
use crate::journal::file::Unread;
use crate::journal::run::{self, Glance};
use crate::report::text::table;
use serde_json::{Value, json};

/// Lists the runs, the newest first. Of one whose journal can't be read, what is known of it is listed.
pub fn runs(context: &Context) -> Result<u8> {
    let all: Vec<Glance> = run::all(&context.state)?.into_iter().map(Glance::verified).collect();
    if context.json {
        let head = |glance: &Glance| show::head(glance, glance.unread.as_ref().map(Unread::failure));
        let list: Vec<Value> = all.iter().rev().map(head).collect();
        println!("{}", json!(list));
        return Ok(0);
    }
    let row = |glance: &Glance| {
        vec![
            glance.name.clone(),
            glance.header.runbook.clone(),
            glance.header.servers.join(","),
            glance.state.name().replace('_', " "),
            glance.started.clone(),
            super::unread::briefly(glance),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().rev().map(row).collect();
    match rows.is_empty() {
        true => println!("there are no runs yet; begin one with `banister run update`"),
        false => print!("{}", table(&rows)),
    }
    Ok(0)
}
