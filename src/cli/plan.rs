//! `banister plan`, and the file that it may leave for `banister run --plan`.

use super::arguments::PlanOptions;
use super::command_line::parameters;
use super::context::Context;
use crate::data::Arguments;
use crate::event::RunState;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::journal::run::{Glance, Summary};
use crate::machine::files::{sha256, write_private_durably, written_at};
use crate::output::word;
use crate::reach::Reach;
use crate::reach::facts::look_again;
use crate::reach::planner::Planner;
use crate::report::plan::{lines, summary};
use crate::script::plan::explore::explore;
use crate::script::plan::{Plan, What};
use crate::script::runbook::Runbook;
use crate::secret::{Sameness, has_secrets, keep_key, keyed_digest, same, show, show_value};
use crate::session;
use crate::site::Site;
use crate::stop::Stop;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version of the file's format.
const VERSION: u32 = 2;

/// A plan as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// When it was made, and by whom.
    time: String,
    by: String,
    program: String,
    site: PathBuf,
    /// A digest of `site.toml`.
    site_digest: String,
    #[serde(flatten)]
    plan: Plan,
}

/// Plans a run and prints the plan.
pub fn plan(context: &Context, options: &PlanOptions, matches: &clap::ArgMatches) -> Result<u8> {
    let (site, names, runbook) = context.prepare(&options.runbook)?;
    let parameters = parameters(&runbook, matches);
    runbook.require(&parameters)?;
    super::stale::show(context, &runbook)?;
    let header = session::header(&site, &options.runbook, parameters, names);
    let stop = Arc::new(Stop::new());
    super::signals::listen(&stop)?;
    let plan = explore(&runbook, &site, &header, &Arc::new(Planner::new(context.reach(&site))), &stop)?;
    if let Some(file) = &options.out {
        keep(file, &site, &plan)?;
    }
    let failure = plan.failure.as_ref().or(plan.rollback_failure.as_ref());
    let code = failure.map_or(0, |failure| failure.kind.exit_code());
    let opening = super::window::opening(&site, &runbook);
    if context.json {
        let mut document = shown(&plan);
        if let (Some((_, window)), Some(map)) = (&opening, document.as_object_mut()) {
            map.insert("window".into(), window.clone());
        }
        if let (Some(said), Some(map)) = (site.unattended, document.as_object_mut()) {
            map.insert("unattended".into(), said.to_string().into());
        }
        println!("{document}");
        return Ok(code);
    }
    print!("{}", lines(&plan, &took(context, &plan), context.style, context.verbose));
    let (state, next) = match (&plan.failure, &plan.rollback_failure) {
        (Some(_), _) => ("a run would stop as shown; nothing was changed".into(), context.command("status")),
        (None, Some(failure)) => (
            format!(
                "a run would do as shown, but its rollback would stop: {}; nothing was changed",
                failure.message
            ),
            context.command(&format!("check {}", place(failure))).trim().to_owned(),
        ),
        (None, None) => (summary(&plan), next(context, &plan, options.out.as_deref())),
    };
    let unattended = site.unattended.map(|said| format!("unattended: {}\n", said.sentence()));
    let window = opening.map(|(text, _)| format!("window: {text}\n")).unwrap_or_default();
    println!("\n{}{window}{} {}", unattended.unwrap_or_default(), context.style.bold("state:"), show(&state));
    println!("{}  {}", context.style.bold("next:"), show(&next));
    Ok(code)
}

/// The seconds of each outermost step of the last run that was done of the same on the same servers.
fn took(context: &Context, plan: &Plan) -> BTreeMap<String, f64> {
    let is_same = |run: &Glance| {
        let of = (&run.header.runbook, &run.header.servers);
        run.state == RunState::Done && of == (&plan.runbook, &plan.servers)
    };
    // Nothing depends on it: what can't be read is left out.
    let Ok(Some(last)) = context.find_run(None, is_same) else { return BTreeMap::new() };
    let index = Summary::as_far_as_readable(&last.path).0.index;
    let outermost = index.block_order().filter(|key| key.around().next().is_none());
    let blocks = outermost.filter_map(|key| index.block(key));
    blocks.filter_map(|block| Some((block.name.clone(), block.seconds?))).collect()
}

/// The file in which something is wrong, for a command.
fn place(failure: &Failure) -> String {
    let file = failure.at.as_deref().and_then(|at| at.split(':').next()).filter(|file| file.starts_with('/'));
    file.map(word).unwrap_or_default()
}

/// The command that carries the plan out, if there is anything in it.
fn next(context: &Context, plan: &Plan, file: Option<&Path>) -> String {
    if file.is_none() && plan.items.iter().all(|item| matches!(item.what, What::Note { .. })) {
        return context.command("status");
    }
    let mut words = vec!["run".to_owned(), plan.runbook.clone()];
    match file {
        Some(file) => words.push(format!("--plan {}", word(file.display()))),
        None => words.extend(plan.parameters.iter().map(|(name, value)| match value {
            Value::String(text) => format!("--{} {}", name.replace('_', "-"), word(text)),
            other => format!("--{} {}", name.replace('_', "-"), word(other)),
        })),
    }
    context.command(&words.join(" "))
}

