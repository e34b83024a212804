//! What runs a runbook: its engines, which hold all that it imports. Each is built when it is needed first, and serves
//! every session of the runbook after that, and every way of a plan.

use crate::failure::Result;
use crate::script::engine::{self, sweep::sweep};
use crate::script::layers::{Layers, Text};
use rhai::{AST, Engine};
use std::sync::{Arc, OnceLock};

/// An engine with the text that it has compiled.
pub struct Ready {
    pub engine: Engine,
    pub ast: AST,
}

/// The engines of a runbook.
#[derive(Default)]
pub struct Engines {
    known: OnceLock<Result<Ready>>,
    /// It keeps values that nobody knows yet from being taken for others.
    open: OnceLock<Result<Ready>>,
}

impl Engines {
    /// The one to run a text with, which is always the same text. `is_open` says whether some values may be unknown.
    pub fn ready(&self, layers: &Arc<Layers>, text: &Text, is_open: bool) -> Result<&Ready> {
        let build = || {
            let mut engine = engine::engine(layers.clone());
            if is_open {
                sweep(&mut engine);
            }
            let ast = engine::compile(&engine, &text.source, &text.text)?;
            Ok(Ready { engine, ast })
        };
        let built = if is_open { &self.open } else { &self.known };
        built.get_or_init(build).as_ref().map_err(Clone::clone)
    }
}
