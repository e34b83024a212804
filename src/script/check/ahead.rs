//! How many steps of a run lie ahead: what the text alone says. Only the outermost steps are counted.
//!
//! A step that a run may leave out is not counted before it begins. Where a loop has steps, nobody knows how many there
//! will be.

use super::files::Files;
use super::program::{Function, Program};
use crate::script::engine::ahead::{Ahead, Rest};
use crate::script::layers::{APART, Layers, Text};
use rhai::{ASTFlags, Expr, FnCallExpr, Stmt};

/// What follows the steps of a runbook's `main`.
pub fn ahead(layers: &Layers, text: &Text) -> Ahead {
    let mut files = Files::new(layers, layers.kinds());
    let file = files.add(text.clone());
    let mut course = Course { files: &files, ahead: Ahead::default(), notes: true, calls: Vec::new() };
    let main = files.files[file].program.iter().flat_map(|program| program.named("main")).last();
    if let Some(main) = main {
        course.function(file, main, Rest::default());
    }
    course.ahead
}

/// Goes through what a run does, from its end to its beginning. What follows a statement is nothing where the run ends
/// before: a way that leaves early says nothing about those that don't.
struct Course<'a> {
    files: &'a Files<'a>,
    ahead: Ahead,
    /// Off while a text is only looked at for whether it has steps.
    notes: bool,
    /// The functions around: the file, the name, and how many parameters it has.
    calls: Vec<(usize, &'a str, usize)>,
}

impl<'a> Course<'a> {
    fn function(&mut self, file: usize, function: &'a Function, rest: Rest) -> Rest {
        let call = (file, function.name.as_str(), function.parameters.len());
        if self.calls.contains(&call) {
            return Rest { open: true, ..rest };
        }
        self.calls.push(call);
        let rest = self.statements(file, &function.body, Some(rest), rest).unwrap_or(rest);
        self.calls.pop();
        rest
    }

    /// `rest` follows the statements, and `end` the function that they are in.
    fn statements(
        &mut self,
        file: usize,
        statements: &'a [Stmt],
        rest: Option<Rest>,
        end: Rest,
    ) -> Option<Rest> {
        statements.iter().rev().fold(rest, |rest, statement| self.statement(file, statement, rest, end))
    }

