//! Which parameters of `main` a script can do without: those that it gives something else for, or asks whether they are
//! there.

use super::program::{Function, Program};
use crate::script::layers::Text;
use rhai::{ASTNode, Expr, FnCallExpr, Stmt};
use std::collections::BTreeSet;

/// Words by which the documentation of a parameter says what holds if it is not given.
const DEFAULTS: [&str; 5] = ["if not given", "default", "optional", "may be left out", "if it is left out"];

/// Whether the documentation of a parameter says what holds without it.
pub fn has_default(help: &str) -> bool {
    let help = help.to_lowercase();
    DEFAULTS.iter().any(|words| help.contains(words))
}

/// The names of those that the script itself can do without: `name ?? …`, `name == ()`, also in a function of its own that
/// gets it; and those that it does not read.
pub fn optional(text: &Text) -> BTreeSet<String> {
    let Some(program) = Program::parse(text).0 else { return BTreeSet::new() };
    let Some(main) = program.named("main").max_by_key(|main| main.parameters.len()) else {
        return BTreeSet::new();
    };
    let is_optional =
        |name: &&String| !is_used(main, name) || does_without(&program, main, name, &mut BTreeSet::new());
    main.parameters.iter().filter(is_optional).cloned().collect()
}

/// Whether a function reads its parameter at all; what a closure captures stands where it is made.
fn is_used(function: &Function, name: &str) -> bool {
    let mut used = false;
    let mut look = |path: &[ASTNode]| {
        used |= matches!(path.last(), Some(ASTNode::Expr(expr)) if is_variable(expr, name));
        !used
    };
    for statement in &function.body {
        statement.walk(&mut Vec::new(), &mut look);
    }
    used
}

/// `seen` keeps functions that call each other from being looked through for ever.
fn does_without<'a>(
    program: &'a Program,
    function: &'a Function,
    name: &str,
    seen: &mut BTreeSet<(String, String)>,
) -> bool {
    if !seen.insert((function.usage(), name.to_owned())) {
        return false;
    }
    let mut found = false;
    let mut given: Vec<(&'a Function, usize)> = Vec::new();
    let mut look = |path: &[ASTNode]| {
        match path.last() {
            Some(ASTNode::Expr(Expr::Coalesce(operands, _))) => {
                let asked = &operands[..operands.len().saturating_sub(1)];
                found |= asked.iter().any(|operand| is_variable(operand, name));
            }
            Some(
                ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _))
                | ASTNode::Stmt(Stmt::FnCall(call, _)),
            ) => {
                found |= asks(call, name);
                for (n, _) in call.args.iter().enumerate().filter(|(_, arg)| is_variable(arg, name)) {
                    let of_arity = |own: &&Function| own.parameters.len() == call.args.len();
                    let name = call.name.to_string();
                    let mut own = program.functions.iter().filter(|own| own.name == name);
                    let own = own.find(of_arity).filter(|_| !call.is_qualified());
                    given.extend(own.map(|own| (own, n)));
                }
            }
            _ => {}
        }
        !found
    };
    // A closure that captures it has it as a parameter.
    let closures = program.closures.values().filter(|it| it.parameters.iter().any(|own| own == name));
    for body in std::iter::once(function).chain(closures).map(|function| &function.body) {
        for statement in body {
            statement.walk(&mut Vec::new(), &mut look);
        }
    }
    found || given.into_iter().any(|(own, n)| does_without(program, own, &own.parameters[n], seen))
}

/// `name == ()`
fn asks(call: &FnCallExpr, name: &str) -> bool {
    let is_unit = |expr: &Expr| matches!(expr, Expr::Unit(_));
    ["==", "!="].contains(&call.name.as_str())
        && call.args.iter().any(is_unit)
        && call.args.iter().any(|arg| is_variable(arg, name))
}

fn is_variable(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Variable(variable, ..) if variable.2.is_empty() && variable.1 == name)
}
