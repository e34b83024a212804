//! Calls: whether there is such a function, and whether it takes so many arguments.

use super::Walk;
use crate::output::nearest::MISSPELT;
use crate::primitive::{AnyPrimitive, Signature, Sort};
use crate::primitives;
use crate::script::check::arity;
use crate::script::check::finding::{About, Finding, Severity};
use crate::script::check::known::KNOWN;
use crate::script::check::words;
use crate::script::layers::{distance, nearest};
use rhai::{Expr, FnCallExpr, Position};
use std::sync::LazyLock;

/// Where functions are documented that are not ours.
const RHAIS_OWN: &str = "it is one of Rhai's own: see https://rhai.rs/book";

/// Stands for a receiver of which nothing can be told.
static SOMETHING: LazyLock<Expr> = LazyLock::new(|| Expr::Variable(Box::default(), None, Position::NONE));

impl<'a> Walk<'a> {
    /// `name(…)`, `module::name(…)`, and operators.
    pub fn call(&mut self, call: &'a FnCallExpr, place: Position) {
        call.args.iter().for_each(|argument| self.expression(argument));
        let count = call.args.len();
        if call.is_operator_call() {
            return self.compared(call, place);
        }
        if call.is_qualified() {
            return self.module_call(&call.namespace, &call.name, count, place);
        }
        let given: Vec<&Expr> = call.args.iter().collect();
        if self.own(&call.name, count, place) || self.primitive(&call.name, &given, false, place) {
            return;
        }
        if let Some((message, help)) = words::forbidden(&call.name) {
            self.find(Severity::Error, place, message, help);
        } else if call.name == "parallel" {
            self.parallel(&given, place);
        } else if let Some(counts) = KNOWN.native(&call.name) {
            if !counts.is_empty() && !counts.contains(&count) {
                let (fewest, most) = (counts.first(), counts.last());
                let takes = arity::arguments(*fewest.unwrap_or(&0), *most.unwrap_or(&0));
                let message = format!("`{}` takes {takes}, not {count}", call.name);
                self.find(Severity::Error, place, message, RHAIS_OWN);
            }
        } else {
            let message = format!("there is no function `{}`", call.name);
            let help = self.meant(&call.name);
            let finding = Finding::new(Severity::Error, &self.file.text, place, message, help);
            self.found.push(Finding { about: About::UnknownFunction, ..finding });
        }
    }

    /// A call of one of the file's own functions. True if there is nothing more to say.
    fn own(&mut self, name: &str, count: usize, place: Position) -> bool {
        let Some(function) = self.program.named(name).next() else { return false };
        let fits = |count: usize| self.program.named(name).any(|own| own.parameters.len() == count);
        if !fits(count) && KNOWN.native(name).is_none_or(|counts| !counts.contains(&count)) {
            let takes = arity::arguments(function.parameters.len(), function.parameters.len());
            let help = format!("call it as `{}`", function.usage());
            self.find(Severity::Error, place, format!("`{name}` takes {takes}, not {count}"), help);
        }
        true
    }

