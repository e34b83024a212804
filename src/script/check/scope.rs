//! Which variables and modules can be seen from a place, and which of them were never used.

use super::files::Module;
use rhai::Position;

/// A variable.
pub struct Variable {
    pub name: String,
    pub place: Position,
    pub used: bool,
    /// Whether to say so if it is never used: parameters may be there for the caller's sake.
    pub watched: bool,
    /// The kind of its value, if that is known and stays.
    pub kind: Option<&'static str>,
}

/// A module under the name that `import` gave it.
pub struct Alias {
    pub name: String,
    pub path: String,
    pub place: Position,
    pub module: Module,
    pub used: bool,
}

/// A block's own names.
#[derive(Default)]
pub struct Scope {
    pub variables: Vec<Variable>,
    pub aliases: Vec<Alias>,
    /// Whether it is a function's outermost: variables outside of it can't be seen.
    closed: bool,
}

/// The blocks around a place, the innermost last.
#[derive(Default)]
pub struct Scopes {
    stack: Vec<Scope>,
}

impl Scopes {
    pub fn open(&mut self) {
        self.stack.push(Scope::default());
    }

    pub fn open_function(&mut self) {
        self.stack.push(Scope { closed: true, ..Scope::default() });
    }

    pub fn close(&mut self) -> Scope {
        self.stack.pop().unwrap_or_default()
    }

    pub fn declare(&mut self, name: &str, place: Position, watched: bool) {
        if let Some(scope) = self.stack.last_mut() {
            scope.variables.push(Variable { name: name.into(), place, used: false, watched, kind: None });
        }
    }

    /// The variable that was declared last has values of this kind only.
    pub fn has_kind(&mut self, kind: Option<&'static str>) {
        if let Some(variable) = self.stack.last_mut().and_then(|scope| scope.variables.last_mut()) {
            variable.kind = kind;
        }
    }

    /// The kind of the values of a variable that is seen here.
    pub fn kind(&self, name: &str) -> Option<&'static str> {
        let open = self.stack.iter().rposition(|scope| scope.closed).unwrap_or(0);
        let mut variables = self.stack[open..].iter().rev().flat_map(|scope| scope.variables.iter().rev());
        variables.find(|variable| variable.name == name)?.kind
    }

    pub fn import(&mut self, alias: Alias) {
        if let Some(scope) = self.stack.last_mut() {
            scope.aliases.push(alias);
        }
    }

    /// Whether the variable is seen here; it counts as used then.
    pub fn use_variable(&mut self, name: &str) -> bool {
        for scope in self.stack.iter_mut().rev() {
            if let Some(variable) = scope.variables.iter_mut().rev().find(|variable| variable.name == name) {
                variable.used = true;
                return true;
            }
            if scope.closed {
                return false;
            }
        }
        false
    }

    /// The module of this name, which counts as used then. Functions see those of the file.
    pub fn use_alias(&mut self, name: &str) -> Option<(String, Module)> {
        let aliases = self.stack.iter_mut().rev().flat_map(|scope| scope.aliases.iter_mut().rev());
        let mut found = aliases.filter(|alias| alias.name == name);
        let alias = found.next()?;
        alias.used = true;
        Some((alias.path.clone(), alias.module.clone()))
    }

    /// The module of this name, which is not used by that.
    pub fn peek_alias(&self, name: &str) -> Option<&Module> {
        let mut aliases = self.stack.iter().rev().flat_map(|scope| scope.aliases.iter().rev());
        aliases.find(|alias| alias.name == name).map(|alias| &alias.module)
    }

    /// The names of the variables that are seen here.
    pub fn variables(&self) -> Vec<&str> {
        let open = self.stack.iter().rposition(|scope| scope.closed).unwrap_or(0);
        self.stack[open..].iter().flat_map(|scope| &scope.variables).map(|v| v.name.as_str()).collect()
    }

    /// The names of the modules that are seen here.
    pub fn aliases(&self) -> Vec<&str> {
        self.stack.iter().flat_map(|scope| &scope.aliases).map(|alias| alias.name.as_str()).collect()
    }
}
