//! `read_yaml(server, file: text, key: text)`
//!
//! The value of a key in a YAML file, such as a service's configuration.
//!
//! # Options
//! None. `file` is a path: `~` is the server's home, and a relative path is in the checkout. `key` names those around
//! it, too: `server.auth_service`; a number names an item of an array: `clients.0.id`.
//!
//! # Returns
//! The value: text, number, bool, array or map; a secret where the name of a key looks like one; `()` if it is missing.
//! Aliases and `<<` are filled in. Without quotes, `true`, `false`, `null` and whole numbers are no text; everything else
//! is, as it is written: `1.10`, `yes`, `!secret name`.
//!
//! # Errors
//! `not_found` if there is no such file; `refused` if it can't be read; `invalid` if a line of it is not understood, such as
//! one that repeats a key, begins a second document or gives a list or map a tag of its own.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.read_yaml("~/.hoss/core/config.yaml", "server.auth_service")
//! // => "http://auth:8080/v1"
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::yaml;
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::secret::{self, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct ReadYaml;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    file: String,
    key: String,
}

impl Primitive for ReadYaml {
    type Arguments = Arguments;
    type Outcome = Value;
    const NAME: &'static str = "read_yaml";
    const SOURCE: &'static str = include_str!("read_yaml.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Settings],
        perform,
        predict: |arguments, _| {
            let Arguments { server, file, key } = arguments;
            Ok(data::unknown(format!("`{key}` of {file} of {}", server.name)))
        },
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let document = yaml::read(&server.path(&arguments.file))?;
    let mut steps = arguments.key.split('.');
    let below = |value: &'_ Value, step: &str| match (value, step.parse::<usize>()) {
        (Value::Array(items), Ok(n)) => items.get(n).cloned(),
        _ => value.get(step).cloned(),
    };
    let found = steps.try_fold(document, |value, step| below(&value, step)).unwrap_or_default();
    let keep =
        |key: &str, text: &str| secret::keep(format!("{} {key} of {}", server.name, arguments.file), text);
    Ok(without_secrets(found, &arguments.key, &|name, value| server.is_secret(name, value), &keep))
}

/// The value with what its keys call a secret kept as one. `key` names the value, as the script does.
fn without_secrets(
    found: Value,
    key: &str,
    is_secret: &dyn Fn(&str, &str) -> bool,
    keep: &dyn Fn(&str, &str) -> Secret,
) -> Value {
    let name = key.rsplit('.').find(|name| name.parse::<usize>().is_err()).unwrap_or_default();
    match found {
        Value::String(text) if is_secret(name, &text) => json!(keep(key, &text)),
        found if data::is_tagged(&found) => Value::Null,
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            items.map(|(n, item)| without_secrets(item, &format!("{key}.{n}"), is_secret, keep)).collect()
        }
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let value = without_secrets(value, &format!("{key}.{name}"), is_secret, keep);
                (name, value)
            })
            .collect(),
        found => found,
    }
}
