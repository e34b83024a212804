//! `set_env(server, key: text, value, #{ file: text })`
//!
//! Sets a setting, so that the program that the file is for reads exactly this value.
//!
//! The line of the setting is edited where it stands, or a new one is added at the end. Order, comments, mode and
//! owner of the file stay as they are; a comment behind the value moves to a line of its own above it, because the
//! blanks before it would be part of the value.
//!
//! A setting whose name has password, secret, token or key takes a secret, from `secret` or `read_env`, and no text:
//! text of a script is text in the journal, too.
//!
//! # Options
//! - `file`: the settings file. Default: `env_file` of the site, or of its kind. `~` is the server's home,
//!   and a relative path is in the checkout.
//!
//! # Returns
//! `changed`: whether the setting had another value before, or was not there.
//!
//! # Errors
//! `not_found` if there is no such file; `invalid` if a secret is given as text, or `()`; `refused` if make would read another
//! value than this one, such as one of two lines, or if the file can't be written. The file is not changed then.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more. The file is always the old or the new one, never half of it.
//!
//! # Example
//! ```rhai
//! this_server().set_env("ADMIN_EMAIL", "ops@example.org").changed
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Failure, Kind, Result};
use crate::machine::env_file::EnvFile;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::secret::{self, Secret};
use crate::site::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct SetEnv;

#[derive(Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub struct Arguments {
    server: ServerName,
    key: String,
    value: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    server: ServerName,
    key: String,
    value: Value,
    #[serde(default)]
    file: Option<String>,
}

impl TryFrom<Given> for Arguments {
    type Error = String;

    /// Here, before the call is written down: what is text in a script would be text in the journal.
    fn try_from(Given { server, key, value, file }: Given) -> std::result::Result<Arguments, String> {
        // A text with a secret's letter in it is written down by the secret's name.
        if value.is_null() {
            return Err(format!(
                "`{key}` would be set to nothing: give it text, a number, `true` or `false`, or a secret"
            ));
        }
        let is_text =
            value.as_str().is_some_and(|text| !secret::is_harmless(text) && !secret::has_letters(&value));
        match is_text && secret::named_like_a_secret(&key) {
            true => Err(format!(
                "`{key}` holds a secret: give it `secret(\"…\")` or what `read_env` found, not text"
            )),
            false => Ok(Arguments { server, key, value, file }),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    changed: bool,
}

impl Primitive for SetEnv {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "set_env";
    const SOURCE: &'static str = include_str!("set_env.rs");
    const SECRETS: &'static [&'static str] = &["value"];
    const ACT: Act<Self> =
        Act::Change { touches: &[Facet::Settings], perform, predict, after_crash: AfterCrash::Repeat };

    fn learn(arguments: &Arguments, server: &Server) {
        if let Value::String(text) = &arguments.value
            && !secret::has_letters(&arguments.value)
            && server.is_secret(&arguments.key, text)
        {
            secret::keep(format!("{} {}", server.name, arguments.key), text);
        }
    }
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let value = value(arguments, host)?;
    let changed = read(arguments, host)?.set(&arguments.key, &value)?;
    Ok(Outcome { changed })
}

fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let file = read(arguments, host)?;
    let is_known =
        !data::contains(&arguments.value, data::UNKNOWN) && !data::contains(&arguments.value, data::ONE_OF);
    match is_known {
        true => Ok(json!({ "changed": file.would_change(&arguments.key, &value(arguments, host)?)? })),
        false => Ok(json!({
            "changed": data::one_of([true.into(), false.into()], format!("`{}` changes", arguments.key))
        })),
    }
}

fn read(arguments: &Arguments, host: &Host) -> Result<EnvFile> {
    host.server()?.settings(arguments.file.as_deref())
}

/// The value as text.
fn value(arguments: &Arguments, host: &Host) -> Result<String> {
    let text = match &arguments.value {
        Value::String(text) => secret::fill(text)?,
        Value::Number(number) => number.to_string(),
        Value::Bool(bool) => bool.to_string(),
        other => match Secret::deserialize(other) {
            Ok(secret) => return secret.reveal(),
            Err(_) => {
                let given = data::describe(other);
                return Err(Failure::new(Kind::Invalid, format!("`set_env`: a setting can't be `{given}`"))
                    .help("give it text, a number, `true` or `false`, or a secret"));
            }
        },
    };
    // Whatever the script thought of it, what is shown from now on must not hold it.
    if host.server()?.is_secret(&arguments.key, &text) {
        secret::keep(format!("{} {}", host.server()?.name, arguments.key), &text);
    }
    Ok(text)
}
