//! The engine: Rhai with our primitives, our blocks, and without what would break replay.

pub mod ahead;
mod asked;
pub mod assume;
pub mod assumed;
mod bare;
pub mod blocks;
pub mod compare;
pub mod convert;
pub mod error;
pub mod heed;
pub mod here;
mod hooked;
mod json;
pub mod nothing;
mod operators;
pub mod pace;
mod parsed;
mod print;
pub mod seen;
pub mod sweep;
mod types;
pub mod unknown;
pub mod values;

use crate::failure::{Failure, Kind};
use crate::journal::Call;
use crate::primitive::{AnyPrimitive, Signature};
use crate::primitives;
use crate::script::layers::Layers;
use crate::sync::Mutex;
pub use bare::{LENIENT, PARSER};
pub use parsed::parsed;

use bare::bare;
use convert::{map_to_plain, to_dynamic, to_plain};
use error::{place, to_failure};
use here::Here;
use rhai::{
    AST, Dynamic, Engine, EvalAltResult, Map, Module, ModuleResolver, NativeCallContext, Position, Scope,
    Shared,
};
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::ThreadId;
use values::{ServerValue, to_error};

/// Words of plain Rhai that see the world around the gate, and what to say instead.
const FORBIDDEN: [(&str, &str); 4] = [
    ("timestamp", "use `now()`, which a resumed run sees the same"),
    ("sleep", "use `wait_healthy`"),
    ("eval", ""),
    // A run that ended so would be taken for done.
    ("exit", "use `throw \"…\"` to fail, or `return` to end a function well"),
];

/// An engine over the given layers. It serves any number of runs, one after the other or at once.
pub fn engine(layers: Arc<Layers>) -> Engine {
    let mut engine = bare();
    engine.set_module_resolver(Resolver { layers, loaded: Mutex::default(), loading: Mutex::default() });
    for (name, instead) in FORBIDDEN {
        let refuse = move || -> Result<(), Box<EvalAltResult>> {
            Err(to_error(Failure::new(Kind::Invalid, format!("`{name}` is not available: {instead}"))))
        };
        engine.register_fn(name, refuse);
        engine.register_fn(name, move |_: Dynamic| refuse());
    }
    types::register(&mut engine);
    nothing::register(&mut engine);
    engine.on_progress(|_| nothing::end().or_else(heed::end));
    print::register(&mut engine);
    json::register(&mut engine);
    compare::register(&mut engine);
    operators::register(&mut engine);
    blocks::register(&mut engine);
    register_servers(&mut engine);
    for primitive in primitives::all() {
        register(&mut engine, primitive);
    }
    engine
}

/// Compiles a text.
pub fn compile(engine: &Engine, source: &str, text: &str) -> Result<AST, Failure> {
    let original = text;
    let text = asked::with_calls(source, text);
    nothing::Texts::keep(engine, source, original, &text);
    if let Ok(ast) = parsed(source, &text) {
        return Ok(AST::clone(&ast));
    }
    // What is typed line by line is about names of the lines before.
    let mut ast = engine.compile(&*text).map_err(|error| error::unparsed(&error, source))?;
    ast.set_source(source);
    Ok(ast)
}

/// `this_server()`, `linked_servers()` and `server(name)`: what the site and the command line say, so that they need
/// no record.
fn register_servers(engine: &mut Engine) {
    fn value(here: &Here, name: &str) -> Result<ServerValue, Box<EvalAltResult>> {
        here.session.site.server(name).map(|server| ServerValue(Arc::new(server.clone()))).map_err(to_error)
    }
    engine.register_fn(
        "this_server",
        |context: NativeCallContext| -> Result<ServerValue, Box<EvalAltResult>> {
            let here = Here::of(context.tag())?;
            match here.session.header.servers.as_slice() {
                [name] => value(&here, name),
                several => Err(to_error(one_of(several, &here.session.header.runbook))),
            }
        },
    );
    engine.register_fn(
        "linked_servers",
        |context: NativeCallContext| -> Result<rhai::Array, Box<EvalAltResult>> {
            let here = Here::of(context.tag())?;
            let mut names = here.session.header.servers.clone();
            names.sort_by_cached_key(|name| here.session.site.order.iter().position(|other| other == name));
            names.iter().map(|name| Ok(Dynamic::from(value(&here, name)?))).collect()
        },
    );
    engine.register_fn("server", |context: NativeCallContext, name: &str| {
        value(&Here::of(context.tag())?, name)
    });
}

