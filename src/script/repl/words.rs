//! The words that can be typed, with what is known of each: for completion, hints and help.

use super::Repl;
use crate::primitive::{Page, Parameter};
use crate::primitives;
use crate::script::layers::Layers;
use crate::script::layers::merge::is_base;
use crate::script::text::outline::outline;
use std::collections::BTreeSet;

/// Something that can be called.
#[derive(Clone, Debug, PartialEq)]
pub struct Callable {
    pub name: String,
    /// As its documentation writes a call of it.
    pub usage: String,
    /// The first sentence of its documentation.
    pub summary: String,
    /// Whether its subject is a server, so that it can be called as a method of one.
    pub on_server: bool,
    /// What can be given in the map at its end.
    pub options: Vec<Parameter>,
}

impl Callable {
    fn of_page(page: Page) -> Callable {
        let first = page.signature.positional.first();
        Callable {
            name: page.name.into(),
            on_server: first.is_some_and(|parameter| parameter.of == "server"),
            usage: page.usage,
            summary: page.summary,
            options: page.signature.options,
        }
    }
}

/// The summary of what was typed.
pub const TYPED: &str = "Typed here.";

/// All primitives.
pub fn primitives() -> Vec<Callable> {
    primitives::all().map(|primitive| Callable::of_page(primitive.page())).collect()
}

/// The functions of a module, in the order in which they stand there.
pub fn functions(layers: &Layers, module: &str) -> Vec<Callable> {
    let Ok(Some(text)) = layers.module(module) else { return Vec::new() };
    let functions = outline(&text.text).functions.into_iter();
    // A bundled one that the site replaced goes by another name.
    let functions = functions.filter(|function| !is_base(&function.name));
    let own = functions.filter(|function| !text.text[function.whole.clone()].starts_with("private"));
    own.map(|function| {
        let whole = &text.text[function.place..function.whole.end];
        let list = whole.find(')').map_or(whole, |end| &whole[..=end]);
        Callable {
            name: function.name,
            usage: list.to_owned(),
            summary: comment(&text.text[..function.whole.start]),
            on_server: list.split(['(', ',', ')']).nth(1) == Some("server"),
            options: Vec::new(),
        }
    })
    .collect()
}

/// The first sentence of the comment at the end of a text.
fn comment(before: &str) -> String {
    let lines = before.trim_end().lines().rev().map_while(|line| line.trim().strip_prefix("///"));
    let mut lines: Vec<&str> = lines.map(str::trim).collect();
    lines.reverse();
    let text = lines.join(" ");
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text[..end].to_owned()
}

impl Repl {
    /// The modules that can be called without an import, and those that were imported.
    pub fn modules(&self) -> Vec<String> {
        let imported = self.global.scan_imports_raw().map(|(name, _)| name.to_string());
        let names: BTreeSet<String> = self.modules.iter().cloned().chain(imported).collect();
        names.into_iter().collect()
    }

    /// The functions that were typed.
    pub fn typed_functions(&self) -> Vec<Callable> {
        let functions =
            self.functions.iter_functions().filter(|function| !function.name.starts_with("anon$"));
        let callable = |function: rhai::ScriptFnMetadata| Callable {
            name: function.name.to_owned(),
            usage: format!("{}({})", function.name, function.params.join(", ")),
            summary: TYPED.into(),
            on_server: false,
            options: Vec::new(),
        };
        let mut callables: Vec<Callable> = functions.map(callable).collect();
        callables.sort_by(|a, b| a.name.cmp(&b.name));
        callables
    }

    /// The functions that the language brings.
    pub fn natives(&self) -> Vec<String> {
        let named = |function: rhai::FuncInfo| {
            let name = function.metadata.name.to_string();
            (rhai::is_valid_identifier(&name) && primitives::find(&name).is_none()).then_some(name)
        };
        let names: BTreeSet<String> =
            self.engine.collect_fn_metadata(None, named, true).into_iter().collect();
        names.into_iter().collect()
    }

    /// The layers that scripts are read from.
    pub fn layers(&self) -> &std::sync::Arc<Layers> {
        &self.layers
    }
}
