//! What is typed line by line: one text after the other, whose variables, functions and modules live on.
//!
//! Whoever reads the lines and shows what they give knows nothing of Rhai; that is `cli/repl`.

mod mistake;
pub mod saved;
pub mod words;

use crate::event::Event;
use crate::failure::{Failure, Result};
use crate::script::engine;
use crate::script::engine::error::to_failure;
use crate::script::engine::here::Here;
use crate::script::engine::nothing;
use crate::script::engine::seen::Seen;
use crate::script::engine::values::{FailureValue, ServerValue};
use crate::script::layers::{Folder, Layers};
use crate::script::runbook::on_large_stack;
use crate::script::text::tokens::{Sort, tokens};
use crate::session::{Frame, Session};
use crate::site::Site;
use crate::stop::Stop;
use crate::sync::Mutex;
use rhai::{AST, Caches, Dynamic, Engine, EvalAltResult, GlobalRuntimeState, Scope};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of the text that is typed, in places.
pub const SOURCE: &str = "repl";

/// Lines are counted only so far: Rhai's positions have no room for more.
const LINES: usize = 60_000;

/// Everything that lives on between two lines.
pub struct Repl {
    engine: Engine,
    /// Ends a line that runs.
    stop: Arc<Stop>,
    layers: Arc<Layers>,
    scope: Scope<'static>,
    global: GlobalRuntimeState,
    /// All functions that were typed.
    functions: AST,
    /// The functions of the script in which this was opened.
    around: Vec<rhai::Shared<rhai::Module>>,
    /// The modules that can be called by their names.
    modules: BTreeSet<String>,
    /// The number of lines before this one.
    before: usize,
}

/// What a line gave.
#[derive(Debug, PartialEq)]
pub enum Given {
    Nothing,
    Data(Value),
    /// What can't be passed on, as it calls itself.
    Other(String),
}

impl Repl {
    /// `stop` ends a line that runs. The servers of the site are variables by their names.
    pub fn new(layers: Arc<Layers>, site: &Site, stop: Arc<Stop>) -> Repl {
        let mut engine = engine::engine(layers.clone());
        // What was imported in another line, or is declared in one, the parser does not know.
        engine.set_strict_variables(false);
        let mut scope = Scope::new();
        for server in site.servers.values().filter(|server| rhai::is_valid_identifier(&server.name)) {
            scope.push(server.name.clone(), ServerValue(Arc::new(server.clone())));
        }
        let mut modules: BTreeSet<String> =
            layers.list(Folder::Stdlib).into_iter().map(|(name, _)| name).collect();
        modules.retain(|name| rhai::is_valid_identifier(name));
        modules.insert("kind".into());
        let global = engine.new_global_runtime_state();
        let (functions, around) = (AST::empty(), Vec::new());
        Repl { engine, stop, layers, scope, global, functions, around, modules, before: 0 }
    }

    /// Goes on where a step failed: with its variables, which hide servers of their names, and what it can call.
    pub fn see(&mut self, seen: Seen) {
        for (name, value) in seen.variables.into_iter().rev() {
            self.scope.set_or_push(name, value);
        }
        let Some(mut global) = seen.global else { return };
        global.tag = Dynamic::UNIT;
        self.around = global.lib.iter().cloned().collect();
        let imports: Vec<_> =
            global.scan_imports_raw().map(|(name, module)| (name.clone(), module.clone())).collect();
        for (name, module) in imports {
            self.global.push_import(name, module);
        }
    }

