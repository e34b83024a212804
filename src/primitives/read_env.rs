//! `read_env(server, key: text, #{ file: text })`
//!
//! The value of a setting, as the program that the file is for reads it: `dialect` in site.toml says which.
//!
//! # Options
//! - `file`: the settings file. Default: `env_file` of the site, or of its kind. `~` is the server's home,
//!   and a relative path is in the checkout.
//!
//! # Returns
//! Text; a secret if the name looks like one or the site lists it; `()` if the setting is missing.
//! Quotes are part of the value, `#` ends it, `$x` is replaced, and of two lines the last wins: that is what make
//! passes on, even if other programs read the file differently.
//!
//! All secrets of the file are hidden in everything that is shown from then on, and recorded by name. In a text,
//! `${server.read_env("DB_PASSWORD")}` is allowed where a secret is allowed: in `environment` of a command, in a
//! header, in `set_env`.
//!
//! # Errors
//! `not_found` if there is no such file; `refused` if it can't be read, or if only make can work out the value.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! this_server().read_env("POSTGRES_CORE_DB")
//! // => "hoss_core"
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct ReadEnv;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

impl Primitive for ReadEnv {
    type Arguments = Arguments;
    type Outcome = Value;
    const NAME: &'static str = "read_env";
    const SOURCE: &'static str = include_str!("read_env.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Settings],
        perform,
        predict: |arguments, _| {
            Ok(data::unknown(format!("`{}` of {}", arguments.key, arguments.server.name)))
        },
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let file = server.settings(arguments.file.as_deref())?;
    // Two files can have a setting of the same name.
    let file_of = arguments.file.as_ref().map(|file| format!(" of {file}")).unwrap_or_default();
    server.keep_secrets(&file, &file_of);
    Ok(match file.get(&arguments.key)? {
        None => Value::Null,
        Some(value) if server.is_secret(&arguments.key, &value) => {
            json!(secret::keep(format!("{} {}{file_of}", server.name, arguments.key), &value))
        }
        Some(value) => json!(value),
    })
}
