//! What a script can call besides its own functions: what the engine has, asked of the engine itself.

use crate::primitives;
use crate::script::engine;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// Functions that the engine knows without listing them, as they are part of the language.
const KEYWORDS: [&str; 7] = ["Fn", "call", "curry", "is_def_fn", "is_def_var", "is_shared", "type_of"];

/// The engine's words.
pub struct Known {
    /// How many arguments each function takes, primitives excepted.
    natives: BTreeMap<String, BTreeSet<usize>>,
    /// What can be read with a dot: units, fields of failures.
    pub properties: BTreeSet<String>,
}

/// They are the same for every script.
pub static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let functions = engine::engine(Arc::default()).collect_fn_metadata(
        None,
        |function| Some((function.metadata.name.to_string(), function.metadata.num_params)),
        true,
    );
    let mut known = Known { natives: BTreeMap::new(), properties: BTreeSet::new() };
    for (name, count) in functions {
        if let Some(property) = name.strip_prefix("get$") {
            known.properties.insert(property.to_owned());
        } else if rhai::is_valid_identifier(&name) && primitives::find(&name).is_none() {
            known.natives.entry(name).or_default().insert(count);
        }
    }
    known
});

impl Known {
    /// How many arguments the engine's function takes, if it has one of this name. None counted: any.
    pub fn native(&self, name: &str) -> Option<&BTreeSet<usize>> {
        static ANY: BTreeSet<usize> = BTreeSet::new();
        self.natives.get(name).or_else(|| KEYWORDS.contains(&name).then_some(&ANY))
    }

    /// Every name that can be called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let primitives = primitives::all().map(|primitive| primitive.name());
        primitives.chain(self.natives.keys().map(String::as_str)).chain(KEYWORDS)
    }
}