    /// A call of a primitive. True if it is one.
    fn primitive(&mut self, name: &str, given: &[&'a Expr], dotted: bool, place: Position) -> bool {
        let Some(primitive) = primitives::find(name) else { return false };
        self.acts(primitive, place);
        let page = primitive.page();
        let (fewest, most) = page.signature.arity();
        if (fewest..=most).contains(&given.len()) {
            self.arguments(primitive, &page.signature, given);
            return true;
        }
        let hidden = usize::from(dotted);
        let takes = arity::arguments(fewest.saturating_sub(hidden), most.saturating_sub(hidden));
        let message = format!("`{name}` takes {takes}, not {}", given.len() - hidden);
        let help = format!("call it as `{}`", usage(&page.usage, &page.signature, dotted));
        self.find(Severity::Error, place, message, help);
        true
    }

    /// What a primitive does at this place.
    fn acts(&mut self, primitive: &dyn AnyPrimitive, place: Position) {
        if !self.in_function {
            let message = format!("`{}` is called outside a function", primitive.name());
            self.find(Severity::Error, place, message, "move it into `fn main() { … }`");
        }
        if primitive.sort() == Sort::Change
            && let Some(tried) = self.tries.last_mut()
        {
            tried.change.get_or_insert_with(|| primitive.name().to_owned());
        }
    }

    /// `receiver.name(…)`. The types of values are not known, so that a method of any type will do.
    pub fn method(&mut self, receiver: Option<&'a Expr>, call: &'a FnCallExpr, place: Position) {
        call.args.iter().for_each(|argument| self.expression(argument));
        let name = call.name.as_str();
        if let Some(function) = self.program.named(name).next() {
            let fits = self.program.named(name).any(|own| own.parameters.len() == call.args.len());
            if !fits && function.parameters.len() == call.args.len() + 1 {
                let message = format!("`{name}` is a function of this file and no method");
                let help = format!("write `{}`", function.usage());
                self.find(Severity::Error, place, message, help);
            }
            return;
        }
        if let Some((message, help)) = words::forbidden(name) {
            return self.find(Severity::Error, place, message, help);
        }
        if primitives::find(name).is_some() {
            let given: Vec<&'a Expr> =
                std::iter::once(receiver.unwrap_or(&SOMETHING)).chain(&call.args).collect();
            self.primitive(name, &given, true, place);
            return;
        }
        if let Some(counts) = KNOWN.native(name) {
            if !counts.is_empty() && !counts.contains(&(call.args.len() + 1)) {
                // One that takes nothing is no method.
                let (fewest, most) = (counts.first().unwrap_or(&1), counts.last().unwrap_or(&1));
                let (fewest, most) = (fewest.saturating_sub(1), most.saturating_sub(1));
                let message =
                    format!("`{name}` takes {}, not {}", arity::arguments(fewest, most), call.args.len());
                self.find(Severity::Warning, place, message, RHAIS_OWN);
            }
            return;
        }
        let near = nearest(name, KNOWN.names()).filter(|near| distance(name, near) <= MISSPELT);
        // A server holds no closures. What is called a server is one, as far as anybody can tell.
        let is_server = receiver.is_some_and(|receiver| match receiver {
            Expr::Variable(variable, ..) => variable.2.is_empty() && variable.1 == "server",
            other => crate::script::check::literal::kind(other) == Some("server"),
        });
        let severity = if near.is_some() || is_server { Severity::Error } else { Severity::Warning };
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if is_server => "list what can be called with `banister doc`".to_owned(),
            None => format!("if it is a closure in a map, write `….{name}.call(…)`"),
        };
        self.find(severity, place, format!("nothing has a method `{name}`"), help);
    }

    /// What a person meant who wrote a function's name that there is not.
    fn meant(&mut self, name: &str) -> String {
        for alias in self.scopes.aliases() {
            let module = self.scopes.peek_alias(alias);
            let programs = module.iter().flat_map(|module| &module.files);
            let mut programs = programs.filter_map(|file| self.files.files[*file].program.as_ref());
            if programs.any(|program| program.named(name).any(|function| !function.private)) {
                return format!("write `{alias}::{name}(…)`");
            }
        }
        let own = self.program.functions.iter().map(|function| function.name.as_str());
        let near = nearest(name, own.chain(KNOWN.names()).chain(["parallel"]));
        // Among hundreds of names, one always shares some letters.
        match near.filter(|near| distance(name, near) <= MISSPELT.max(near.len() / 2)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "list the primitives with `banister doc`".to_owned(),
        }
    }
}

/// A signature, as it is called after a dot if that is how it was.
fn usage(usage: &str, signature: &Signature, dotted: bool) -> String {
    let Some((name, rest)) = usage.split_once('(') else { return usage.to_owned() };
    let first = signature.positional.first();
    match first.filter(|first| dotted && first.name == "server") {
        Some(first) => {
            let rest = rest.strip_prefix(&first.name).unwrap_or(rest);
            format!("{}.{name}({}", first.name, rest.trim_start_matches([',', ' ']))
        }
        None => usage.to_owned(),
    }
}
