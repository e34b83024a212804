//! What stands at the top of a file: definitions, and what does not belong there.

use super::Walk;
use crate::output::nearest::MISSPELT;
use crate::primitives;
use crate::script::check::arity::arguments;
use crate::script::check::finding::Severity;
use crate::script::check::known::KNOWN;
use crate::script::check::program::{Function, Program};
use crate::script::layers::{distance, nearest};
use crate::script::text::outline::HOOKS;
use rhai::{ASTFlags, Expr, Position, Stmt};

/// The options that `run` and `plan` have themselves, as parameters would be called.
pub const TAKEN: [&str; 19] = [
    "abandon",
    "answer",
    "color",
    "detach",
    "foreground",
    "help",
    "json",
    "now",
    "on_failure",
    "out",
    "plan",
    "quiet",
    "server",
    "site",
    "step",
    "unattended",
    "verbose",
    "version",
    "yes",
];

impl Program {
    /// The constants at the top of the file.
    pub fn constants(&self) -> impl Iterator<Item = &str> {
        self.top.iter().filter_map(|statement| match statement {
            Stmt::Var(declared, flags, _) if flags.contains(ASTFlags::CONSTANT) => {
                Some(declared.0.name.as_str())
            }
            _ => None,
        })
    }

    /// What other files may read of them.
    pub fn exports(&self) -> impl Iterator<Item = &str> {
        self.top.iter().filter_map(|statement| match statement {
            Stmt::Export(export, _) if export.1.name.is_empty() => Some(export.0.name.as_str()),
            Stmt::Export(export, _) => Some(export.1.name.as_str()),
            Stmt::Var(declared, flags, _) if flags.contains(ASTFlags::EXPORTED) => {
                Some(declared.0.name.as_str())
            }
            _ => None,
        })
    }
}

/// The name in a call at the top of a file, and the hook that it most likely should be.
fn misspelt_hook(statement: &Stmt) -> Option<(&str, &'static str)> {
    let call = match statement {
        Stmt::FnCall(call, _) => call,
        Stmt::Expr(expr) => match &**expr {
            Expr::FnCall(call, _) => call,
            _ => return None,
        },
        _ => return None,
    };
    let near = nearest(&call.name, HOOKS)?;
    (distance(&call.name, near) <= MISSPELT).then_some((call.name.as_str(), near))
}

impl<'a> Walk<'a> {
    /// What stands outside of functions.
    pub fn top(&mut self) {
        for statement in self.program.top.iter().filter(|statement| !statement.is_noop()) {
            match statement {
                Stmt::Import(..) | Stmt::Export(..) => {}
                Stmt::Var(declared, flags, _) => {
                    if !flags.contains(ASTFlags::CONSTANT) {
                        let name = declared.0.name.as_str();
                        let message = format!("no function sees the variable `{name}`");
                        let help = format!("write `const {name}`, and read it as `global::{name}`");
                        self.find(Severity::Warning, declared.0.pos, message, help);
                    }
                }
                other => {
                    if let Some((name, near)) = misspelt_hook(other) {
                        let (message, help) =
                            (format!("there is no hook `{name}`"), format!("did you mean `{near}`?"));
                        self.find(Severity::Error, other.position(), message, help);
                        continue;
                    }
                    let message = "only `import`, `const` and `fn` may stand outside of functions";
                    self.find(Severity::Error, other.position(), message, "move it into `fn main() { … }`");
                    continue;
                }
            }
            self.statements(std::slice::from_ref(statement));
        }
    }

    /// A function's name and parameters.
    pub fn definition(&mut self, function: &Function) {
        let name = function.name.as_str();
        if primitives::find(name).is_some() {
            let message = format!("`{name}` is a primitive, which a function of this name would hide");
            self.find(Severity::Error, function.place, message, "give the function another name");
        } else if matches!(name, "step" | "on_failure" | "drop_rollback" | "parallel") {
            let message = format!("`{name}` is a block, which a function of this name would hide");
            self.find(Severity::Error, function.place, message, "give the function another name");
        } else if self.program.named("main").next().is_some()
            && KNOWN.native(name).is_some_and(|counts| counts.contains(&function.parameters.len()))
        {
            let takes = arguments(function.parameters.len(), function.parameters.len());
            let message =
                format!("Rhai has a function `{name}` with {takes}, which this one hides in all modules");
            self.find(Severity::Hint, function.place, message, "give the function another name");
        }
        if name == "main" {
            let first = self.program.named("main").next().map(|main| main.place);
            if first.is_some_and(|first| first != function.place) {
                let message = "there are two functions `main`";
                self.find(Severity::Error, function.place, message, "remove one of them");
            }
            for parameter in function.parameters.iter().filter(|name| TAKEN.contains(&name.as_str())) {
                let message = format!("the parameter `{parameter}` is an option of the program already");
                let place = self.parameter_place(function, parameter);
                self.find(Severity::Error, place, message, "give the parameter another name");
            }
        }
    }

    /// Where a parameter stands in its list, which the syntax tree does not keep.
    fn parameter_place(&self, function: &Function, parameter: &str) -> Position {
        let (line, column) = (function.place.line().unwrap_or(1), function.place.position().unwrap_or(1));
        let mut lines = self.file.text.text.lines().enumerate().skip(line - 1);
        let found = lines.find_map(|(n, text)| {
            let skipped = if n + 1 == line { column - 1 } else { 0 };
            let start = text.char_indices().nth(skipped).map_or(text.len(), |(at, _)| at);
            let whole = |at: &usize| {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                !text[..*at].ends_with(word) && !text[at + parameter.len()..].starts_with(word)
            };
            let mut places = text[start..].match_indices(parameter).map(|(at, _)| at + start).filter(whole);
            places.next().map(|at| (n + 1, text[..at].chars().count() + 1))
        });
        let place =
            found.and_then(|(line, column)| Some((u16::try_from(line).ok()?, u16::try_from(column).ok()?)));
        place.map_or(function.place, |(line, column)| Position::new(line, column))
    }
}
