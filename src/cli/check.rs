//! `banister check`.

mod doubt;
mod machine;
mod metrics;
mod sources;
mod programs;
mod targets;

use super::context::Context;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::kind;
use crate::report::findings;
use crate::script::check::{self, About, Check, Finding, Severity, unknown_kind};
use crate::script::layers::{self, Folder, Layers, Text};
use crate::script::rehearsal::Tests;
use crate::site::{self, FILE, Server, Site};
use std::path::{Path, PathBuf};

/// Looks through the scripts that are named, or through all there are, and through `site.toml`. Exit 2 if there are
/// errors; that there is no site is none, as nothing is wrong with what there is.
pub fn check(context: &Context, paths: &[PathBuf]) -> Result<u8> {
    let mut files = 0;
    let mut found = Vec::new();
    let mut has_site = true;
    if paths.is_empty() {
        let file = match site::find(context.given_site.as_deref()) {
            Ok(file) => Some(file),
            Err(failure) if context.given_site.is_some() => return Err(failure),
            Err(_) => None,
        };
        has_site = file.is_some();
        look(file.as_deref(), None, &mut files, &mut found)?;
    } else {
        // Files of one site are looked through together.
        let mut groups: Vec<(Option<PathBuf>, Vec<PathBuf>)> = Vec::new();
        for path in paths {
            for script in scripts_in(path)? {
                let site = site_of(&script).or_else(|| site::find(context.given_site.as_deref()).ok());
                match groups.iter_mut().find(|(of, _)| *of == site) {
                    Some((_, group)) => group.push(script),
                    None => groups.push((site, vec![script])),
                }
            }
        }
        for (site, scripts) in groups {
            look(site.as_deref(), Some(&scripts), &mut files, &mut found)?;
        }
    }
    let errors = found.iter().any(|finding| finding.severity == Severity::Error);
    match context.json {
        true => println!("{}", serde_json::json!(found)),
        false => {
            print!("{}", findings::render(&found, files, has_site, context.style, context.quiet));
            // A site that can't be read is among the findings.
            let site = context.site_if_any().ok().flatten().filter(|_| paths.is_empty() && !context.quiet);
            let unasked = site.as_ref().map(programs::unasked).unwrap_or_default();
            if !unasked.is_empty() {
                println!("not asked: whether the programs of `notify` are on {}", unasked.join(", "));
            }
            if let Some(said) = site.and_then(|site| site.unattended) {
                println!("unattended: {}", said.sentence());
            }
        }
    }
    Ok(if errors { 2 } else { 0 })
}

/// Looks through the scripts of a site, or of none, or through those that are named; in any case through what they
/// import and through `site.toml`.
fn look(
    site_file: Option<&Path>,
    scripts: Option<&[PathBuf]>,
    files: &mut usize,
    found: &mut Vec<Finding>,
) -> Result<()> {
    let folder = site_file.and_then(Path::parent).map(Path::to_owned);
    let folder = folder.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
    let layers = Layers::of_site(folder.as_deref(), "");
    let mut kinds: Vec<String> = kind::bundled();
    if let Some(file) = site_file {
        *files += 1;
        match Site::load(file) {
            Ok(site) => {
                kinds = site.servers.values().map(|server| server.kind.clone()).collect();
                kinds.sort();
                kinds.dedup();
                found.extend(check::hooks(&layers, &site));
                let unknown = unknown_kinds(&site, &mut kinds, &layers)?;
                found.extend(unknown);
                found.extend(site.servers.values().flat_map(|server| doubtful_secrets(&site, server)));
                found.extend(programs::of_notices(&site));
                found.extend(metrics::doubt(&site));
                for server in site.servers.values() {
                    // A file that can't be read overrides nothing, and is a finding of its own.
                    let own = layers.own_functions(&server.kind).unwrap_or_default();
                    found.extend(machine::doubts(&site, server, &own));
                }
            }
            Err(failure) => found.push(unreadable_site(file, &failure)),
        }
    }
    let mut check = Check::new(&layers, &kinds);
    match scripts {
        Some(scripts) => {
            for script in scripts {
                look_at(script, &layers, &mut check, found)?;
            }
        }
        None => {
            for (name, _) in layers.list(Folder::Runbooks) {
                match layers.runbook(&name) {
                    Ok(text) => check.runbook(text),
                    Err(failure) => {
                        found.push(unreadable_script(folder.as_deref(), Folder::Runbooks, &name, &failure))
                    }
                }
            }
            for (name, _) in layers.list(Folder::Stdlib) {
                match layers.module(&name) {
                    Ok(text) => text.into_iter().for_each(|text| check.text(text)),
                    Err(failure) => {
                        found.push(unreadable_script(folder.as_deref(), Folder::Stdlib, &name, &failure))
                    }
                }
            }
            let tests = folder.as_deref().map(|folder| folder.join("tests")).filter(|tests| tests.is_dir());
            for script in tests.iter().map(|tests| scripts_in(tests)).collect::<Result<Vec<_>>>()?.concat() {
                *files += 1;
                found.extend(mistake_in_test(&script)?);
            }
        }
    }
    let (looked, more) = check.end();
    *files += looked;
    found.extend(more);
    Ok(())
}

