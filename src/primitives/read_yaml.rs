//! `read_yaml(server, file: text, key: text)`
//!
//! What a key of a YAML file has, such as a service's configuration.
//!
//! # Options
//! None. `file` is a path: `~` is the server's home, and a relative path is in the checkout. `key` names those around it,
//! too: `server.auth_service`.
//!
//! # Returns
//! The value: text, number, bool, array or map; a secret if the key is called like one; `()` if it is not there.
//!
//! # Errors
//! `not_found` if there is no such file; `refused` if it can't be read; `invalid` if a line of it is not understood: what
//! is read are maps, lists and plain or quoted values, as configurations of services have them.
//!
//! # After a crash
//! It is looked at again, unless it was recorded.
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
use crate::secret;
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
    let found = steps.try_fold(&document, |value, step| value.get(step)).cloned().unwrap_or_default();
    let name = arguments.key.rsplit('.').next().unwrap_or_default();
    Ok(match found {
        Value::String(text) if server.is_secret(name) => {
            json!(secret::keep(format!("{} {} of {}", server.name, arguments.key, arguments.file), &text))
        }
        found if data::is_tagged(&found) => Value::Null,
        found => found,
    })
}
