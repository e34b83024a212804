//! What an editor has to know to complete and explain what a script can say: a file of definitions, as Rhai's language
//! server reads them. Steps and hooks are not in it: that server knows no words but Rhai's own.
//!
//! The form is the one in which Rhai itself writes definitions (`Engine::definitions`, a single file).

use super::{Page, Sort, pages};
use crate::primitive::Signature;
use crate::script::engine::engine;
use crate::script::layers::{Folder, Layers};
use std::fmt::Write;
use std::sync::Arc;

/// Where it lies in a site.
pub const FILE: &str = ".rhai/definitions/banister.d.rhai";

/// The line that it begins with, by which it is known to be nobody's own.
pub const HEAD: &str =
    "// Written by `banister customize` for editors that speak with Rhai's language server.";

/// The definitions for a site: of Rhai's own functions, of primitives, and of each module's functions.
pub fn definitions(layers: &Arc<Layers>) -> String {
    let mut text = format!("{HEAD}\nmodule static;\n\n");
    text += &engine(layers.clone()).definitions().builtin_functions();
    let all = pages(layers);
    for page in all.iter().filter(|page| page.sort == Sort::Primitive) {
        let Some(signature) = Signature::read(&page.usage) else { continue };
        let (fewest, most) = signature.arity();
        for count in fewest..=most {
            let names = (0..count).map(|n| match signature.positional.get(n) {
                Some(parameter) => format!("{}: {}", parameter.name, type_of(&parameter.of)),
                None => "options: Map".to_owned(),
            });
            function(&mut text, "", page, &page.name, &names.collect::<Vec<_>>());
        }
    }
    for (module, _) in layers.list(Folder::Stdlib) {
        let _ = writeln!(text, "\nmodule {module} {{");
        for page in all.iter().filter(|page| page.is_of(&module)) {
            let inside = page.usage.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
            let names = inside.split(',').map(str::trim).filter(|name| !name.is_empty());
            let names: Vec<String> = names.map(|name| format!("{name}: ?")).collect();
            function(&mut text, "    ", page, page.bare(), &names);
        }
        text += "}\n";
    }
    text
}

/// One function, with its documentation.
fn function(text: &mut String, indent: &str, page: &Page, name: &str, parameters: &[String]) {
    let usage = format!("`{}`\n\n", page.usage);
    for line in usage.lines().chain(page.text.lines()) {
        let _ = writeln!(text, "{indent}{}", format!("/// {line}").trim_end());
    }
    let _ = writeln!(text, "{indent}fn {name}({}) -> ?;\n", parameters.join(", "));
}

/// A type of our documentation, as Rhai names it.
fn type_of(name: &str) -> &'static str {
    match name {
        "text" => "String",
        "bool" => "bool",
        "array" => "Array",
        "map" => "Map",
        _ => "?",
    }
}
