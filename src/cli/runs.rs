//! `banister runs`.

use super::context::Context;
use super::show;
use crate::failure::Result;
use crate::journal::run;
use crate::report::text::table;
use serde_json::{Value, json};

/// Lists the runs, the newest first. One whose journal is damaged is named as that.
pub fn runs(context: &Context) -> Result<u8> {
    let all: Vec<_> = run::all(&context.state)?.into_iter().map(|(_, glance)| glance).collect();
    if context.json {
        let list: Vec<Value> = all.iter().rev().flatten().map(|glance| show::head(glance, None)).collect();
        println!("{}", json!(list));
        return Ok(0);
    }
    let row = |summary: &Result<run::Glance>| match summary {
        Ok(summary) => vec![
            summary.name.clone(),
            summary.header.runbook.clone(),
            summary.header.servers.join(","),
            summary.state.name().replace('_', " "),
            summary.started.clone(),
        ],
        Err(failure) => vec![failure.to_string()],
    };
    let rows: Vec<Vec<String>> = all.iter().rev().map(row).collect();
    match rows.is_empty() {
        true => println!("there are no runs yet; begin one with `banister run update`"),
        false => print!("{}", table(&rows)),
    }
    Ok(0)
}
