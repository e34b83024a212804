//! Expressions: variables, and everything that holds further expressions.

use super::Walk;
use crate::script::check::finding::Severity;
use crate::script::check::literal::kind;
use crate::script::layers::nearest;
use crate::site;
use rhai::{ASTFlags, Expr, Position, Stmt};

impl<'a> Walk<'a> {
    pub fn expression(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Variable(variable, _, place) if variable.2.is_empty() => {
                self.variable(&variable.1, *place);
            }
            Expr::Variable(variable, _, place) => self.module_value(&variable.2, &variable.1, *place),
            Expr::DynamicConstant(..) => {
                if let Some((closure, _)) = self.program.closure(expr) {
                    self.function(closure);
                }
            }
            Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => {
                parts.iter().for_each(|part| self.expression(part));
            }
            Expr::Map(map, _) => map.0.iter().for_each(|(_, value)| self.expression(value)),
            Expr::And(parts, _) | Expr::Or(parts, _) => parts.iter().for_each(|part| self.expression(part)),
            Expr::Coalesce(parts, place) => {
                parts.iter().for_each(|part| self.expression(part));
                self.stands_in(parts, *place);
            }
            Expr::Stmt(block) => match block.statements() {
                [Stmt::Share(_), Stmt::Expr(closure)] => self.expression(closure),
                _ => self.block(block),
            },
            Expr::FnCall(call, place) => self.call(call, *place),
            Expr::MethodCall(call, place) => self.method(None, call, *place),
            Expr::Dot(parts, ..) => {
                self.chain(&parts.lhs, &parts.rhs);
                self.expression(&parts.lhs);
                self.after_dot(Some(&parts.lhs), &parts.rhs);
            }
            Expr::Index(parts, flags, _) => {
                if let Expr::Dot(rest, ..) = &parts.rhs {
                    self.chain(&parts.lhs, &rest.rhs);
                }
                self.expression(&parts.lhs);
                self.after_bracket(&parts.rhs, *flags);
            }
            Expr::Custom(block, place) => self.custom(block, *place),
            _ => {}
        }
    }

    /// What follows a dot. `receiver` is what stands before it, where that is all that stands there.
    fn after_dot(&mut self, receiver: Option<&'a Expr>, expr: &'a Expr) {
        match expr {
            Expr::MethodCall(call, place) => self.method(receiver, call, *place),
            Expr::Property(property, place) => {
                if let Some(receiver) = receiver {
                    self.property(receiver, &property.2, *place);
                }
            }
            Expr::Dot(parts, ..) => {
                self.after_dot(receiver, &parts.lhs);
                self.after_dot(None, &parts.rhs);
            }
            Expr::Index(parts, flags, _) => {
                self.after_dot(receiver, &parts.lhs);
                self.after_bracket(&parts.rhs, *flags);
            }
            other => self.expression(other),
        }
    }

    /// What follows an opening bracket: the index, and what is asked of the item.
    fn after_bracket(&mut self, expr: &'a Expr, flags: ASTFlags) {
        match expr {
            Expr::Dot(parts, ..) if !flags.contains(ASTFlags::BREAK) => {
                self.expression(&parts.lhs);
                self.after_dot(None, &parts.rhs);
            }
            Expr::Index(parts, inner, _) if !flags.contains(ASTFlags::BREAK) => {
                self.expression(&parts.lhs);
                self.after_bracket(&parts.rhs, *inner);
            }
            other => self.expression(other),
        }
    }

    /// A variable that is read or written.
    pub fn variable(&mut self, name: &str, place: Position) {
        if self.scopes.use_variable(name) || self.program.named(name).next().is_some() {
            return;
        }
        if let Some((message, help)) = crate::script::check::words::forbidden(name) {
            return self.find(Severity::Error, place, message, help);
        }
        let constant = self.program.constants().any(|constant| constant == name);
        let help = match nearest(name, self.scopes.variables()) {
            _ if constant => format!("functions read it as `global::{name}`"),
            Some(near) => format!("did you mean `{near}`?"),
            None => "define it with `let`, or make it a parameter: a function sees nothing else".to_owned(),
        };
        self.find(Severity::Error, place, format!("there is no variable `{name}` here"), help);
    }

    /// `5.minutes`, `server.endpoint`: what numbers and servers have is known.
    fn property(&mut self, receiver: &Expr, name: &str, place: Position) {
        let known = &crate::script::check::known::KNOWN.properties;
        if known.contains(name) {
            return;
        }
        if matches!(receiver, Expr::IntegerConstant(..)) {
            let help = match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "units are written as `5.minutes` or `2.gigabytes`".to_owned(),
            };
            return self.find(Severity::Error, place, format!("there is no unit `{name}`"), help);
        }
        // What is called a server is one, as far as anybody can tell.
        let severity = match receiver {
            Expr::Variable(variable, ..) if variable.2.is_empty() && variable.1 == "server" => {
                Severity::Warning
            }
            other if kind(other) == Some("server") => Severity::Error,
            _ => return,
        };
        let settings = || site::KEYS.iter().map(String::as_str).chain(["name", "home"]);
        if settings().any(|setting| setting == name) {
            return;
        }
        let own = self.files.layers.own_keys();
        let own = || own.iter().map(|(_, key, _)| key.as_str());
        if own().any(|key| key == name) {
            return;
        }
        let help = match nearest(name, settings().chain(own())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", settings().chain(own()).collect::<Vec<_>>().join(", ")),
        };
        self.find(severity, place, format!("a server has no setting `{name}`"), help);
    }
}
