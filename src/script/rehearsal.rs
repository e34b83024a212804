//! A site's own tests: scripts whose functions each get a practice server, do something with it, and say what they expect.
//!
//! They are no runbooks: nothing in them passes the gate, and they see no primitive. What they call are runs of the program
//! itself.

use crate::failure::{Context, Failure, Kind, Result};
use crate::script::engine::compile;
use crate::script::engine::convert::plain_to_dynamic;
use crate::script::engine::error::to_failure;
use crate::script::engine::values::to_error;
use crate::script::layers::Text;
use crate::sync::Mutex;
use rhai::{
    AST, Dynamic, Engine, EvalAltResult, ImmutableString, Map, NativeCallContext, OptimizationLevel, Scope,
};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The practice server that a test gets, and the runs on it.
pub trait Subject: Send + Sync {
    /// Calls the program for the server's site, killed where the journal is at `kill`, if that is given; its exit code,
    /// negative if a signal ended it, and what it said.
    fn banister(&self, arguments: &[&str], kill: Option<&str>) -> Result<(i32, String)>;
    /// How many runs there were.
    fn runs(&self) -> usize;
    /// What `banister show --json` says of the last run.
    fn last_run(&self) -> Result<Value>;
    /// The folder of the site.
    fn site(&self) -> PathBuf;
    /// The home of the server's administrator.
    fn home(&self) -> PathBuf;
    /// The release that is checked out.
    fn release(&self) -> Result<String>;
    fn is_healthy(&self) -> Result<bool>;
    /// The make targets that were called, in order.
    fn made(&self) -> Result<Vec<String>>;
    /// Makes something go wrong from now on, or no more.
    fn switch(&self, fault: &str, on: bool) -> Result<()>;
}

/// What a function of a test script may return from a call.
type Told<T> = std::result::Result<T, Box<EvalAltResult>>;

/// A test script.
pub struct Tests {
    source: String,
    engine: Engine,
    ast: AST,
    /// The names of its tests, in the order in which they stand: functions with one parameter that are not private.
    pub names: Vec<String>,
}

impl Tests {
    /// Reads a test script. Fails with [`Kind::Invalid`] if it is none.
    pub fn read(text: &Text) -> Result<Tests> {
        let engine = engine();
        let ast = compile(&engine, &text.source, &text.text)?;
        let outline = crate::script::text::outline::outline(&text.text);
        let is_test = |function: &&crate::script::text::outline::Function| {
            function.parameters == 1 && !text.text[function.whole.clone()].starts_with("private")
        };
        let names: Vec<String> =
            outline.functions.iter().filter(is_test).map(|function| function.name.clone()).collect();
        if names.is_empty() {
            let message = format!("`{}` has no test", crate::script::text::source::shown(&text.source));
            return Err(Failure::new(Kind::Invalid, message).help(
                "write one as `fn what_it_shows(practice) { … }`; read how with `banister test --help`",
            ));
        }
        Ok(Tests { source: text.source.clone(), engine, ast, names })
    }

    /// Runs one of its tests on a practice server. Fails with what was expected and is not so.
    pub fn run(&self, name: &str, subject: Arc<dyn Subject>) -> Result<()> {
        let practice = Practice { subject, kill: Arc::default() };
        let called = self.engine.call_fn::<Dynamic>(&mut Scope::new(), &self.ast, name, (practice,));
        called.map(drop).map_err(|error| to_failure(&error, &self.source))
    }
}

/// What a test gets.
#[derive(Clone)]
struct Practice {
    subject: Arc<dyn Subject>,
    /// The step at whose beginning the next run is killed.
    kill: Arc<Mutex<Option<String>>>,
}

impl Practice {
    /// Calls the program for a run, and gives what `show --json` says of it, with `code` and `said`.
    fn call(&self, arguments: &[&str]) -> Result<Dynamic> {
        let step = self.kill.lock().take();
        let place = step.map(|step| format!("after \"name\":{}", Value::from(step)));
        let before = self.subject.runs();
        let (code, said) = self.subject.banister(arguments, place.as_deref())?;
        let is_of_it = arguments.first() == Some(&"resume") || self.subject.runs() > before;
        let mut run = match is_of_it {
            true => self.subject.last_run()?,
            // Nothing of it was written down.
            false => json!({ "state": "refused" }),
        };
        run["code"] = code.into();
        run["said"] = said.into();
        Ok(plain_to_dynamic(&run))
    }