fn keep(file: &Path, site: &Site, plan: &Plan) -> Result<()> {
    let file = written_at(file).map_err(|failure| Failure { kind: Kind::Invalid, ..failure })?;
    let kept = Kept {
        version: VERSION,
        time: crate::units::now(),
        by: crate::person::whoami(),
        program: env!("CARGO_PKG_VERSION").into(),
        site: site.file.clone(),
        site_digest: digest(site, has_secrets())?,
        plan: plan.clone(),
    };
    let failed = |error| Failure::new(Kind::Bug, "the plan can't be written").why(error);
    let mut kept = serde_json::to_value(&kept).map_err(failed)?;
    // What is only for eyes is kept as it is shown; the rest is encoded.
    for name in EYES {
        if let Some(part) = kept.get_mut(name) {
            *part = show_value(std::mem::take(part));
        }
    }
    let text = serde_json::to_string_pretty(&kept).map_err(failed)?;
    write_private_durably(&file, text.as_bytes())
}

/// The parts of a plan that nothing is made of but what a person reads.
const EYES: [&str; 2] = ["items", "warnings"];

/// The plan as JSON, with secrets hidden in its texts. The names of its parts, and its digests, are as they are.
fn shown(plan: &Plan) -> Value {
    let mut plan = json!(plan);
    for name in EYES.iter().chain(&["parameters", "facts", "failure", "rollback_failure"]) {
        if let Some(part) = plan.get_mut(*name) {
            *part = show_value(std::mem::take(part));
        }
    }
    plan
}

/// A digest of `site.toml`. If secrets are known there may be some in it, and then the digest says nothing to who has only
/// the plan.
fn digest(site: &Site, is_keyed: bool) -> Result<String> {
    if !is_keyed {
        return sha256(&site.file);
    }
    let text = std::fs::read(&site.file)
        .or_fail(Kind::Invalid, || format!("can't read `{}`", site.file.display()))?;
    keep_key()?;
    let digest = keyed_digest(&text);
    let digest = digest.ok_or_else(|| Failure::new(Kind::Refused, "there are no random bytes for a key"))?;
    Ok(format!("{KEYED}{digest}"))
}

/// What a keyed digest begins with.
const KEYED: &str = "keyed:";

/// Makes sure that a kept plan still holds for a run of `runbook` on `servers`, and gives its parameters. Fails at the
/// first thing that is not as it was.
pub fn still_holds(
    file: &Path,
    site: &Site,
    runbook: &Runbook,
    given: &Arguments,
    servers: &[String],
    reach: &dyn Reach,
) -> Result<Arguments> {
    let shown = file.display();
    let anew = format!("`banister plan {} --out {}`", runbook.name, word(file.display()));
    let refused = |failure: Failure| failure.help(format!("nothing was touched; make a new one with {anew}"));
    let invalid = |message: String| Err(refused(Failure::new(Kind::Invalid, message)));
    let text = std::fs::read_to_string(file)
        .or_fail(Kind::Invalid, || format!("can't read the plan `{shown}`"))
        .map_err(|failure| failure.help(format!("write one with {anew}")))?;
    let kept: Kept = serde_json::from_str(&text)
        .or_fail(Kind::Invalid, || format!("`{shown}` is not a plan that `banister plan --out` wrote"))
        .map_err(refused)?;
    let plan = &kept.plan;
    if kept.version != VERSION || kept.program != env!("CARGO_PKG_VERSION") {
        return invalid(format!("the plan `{shown}` was made by banister {}", kept.program));
    }
    if plan.runbook != runbook.name || plan.servers != servers {
        return invalid(format!(
            "the plan `{shown}` is for `{}` on {}",
            plan.runbook,
            plan.servers.join(", ")
        ));
    }
    if let Some((name, _)) = given.iter().find(|(name, value)| {
        plan.parameters.get(*name).is_none_or(|planned| same(planned, value) != Sameness::Same)
    }) {
        return invalid(format!("the plan `{shown}` was made with another `--{}`", name.replace('_', "-")));
    }
    if kept.site != site.file || kept.site_digest != digest(site, kept.site_digest.starts_with(KEYED))? {
        return invalid(format!(
            "`{}` changed since the plan was made, at {}",
            site.file.display(),
            kept.time
        ));
    }
    for (path, digest) in &plan.scripts {
        if runbook.layers().digest(path)?.as_ref() != Some(digest) {
            return invalid(format!("`{path}` changed since the plan was made, at {}", kept.time));
        }
    }
    look_again(&plan.facts, site, reach, &Stop::new()).map_err(|failure| match failure.kind {
        Kind::Invalid => refused(failure),
        _ => failure,
    })?;
    Ok(plan.parameters.clone())
}
