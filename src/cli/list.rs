//! `banister list`.

use super::context::Context;
use crate::failure::Result;
use crate::report::text::table;
use crate::script::layers::kinds::Kinds;
use crate::script::layers::{Folder, Layers};
use crate::script::runbook::{Runbook, summary_of};
use crate::secret::show;
use crate::site::Site;
use crate::site::hooks::When;
use serde_json::json;
use std::sync::Arc;

/// Lists the runbooks, with what each is for and where it is from.
pub fn list(context: &Context) -> Result<u8> {
    let site = context.site_if_any()?;
    let kinds = Kinds::of(site.iter().flat_map(|site| site.servers.values()));
    let layers = Arc::new(Layers::of_site(site.as_ref().map(Site::folder), kinds));
    let runbooks = layers.list(Folder::Runbooks).into_iter().map(|(name, own)| {
        let from = match (own, Layers::is_bundled(Folder::Runbooks, &name)) {
            (true, true) => "overridden",
            (true, false) => "site",
            _ => "bundled",
        };
        // What is the program's own can be run: reading it would take as long as all else together.
        if let Some(text) = Layers::bundled_text(Folder::Runbooks, &name).filter(|_| !own) {
            return (name, from, Vec::new(), summary_of(&text));
        }
        let summary = match Runbook::load(layers.clone(), &name) {
            Ok(runbook) => runbook.summary,
            Err(failure) => {
                [&["can't be read".to_owned(), failure.message][..], &failure.why].concat().join(": ")
            }
        };
        // Of what can't be read the summary says so.
        let own = layers.overrides(Folder::Runbooks, &name).unwrap_or_default();
        (name, from, own, summary)
    });
    let runbooks: Vec<_> = runbooks.collect();
    if context.json {
        let list: Vec<_> = runbooks
            .iter()
            .map(|(name, from, own, summary)| {
                json!({ "name": name, "source": from, "summary": summary, "overrides": own })
            })
            .collect();
        println!("{}", json!(list));
    } else {
        let row = |(name, from, _, summary): &(String, &str, Vec<String>, String)| {
            vec![name.clone(), (*from).to_owned(), summary.clone()]
        };
        print!("{}", table(&runbooks.iter().map(row).collect::<Vec<_>>()));
        for (name, _, own, _) in runbooks.iter().filter(|(_, _, own, _)| !own.is_empty()) {
            println!("{name} of this site: {}", own.join(", "));
        }
        for server in site.iter().flat_map(|site| site.servers.values()).filter(|it| !it.hooks.is_empty()) {
            let hook = |(when, step, _): (When, &str, _)| format!("{}(\"{}\")", when.word(), show(step));
            let hooks: Vec<String> = server.hooks.all().map(hook).collect();
            println!("hooks of {}: {}", server.name, hooks.join(", "));
        }
    }
    Ok(0)
}