    fn run(&self, runbook: &str, parameters: &Map) -> Result<Dynamic> {
        let given = parameters.iter().map(|(name, value)| format!("--{}={value}", name.replace('_', "-")));
        let given: Vec<String> = given.collect();
        let fixed = ["run", runbook, "--yes", "--abandon"];
        self.call(&fixed.into_iter().chain(given.iter().map(String::as_str)).collect::<Vec<_>>())
    }

    /// A path in the home of the server's administrator.
    fn path(&self, written: &str) -> PathBuf {
        self.subject.home().join(written.trim_start_matches("~/").trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let (path, failed) = (self.path(path), || format!("can't write `{path}`"));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).or_fail(Kind::Invalid, failed)?;
        }
        std::fs::write(path, text).or_fail(Kind::Invalid, failed)
    }

    /// A program that the scripts find under this name.
    fn stand_in(&self, name: &str, script: &str) -> Result<()> {
        let failed = || format!("can't make the program `{name}`");
        if name.is_empty() || name.contains('/') {
            return Err(Failure::new(Kind::Invalid, format!("`{name}` is no name of a program")));
        }
        let folder = self.subject.site().join("bin");
        std::fs::create_dir_all(&folder).or_fail(Kind::Refused, failed)?;
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).or_fail(Kind::Refused, failed)?;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&file, mode).or_fail(Kind::Refused, failed)
    }
}

fn engine() -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_strict_variables(true);
    engine.set_max_call_levels(64);
    engine.set_max_expr_depths(128, 128);
    engine.disable_symbol("eval");
    engine.register_type_with_name::<Practice>("practice server");
    engine.register_fn("run", |practice: &mut Practice, runbook: &str| -> Told<Dynamic> {
        practice.run(runbook, &Map::new()).map_err(to_error)
    });
    engine.register_fn("run", |practice: &mut Practice, runbook: &str, parameters: Map| -> Told<Dynamic> {
        practice.run(runbook, &parameters).map_err(to_error)
    });
    engine.register_fn("resume", |practice: &mut Practice| -> Told<Dynamic> {
        practice.call(&["resume", "--yes"]).map_err(to_error)
    });
    engine.register_fn("roll_back", |practice: &mut Practice| -> Told<Dynamic> {
        practice.call(&["resume", "--rollback", "--yes"]).map_err(to_error)
    });
    engine.register_fn("fail", |practice: &mut Practice, fault: &str| -> Told<()> {
        practice.subject.switch(fault, true).map_err(to_error)
    });
    engine.register_fn("mend", |practice: &mut Practice, fault: &str| -> Told<()> {
        practice.subject.switch(fault, false).map_err(to_error)
    });
    engine.register_fn("kill_at", |practice: &mut Practice, step: &str| {
        *practice.kill.lock() = Some(step.to_owned());
    });
    engine.register_fn("stand_in", |practice: &mut Practice, name: &str, script: &str| -> Told<()> {
        practice.stand_in(name, script).map_err(to_error)
    });
    engine.register_fn("read", |practice: &mut Practice, path: &str| -> Dynamic {
        std::fs::read_to_string(practice.path(path)).map(Dynamic::from).unwrap_or_default()
    });
    engine.register_fn("write", |practice: &mut Practice, path: &str, text: &str| -> Told<()> {
        practice.write(path, text).map_err(to_error)
    });
    engine.register_get("release", |practice: &mut Practice| -> Told<String> {
        practice.subject.release().map_err(to_error)
    });
    engine.register_get("healthy", |practice: &mut Practice| -> Told<bool> {
        practice.subject.is_healthy().map_err(to_error)
    });
    engine.register_get("made", |practice: &mut Practice| -> Told<Dynamic> {
        practice.subject.made().map(|made| plain_to_dynamic(&json!(made))).map_err(to_error)
    });
    engine.register_fn("expect", |is_so: bool| expect(is_so, "the expectation failed"));
    engine.register_fn("expect", |is_so: bool, what: ImmutableString| expect(is_so, &what));
    engine.register_fn(
        "expect_equal",
        |context: NativeCallContext, found: Dynamic, expected: Dynamic| -> Told<()> {
            let equal =
                context.call_native_fn::<bool>("==", (found.clone(), expected.clone())).unwrap_or(false);
            expect(equal, &format!("found {found:?}, and expected {expected:?}"))
        },
    );
    engine
}

fn expect(is_so: bool, what: &str) -> Told<()> {
    match is_so {
        true => Ok(()),
        false => Err(to_error(Failure::new(Kind::Refused, what))),
    }
}
