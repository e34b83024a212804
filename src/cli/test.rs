//! `banister test`: a site's scripts on a practice server.

mod reached;
mod rehearse;
mod subject;
mod sweep;
mod undisturbed;

use super::arguments::test::Options;
use super::context::Context;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::practice::{Original, Rehearsal};
use crate::report::failure::render;
use crate::report::text::elapsed;
use crate::script::layers::{Layers, Text};
use crate::script::rehearsal::Tests;
use crate::script::runbook::Runbook;
use crate::site::Site;
use reached::Reached;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Rehearses the runbooks, and runs the site's own tests. Exit 1, if something is not as it should be.
pub fn test(context: &Context, options: &Options) -> Result<u8> {
    let site = context.site()?;
    let program = std::env::current_exe().or_fail(Kind::Bug, || "the program does not find itself".into())?;
    let files = test_files(&site, &options.paths)?;
    let mut bench = Bench { context, program, cases: Vec::new(), never: Vec::new() };
    for original in originals(context, &site)? {
        let layers = Arc::new(Layers::of_site(Some(site.folder()), kind(&original)));
        let runbooks = options.runbook.iter().map(|name| Runbook::load(layers.clone(), name));
        let runbooks = runbooks.collect::<Result<Vec<_>>>()?;
        runbooks.iter().try_for_each(Runbook::check)?;
        let tests = files.iter().map(|file| Ok((file, Tests::read(&read(file)?)?)));
        let tests = tests.collect::<Result<Vec<_>>>()?;
        let mut reached = Reached::of(&runbooks, &layers, kind(&original))?;
        bench.say(&format!("{} of the kind {}, on a practice server", original.name, kind(&original)));
        if options.paths.is_empty() {
            for runbook in &runbooks {
                rehearse::rehearse(&mut bench, &original, &runbook.name, !options.quick, &mut reached);
            }
        }
        for (file, tests) in &tests {
            for name in &tests.names {
                let program = bench.program.clone();
                let shown = format!("{}: {}", shown(&site, file), name.replace('_', " "));
                bench.case(&shown, || {
                    let rehearsal = Arc::new(Rehearsal::new(&original, &program)?);
                    let result = tests.run(name, rehearsal.clone());
                    reached.see(&rehearsal.state())?;
                    result.map(|()| String::new())
                });
            }
        }
        let never = reached.never();
        bench.never.extend(never);
    }
    bench.end()
}

/// What is tried, and how it went.
pub struct Bench<'a> {
    context: &'a Context,
    program: PathBuf,
    cases: Vec<Value>,
    never: Vec<String>,
}

impl Bench<'_> {
    fn say(&self, text: &str) {
        if !self.context.quiet && !self.context.json {
            println!("{text}");
        }
    }

    /// Does one of them, and tells how it went: well, with a word on it, or not.
    fn case(&mut self, name: &str, work: impl FnOnce() -> Result<String>) -> bool {
        let began = Instant::now();
        let result = work();
        let seconds = began.elapsed().as_secs_f64();
        let style = self.context.style;
        match &result {
            Ok(note) => {
                let note = if note.is_empty() { String::new() } else { format!(": {note}") };
                self.say(&format!("  {} {name}{note}  {}", style.good("✓"), style.dim(&elapsed(seconds))));
            }
            Err(failure) if !self.context.json => {
                println!("  {} {name}  {}", style.bad("✗"), style.dim(&elapsed(seconds)));
                render(failure, style).lines().for_each(|line| println!("      {line}"));
            }
            Err(_) => {}
        }
        let failure = result.as_ref().err();
        self.cases.push(json!({
            "name": name, "passed": failure.is_none(), "seconds": seconds, "failure": failure,
        }));
        result.is_ok()
    }

    fn end(self) -> Result<u8> {
        let failed = self.cases.iter().filter(|case| case["passed"] == false).count();
        if self.context.json {
            let document = json!({ "cases": self.cases, "never_reached": self.never });
            println!("{}", serde_json::to_string_pretty(&document).or_fail(Kind::Bug, || "JSON".into())?);
            return Ok(u8::from(failed > 0));
        }
        if !self.never.is_empty() {
            self.say(&format!("steps that were never reached: {}", self.never.join(", ")));
        }
        match failed {
            0 => println!("all {} passed", self.cases.len()),
            failed => println!("{failed} of {} failed", self.cases.len()),
        }
        Ok(u8::from(failed > 0))
    }
}

fn kind(original: &Original) -> &str {
    original.table.get("kind").and_then(toml::Value::as_str).unwrap_or_default()
}

/// The server that is named, or the first of each kind.
fn originals(context: &Context, site: &Site) -> Result<Vec<Original>> {
    let failed = || format!("can't read `{}`", site.file.display());
    let text = std::fs::read_to_string(&site.file).or_fail(Kind::Invalid, failed)?;
    let file: toml::Table = text.parse().or_fail(Kind::Invalid, failed)?;
    let mut originals: Vec<Original> = Vec::new();
    for server in context.servers(site)? {
        let table = file.get("servers").and_then(|servers| servers.get(&server.name)?.as_table());
        let Some(table) = table.cloned() else { continue };
        let original = Original { folder: site.folder().to_owned(), name: server.name.clone(), table };
        if !originals.iter().any(|other| kind(other) == kind(&original)) {
            originals.push(original);
        }
    }
    Ok(originals)
}

/// The test scripts that are meant: those named, or all of the site.
fn test_files(site: &Site, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let folder = site.folder().join("tests");
    let paths = if paths.is_empty() && folder.is_dir() { &[folder][..] } else { paths };
    for path in paths {
        let failed = || format!("can't read `{}`", path.display());
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).or_fail(Kind::Invalid, failed)? {
            let entry = entry.or_fail(Kind::Invalid, failed)?.path();
            if entry.extension().is_some_and(|extension| extension == "rhai") {
                found.push(entry);
            }
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn read(file: &Path) -> Result<Text> {
    let text = std::fs::read_to_string(file);
    let text = text.or_fail(Kind::Invalid, || format!("can't read `{}`", file.display())).map_err(
        |failure: Failure| {
            failure.help("name test scripts, or leave them out for all in the site's folder `tests`")
        },
    )?;
    Ok(Text::new(file.display().to_string(), text))
}

fn shown(site: &Site, file: &Path) -> String {
    file.strip_prefix(site.folder()).unwrap_or(file).display().to_string()
}
