//! The module `releases`: what the files of releases say, as one module that `ledger` asks.
//!
//! A release asks for something in a file of its name: `stdlib/KIND/releases/0.2.10.rhai`, and in a site, for all of its
//! servers, `releases/0.2.10.rhai`; for more than one thing, in files of the folder `releases/0.2.10/`. The module is
//! written anew from the files that are there, as a script like any other: so it is checked, kept with a run and
//! replayed as such.

use super::{APART, Folder, Layers, Problem, Text, nearest};
use crate::failure::Result;
use crate::machine::release::Release;
use crate::script::text::outline::outline;
use crate::script::text::source::BUNDLED;
use std::fmt::Write;

/// What a file may say, each a function with the server as its only parameter, and what is true without it.
pub const FUNCTIONS: [(&str, &str); 6] = [
    ("applies", "true"),
    ("done", "false"),
    ("apply", "()"),
    ("apply_after", "()"),
    ("is_stop", "false"),
    ("known_bad", "()"),
];

/// A file of a release.
struct Entry {
    release: Release,
    /// The kind whose servers it is about; all of the site, if there is none.
    kind: Option<String>,
    /// How it is imported.
    path: String,
    /// How it is called in the ledger of a server: `hoss/0.2.10/client-secret`.
    name: String,
    text: Text,
    /// The functions of the contract that it has.
    functions: Vec<&'static str>,
}

impl Layers {
    /// The text of the module `releases` for servers of these kinds.
    pub fn releases(&self, kinds: &[String]) -> Result<Text> {
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        for (kind, path) in self.release_files(kinds)? {
            let Some(text) = self.file(&path)? else { continue };
            let name = path.replacen("/releases/", "/", 1);
            let name = name.strip_prefix("releases/").unwrap_or(&name).to_owned();
            let release = path.split_once("releases/").map_or("", |(_, rest)| rest);
            let release = release.split('/').next().unwrap_or_default().parse::<Release>();
            let Some(release) = release.ok().filter(Release::has_order) else {
                let message = format!("`{path}.rhai` is not named after a release");
                let help = "call it as the release that asks for it, such as `0.2.10.rhai`, or put it into a folder \
                            with that name";
                problems.push(Problem::at(&text, 0, message, help.into()));
                continue;
            };
            let functions = functions(&text, &mut problems);
            entries.push(Entry { release, kind, path, name, text, functions });
        }
        // The kind's before the site's, which can count on them.
        entries.sort_by(|a, b| {
            let own = |entry: &Entry| entry.kind.is_none();
            let order = a.release.compare(&b.release).unwrap_or_else(|| a.release.list_order(&b.release));
            order.then_with(|| (own(a), &a.path).cmp(&(own(b), &b.path)))
        });
        Ok(Text {
            source: format!("{BUNDLED}releases of {}.rhai", kinds.join(", ")),
            text: module(&entries, kinds.len() > 1, !self.bundled),
            own: Vec::new(),
            problems,
        })
    }

    /// The paths of the files of releases as they are imported: those of the kinds, each with its kind, and those of the site.
    fn release_files(&self, kinds: &[String]) -> Result<Vec<(Option<String>, String)>> {
        let mut paths = Vec::new();
        for kind in kinds {
            let own = self.names_below(Folder::Stdlib, &format!("{kind}/releases"))?;
            paths.extend(own.into_iter().map(|path| (Some(kind.clone()), path)));
        }
        let site = self.names_below(Folder::Releases, "")?;
        paths.extend(site.iter().map(|name| (None, format!("releases/{name}"))));
        Ok(paths)
    }
}

/// The functions that a file has of the contract; what else it offers would never be called.
fn functions(text: &Text, problems: &mut Vec<Problem>) -> Vec<&'static str> {
    let mut known = Vec::new();
    let outline = outline(&text.text);
    for function in &outline.functions {
        if text.text[function.whole.clone()].starts_with("private") {
            continue;
        }
        let names = || FUNCTIONS.iter().map(|(name, _)| *name);
        match names().find(|name| *name == function.name) {
            Some(name) if function.parameters == 1 => known.push(name),
            Some(name) => {
                let message =
                    format!("`{name}` of a release takes one argument, not {}", function.parameters);
                problems.push(Problem::at(
                    text,
                    function.place,
                    message,
                    format!("write `fn {name}(server)`"),
                ));
            }
            None => {
                let help = match nearest(&function.name, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write `private fn`, if it only helps another one".to_owned(),
                };
                let list = names().collect::<Vec<_>>().join(", ");
                let message = format!("nothing calls `{}`: a release has {list}", function.name);
                problems.push(Problem::at(text, function.place, message, help));
            }
        }
    }
    if known.contains(&"apply") && known.contains(&"apply_after") {
        let place = outline.functions.iter().find(|function| function.name == "apply_after");
        let help = "put one of them into its own file, in a folder named after the release";
        let message = "one file asks for two things, of which each is done once".to_owned();
        problems.push(Problem::at(text, place.map_or(0, |function| function.place), message, help.into()));
    }
    known
}

/// The text of the module. Where the files are of `several` kinds, those of a kind are about its servers only. `kept` are those of
/// a run that began before.
fn module(entries: &[Entry], several: bool, kept: bool) -> String {
    let mut text = "//! What releases ask of an administrator, of the files that are there.\n\n".to_owned();
    for (n, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.functions.is_empty()) {
        let _ = writeln!(text, "import {:?} as file{n};", entry.path);
    }
    let _ = writeln!(text, "import {APART:?} as apart;");
    text.push_str("\n/// All of them, the oldest release first.\nprivate fn all() {\n    return [\n");
    for entry in entries {
        let told = told(&entry.text.text);
        let title = told.split(". ").next().unwrap_or_default().lines().next().unwrap_or_default();
        let has = |name: &str| entry.functions.contains(&name);
        let when = match () {
            () if has("apply") => "\"before\"",
            () if has("apply_after") => "\"after\"",
            () => "()",
        };
        let kind = match &entry.kind {
            Some(kind) if several => format!(", kind: {}", quoted(kind)),
            None if several => ", kind: ()".to_owned(),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "        #{{ name: {}, release: {}, title: {}, text: {}, at: {when}{kind} }},",
            quoted(&entry.name),
            quoted(entry.release.version()),
            quoted(title),
            quoted(&told),
        );
    }
    text.push_str("    ];\n}\n\n/// Those that are about a server.\nfn entries(server) {\n");
    text.push_str(match several {
        true => "    return all().filter(|entry| entry.kind == () || entry.kind == server.kind);\n}\n",
        false => "    return all();\n}\n",
    });
    if kept {
        text.push_str("\n/// What runs of an earlier version call.\nfn entries() { return all(); }\n");
    }
    for (function, without) in FUNCTIONS {
        let _ = writeln!(text, "\nfn {function}(name, server) {{");
        for (n, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.functions.contains(&function))
        {
            let name = quoted(&entry.name);
            let call = format!("apart::ask(|| file{n}::{function}(server))");
            let _ = writeln!(text, "    if name == {name} {{ return {call}; }}");
        }
        let _ = writeln!(text, "    return {without};\n}}");
    }
    text
}

/// What its documentation tells.
fn told(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// As text in a script.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => quoted.push(' '),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
