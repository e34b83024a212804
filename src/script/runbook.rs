//! A runbook: its text, its parameters, and how it is run.

mod ready;

use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::script::check::{self, Finding};
use crate::script::engine;
use crate::script::engine::blocks;
use crate::script::engine::error::to_failure;
use crate::script::engine::heed::heed;
use crate::script::engine::here::{Chooser, Here};
use crate::script::engine::nothing;
use crate::script::engine::pace::STACK;
use crate::script::engine::seen::Seen;
use crate::script::layers::hooks::Hook;
use crate::script::layers::{Layers, Text};
use crate::session::{Frame, Session};
use crate::stop::Stop;
use crate::sync::Mutex;
use ready::{Engines, Ready};
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, Scope};
use serde::Serialize;
use std::sync::Arc;

/// A runbook that was read and compiled.
pub struct Runbook {
    pub name: String,
    pub source: String,
    /// What it is for: the first sentence of its documentation.
    pub summary: String,
    /// Its documentation.
    pub documentation: String,
    pub parameters: Vec<Parameter>,
    layers: Arc<Layers>,
    hooks: Arc<[Hook]>,
    text: Text,
    engines: Engines,
}

/// A parameter of `main`: an option on the command line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    pub name: String,
    /// From the comment above `main`.
    pub help: String,
    /// Whether nothing says what holds if it is not given.
    pub required: bool,
    /// Whether it is yes or no: its documentation begins with `true to …`. Its name alone says yes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flag: bool,
}

impl Parameter {
    /// What it is for, and whether it must be given.
    pub fn usage(&self) -> String {
        let mark = match self.required {
            true => "[required]",
            // Its documentation says what holds then.
            false if check::has_default(&self.help) => return self.help.clone(),
            false => "[optional]",
        };
        format!("{} {mark}", self.help).trim().to_owned()
    }
}

