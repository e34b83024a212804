//! Calls that nothing remembered of others gets into.
//!
//! While a script runs Rhai remembers which function a name meant, and asks no more which module the call is in. Where texts
//! have functions of the same names, as kinds do, the second could be taken for the first. What is called from here begins to
//! remember anew. Only texts that are written here import this.

use rhai::{Dynamic, EvalAltResult, FnPtr, Module, NativeCallContext, Shared};
use std::sync::LazyLock;

/// The module with the function `ask`, which calls what it is given.
pub static MODULE: LazyLock<Shared<Module>> = LazyLock::new(|| {
    let mut module = Module::new();
    module.set_native_fn(
        "ask",
        |context: NativeCallContext, called: FnPtr| -> Result<Dynamic, Box<EvalAltResult>> {
            called.call_raw(&context, None, [])
        },
    );
    module.build_index();
    module.into()
});