    /// The names of the variables, in alphabetical order.
    pub fn variables(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self.scope.iter_raw().map(|(name, ..)| name).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Whether more has to be typed before this can be read.
    pub fn is_unfinished(&self, text: &str) -> bool {
        if crate::script::text::tokens::is_open(text) {
            return true;
        }
        // A blank line is how a person says that this was all.
        let goes_on = !text.trim().is_empty() && !text.ends_with("\n\n");
        let unread = || self.engine.compile(text).err();
        goes_on
            && unread().is_some_and(|error| {
                let kind = error.err_type();
                matches!(kind, rhai::ParseErrorType::UnexpectedEOF) || error.position().is_none()
            })
    }

    /// Evaluates a line, which may be of several lines of text, in a frame of the session.
    pub fn evaluate(&mut self, session: &Arc<Session>, frame: Arc<Frame>, text: &str) -> Result<Given> {
        let here = Here {
            hooks: Arc::from([]),
            session: session.clone(),
            frame,
            handlers: Arc::new(Mutex::default()),
            chooser: None,
            ahead: None,
            seen: None,
        };
        let handlers = here.handlers.clone();
        let stop = Some(self.stop.clone());
        let result = on_large_stack(stop, || self.evaluate_here(here, text));
        // Handlers know their place, and the place knows its handlers.
        let handlers = std::mem::take(&mut *handlers.lock());
        if !handlers.is_empty() {
            let text =
                "`on_failure` does nothing here: a line that fails leaves things as they are".to_owned();
            session.tell(&Event::Warned { text: text.into() });
        }
        result
    }

    fn evaluate_here(&mut self, here: Here, text: &str) -> Result<Given> {
        // So that a place counts the lines that were typed.
        let padded = "\n".repeat(self.before % LINES) + text;
        self.before += text.lines().count().max(1);
        let ast = engine::compile(&self.engine, SOURCE, &padded)
            // It is typed anew; there is no file to be corrected.
            .map_err(|failure| Failure { help: None, ..failure })?;
        self.functions = self.functions.merge(&ast.clone_functions_only());
        self.global.lib = self.around.iter().chain([self.functions.shared_lib()]).cloned().collect();
        self.global.source = Some(SOURCE.into());
        self.global.tag = Dynamic::from(here);
        (self.global.level, self.global.scope_level) = (0, 0);
        self.global.always_search_scope = true;
        nothing::begin();
        let before = self.scope.clone();
        let imported = self.import_modules(text);
        let result = imported.and_then(|()| {
            #[expect(deprecated, reason = "nothing else keeps the imports of a line")]
            let result = self.engine.eval_statements_raw(
                &mut self.global,
                &mut Caches::new(),
                &mut self.scope,
                ast.statements(),
            );
            result
        });
        let result = nothing::refuse().and(result);
        if nothing::was_made() {
            // No variable keeps a text with a hole in it.
            self.scope = before;
        }
        self.global.tag = Dynamic::UNIT;
        match result {
            Ok(value) => Ok(given(&value)),
            Err(error) => Err(self.mistake(&error, to_failure(&error, SOURCE))),
        }
    }

    /// Loads the modules that the text calls by their names and that nobody imported.
    fn import_modules(&mut self, text: &str) -> std::result::Result<(), Box<EvalAltResult>> {
        let tokens = tokens(text);
        for pair in tokens.windows(2) {
            let [word, sign] = pair else { continue };
            let name = &text[word.place.clone()];
            let is_qualified = word.sort == Sort::Word && &text[sign.place.clone()] == "::";
            if is_qualified && self.modules.contains(name) && self.global.find_import(name).is_none() {
                let import = self.engine.compile(format!("import \"{name}\" as {name};"))?;
                #[expect(deprecated, reason = "nothing else keeps the imports of a line")]
                self.engine
                    .eval_statements_raw(
                        &mut self.global,
                        &mut Caches::new(),
                        &mut self.scope,
                        import.statements(),
                    )
                    .map(drop)?;
            }
        }
        Ok(())
    }
}

/// A value for people and programs.
fn given(value: &Dynamic) -> Given {
    if value.is_unit() {
        return Given::Nothing;
    }
    if let Some(failure) = value.read_lock::<FailureValue>() {
        return Given::Other(format!("‹{}: {}›", failure.0.kind.name(), failure.0));
    }
    match crate::script::engine::convert::to_plain(value) {
        Ok(plain) => Given::Data(plain),
        Err(_) => Given::Other(format!("‹{}›", value.type_name())),
    }
}
