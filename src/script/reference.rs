//! The reference: a page for everything that a script can say, made from the text that it is about.

pub mod definitions;
pub mod examples;
pub mod search;

use crate::kind::documented;
use crate::primitives;
use crate::script::check::contract::contract;
use crate::script::layers::merge::is_base;
use crate::script::layers::{Folder, Layers};
use crate::script::runbook::{Parameter, Runbook};
use crate::script::text::outline::{Function, outline};
use crate::script::text::source::{file_line, shown};
use crate::site;
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;

/// What a page is about, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Primitive,
    /// A block, or another word of the language.
    Block,
    Runbook,
    Module,
    Function,
    /// A key of a server's table in `site.toml`.
    Setting,
}

impl Sort {
    pub fn word(self) -> &'static str {
        match self {
            Sort::Primitive => "primitive",
            Sort::Block => "block",
            Sort::Runbook => "runbook",
            Sort::Module => "module",
            Sort::Function => "function",
            Sort::Setting => "site.toml",
        }
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// A function's with that of its module: `hoss::roll_back`.
    pub name: String,
    pub sort: Sort,
    /// How it is written.
    pub usage: String,
    /// The first sentence; nothing, if there is none.
    pub summary: String,
    /// The documentation, as Markdown.
    pub text: String,
    /// Of a runbook.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// The names of a runbook's steps, as they are written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// Of a function that a kind inherits: the kind that defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<String>,
}

impl Page {
    fn new(name: impl Into<String>, sort: Sort, usage: impl Into<String>, text: impl Into<String>) -> Page {
        let text = text.into();
        let summary = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let (parameters, steps, inherited) = (Vec::new(), Vec::new(), None);
        Page { name: name.into(), sort, usage: usage.into(), summary, text, parameters, steps, inherited }
    }

    /// A function's name without that of its module.
    pub fn bare(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or_default()
    }

    /// Whether it is a function of this module or runbook.
    pub fn is_of(&self, module: &str) -> bool {
        self.sort == Sort::Function && self.name.strip_suffix(self.bare()) == Some(&format!("{module}::"))
    }
}

const LANGUAGE: &str = include_str!("reference/language.md");

/// All pages of a site; without one, of what the program brings.
pub fn pages(layers: &Arc<Layers>) -> Vec<Page> {
    let mut pages: Vec<Page> = primitives::all()
        .map(|primitive| primitive.page())
        .map(|page| Page::new(page.name, Sort::Primitive, page.usage, page.body))
        .collect();
    pages.extend(LANGUAGE.split("\n## ").map(|part| part.trim_start_matches("## ")).map(block));
    pages.extend([kind(), kind_file()]);
    pages.extend(layers.list(Folder::Runbooks).into_iter().map(|(name, _)| runbook(layers, &name)));
    let modules = layers.list(Folder::Stdlib).into_iter().map(|(name, _)| name);
    pages.extend(modules.map(|name| module(layers, &name)));
    for folder in [Folder::Runbooks, Folder::Stdlib] {
        for (name, _) in layers.list(folder) {
            pages.extend(functions(layers, folder, &name));
        }
    }
    pages.extend(site::documented().into_iter().map(|key| {
        let usage = format!("{} = …    # {}", key.name, key.of);
        Page::new(key.name, Sort::Setting, usage, key.text)
    }));
    pages.push(notify());
    pages.push(Page::new("home", Sort::Setting, "home = \"server\"", HOME.to_owned()));
    pages.extend(layers.own_keys().into_iter().map(|(kind, name, key)| {
        let default = key.default.as_ref().map(|value| format!(" Default: `{value}`.")).unwrap_or_default();
        let text = format!("{}{default}\n\nOnly servers of the kind `{kind}` have it.", key.help);
        let usage = format!("{name} = …    # {}", key.form.words());
        Page::new(name, Sort::Setting, usage, text)
    }));
    pages.sort_by_key(|page| page.sort);
    pages
}

/// Where runs work.
const HOME: &str = "Where a run on one server with `ssh` works: a text at the beginning of `site.toml`. With `\"server\"` its journal \
                    is at that server, and it continues if this machine is switched off; other machines with the same \
                    `site.toml` follow and continue it. With `\"here\"`, the default, both are on the machine where it was \
                    begun, as with `--foreground` and for a run on several servers.";

/// Who hears of runs.
fn notify() -> Page {
    let mut text = "Where notices of runs go: an array of tables at the beginning of `site.toml`, each with one of `command`, \
                    `webhook`, `mail` and `ping`. A notice that nobody takes is sent again for an hour, and never disturbs \
                    the run. Runs with `--foreground` send none.\n"
        .to_owned();
    for (name, about) in site::of_notify() {
        let _ = write!(text, "\n- `{name}`: {about}");
    }
    Page::new("notify", Sort::Setting, "[[notify]]", text)
}