    fn statement(&mut self, file: usize, statement: &'a Stmt, rest: Option<Rest>, end: Rest) -> Option<Rest> {
        match statement {
            // It fails, so that nothing follows.
            Stmt::Return(_, flags, _) if flags.intersects(ASTFlags::BREAK) => None,
            Stmt::Return(value, ..) => {
                let rest = value.iter().fold(end, |rest, value| self.expression(file, value, rest));
                // The run leaves here.
                (end != Rest::default()).then_some(rest)
            }
            Stmt::If(flow, _) => {
                let yes = self.statements(file, flow.body.statements(), rest, end);
                let no = self.statements(file, flow.branch.statements(), rest, end);
                self.before(file, &flow.expr, either(yes, no))
            }
            Stmt::Switch(parts, _) => {
                let (subject, cases) = &**parts;
                let arms = cases.expressions.iter();
                let arms: Vec<Option<Rest>> = arms.map(|arm| self.before(file, &arm.rhs, rest)).collect();
                self.before(file, subject, arms.into_iter().fold(rest, either))
            }
            Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                let rest = self.repeated(file, flow.body.statements(), rest, end);
                self.before(file, &flow.expr, rest)
            }
            Stmt::For(parts, _) => {
                let flow = &parts.2;
                let rest = self.repeated(file, flow.body.statements(), rest, end);
                self.before(file, &flow.expr, rest)
            }
            Stmt::TryCatch(flow, _) => {
                let well = self.statements(file, flow.body.statements(), rest, end);
                either(well, self.statements(file, flow.branch.statements(), rest, end))
            }
            Stmt::Block(block) => self.statements(file, block.statements(), rest, end),
            Stmt::Var(declared, ..) => self.before(file, &declared.1, rest),
            Stmt::Assignment(assigned) => self.before(file, &assigned.1.rhs, rest),
            Stmt::FnCall(call, _) => Some(self.call(file, call, rest.unwrap_or_default())),
            Stmt::Expr(expr) => self.before(file, expr, rest),
            _ => rest,
        }
    }

    /// An expression in a statement. Nothing stays nothing unless it has steps.
    fn before(&mut self, file: usize, expr: &'a Expr, rest: Option<Rest>) -> Option<Rest> {
        let before = self.expression(file, expr, rest.unwrap_or_default());
        rest.map(|_| before).or((before != Rest::default()).then_some(before))
    }

    /// What is done any number of times.
    fn repeated(&mut self, file: usize, body: &'a [Stmt], rest: Option<Rest>, end: Rest) -> Option<Rest> {
        let after = rest.unwrap_or_default();
        let notes = std::mem::replace(&mut self.notes, false);
        let once = self.statements(file, body, Some(after), end).unwrap_or(after);
        self.notes = notes;
        if once == after {
            return rest;
        }
        let open = Rest { open: true, ..after };
        self.statements(file, body, Some(open), end);
        Some(open)
    }

    /// What is evaluated last comes first.
    fn expression(&mut self, file: usize, expr: &'a Expr, rest: Rest) -> Rest {
        match expr {
            Expr::Custom(block, _) if block.tokens.first().is_some_and(|word| word == "step") => {
                if self.notes {
                    self.ahead.note(&self.files.files[file].text.source, block.inputs[0].position(), rest);
                }
                rest.and_a_step()
            }
            Expr::FnCall(call, _) | Expr::MethodCall(call, _) => self.call(file, call, rest),
            Expr::DynamicConstant(..) => self.closure(file, expr, rest),
            Expr::Dot(parts, ..) | Expr::Index(parts, ..) => {
                let rest = self.expression(file, &parts.rhs, rest);
                self.expression(file, &parts.lhs, rest)
            }
            Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
                parts.iter().rev().fold(rest, |rest, part| self.expression(file, part, rest).or(rest))
            }
            Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => {
                parts.iter().rev().fold(rest, |rest, part| self.expression(file, part, rest))
            }
            Expr::Map(map, _) => {
                map.0.iter().rev().fold(rest, |rest, (_, value)| self.expression(file, value, rest))
            }
            Expr::Stmt(block) => match self.program(file).and_then(|program| program.closure(expr)) {
                Some(_) => self.closure(file, expr, rest),
                None => self.statements(file, block.statements(), Some(rest), rest).unwrap_or(rest),
            },
            _ => rest,
        }
    }

    /// A closure is called by whoever gets it, any number of times.
    fn closure(&mut self, file: usize, expr: &'a Expr, rest: Rest) -> Rest {
        let closure = self.program(file).and_then(|program| program.closure(expr));
        match closure {
            Some((closure, _)) => self.repeated(file, &closure.body, Some(rest), rest).unwrap_or(rest),
            None => rest,
        }
    }

    /// What is called once, where it stands.
    fn once(&mut self, file: usize, expr: &'a Expr, rest: Rest) -> Rest {
        let closure = self.program(file).and_then(|program| program.closure(expr));
        let Some((closure, _)) = closure else { return self.expression(file, expr, rest) };
        self.statements(file, &closure.body, Some(rest), rest).unwrap_or(rest)
    }

    fn call(&mut self, file: usize, call: &'a FnCallExpr, rest: Rest) -> Rest {
        let path = self.program(file).filter(|_| call.is_qualified());
        let path = path.and_then(|program| imported(program, call.namespace.root()));
        if path == Some(APART) {
            return call.args.iter().fold(rest, |rest, called| self.once(file, called, rest));
        }
        let after = match call.is_qualified() {
            false => self.named(file, call, rest),
            true => {
                let files = path.map(|path| self.files.module(path).files).unwrap_or_default();
                // Of several kinds it is that of the server.
                let ways = files.into_iter().map(|module| self.named(module, call, rest));
                // What no file is there for is not known here.
                ways.reduce(Rest::or).unwrap_or(Rest { open: true, ..rest })
            }
        };
        call.args.iter().rev().fold(after, |rest, argument| self.expression(file, argument, rest))
    }

    /// A function of a file, if it has one of this name.
    fn named(&mut self, file: usize, call: &'a FnCallExpr, rest: Rest) -> Rest {
        let is_called = |function: &&Function| function.parameters.len() == call.args.len();
        let function = self.program(file).and_then(|program| program.named(&call.name).find(is_called));
        match function {
            Some(function) => self.function(file, function, rest),
            None => rest,
        }
    }

    fn program(&self, file: usize) -> Option<&'a Program> {
        self.files.files[file].program.as_ref()
    }
}