/// What is said where a runbook is for one server, and it is not said for which of these.
pub fn one_of(servers: &[String], runbook: &str) -> Failure {
    // What to type next is the first command that a help names.
    let first = servers.first().map_or("NAME", String::as_str);
    Failure::new(Kind::Invalid, format!("the site has {} servers", servers.len())).help(format!(
        "name one with `--server`: {}; as `banister run {runbook} --server {first}`",
        servers.join(", ")
    ))
}

/// Registers a primitive once for each number of arguments that it takes.
fn register(engine: &mut Engine, primitive: &'static dyn AnyPrimitive) {
    let Some(signature) = primitives::signature(primitive.name()) else { return };
    let (fewest, most) = signature.arity();
    for count in fewest..=most {
        let types = vec![TypeId::of::<Dynamic>(); count];
        engine.register_raw_fn(
            primitive.name(),
            types,
            move |context: NativeCallContext, given: &mut [&mut Dynamic]| {
                call(&context, primitive.name(), signature, given)
            },
        );
    }
}

/// A call as plain data, through the gate, and back.
fn call(
    context: &NativeCallContext,
    name: &str,
    signature: &Signature,
    given: &mut [&mut Dynamic],
) -> Result<Dynamic, Box<EvalAltResult>> {
    nothing::refuse()?;
    let here = Here::of(context.tag())?;
    let at = place(context.call_source().unwrap_or_default(), context.call_position());
    let arguments = arguments(name, signature, given)?;
    let call = Call { name: name.into(), arguments };
    let outcome = here.session.call(&here.frame, &at, call).map_err(to_error)?;
    to_dynamic(&outcome, &here)
}

/// Arguments by name. A map at the end is the options, unless a parameter there takes a map itself.
fn arguments(
    name: &str,
    signature: &Signature,
    given: &mut [&mut Dynamic],
) -> Result<crate::data::Arguments, Box<EvalAltResult>> {
    let mut arguments = crate::data::Arguments::new();
    let count = given.len();
    for (n, value) in given.iter().enumerate() {
        let parameter = signature.positional.get(n);
        if signature.options_at(n, count) && value.is_map() {
            let options =
                value.read_lock::<Map>().map(|map| map_to_plain(&map)).transpose()?.unwrap_or_default();
            arguments.extend(options.into_iter().filter(|(_, value)| !value.is_null()));
            continue;
        }
        match parameter {
            // `()` for what may be left out means that it is left out.
            Some(parameter) if value.is_unit() && parameter.default.is_some() => {}
            Some(parameter) => drop(arguments.insert(parameter.name.clone(), to_plain(value)?)),
            None => {
                let failure =
                    Failure::new(Kind::Invalid, format!("`{name}` takes a map of options at its end"));
                return Err(to_error(
                    failure.help(format!("read its documentation with `banister doc {name}`")),
                ));
            }
        }
    }
    Ok(arguments)
}

/// Finds modules: the site's, then the bundled; each is loaded once.
struct Resolver {
    layers: Arc<Layers>,
    loaded: Mutex<HashMap<String, Shared<Module>>>,
    /// What each thread is about to load: modules that import each other would overflow the stack.
    loading: Mutex<Vec<(ThreadId, String)>>,
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        if let Some(module) = self.loaded.lock().get(path) {
            return Ok(module.clone());
        }
        let thread = std::thread::current().id();
        let loading = self.loading.lock().clone();
        let own: Vec<String> = loading.into_iter().filter(|it| it.0 == thread).map(|it| it.1).collect();
        if own.iter().any(|loading| loading == path) {
            let chain = own.join("` imports `");
            let failure =
                Failure::new(Kind::Invalid, format!("modules import each other: `{chain}` imports `{path}`"));
            return Err(to_error(failure));
        }
        let text = self.layers.module(path).map_err(to_error)?;
        let text = text.ok_or_else(|| Box::new(EvalAltResult::ErrorModuleNotFound(path.into(), position)))?;
        self.loading.lock().push((thread, path.into()));
        let loaded = compile(engine, &text.source, &text.text).map_err(to_error).and_then(|ast| {
            Module::eval_ast_as_new(Scope::new(), &ast, engine)
                .map_err(|e| to_error(to_failure(&e, &text.source)))
        });
        self.loading.lock().retain(|it| (it.0, it.1.as_str()) != (thread, path));
        let module: Shared<Module> = loaded?.into();
        self.loaded.lock().insert(path.into(), module.clone());
        Ok(module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn branches_may_load_a_module_at_the_same_time() {
        let engine = engine(Arc::new(Layers::of_site(None, "hoss")));
        let ast = compile(&engine, "test", "import \"kind\" as kind;").unwrap();
        let begin = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    begin.wait();
                    engine.run_ast(&ast).unwrap();
                });
            }
        });
    }
}
