//! Hooks of `site.toml` that belong to no step: they would never run.

use super::{About, Finding, Severity};
use crate::output::nearest::nearest;
use crate::script::layers::{Folder, Layers};
use crate::script::text::outline::outline;
use crate::site::hooks::{ANY, means};
use crate::site::spot::{line_and_column, spot};
use crate::site::{Server, Site};
use std::collections::BTreeSet;

/// The hooks of all servers whose step is in no runbook, and in nothing that the steps of runbooks come from.
pub fn hooks(layers: &Layers, site: &Site) -> Vec<Finding> {
    let text = std::fs::read_to_string(&site.file).unwrap_or_default();
    let servers = site.servers.values().filter(|server| !server.hooks.is_empty());
    servers.flat_map(|server| of_server(layers, site, server, &text)).collect()
}

fn of_server(layers: &Layers, site: &Site, server: &Server, text: &str) -> Vec<Finding> {
    let steps = steps(layers, &server.kind);
    let missing = server.hooks.all().filter(|(_, step, _)| !steps.iter().any(|name| means(step, name)));
    let finding = |(when, step, _): (crate::site::hooks::When, &str, _)| {
        let place = spot(text, &server.name, &["hooks", when.word(), step]);
        let (line, column) = place.map_or((0, 0), |place| line_and_column(text, place.start));
        let shown: Vec<String> = steps.iter().map(|name| name.replace(ANY, "*")).collect();
        let help = match nearest(step, shown.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the steps are: {}", shown.join(", ")),
        };
        Finding {
            severity: Severity::Error,
            source: site.file.display().to_string(),
            line,
            column,
            message: format!("no runbook has a step `{step}`, which a hook of `{}` is for", server.name),
            help,
            text: text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned(),
            versions: None,
            about: About::Place,
        }
    };
    missing.map(finding).collect()
}

/// The names of all steps that a runbook on a server of this kind may have; what only a run knows of them is [`ANY`].
fn steps(layers: &Layers, kind: &str) -> BTreeSet<String> {
    let runbooks = layers.list(Folder::Runbooks).into_iter();
    let runbooks = runbooks.filter_map(|(name, _)| layers.runbook(&name).ok());
    let modules = layers.list(Folder::Stdlib).into_iter().map(|(name, _)| name);
    let modules = modules.filter(|name| name == kind || !layers.is_kind(name));
    let releases = layers.names_below(Folder::Releases, "").unwrap_or_default();
    let modules = modules.chain(releases.iter().map(|name| format!("releases/{name}")));
    let modules = modules.filter_map(|name| layers.module(&name).ok().flatten());
    // What can't be read is a finding of its own.
    let outlines = runbooks.chain(modules).map(|text| outline(&text.text));
    outlines.flat_map(|outline| outline.steps).map(|step| template(&step.name)).collect()
}

/// A step's name, as it is written, with [`ANY`] for each `${…}`.
fn template(name: &str) -> String {
    let mut pieces = name.split("${");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |name, piece| {
        // In what is interpolated there may be braces again.
        let mut depth = 1;
        let end = piece.char_indices().find(|(_, letter)| {
            depth += match letter {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0
        });
        format!("{name}{ANY}{}", end.map_or("", |(at, _)| &piece[at + 1..]))
    })
}
