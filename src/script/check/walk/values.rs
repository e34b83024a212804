//! Values: what a script compares that can't be compared, and what would take a value that a plan can't know yet for one
//! that it knows.

use super::Walk;
use crate::script::check::finding::Severity;
use crate::script::check::literal;
use crate::script::engine::compare::{APART, COMPARISONS, help};
use rhai::{Expr, FnCallExpr, Position, Stmt, SwitchCasesCollection};

impl<'a> Walk<'a> {
    /// `switch` takes a value that is not known yet for none of its cases, silently.
    pub fn switch(&mut self, value: &'a Expr, cases: &'a SwitchCasesCollection, place: Position) {
        let known = match value {
            Expr::FnCall(call, _) => call.name == "known" || call.name == "type_of",
            other => other.is_constant(),
        };
        if is_type_of(value) {
            self.type_of(value.start_position(), None);
        } else if !known {
            let message =
                "a plan can't follow this `switch`: a value that is not known yet fits no case of it";
            let help = "use `if` and `else`, or `switch known(…)`, at which a plan ends if it must";
            self.find(Severity::Error, place, message, help);
        }
        self.expression(value);
        let branch = self.steps.branch();
        for (arm, case) in cases.expressions.iter().enumerate() {
            self.arm(branch, arm, |walk| {
                walk.expression(&case.lhs);
                walk.expression(&case.rhs);
            });
        }
    }

    /// `type_of(x) == "map"` is false for a value that is not known yet.
    pub fn compared(&mut self, call: &FnCallExpr, place: Position) {
        let [left, right] = call.args.as_slice() else { return };
        if COMPARISONS.contains(&call.name.as_str()) {
            self.kept_apart(left, right, place);
        }
        if !matches!(call.name.as_str(), "==" | "!=") {
            return;
        }
        for (side, other) in [(left, right), (right, left)] {
            if is_type_of(side) {
                let name = match other {
                    Expr::StringConstant(name, _) => Some(name.as_str()),
                    _ => None,
                };
                self.type_of(side.start_position(), name);
                return;
            }
        }
    }

    /// Text with a size is never equal, and neither is less, whatever is in it.
    fn kept_apart(&mut self, left: &Expr, right: &Expr, place: Position) {
        let kind = |expr: &Expr| self.kind_of(expr).filter(|kind| APART.contains(kind));
        if let (Some(a), Some(b)) = (kind(left), kind(right))
            && a != b
        {
            let (of_a, of_b) = (literal::described(a), literal::described(b));
            self.find(Severity::Error, place, format!("{of_a} can't be compared with {of_b}"), help(a, b));
        }
    }

    /// `server.free_space ?? 1`: what stands in for a size is a size.
    pub fn stands_in(&mut self, operands: &[Expr], place: Position) {
        let known = |expr: &Expr| self.kind_of(expr).filter(|kind| APART.contains(kind));
        let kinds: Vec<&'static str> = operands.iter().filter_map(known).collect();
        if let Some([a, b]) = kinds.windows(2).find(|pair| pair[0] != pair[1]) {
            let (of_a, of_b) = (literal::described(a), literal::described(b));
            self.find(
                Severity::Error,
                place,
                format!("`??` gives {of_b} in the place of {of_a}"),
                help(a, b),
            );
        }
    }

    /// What a value is: one that is written out, a setting of the server, or a variable that was given one of them.
    pub fn kind_of(&self, expr: &Expr) -> Option<&'static str> {
        match expr {
            Expr::Variable(variable, ..) if variable.2.is_empty() => self.scopes.kind(&variable.1),
            Expr::Coalesce(operands, _) => {
                let mut kinds = operands.iter().map(|operand| self.kind_of(operand));
                let first = kinds.next()??;
                kinds.all(|kind| kind == Some(first)).then_some(first)
            }
            Expr::Stmt(block) => match block.statements() {
                [Stmt::Expr(expr)] => self.kind_of(expr),
                _ => literal::kind(expr),
            },
            Expr::Dot(parts, ..) => literal::kind(expr).or_else(|| match (&parts.lhs, &parts.rhs) {
                (Expr::Variable(server, ..), Expr::Property(name, _)) if server.1 == "server" => {
                    literal::setting(&name.2)
                }
                (Expr::Variable(server, ..), Expr::Dot(parts, ..)) if server.1 == "server" => {
                    match (&parts.lhs, &parts.rhs) {
                        (Expr::Property(table, _), Expr::Property(name, _)) => {
                            literal::setting(&format!("{}.{}", table.2, name.2))
                        }
                        _ => None,
                    }
                }
                (_, Expr::MethodCall(call, _)) => literal::given(&call.name),
                _ => None,
            }),
            Expr::FnCall(call, _) if call.namespace.is_empty() => {
                let is_own = self.program.named(&call.name).next().is_some();
                literal::kind(expr).or_else(|| literal::given(&call.name).filter(|_| !is_own))
            }
            other => literal::kind(other),
        }
    }

    fn type_of(&mut self, place: Position, name: Option<&str>) {
        let instead = match name {
            Some("map") => "`is_map(…)`",
            Some("string" | "char") => "`is_text(…)`",
            Some("array") => "`is_array(…)`",
            Some("i64" | "f64" | "int" | "float") => "`is_number(…)`",
            Some("bool") => "`is_bool(…)`",
            Some("()") => "`… == ()`",
            _ => "`is_map(…)`, `is_text(…)`, `is_array(…)` or `is_number(…)`",
        };
        let message = "a plan can't follow a comparison of `type_of`";
        self.find(Severity::Error, place, message, format!("write {instead}"));
    }
}

/// Whether it asks for a type, called either way.
fn is_type_of(expr: &Expr) -> bool {
    match expr {
        Expr::FnCall(call, _) | Expr::MethodCall(call, _) => call.name == "type_of",
        Expr::Dot(parts, ..) => is_type_of(&parts.rhs),
        _ => false,
    }
}