/// Two ways; one that leaves the run says nothing.
fn either(one: Option<Rest>, other: Option<Rest>) -> Option<Rest> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.or(other)),
        (one, other) => one.or(other),
    }
}

/// The path that is imported at the top of a text under this name.
fn imported<'a>(program: &'a Program, alias: &str) -> Option<&'a str> {
    program.top.iter().find_map(|statement| match statement {
        Stmt::Import(import, _) if import.1.name == alias => match &import.0 {
            Expr::StringConstant(path, _) => Some(path.as_str()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the names of the steps: what follows each.
    fn ahead(body: &str) -> Vec<String> {
        let text = Text::new("test".into(), body.into());
        let ahead = super::ahead(&Layers::of_site(None, "plain"), &text);
        let name = |(_, line): &(String, usize)| {
            let line = body.lines().nth(line - 1).unwrap();
            line.split("step \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        let told = |rest: &Option<Rest>| match rest {
            Some(Rest { certain, open: false }) => certain.to_string(),
            Some(Rest { certain, open: true }) => format!("{certain}+"),
            None => "?".to_owned(),
        };
        ahead.0.iter().map(|(place, rest)| format!("{} {}", name(place), told(rest))).collect()
    }

    #[test]
    fn steps_that_every_way_has_are_counted() {
        let text = "fn main(x) {\nif x { return; }\nstep \"a\" {}\nif x { step \"b\" {} }\nc(x);\nif x { return d(); }\nstep \"e\" { step \"in\" {} }\n}\nfn c(x) { if x { return; } step \"c\" {} }\nfn d() { step \"d\" {} }";
        assert_eq!(ahead(text), ["a 1", "b 1", "e 0", "c 1", "d 0"]);
    }

    #[test]
    fn behind_a_loop_with_steps_the_number_is_known_again() {
        let text = "fn main(x) {\nstep \"a\" {}\nfor y in x { step \"b\" {} }\nstep \"c\" {}\nparallel(x, |y| { step \"d\" {} });\nstep \"e\" {}\nstep \"f\" {}\n}";
        assert_eq!(ahead(text), ["a 3+", "b 3+", "c 2+", "d 2+", "e 1", "f 0"]);
    }

    #[test]
    fn a_guard_that_throws_leaves_the_run_and_a_catch_is_another_way() {
        let text = "fn main(x) {\nguard(x);\nstep \"a\" {}\ntry { step \"b\" {} } catch {\nstep \"c\" {} step_d(x);\n}\nstep \"e\" {}\n}\nfn guard(x) { if x { throw 1; } }\nfn step_d(x) {\nstep \"d\" {}\n}";
        assert_eq!(ahead(text), ["a 2", "b 1", "c 2", "e 0", "d 1"]);
    }

    #[test]
    fn a_step_that_is_come_to_twice_is_followed_by_what_nobody_knows() {
        let text = "fn main() {\na();\na();\nstep \"b\" {}\n}\nfn a() { step \"a\" {} }";
        assert_eq!(ahead(text), ["b 0", "a ?"]);
    }
}
