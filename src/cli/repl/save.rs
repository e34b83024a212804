//! `save`: what was typed becomes a file of the site.

use super::work::Work;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::journal::run::Summary;
use crate::machine::files::write_durably;
use crate::person::whoami;
use crate::script::layers::{Folder, Layers};
use crate::script::repl::Repl;
use crate::script::repl::saved::{self, Parts};
use crate::script::text::outline::outline;
use crate::script::text::tokens::{Sort, tokens};
use crate::secret::show;
use crate::units::now;
use std::path::{Path, PathBuf};

/// Writes what worked, and gives what to say of it. Never over a file that is there.
pub fn save(work: &Work, repl: &Repl, typed: &[String], name: Option<&str>) -> Result<String> {
    // What is hidden for eyes is no script, and a file of the site is no place for a secret.
    let (typed, secret): (Vec<&String>, Vec<&String>) = typed.iter().partition(|line| show(line) == **line);
    let parts = saved::parts(typed.into_iter().map(String::as_str));
    if parts.statements.is_empty() && parts.functions.is_empty() {
        return Err(Failure::new(
            Kind::Invalid,
            "there is nothing to save: nothing that was typed worked yet",
        ));
    }
    let left_out = |said: String| match secret.as_slice() {
        [] => said,
        secret => {
            let lines: Vec<_> = secret.iter().map(|line| show(line)).collect();
            format!(
                "{said}\nleft out, because a secret is in it: {}; write it with `secret(\"…\")`",
                lines.join("; ")
            )
        }
    };
    match (work.run_folder(), name) {
        (None, name) => runbook(work, repl, &parts, name).map(left_out),
        (Some(run), None) => hook(work, repl, &parts, &Summary::read(run)?).map(left_out),
        (Some(_), Some(_)) => Err(Failure::new(
            Kind::Invalid,
            "calls in a stopped run are saved at the failed step, without a name",
        )
        .help("type `save`")),
    }
}

/// A runbook of its own.
fn runbook(work: &Work, repl: &Repl, parts: &Parts, name: Option<&str>) -> Result<String> {
    let name = match name {
        Some(name) => name.trim_end_matches(".rhai").to_owned(),
        None => format!("typed-{}", now().replace([':', 'T', 'Z', '-'], "")),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(Failure::new(Kind::Invalid, format!("`{name}` can't be the name of a runbook"))
            .help("use letters, digits, `-` and `_`"));
    }
    if Layers::is_bundled(Folder::Runbooks, &name) {
        return Err(Failure::new(Kind::Invalid, format!("the program brings a runbook `{name}` already"))
            .help("choose another name"));
    }
    let head = format!("//! Typed by {} in `banister repl`, saved at {}.\n", whoami(), now());
    let text = format!(
        "{head}{}{}\nfn main() {{\n{}}}\n",
        imports(repl, parts),
        functions(parts),
        body(work, parts)
    );
    let file = write(work.site().folder(), &name, &text)?;
    Ok(format!("wrote {}: review it, then `banister check`, `banister run {name}`", file.display()))
}

/// A hook of the step in which the run stopped.
fn hook(work: &Work, repl: &Repl, parts: &Parts, summary: &Summary) -> Result<String> {
    let step =
        summary.index.open_steps().last().map(|(_, block)| block.name.clone()).or_else(|| work.stopped_in());
    let step = step
        .ok_or_else(|| Failure::new(Kind::Invalid, "the run did not stop in a step that could be fixed"))?;
    let (run, runbook) = (&summary.name, &summary.header.runbook);
    let head = format!(
        "// Saved at {} by {} in `banister repl --run {run}`:\n// done by hand after step `{step}` of `{runbook}` had failed.\n",
        now(),
        whoami(),
    );
    let text = format!(
        "{}{}\nbefore(\"{step}\") {{\n{}}}\n",
        imports(repl, parts),
        functions(parts),
        body(work, parts)
    );
    let folder = work.site().folder();
    let there = home(runbook, &step);
    let file = |(of, name): &(Folder, String)| folder.join(of.name()).join(format!("{name}.rhai"));
    if let Some((of, name)) = there.as_ref().filter(|there| !file(there).exists()) {
        let file = file(&(*of, name.clone()));
        Layers::keep_base(folder, *of, name)?;
        create(&file, &format!("{head}{text}"))?;
        return Ok(format!(
            "wrote {}: from now on it runs before step `{step}`; review it, then `banister check`",
            file.display()
        ));
    }
    let into = match &there {
        Some(there) => file(there),
        None => folder.join("runbooks").join(format!("{runbook}.rhai")),
    };
    let shown = into.strip_prefix(folder).unwrap_or(&into).display();
    let comment: String =
        text.trim_start().lines().map(|line| format!("// {line}").trim_end().to_owned() + "\n").collect();
    let text = format!(
        "//! To be moved into `{shown}`; it is no runbook.\n\n{head}// Move what follows there, without the `//`, and remove this file.\n\n{comment}\nfn main() {{\n    throw \"move what is in this file into `{shown}`\";\n}}\n"
    );
    let written = write(folder, &format!("mend-{run}"), &text)?;
    Ok(format!("wrote {}: it says what to move into `{shown}`, which is there already", written.display()))
}