/// One script that is named.
fn look_at(script: &Path, layers: &Layers, check: &mut Check, found: &mut Vec<Finding>) -> Result<()> {
    if is_test(script) {
        found.extend(mistake_in_test(script)?);
        return Ok(());
    }
    let script = &std::path::absolute(script).unwrap_or_else(|_| script.to_owned());
    let text = match layers::script(script) {
        Ok(text) => text,
        Err(failure) => {
            found.push(unreadable(script, &failure));
            return Ok(());
        }
    };
    let text = Text::new(script.display().to_string(), text);
    let name = script.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    // What overrides a bundled file is checked together with it.
    let text = match script_folder(script).filter(|_| site_of(script).is_some()) {
        Some("runbooks") if Layers::is_bundled(Folder::Runbooks, name) => layers.runbook(name)?,
        Some("stdlib") => layers.module(name)?.unwrap_or(text),
        _ => text,
    };
    match site_of(script).is_some() && script_folder(script) == Some("runbooks") {
        true => check.runbook(text),
        false => check.text(text),
    }
    Ok(())
}

/// The scripts that a path means: a file, or those in a folder and in its folders.
fn scripts_in(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("can't read `{}`", path.display());
    if !path.is_dir() {
        if !path.exists() {
            return Err(Failure::new(Kind::Invalid, format!("there is no file `{}`", path.display()))
                .help("without a path, `banister check` checks all scripts of the site"));
        }
        return Ok(vec![path.to_owned()]);
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .or_fail(Kind::Invalid, failed)?
        .map(|entry| entry.map(|entry| entry.path()).or_fail(Kind::Invalid, failed))
        .collect::<Result<_>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if entry.is_dir() && !hidden && !entry.is_symlink() {
            found.extend(scripts_in(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "rhai") {
            found.push(entry);
        }
    }
    Ok(found)
}

/// The name of the folder that a script is in.
fn script_folder(script: &Path) -> Option<&str> {
    script.parent()?.file_name()?.to_str()
}

/// The `site.toml` that a script in one of the two folders of a site belongs to.
fn site_of(script: &Path) -> Option<PathBuf> {
    let script = std::path::absolute(script).ok()?;
    let own = matches!(script_folder(&script)?, "runbooks" | "stdlib");
    let file = script.parent()?.parent()?.join(FILE);
    (own && file.is_file()).then_some(file)
}

/// Whether a script is one of a site's tests.
fn is_test(script: &Path) -> bool {
    let site = |script: PathBuf| script.parent()?.parent().map(|site| site.join(FILE));
    script_folder(script) == Some("tests")
        && std::path::absolute(script).ok().and_then(site).is_some_and(|file| file.is_file())
}

/// Why a test script can't be read, if it can't.
fn mistake_in_test(script: &Path) -> Result<Option<Finding>> {
    let text = match layers::script(script) {
        Ok(text) => text,
        Err(failure) => return Ok(Some(unreadable(script, &failure))),
    };
    let Err(failure) = Tests::read(&Text::new(script.display().to_string(), text)) else { return Ok(None) };
    let line = failure.at.as_deref().and_then(|at| at.rsplit(':').next()?.parse().ok()).unwrap_or(0);
    Ok(Some(at_line(script, line, 0, failure.message, failure.help.unwrap_or_default())))
}

/// A script that can't be read is a finding like any other: it stops nobody from looking at the others.
fn unreadable(file: &Path, failure: &Failure) -> Finding {
    let line = failure.why.iter().find_map(|why| why.strip_prefix("line ")?.split(' ').next()?.parse().ok());
    let message = match failure.why.is_empty() {
        true => failure.message.clone(),
        false => format!("{}: {}", failure.message, failure.why.join(", ")),
    };
    at_line(file, line.unwrap_or(0), 0, message, failure.help.clone().unwrap_or_default())
}

fn unreadable_script(site: Option<&Path>, folder: Folder, name: &str, failure: &Failure) -> Finding {
    let file = site.unwrap_or(Path::new("")).join(folder.name()).join(format!("{name}.rhai"));
    unreadable(&file, failure)
}

/// `site.toml` does not load: the place is in what the parser says.
fn unreadable_site(file: &Path, failure: &Failure) -> Finding {
    // Some of it is in the `kind.toml` of a kind, which says so.
    let elsewhere = failure.at.as_deref().and_then(|at| at.rsplit_once(':'));
    if let Some((other, line)) = elsewhere.filter(|(other, _)| other.ends_with(kind::FILE)) {
        let reason = failure.why.last().and_then(|why| why.lines().next_back()).unwrap_or_default();
        let help = failure.help.clone().unwrap_or_default();
        return at_line(Path::new(other), line.parse().unwrap_or(0), 0, reason.to_owned(), help);
    }
    let said = failure.why.join("\n");
    let number = |word: &str| -> Option<usize> {
        let rest = &said[said.find(word)? + word.len()..];
        rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
    };
    let (line, column) = (number("at line ").unwrap_or(0), number(", column ").unwrap_or(0));
    let reason = said.lines().next_back().unwrap_or_default();
    let message = match line {
        0 if said.is_empty() => failure.message.clone(),
        0 => format!("{}: {said}", failure.message),
        _ => reason.to_owned(),
    };
    // What is well written and means nothing says of which server it is, and of which key.
    let server = failure.at.as_deref().and_then(|at| at.split('`').nth(1));
    let line = match server.filter(|_| line == 0) {
        Some(server) => match line_of_value(file, failure) {
            0 => machine::line_of(file, server, &failure.message),
            line => line,
        },
        None if line == 0 => line_of_value(file, failure),
        None => line,
    };
    at_line(file, line, column, message, failure.help.clone().unwrap_or_default())
}

/// The line of a value that a failure names; 0 if it names none that is there.
fn line_of_value(file: &Path, failure: &Failure) -> usize {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut named = failure.message.split('`').skip(1).step_by(2);
    let of = |value: &str| {
        let (one, other) = (format!("\"{value}\""), format!("'{value}'"));
        text.lines().position(|line| line.contains(&one) || line.contains(&other))
    };
    named.find_map(of).map_or(0, |place| place + 1)
}

/// Settings that are called like secrets and hold a word that a text may have for another reason.
fn doubtful_secrets(site: &Site, server: &Server) -> Vec<Finding> {
    if server.ssh.is_some() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(&site.file).unwrap_or_default();
    let head = format!("[servers.{}]", server.name);
    let line = text.lines().position(|line| line.trim() == head).map_or(0, |n| n + 1);
    let finding = |(name, word): (String, &'static str)| {
        let message = format!("the secret `{name}` is also {word}: it is hidden only beside its name");
        let help = format!("if it is none, write `not_secrets = [\"{name}\"]` into the server's table");
        Finding { severity: Severity::Warning, ..at_line(&site.file, line, 0, message, help) }
    };
    server.doubtful_secrets().into_iter().map(finding).collect()
}

/// Takes out the kinds of servers that have no module: it is said once, and not at each script that needs one.
fn unknown_kinds(site: &Site, kinds: &mut Vec<String>, layers: &Layers) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for kind in std::mem::take(kinds) {
        if layers.module(&kind)?.is_some() {
            kinds.push(kind);
            continue;
        }
        let text = std::fs::read_to_string(&site.file).unwrap_or_default();
        let written = |line: &str| line.trim_start().starts_with("kind") && line.contains(kind.as_str());
        let line = text.lines().position(written).map_or(0, |n| n + 1);
        let (message, help) = unknown_kind(&kind, layers);
        found.push(at_line(&site.file, line, 0, message, help));
    }
    Ok(found)
}

fn at_line(file: &Path, line: usize, column: usize, message: String, help: String) -> Finding {
    let text = std::fs::read_to_string(if line > 0 { file } else { Path::new("") }).unwrap_or_default();
    let text = line.checked_sub(1).and_then(|n| text.lines().nth(n)).unwrap_or_default().to_owned();
    let source = std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display().to_string();
    let (severity, about) = (Severity::Error, About::Place);
    Finding { severity, source, line, column, message, help, text, versions: None, about }
}
