//! The blocks: `step`, `on_failure`, `try`, and the names of steps.

use super::Walk;
use crate::script::check::finding::Severity;
use rhai::{CustomExpr, Expr, FlowControl, Position};

/// The steps of a function so far, and on which ways through it they are.
#[derive(Default)]
pub struct Steps {
    named: Vec<(String, Vec<Arm>, Position)>,
    /// The branches around a place.
    arms: Vec<Arm>,
    branches: usize,
}

/// A branch, and which of its ways.
type Arm = (usize, usize);

impl Steps {
    /// A new place at which ways part.
    pub fn branch(&mut self) -> usize {
        self.branches += 1;
        self.branches
    }

    pub fn enter(&mut self, branch: usize, arm: usize) {
        self.arms.push((branch, arm));
    }

    pub fn leave(&mut self) {
        self.arms.pop();
    }

    /// Adds a step, and says where another one of its name is that may run in the same run.
    fn add(&mut self, name: &str, place: Position) -> Option<Position> {
        let apart = |arms: &[Arm]| {
            self.arms.iter().any(|(branch, arm)| arms.iter().any(|(b, a)| b == branch && a != arm))
        };
        let same = self.named.iter().find(|(other, arms, _)| other == name && !apart(arms));
        let same = same.map(|(.., place)| *place);
        self.named.push((name.into(), self.arms.clone(), place));
        same
    }
}

/// A `try` block.
pub struct Try {
    /// The first change in it.
    pub change: Option<String>,
}

impl<'a> Walk<'a> {
    /// A block of ours.
    pub fn custom(&mut self, block: &'a CustomExpr, place: Position) {
        let word = block.tokens.first().map(|word| word.to_string()).unwrap_or_default();
        if !self.in_function {
            let message = format!("`{word}` stands outside of a function");
            self.find(Severity::Error, place, message, "move it into `fn main() { … }`");
        }
        match (word.as_str(), block.inputs.first()) {
            ("step", Some(name)) => self.step_name(name),
            ("on_failure", Some(closure)) => {
                if let Some((handler, captured)) = self.program.closure(closure)
                    && handler.parameters.len() > captured
                {
                    let help = "write `on_failure { … }`; what failed is in the run's last lines";
                    self.find(Severity::Error, place, "`on_failure` gives its block no argument", help);
                }
            }
            _ => {}
        }
        block.inputs.iter().for_each(|input| self.expression(input));
    }

    fn step_name(&mut self, name: &Expr) {
        let place = name.start_position();
        let Expr::StringConstant(name, _) = name else {
            if let Some(kind) = crate::script::check::literal::kind(name)
                && kind != "text"
            {
                let message =
                    format!("a step's name is text, not {}", crate::script::check::literal::described(kind));
                self.find(Severity::Error, place, message, "write it in quotes, as `step \"Build\" { … }`");
            }
            return;
        };
        if let Some(other) = self.steps.add(name, place) {
            let line = other.line().unwrap_or_default();
            let message = format!("two steps have the name `{name}`");
            let help = format!("give one of them another name; the other is in line {line}");
            self.find(Severity::Error, place, message, help);
        }
        if let Some(item) = self.loops.last() {
            let message = format!("the step `{name}` runs more than once under one name");
            let help = match item {
                Some(item) => format!("put the item into the name, as step `{name} ${{{item}}}`"),
                None => "put into the name what differs each time".to_owned(),
            };
            self.find(Severity::Hint, place, message, help);
        }
    }

    pub fn tried(&mut self, flow: &'a FlowControl, place: Position) {
        self.tries.push(Try { change: None });
        self.block(&flow.body);
        if let Some(Try { change: Some(change) }) = self.tries.pop() {
            let message = format!("a plan can't tell whether the change `{change}` in this `try` will fail");
            let help = "let it fail, and declare with `on_failure { … }` how to roll back";
            self.find(Severity::Hint, place, message, help);
        }
        self.scopes.open();
        if let Expr::Variable(caught, _, place) = &flow.expr {
            self.scopes.declare(&caught.1, *place, false);
        }
        self.block(&flow.branch);
        self.close(true);
    }
}
