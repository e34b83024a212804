//! The list of primitives: all there are, each in the file of its name.

pub mod ask;
pub mod confirm;
pub mod free_space;
pub mod lock;
pub mod make;
pub mod note;
pub mod now;
pub mod run;
pub mod secret;
pub mod shell;
pub mod show;
pub mod todo;

use crate::data::{self, Arguments};
use crate::journal::Call;
use crate::primitive::{AnyPrimitive, Of};

/// Every primitive, by name.
pub static ALL: &[&dyn AnyPrimitive] = &[
    &Of::<ask::Ask>::new(),
    &Of::<confirm::Confirm>::new(),
    &Of::<free_space::FreeSpace>::new(),
    &Of::<lock::Lock>::new(),
    &Of::<make::Make>::new(),
    &Of::<note::Note>::new(),
    &Of::<now::Now>::new(),
    &Of::<run::Run>::new(),
    &Of::<secret::Secret>::new(),
    &Of::<shell::Shell>::new(),
    &Of::<show::Show>::new(),
    &Of::<todo::Todo>::new(),
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