/// The first paragraph of what the text of a bundled runbook says of it, without reading more.
pub fn summary_of(text: &str) -> String {
    let documentation = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    documentation.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Runbook {
    /// Reads a runbook.
    pub fn load(layers: Arc<Layers>, name: &str) -> Result<Runbook> {
        let text = layers.runbook(name)?;
        Runbook::read(layers, name, text)
    }

    /// A runbook of the program's own, from no file.
    pub fn from_text(layers: Arc<Layers>, name: &str, text: &str) -> Result<Runbook> {
        Runbook::read(layers, name, Text::new(format!("bundled:{name}"), text.to_owned()))
    }

    fn read(layers: Arc<Layers>, name: &str, text: Text) -> Result<Runbook> {
        let ast = engine::compile(&engine::PARSER, &text.source, &text.text);
        // The check says more than the parser, and does not stop at the first unknown name.
        let ast = ast.or_else(|failure| check::refuse(&check::check(&layers, &text)).and(Err(failure)))?;
        let mut functions: Vec<_> = ast.iter_functions().filter(|function| function.name == "main").collect();
        functions.sort_by_key(|function| function.params.len());
        let Some(main) = functions.pop() else {
            let shown = crate::script::text::source::shown(&text.source);
            return Err(Failure::new(
                Kind::Invalid,
                format!("`{shown}` has no `fn main`, so that it is no runbook"),
            )
            .help("write `fn main() { … }`; what other runbooks import belongs in `stdlib/`"));
        };
        let comments: Vec<String> =
            main.comments.iter().flat_map(|comment| comment.lines()).map(uncommented).collect();
        let help = |name: &str| {
            let found = comments.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.map(|help| help.trim().to_owned()).unwrap_or_default()
        };
        let optional = check::optional(&text);
        let parameter = |name: &&str| {
            let (name, help) = (name.to_string(), help(name));
            let required = !check::has_default(&help) && !optional.contains(&name);
            Parameter { required, flag: help.starts_with("true to "), name, help }
        };
        let parameters = main.params.iter().map(parameter).collect();
        let documentation =
            ast.doc().lines().map(uncommented).collect::<Vec<_>>().join("\n").trim().to_owned();
        let summary = documentation.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        Ok(Runbook {
            name: name.into(),
            source: text.source.clone(),
            summary,
            documentation,
            parameters,
            hooks: layers.hooks()?.into(),
            layers,
            text,
            engines: Engines::default(),
        })
    }

    /// Fails if it can't work, or if something that it imports can't; nothing is done for that.
    pub fn check(&self) -> Result<()> {
        check::refuse(&check::check(&self.layers, &self.text))
    }

    /// Fails if a parameter is not given that the script can't do without.
    pub fn require(&self, given: &Arguments) -> Result<()> {
        let is_missing = |parameter: &&Parameter| {
            parameter.required && given.get(&parameter.name).is_none_or(|it| it.is_null())
        };
        let missing: Vec<&Parameter> = self.parameters.iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let option = |parameter: &&Parameter| format!("--{}", parameter.name.replace('_', "-"));
        let names: Vec<String> = missing.iter().map(|it| format!("`{}`", option(it))).collect();
        let typed: Vec<String> = missing.iter().map(|it| format!(" {} VALUE", option(it))).collect();
        let failure = Failure::new(Kind::Invalid, format!("`{}` needs {}", self.name, names.join(" and ")));
        let told = missing.iter().filter(|parameter| !parameter.help.is_empty());
        let failure = told.fold(failure, |failure, it| failure.why(format!("{}: {}", option(it), it.help)));
        Err(failure.help(format!(
            "give it, as `banister run {name}{}`; see its parameters with `banister run {name} --help`",
            typed.concat(),
            name = self.name
        )))
    }

    /// Fails if it is for one server, as far as its text says that, and these are several.
    pub fn require_servers(&self, names: &[String]) -> Result<()> {
        match names.len() != 1 && check::is_of_one_server(&self.text) {
            true => Err(engine::one_of(names, &self.name)),
            false => Ok(()),
        }
    }

    /// What a site's files override and has changed since they were written.
    pub fn stale(&self) -> Vec<Finding> {
        let found = check::check(&self.layers, &self.text);
        found.into_iter().filter(|finding| finding.versions.is_some()).collect()
    }

    /// The scripts that it was read from.
    pub fn layers(&self) -> &Arc<Layers> {
        &self.layers
    }

    /// What its `main` returns, in a session that is never gone on with.
    pub fn value(&self, session: &Arc<Session>, parameters: &Arguments) -> Result<serde_json::Value> {
        on_large_stack(None, || {
            let Ready { engine, ast } = self.ready(false)?;
            let here = self.here(session, None);
            let value = self.call_main(engine, ast, &here, parameters)?;
            crate::script::engine::convert::to_plain(&value).map_err(|error| to_failure(&error, &self.source))
        })
    }

    /// What the step saw in which a run failed: the session goes through what was done and does nothing more. Fails if
    /// the script is not that of the run.
    pub fn seen(&self, session: &Arc<Session>, parameters: &Arguments) -> Result<Seen> {
        on_large_stack(None, || {
            let Ready { engine, ast } = self.ready(false)?;
            let seen = Arc::new(Mutex::new(Seen::default()));
            let here = Here { seen: Some(seen.clone()), ..self.here(session, None) };
            let result = self.call_main(engine, ast, &here, parameters);
            here.handlers.lock().clear();
            match result {
                Err(failure) if matches!(failure.kind, Kind::Mismatch | Kind::Invalid) => Err(failure),
                _ => Ok(std::mem::take(&mut *seen.lock())),
            }
        })
    }

    /// Runs it in a session, on a thread of its own. `on_failure` says whether to go back at once if it fails.
    pub fn run(
        &self,
        session: &Arc<Session>,
        parameters: &Arguments,
        chooser: Option<Arc<dyn Chooser>>,
        on_failure: OnFailure,
    ) -> Result<()> {
        let (run, runbook) = (session.header.run.as_str(), self.name.as_str());
        let span = tracing::info_span!("run", id = run, runbook);
        let stop = Some(session.stop.clone());
        on_large_stack(stop, || span.in_scope(|| self.run_here(session, parameters, chooser, on_failure)))
    }

    fn ready(&self, is_open: bool) -> Result<&Ready> {
        self.engines.ready(&self.layers, &self.text, is_open)
    }

    fn here(&self, session: &Arc<Session>, chooser: Option<Arc<dyn Chooser>>) -> Here {
        let frame = Arc::new(Frame::default());
        let handlers = Arc::new(Mutex::default());
        let hooks = self.hooks.clone();
        Here { session: session.clone(), frame, handlers, hooks, chooser, ahead: None, seen: None }
    }

    fn run_here(
        &self,
        session: &Arc<Session>,
        parameters: &Arguments,
        chooser: Option<Arc<dyn Chooser>>,
        on_failure: OnFailure,
    ) -> Result<()> {
        // What was read with a secret that has changed since is as little known as what a plan can't know.
        let Ready { engine, ast } = self.ready(chooser.is_some() || session.has_lost())?;
        let ahead = chooser.is_none().then(|| check::ahead(&self.layers, &self.text).into());
        let here = Here { ahead, ..self.here(session, chooser) };
        let result = self.go(engine, ast, &here, parameters, on_failure);
        // Handlers know their place, and the place knows its handlers.
        here.handlers.lock().clear();
        result
    }

    /// Calls `main`, and goes back if that is asked for.
    fn go(
        &self,
        engine: &Engine,
        ast: &AST,
        here: &Here,
        parameters: &Arguments,
        on_failure: OnFailure,
    ) -> Result<()> {
        let session = &here.session;
        let result = self.call_main(engine, ast, here, parameters);
        let failed = match result {
            Ok(_) if session.is_turned_back() => None,
            Ok(_) if here.chooser.is_some() => return self.plan_back(engine, here),
            Ok(_) => return session.check_all_used(&here.frame),
            Err(failure) => Some(failure),
        };
        let none = here.handlers.lock().is_empty();
        // What keeps the script from being gone through is no failure of it: nothing is put back then.
        if session.is_turned_back()
            && let Some(failure) =
                failed.as_ref().filter(|failure| session.keeps_from_rollback(failure, none))
        {
            return Err(failure.clone());
        }
        if session.is_turned_back() && none && session.has_changed() {
            let message = "the script does not declare a rollback here";
            return Err(Failure::new(Kind::Refused, message)
                .why("nothing was rolled back")
                .help("what was done stays; see how the servers are with `banister status`"));
        }
        let mut cause = None;
        if let Some(failure) = failed
            && !session.is_turned_back()
        {
            let stops = match on_failure {
                OnFailure::Stop => true,
                OnFailure::Rollback => false,
                OnFailure::RollbackAlone => session.lacks_only_a_backup(),
            };
            if stops || failure.kind.exit_code() != 1 || none {
                return Err(failure);
            }
            cause = Some(failure.clone());
            session.tell(&crate::event::Event::Failed { failure });
            session.turn_back();
        }
        session.clear_the_way(cause)?;
        blocks::roll_back(engine, here, &self.source)
    }

    /// A plan shows the way back as well.
    fn plan_back(&self, engine: &Engine, here: &Here) -> Result<()> {
        if here.handlers.lock().is_empty() {
            return Ok(());
        }
        here.session.turn_back();
        here.session.clear_the_way(None)?;
        blocks::roll_back(engine, here, &self.source)
    }

    fn call_main(&self, engine: &Engine, ast: &AST, here: &Here, parameters: &Arguments) -> Result<Dynamic> {
        let values: Vec<Dynamic> = self
            .parameters
            .iter()
            .map(|parameter| {
                parameters
                    .get(&parameter.name)
                    .map(crate::script::engine::convert::plain_to_dynamic)
                    .unwrap_or_default()
            })
            .collect();
        let options = CallFnOptions::new().with_tag(here.clone()).eval_ast(true);
        nothing::take();
        let result: std::result::Result<Dynamic, Box<EvalAltResult>> =
            engine.call_fn_with_options(options, &mut Scope::new(), ast, "main", values);
        let result = result.and_then(|value| nothing::refuse().map(|()| value));
        // A parameter list of its own would be `ErrorInFunctionCall` around everything; the failure has the place.
        result.map_err(|error| to_failure(&error, &self.source))
    }
}

/// Does a script's work on a thread whose stack is large enough for it, until `stop` is asked for.
pub(super) fn on_large_stack<T: Send>(
    stop: Option<Arc<Stop>>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let work = || {
        heed(stop);
        work()
    };
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().name("script".into()).stack_size(STACK).spawn_scoped(scope, work);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Failure::new(Kind::Bug, "the script's thread panicked")),
            Err(error) => Err(Failure::new(Kind::Bug, "there is no thread for the script").why(error)),
        }
    })
}

/// What to do when a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Leave it, resumable.
    Stop,
    /// Do what `on_failure` says, at once.
    Rollback,
    /// The same where nobody is, unless the release is installed and healthy, and only a backup of it is missing.
    RollbackAlone,
}

/// A documentation line without its comment marks.
fn uncommented(line: &str) -> String {
    let line = line.trim_start();
    let text = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")).unwrap_or(line);
    text.strip_prefix(' ').unwrap_or(text).to_owned()
}
