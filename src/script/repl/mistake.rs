//! What is wrong in a line that was typed, and what was most likely meant.

use super::Repl;
use crate::failure::{Failure, Kind};
use crate::primitives;
use crate::script::engine::error::{innermost, lower};
use crate::script::layers::nearest;
use rhai::EvalAltResult;

impl Repl {
    /// The failure with a help that fits a prompt: nothing is resumed here, and the line can be typed anew.
    pub(super) fn mistake(&self, error: &EvalAltResult, failure: Failure) -> Failure {
        let did_you_mean = |typed: &str, words: &[String]| {
            let near = nearest(typed, words.iter().map(String::as_str));
            near.map(|near| format!("did you mean `{near}`?"))
        };
        let (inner, ..) = innermost(error, super::SOURCE);
        let (message, help) = match inner {
            EvalAltResult::ErrorVariableNotFound(name, _) => {
                let near = did_you_mean(name, &self.variables());
                let all = || format!("the variables are {}", self.variables().join(", "));
                (format!("there is no variable `{name}`"), Some(near.unwrap_or_else(all)))
            }
            EvalAltResult::ErrorFunctionNotFound(call, _) => {
                let name = call.split([' ', '(']).next().unwrap_or_default();
                match primitives::find(name) {
                    Some(primitive) => {
                        let help =
                            format!("its call is `{}`; `doc {name}` says more", primitive.page().usage);
                        (format!("`{name}` can't be called so"), Some(help))
                    }
                    None => {
                        let words = match name.split_once("::") {
                            Some((module, _)) => {
                                let functions = super::words::functions(&self.layers, module).into_iter();
                                functions.map(|function| format!("{module}::{}", function.name)).collect()
                            }
                            None => self.functions_by_name(),
                        };
                        let near = did_you_mean(name, &words);
                        let help = near.unwrap_or_else(|| "`help` lists what can be called".into());
                        (format!("there is no function `{name}` that can be called so"), Some(help))
                    }
                }
            }
            EvalAltResult::ErrorModuleNotFound(name, _) => {
                let near = did_you_mean(name, &self.modules());
                let all = || format!("the modules are {}", self.modules().join(", "));
                (format!("there is no module `{name}`"), Some(near.unwrap_or_else(all)))
            }
            _ if matches!(failure.kind, Kind::Interrupted | Kind::Declined) => (failure.message, None),
            _ => match failure.message.strip_prefix("the script is wrong: ") {
                Some(said) => (lower(said.strip_prefix("runtime error: ").unwrap_or(said)), None),
                None => return failure,
            },
        };
        Failure { message, help, ..failure }
    }

    /// All that can be called without a module's name.
    fn functions_by_name(&self) -> Vec<String> {
        let typed = self.functions.iter_functions().map(|function| function.name.to_owned());
        let primitives = primitives::all().map(|primitive| primitive.name().to_owned());
        let natives = self.natives();
        let names = typed.chain(primitives).chain(natives);
        names.filter(|name| !name.starts_with("anon$")).collect()
    }
}
