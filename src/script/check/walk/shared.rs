//! A function without a name that uses the variable on which it is called: `map.keys().filter(|key| map[key] > 1)`. Rhai
//! lends such a variable to both, and then refuses the call when it is made.

use super::Walk;
use crate::script::check::finding::Severity;
use rhai::{Expr, Stmt};

impl<'a> Walk<'a> {
    /// Looks at a chain of calls and brackets, `first` and what follows it.
    pub fn chain(&mut self, first: &'a Expr, rest: &'a Expr) {
        let Expr::Variable(variable, ..) = first else { return };
        let name = variable.1.as_str();
        let mut used = Vec::new();
        calls(rest, &mut |argument| {
            if captured(argument).any(|captured| captured == name) {
                used.push(argument.position());
            }
        });
        for place in used {
            let message = format!("`{name}` is used in a function that is given to a function of its own");
            let help = format!(
                "a run would fail here: use `for`, or let the function have a copy: `let copy = {name};`"
            );
            self.find(Severity::Error, place, message, help);
        }
    }
}

/// The arguments of the calls of a chain.
fn calls<'a>(expr: &'a Expr, each: &mut impl FnMut(&'a Expr)) {
    match expr {
        Expr::MethodCall(call, _) => call.args.iter().for_each(each),
        Expr::Dot(parts, ..) => {
            calls(&parts.lhs, each);
            calls(&parts.rhs, each);
        }
        Expr::Index(parts, ..) => calls(&parts.lhs, each),
        _ => {}
    }
}

/// The variables that a function without a name takes from around it.
fn captured(expr: &Expr) -> impl Iterator<Item = &str> {
    let call = match expr {
        Expr::Stmt(block) => match block.statements() {
            [Stmt::Share(_), Stmt::Expr(made)] => match &**made {
                Expr::FnCall(call, _) if call.name == "curry" => Some(call),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let given = call.into_iter().flat_map(|call| call.args.iter().skip(1));
    given.filter_map(|argument| match argument {
        Expr::Variable(variable, ..) => Some(variable.1.as_str()),
        _ => None,
    })
}