/// A part of the text about the language: name, usage in quotes, text.
fn block(part: &str) -> Page {
    let mut lines = part.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default().trim();
    let (name, usage, text) = (next(), next(), next());
    // One usage stands in quotes, several keep them.
    let usage = match usage.matches('`').count() {
        2 => usage.trim_matches('`'),
        _ => usage,
    };
    Page::new(name, Sort::Block, usage, text)
}

/// What a module must have, so that servers can be of its kind.
fn kind() -> Page {
    Page::new("kind", Sort::Block, "import \"kind\" as kind;", contract())
}

/// The file that says of a kind what needs no function.
fn kind_file() -> Page {
    let mut text = "What is known of a kind of servers without a function: `stdlib/KIND/kind.toml` in a site. A kind \
                    inherits the keys that it does not have; `[defaults]` and `[keys]` add to what is inherited.\n"
        .to_owned();
    for (name, about) in documented() {
        let _ = write!(text, "\n- `{name}`: {about}");
    }
    Page::new("kind.toml", Sort::Block, "extends = \"plain\"", text)
}

fn runbook(layers: &Arc<Layers>, name: &str) -> Page {
    let usage = format!("banister run {name}");
    match Runbook::load(layers.clone(), name) {
        Ok(runbook) => {
            let options = runbook.parameters.iter();
            let options = options.map(|parameter| {
                let value = if parameter.flag { "" } else { " VALUE" };
                format!(" [--{}{value}]", parameter.name.replace('_', "-"))
            });
            let usage = usage + options.collect::<String>().as_str();
            let text = layers.runbook(name).map(|text| text.text).unwrap_or_default();
            let steps = outline(&text).steps.into_iter().map(|step| step.name).collect();
            let parameters = runbook.parameters;
            Page { parameters, steps, ..Page::new(name, Sort::Runbook, usage, runbook.documentation) }
        }
        Err(failure) => Page::new(name, Sort::Runbook, usage, format!("It can't be read: {failure}")),
    }
}

fn module(layers: &Layers, name: &str) -> Page {
    let text = layers.module(name).ok().flatten().map(|text| text.text).unwrap_or_default();
    let lines = text.lines().skip_while(|line| line.trim().is_empty());
    let lines = lines.map_while(|line| line.strip_prefix("//!"));
    let about: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let mut about = about.join("\n").trim().to_owned();
    if let Some(parent) = layers.extends(name) {
        let _ = write!(about, "\n\nIt extends `{parent}`, and inherits the functions that are not its own.");
    }
    Page::new(name, Sort::Module, format!("import \"{name}\" as {name};"), about)
}

/// The functions that a module or a runbook offers.
fn functions(layers: &Layers, folder: Folder, name: &str) -> Vec<Page> {
    let text = match folder {
        Folder::Stdlib | Folder::Releases => layers.module(name).ok().flatten(),
        Folder::Runbooks => layers.runbook(name).ok(),
    };
    let (source, text) = text.map(|text| (text.source, text.text)).unwrap_or_default();
    // What a site replaces goes by another name; it is no function to call.
    let offered = |function: &Function| {
        let hidden = function.name == "main" || is_base(&function.name);
        !hidden && !text[function.whole.clone()].starts_with("private")
    };
    let all = outline(&text).functions;
    let page = |function: &Function| {
        let called = &text[function.place..];
        let called = &called[..called.find(')').map_or(called.len(), |end| end + 1)];
        let usage = format!("{name}::{}", called.split_whitespace().collect::<Vec<_>>().join(" "));
        let comment = comment_above(&text, function.whole.start);
        let line = text[..function.place].matches('\n').count() + 1;
        let inherited = parent(&source, line, name).map(str::to_owned);
        let comment = match &inherited {
            Some(parent) => format!("{comment}\n\nInherited from `{parent}`.").trim_start().to_owned(),
            None => comment,
        };
        let page = Page::new(format!("{name}::{}", function.name), Sort::Function, usage, comment);
        Page { inherited, ..page }
    };
    all.iter().filter(|function| offered(function)).map(page).collect()
}

/// The kind that a line of a kind's text is from, if that is another one.
fn parent<'a>(source: &'a str, line: usize, name: &str) -> Option<&'a str> {
    let file = shown(file_line(source, line).0);
    let file = file.rsplit('/').next().unwrap_or_default().strip_suffix(".rhai")?;
    (file != name).then_some(file)
}

/// The documentation that stands above a place.
fn comment_above(text: &str, place: usize) -> String {
    let above = text[..place].trim_end().lines().rev();
    let lines = above.map_while(|line| line.trim_start().strip_prefix("///"));
    let mut lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    lines.reverse();
    lines.join("\n").trim().to_owned()
}
