//! What is passed to primitives and to `parallel`: names of options, and kinds of values that are written out.

use super::Walk;
use crate::data::{self, Arguments};
use crate::failure::Result;
use crate::primitive::{AnyPrimitive, Parameter, Signature};
use crate::primitives;
use crate::script::check::finding::Severity;
use crate::script::check::literal::{described, kind};
use crate::script::engine::convert::to_plain;
use crate::script::layers::nearest;
use crate::units;
use rhai::{Expr, Position};
use serde_json::{Value, json};

impl<'a> Walk<'a> {
    /// The arguments of a primitive, whose number is right.
    pub fn arguments(&mut self, primitive: &dyn AnyPrimitive, signature: &Signature, given: &[&'a Expr]) {
        let name = primitive.name();
        for (n, argument) in given.iter().enumerate() {
            if let Expr::Map(map, _) = argument
                && signature.options_at(n, given.len())
            {
                for (option, value) in &map.0 {
                    match signature.options.iter().find(|known| known.name == option.name.as_str()) {
                        Some(known) => self.value(name, known, value, true),
                        None => self.no_option(name, &option.name, option.pos, &signature.options),
                    }
                }
                continue;
            }
            match signature.positional.get(n) {
                Some(parameter) => self.value(name, parameter, argument, parameter.default.is_some()),
                None => {
                    if let Some(kind) = kind(argument) {
                        let message =
                            format!("`{name}` takes a map of options at its end, not {}", described(kind));
                        let help = format!("write it as `#{{ {}: … }}`", signature.options[0].name);
                        self.find(Severity::Error, argument.start_position(), message, help);
                    }
                }
            }
        }
    }

    fn no_option(&mut self, of: &str, option: &str, place: Position, known: &[Parameter]) {
        let names = || known.iter().map(|option| option.name.as_str());
        let help = match nearest(option, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
                format!("it has {}", names.join(", "))
            }
        };
        self.find(Severity::Error, place, format!("`{of}` has no option `{option}`"), help);
    }

    /// A value for a parameter or an option. `()` means that it is left out, where it may be.
    fn value(&mut self, of: &str, parameter: &Parameter, value: &Expr, may_be_left_out: bool) {
        let Some(kind) = kind(value) else { return };
        let wanted = parameter.of.as_str();
        let text = match value {
            Expr::StringConstant(text, _) => Some(text.as_str()),
            _ => None,
        };
        let fits = match (wanted, kind) {
            ("", _) => kind != "block",
            (_, "()") => may_be_left_out,
            ("duration", "text") => text.is_none_or(|text| text.parse::<units::Duration>().is_ok()),
            ("size", "text") => text.is_none_or(|text| text.parse::<units::Size>().is_ok()),
            (wanted, kind) => wanted == kind,
        };
        let accepted = accepted(of, parameter, value);
        if fits {
            if let Some(Err(failure)) = accepted {
                let help = failure.help.unwrap_or_default();
                self.find(Severity::Error, value.start_position(), failure.message, help);
            }
            return;
        }
        // What the primitive itself takes is right, whatever its signature says.
        if let Some(Ok(())) = accepted {
            return;
        }
        let help = match wanted {
            "duration" => "write it with its unit, as `5.minutes`".to_owned(),
            "size" => "write it with its unit, as `2.gigabytes`".to_owned(),
            "text" => "write it in quotes".to_owned(),
            "server" => "write `this_server()`, or the variable that holds the server".to_owned(),
            "secret" => "take it from `secret(…)` or `read_env(…)`, so that it is not shown".to_owned(),
            "array" => "write it in brackets, as `[…, …]`".to_owned(),
            _ => format!("read its documentation with `banister doc {of}`"),
        };
        let message =
            format!("`{}` of `{of}` is {}, not {}", parameter.name, described(wanted), described(kind));
        self.find(Severity::Error, value.start_position(), message, help);
    }

    /// `parallel(items, #{ at_most: 2 }, |item| …)`.
    pub fn parallel(&mut self, given: &[&'a Expr], place: Position) {
        let usage = "call it as `parallel(items, #{ at_most: 2 }, |item| …)`; the options may be omitted";
        let (items, options, branch) = match given {
            [items, branch] => (items, None, branch),
            [items, options, branch] => (items, Some(options), branch),
            _ => {
                let message = format!("`parallel` takes 2 to 3 arguments, not {}", given.len());
                return self.find(Severity::Error, place, message, usage);
            }
        };
        for (argument, wanted) in [(Some(items), "array"), (options, "map"), (Some(branch), "block")] {
            if let Some(argument) = argument
                && let Some(kind) = kind(argument)
                && kind != wanted
            {
                let message = format!("`parallel` takes {} here, not {}", described(wanted), described(kind));
                self.find(Severity::Error, argument.start_position(), message, usage);
            }
        }
        if let Some(Expr::Map(map, _)) = options {
            let number = |name: &str, default: &str| Parameter {
                name: name.into(),
                of: "number".into(),
                default: Some(default.into()),
            };
            let there = [number("at_most", "all"), number("max_failures", "0")];
            for (option, value) in &map.0 {
                match there.iter().find(|parameter| option.name == parameter.name.as_str()) {
                    Some(parameter) => self.value("parallel", parameter, value, true),
                    None => self.no_option("parallel", &option.name, option.pos, &there),
                }
            }
        }
        if let Some((closure, captured)) = self.program.closure(branch)
            && closure.parameters.len() - captured != 1
        {
            let message =
                format!("`parallel` gives its block 1 argument, not {}", closure.parameters.len() - captured);
            self.find(Severity::Error, branch.start_position(), message, usage);
        }
    }
}

/// Asks the primitive itself what it thinks of a value that is written out to the last letter: a list of checks has a
/// form of its own. Nothing if it can't be asked.
fn accepted(of: &str, parameter: &Parameter, value: &Expr) -> Option<Result<()>> {
    let primitive = primitives::find(of)?;
    let plain = to_plain(&value.get_literal_value(None)?).ok().filter(|plain| !plain.is_null())?;
    let needed = primitive.page().signature.positional.into_iter();
    let mut arguments: Arguments = needed
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| (parameter.name, example(&parameter.of)))
        .collect();
    primitive.accept(&arguments).ok()?;
    arguments.insert(parameter.name.clone(), plain);
    Some(primitive.accept(&arguments).map(drop))
}

/// Some value of a kind, for what is not written out.
fn example(kind: &str) -> Value {
    match kind {
        "server" => json!({ data::SERVER: "example" }),
        "secret" => json!({ data::SECRET: "example" }),
        "number" | "" => 1.into(),
        "bool" => true.into(),
        "array" => json!([]),
        "map" => json!({}),
        "duration" => "1s".into(),
        "size" => "1kB".into(),
        _ => "example".into(),
    }
}
