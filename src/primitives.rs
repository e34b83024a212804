//! The list of primitives: all there are, each in the file of its name.

pub mod backup;
pub mod note;
pub mod now;
pub mod read_env;
pub mod set_env;

use crate::data::{self, Arguments};
use crate::journal::Call;
use crate::primitive::{AnyPrimitive, Of};

/// Every primitive, by name.
pub static ALL: &[&dyn AnyPrimitive] = &[
    &Of::<backup::Backup>::new(),
    &Of::<note::Note>::new(),
    &Of::<now::Now>::new(),
    &Of::<read_env::ReadEnv>::new(),
    &Of::<set_env::SetEnv>::new(),
];

/// The primitive of this name.
pub fn find(name: &str) -> Option<&'static dyn AnyPrimitive> {
    ALL.iter().copied().find(|primitive| primitive.name() == name)
}

/// A call as a script writes it: `make(cloud, "build", #{ DETACH: true })`.
pub fn describe(call: &Call) -> String {
    let Some(primitive) = find(&call.name) else { return call.describe() };
    let signature = primitive.page().signature;
    let positional = signature.positional.iter().filter_map(|parameter| call.arguments.get(&parameter.name));
    let mut parts: Vec<String> = positional.map(data::describe).collect();
    let is_option = |name: &str| !signature.positional.iter().any(|parameter| parameter.name == name);
    let options: Arguments = call
        .arguments
        .iter()
        .filter(|(name, _)| is_option(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !options.is_empty() {
        parts.push(data::describe(&options.into()));
    }
    format!("{}({})", call.name, parts.join(", "))
}
