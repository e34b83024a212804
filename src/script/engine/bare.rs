//! Rhai with our limits and the words of our blocks, and nothing to call: enough to parse a text.

use super::blocks;
use rhai::{Engine, OptimizationLevel};
use std::sync::LazyLock;

/// An engine that knows the language and no functions of ours.
pub fn bare() -> Engine {
    limited(Engine::new())
}

fn limited(mut engine: Engine) -> Engine {
    // Full optimisation would call primitives while compiling.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_strict_variables(true);
    engine.set_max_call_levels(64);
    engine.set_max_expr_depths(128, 128);
    engine.set_max_string_size(16 << 20);
    engine.set_max_array_size(1_000_000);
    engine.set_max_map_size(100_000);
    engine.set_max_modules(1_000);
    // More than the names of a runbook with all that it imports: an interner that is full looks through itself for each
    // name.
    engine.set_max_strings_interned(8192);
    engine.set_fail_on_invalid_map_property(true);
    engine.disable_symbol("eval");
    blocks::words(&mut engine);
    engine
}

/// Parses a text as a run does, and can run none. What can be called is no matter of the parser, and registering it takes
/// longer than parsing a runbook.
pub static PARSER: LazyLock<Engine> = LazyLock::new(parser);

/// Parses, and takes any variable and any module for there, so that one unknown name does not hide the next.
pub static LENIENT: LazyLock<Engine> = LazyLock::new(|| {
    let mut engine = parser();
    engine.set_strict_variables(false);
    engine
});

fn parser() -> Engine {
    limited(Engine::new_raw())
}