/// The bundled text in which a step of this name stands: that of the runbook itself, if it is there.
fn home(runbook: &str, step: &str) -> Option<(Folder, String)> {
    let layers = Layers::of_site(None, "");
    let all = |folder: Folder| layers.list(folder).into_iter().map(move |(name, _)| (folder, name));
    let own = (Folder::Runbooks, runbook.to_owned());
    let mut places = [own].into_iter().chain(all(Folder::Runbooks)).chain(all(Folder::Stdlib));
    places.find(|(folder, name)| {
        let text = Layers::bundled_file(*folder, name).unwrap_or_default();
        outline(text).steps.iter().any(|found| found.name == step)
    })
}

/// The imports that were typed, and those of modules that were called without.
fn imports(repl: &Repl, parts: &Parts) -> String {
    let mut imports = parts.imports.clone();
    let modules = repl.modules();
    for text in parts.statements.iter().chain(&parts.functions) {
        for pair in tokens(text).windows(2) {
            let name = &text[pair[0].place.clone()];
            let import = format!("import \"{name}\" as {name};");
            let is_called = pair[0].sort == Sort::Word && &text[pair[1].place.clone()] == "::";
            let is_typed = imports.iter().any(|typed| typed.ends_with(&format!(" as {name};")));
            if is_called && modules.iter().any(|module| module == name) && !is_typed {
                imports.push(import);
            }
        }
    }
    imports.iter().map(|import| format!("\n{import}")).collect::<String>()
        + if imports.is_empty() { "" } else { "\n" }
}

fn functions(parts: &Parts) -> String {
    parts.functions.iter().map(|function| format!("\n{function}\n")).collect()
}

/// The statements, after the servers that they name.
fn body(work: &Work, parts: &Parts) -> String {
    let servers = work.site().servers.keys().map(String::as_str);
    let servers =
        saved::used(parts, servers).into_iter().map(|name| format!("let {name} = server(\"{name}\");"));
    let lines = servers.chain(parts.statements.iter().cloned());
    let indented = |statement: String| -> String {
        statement.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
    };
    lines.map(indented).collect()
}

fn write(site: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let file = site.join("runbooks").join(format!("{name}.rhai"));
    create(&file, text)?;
    Ok(file)
}

/// The file is there whole or not at all: half a script would keep every run of the site from beginning.
fn create(file: &Path, text: &str) -> Result<()> {
    let failed = || format!("can't write `{}`", file.display());
    std::fs::create_dir_all(file.parent().unwrap_or(file)).or_fail(Kind::Invalid, failed)?;
    let whole = file.with_extension(format!("whole-{}", std::process::id()));
    write_durably(&whole, text.as_bytes())?;
    let linked = std::fs::hard_link(&whole, file);
    let removed = std::fs::remove_file(&whole);
    linked.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(Kind::Invalid, format!("there is a file `{}` already", file.display()))
                .help("choose another name: `save NAME`, or move that one away first")
        }
        _ => Failure::new(Kind::Invalid, failed()).why(error),
    })?;
    removed.or_fail(Kind::Invalid, failed)
}
