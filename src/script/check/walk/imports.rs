//! `import`, and what is asked of a module.

use super::Walk;
use crate::script::check::arity;
use crate::script::check::files::Module;
use crate::script::check::finding::{About, Severity};
use crate::script::check::program::{Function, Program};
use crate::script::check::scope::Alias;
use crate::script::layers::{Folder, Layers, nearest};
use crate::script::text::source::{module_name, origin};
use rhai::{Expr, Ident, Namespace, Position};

impl<'a> Walk<'a> {
    pub fn import(&mut self, path: &'a Expr, alias: &Ident, place: Position) {
        let Expr::StringConstant(name, path_place) = path else {
            let message = "which module this imports can't be known before it runs";
            self.find(
                Severity::Error,
                place,
                message,
                "write its name in quotes, as `import \"plain\" as plain;`",
            );
            let (name, path) = (alias.name.to_string(), String::new());
            self.scopes.import(Alias { name, path, place, module: Module::default(), used: false });
            return;
        };
        let module = self.files.module(name);
        if let Some(failure) = &module.failure {
            let help = "check the permissions of the file";
            self.find(Severity::Error, *path_place, failure.to_string(), help);
        }
        for missing in &module.missing {
            let (message, help) = match name.as_str() {
                "kind" => unknown_kind(missing, self.files.layers),
                name => self.no_such_module(name),
            };
            self.find(Severity::Error, *path_place, message, help);
            if let (true, Some(found)) = (name == "kind", self.found.last_mut()) {
                found.about = About::UnknownKind;
            }
        }
        for target in &module.files {
            let Some(mut way) = self.files.way_back(*target, self.number, &mut Vec::new()) else { continue };
            // Each of them would say the same.
            if way.iter().any(|file| *file < self.number) {
                continue;
            }
            way.insert(0, self.number);
            let names =
                way.iter().map(|file| format!("`{}`", module_name(&self.files.files[*file].text.source)));
            let message =
                format!("modules import each other: {}", names.collect::<Vec<_>>().join(" imports "));
            let help = "move what both need into a third module";
            self.find(Severity::Error, *path_place, message, help);
        }
        if alias.name.is_empty() {
            let help = format!("write `import \"{name}\" as {name};`, and call its functions as `{name}::…`");
            self.find(Severity::Warning, place, "this module gets no name, so that nothing can use it", help);
            return;
        }
        let (name, path) = (alias.name.to_string(), name.to_string());
        self.scopes.import(Alias { name, path, place, module, used: false });
    }

    fn no_such_module(&self, name: &str) -> (String, String) {
        let there = self.files.importable();
        let help = match nearest(name, there.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("put it into `stdlib/{name}.rhai` of the site; those there are: {}", there.join(", "))
            }
        };
        (format!("there is no module `{name}`"), help)
    }

    /// The module of a namespace, with the name that its import has; said here if there is none.
    fn module(&mut self, namespace: &Namespace) -> Option<(String, Vec<usize>)> {
        let first = namespace.path.first()?;
        let Some((path, module)) = self.scopes.use_alias(&first.name) else {
            let name = first.name.as_str();
            let there = self.files.importable();
            let help = match nearest(name, self.scopes.aliases()) {
                _ if there.iter().any(|there| there == name) => {
                    format!("write `import \"{name}\" as {name};` at the top of the file")
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => "import it at the top of the file, as `import \"plain\" as plain;`".to_owned(),
            };
            self.find(Severity::Error, first.pos, format!("no module is imported as `{name}`"), help);
            return None;
        };
        // A module of a module is left to the run: it is seldom, and its imports are checked where they stand.
        (namespace.path.len() == 1).then_some((path, module.files))
    }

    /// A function of a module, called with this many arguments.
    pub fn module_call(&mut self, namespace: &Namespace, name: &str, count: usize, place: Position) {
        let Some((path, files)) = self.module(namespace) else { return };
        if path == "kind" && files.len() > 1 && count == 0 {
            self.without_server(name, place);
        }
        for number in files {
            let file = &self.files.files[number];
            let Some(program) = &file.program else { continue };
            let line = place.line().unwrap_or_default();
            if path == "kind" && origin(&self.file.text.source, line) == "bundled" {
                self.found.extend(crate::script::check::offers::objection(file, name, count));
                continue;
            }
            let called = match path == "kind" {
                true => format!("the kind `{}`", module_name(&file.text.source)),
                false => format!("the module `{path}`"),
            };
            let found: Vec<&Function> = program.named(name).collect();
            if found.is_empty() {
                let help = match nearest(name, public(program)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its functions are: {}", public(program).collect::<Vec<_>>().join(", ")),
                };
                self.find(Severity::Error, place, format!("{called} has no function `{name}`"), help);
            } else if found.iter().all(|function| function.private) {
                let help = "remove `private` from its definition, or call another function of the module";
                self.find(Severity::Error, place, format!("`{name}` of {called} is private"), help);
            } else if let Some(function) = found.first()
                && found.iter().all(|function| function.parameters.len() != count)
            {
                let takes = arity::arguments(function.parameters.len(), function.parameters.len());
                let message = format!("`{name}` of {called} takes {takes}, not {count}");
                let help = format!("call it as `{}`", function.usage());
                self.find(Severity::Error, place, message, help);
            }
        }
    }

    /// A function of the kind that is called without a server, although there are several kinds. A run of servers of one
    /// kind knows which is meant.
    fn without_server(&mut self, name: &str, place: Position) {
        let severity = match self.files.layers.kinds() {
            [_, _, ..] => Severity::Error,
            _ => Severity::Warning,
        };
        let message = format!("`kind::{name}()` has no server, and there are servers of several kinds");
        self.find(
            severity,
            place,
            message,
            "give it a server first, or import the kind that is meant by its name",
        );
    }

    /// `module::NAME`, and `global::NAME` for what stands at the top of this file.
    pub fn module_value(&mut self, namespace: &Namespace, name: &str, place: Position) {
        if namespace.path.first().is_some_and(|first| first.name == "global") {
            if !self.program.constants().any(|constant| constant == name) {
                let help = match nearest(name, self.program.constants()) {
                    Some(near) => format!("did you mean `global::{near}`?"),
                    None => format!("define it at the top of the file, as `const {name} = …;`"),
                };
                self.find(Severity::Error, place, format!("this file has no constant `{name}`"), help);
            }
            return;
        }
        let Some((path, files)) = self.module(namespace) else { return };
        let exported = |file: usize| {
            self.files.files[file]
                .program
                .as_ref()
                .is_none_or(|program| program.exports().any(|own| own == name))
        };
        if !files.iter().all(|file| exported(*file)) {
            let message = format!("the module `{path}` exports no `{name}`");
            let help = format!("write `export const {name} = …;` there, or a function that returns it");
            self.find(Severity::Error, place, message, help);
        }
    }
}

/// What to say of a kind of servers that has no module.
pub fn unknown_kind(kind: &str, layers: &Layers) -> (String, String) {
    let there: Vec<String> = layers.list(Folder::Stdlib).into_iter().map(|(name, _)| name).collect();
    let help = match nearest(kind, there.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write its steps into `stdlib/{kind}.rhai`, or use one of: {}", there.join(", ")),
    };
    (format!("no module knows the steps of servers of the kind `{kind}`"), help)
}

/// The names of the functions that a module offers.
fn public(program: &Program) -> impl Iterator<Item = &str> {
    program.functions.iter().filter(|function| !function.private).map(|function| function.name.as_str())
}
