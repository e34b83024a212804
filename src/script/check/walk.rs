//! Goes through a text statement by statement, and knows at each place what can be seen from there.

mod arguments;
mod calls;
mod expressions;
mod functions;
mod imports;
mod steps;
mod values;

#[cfg(test)]
pub use functions::TAKEN;
pub use imports::unknown_kind;

use super::files::{File, Files};
use super::finding::{Finding, Severity};
use super::program::{Function, Program};
use super::scope::{Alias, Scopes, Variable};
use crate::script::text::source::{is_layered, origin};
use rhai::{Position, Stmt, StmtBlock};
use steps::{Steps, Try};

/// The place that is looked at, and what was found so far.
pub struct Walk<'a> {
    pub files: &'a Files<'a>,
    pub file: &'a File,
    /// The file's number.
    pub number: usize,
    pub program: &'a Program,
    pub scopes: Scopes,
    /// Whether it is inside a function.
    pub in_function: bool,
    /// The variables of the `for` loops around it, up to the function; nothing for other loops.
    pub loops: Vec<Option<&'a str>>,
    /// The `try` blocks around it.
    pub tries: Vec<Try>,
    /// The steps of the function so far.
    pub steps: Steps,
    pub found: Vec<Finding>,
}

/// Everything that is wrong in a text that parses.
pub fn walk<'a>(files: &'a Files<'a>, number: usize, program: &'a Program) -> Vec<Finding> {
    let mut walk = Walk {
        files,
        file: &files.files[number],
        number,
        program,
        scopes: Scopes::default(),
        in_function: false,
        loops: Vec::new(),
        tries: Vec::new(),
        steps: Steps::default(),
        found: Vec::new(),
    };
    walk.scopes.open();
    walk.top();
    walk.in_function = true;
    for function in &program.functions {
        walk.definition(function);
        walk.function(function);
    }
    walk.close(false);
    walk.found
}

/// The word that ends a block.
pub fn ending(statement: &Stmt) -> &'static str {
    let broken = statement.options().contains(rhai::ASTFlags::BREAK);
    match (statement, broken) {
        (Stmt::Return(..), false) => "return",
        (Stmt::Return(..), true) => "throw",
        (_, true) => "break",
        (_, false) => "continue",
    }
}

impl<'a> Walk<'a> {
    pub fn find(
        &mut self,
        severity: Severity,
        place: Position,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.found.push(Finding::new(severity, &self.file.text, place, message, help));
    }

    /// A function, or a closure at the place that makes it.
    pub fn function(&mut self, function: &'a Function) {
        let loops = std::mem::take(&mut self.loops);
        let tries = std::mem::take(&mut self.tries);
        let steps = std::mem::take(&mut self.steps);
        self.scopes.open_function();
        for parameter in &function.parameters {
            self.scopes.declare(parameter, function.place, false);
        }
        self.statements(&function.body);
        self.close(true);
        (self.loops, self.tries, self.steps) = (loops, tries, steps);
    }

    /// Leaves a block, and says what of it was never used.
    pub fn close(&mut self, variables_too: bool) {
        let scope = self.scopes.close();
        let file = self.file;
        let source = &file.text.source;
        // What a bundled file imports may have been for a function that another file replaces.
        let is_below = |alias: &&Alias| {
            is_layered(source) && origin(source, alias.place.line().unwrap_or_default()) == "bundled"
        };
        let unused = |alias: &&Alias| !alias.used && !alias.module.files.is_empty();
        for alias in scope.aliases.iter().filter(unused).filter(|alias| !is_below(alias)) {
            let message = format!("the module `{}` is imported and never used", alias.name);
            self.find(Severity::Warning, alias.place, message, "remove the `import`");
        }
        let unused = |variable: &&Variable| {
            variables_too && variable.watched && !variable.used && !variable.name.starts_with('_')
        };
        for variable in scope.variables.iter().filter(unused) {
            let message = format!("the variable `{}` is never used", variable.name);
            let help = format!("remove it, or call it `_{}` if it has to be there", variable.name);
            self.find(Severity::Warning, variable.place, message, help);
        }
    }

    /// A block with names of its own.
    pub fn block(&mut self, block: &'a StmtBlock) {
        self.scopes.open();
        self.statements(block.statements());
        self.close(true);
    }

    pub fn statements(&mut self, statements: &'a [Stmt]) {
        let mut ended: Option<&Stmt> = None;
        for statement in statements.iter().filter(|statement| !statement.is_noop()) {
            if let Some(end) = ended.take() {
                let what = ending(end);
                let line = end.position().line().unwrap_or_default();
                let help = format!("remove it, or move it before the `{what}` in line {line}");
                self.find(Severity::Warning, statement.position(), "this is never reached", help);
            }
            self.statement(statement);
            if statement.is_control_flow_break() {
                ended = Some(statement);
            }
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Var(declared, ..) => {
                self.expression(&declared.1);
                let stays = !self.program.assigned.contains(declared.0.name.as_str());
                let kind = self.kind_of(&declared.1).filter(|_| stays);
                self.scopes.declare(&declared.0.name, declared.0.pos, self.in_function);
                self.scopes.has_kind(kind);
            }
            Stmt::Assignment(assigned) => {
                self.expression(&assigned.1.rhs);
                self.expression(&assigned.1.lhs);
            }
            Stmt::FnCall(call, place) => self.call(call, *place),
            Stmt::Expr(expr) => self.expression(expr),
            Stmt::Block(block) => self.block(block),
            Stmt::If(flow, _) => {
                self.expression(&flow.expr);
                let branch = self.steps.branch();
                self.arm(branch, 0, |walk| walk.block(&flow.body));
                self.arm(branch, 1, |walk| walk.block(&flow.branch));
            }
            Stmt::Switch(switch, place) => self.switch(&switch.0, &switch.1, *place),
            Stmt::While(flow, _) => {
                self.expression(&flow.expr);
                self.repeated(None, |walk| walk.block(&flow.body));
            }
            Stmt::Do(flow, ..) => {
                self.repeated(None, |walk| walk.block(&flow.body));
                self.expression(&flow.expr);
            }
            Stmt::For(parts, _) => {
                let (item, counter, flow) = &**parts;
                self.expression(&flow.expr);
                self.scopes.open();
                self.scopes.declare(&item.name, item.pos, false);
                if let Some(counter) = counter {
                    self.scopes.declare(&counter.name, counter.pos, false);
                }
                self.repeated(Some(item.name.as_str()), |walk| walk.block(&flow.body));
                self.close(true);
            }
            Stmt::TryCatch(flow, place) => self.tried(flow, *place),
            Stmt::Return(Some(expr), ..) | Stmt::BreakLoop(Some(expr), ..) => self.expression(expr),
            Stmt::Import(import, place) => self.import(&import.0, &import.1, *place),
            Stmt::Export(export, _) => {
                self.variable(&export.0.name, export.0.pos);
            }
            // `Share` is what a closure captures, which its own expression names again.
            _ => {}
        }
    }

    /// One of several ways that exclude each other.
    pub fn arm(&mut self, branch: usize, arm: usize, inside: impl FnOnce(&mut Self)) {
        self.steps.enter(branch, arm);
        inside(self);
        self.steps.leave();
    }

    fn repeated(&mut self, item: Option<&'a str>, inside: impl FnOnce(&mut Self)) {
        self.loops.push(item);
        inside(self);
        self.loops.pop();
    }
}
