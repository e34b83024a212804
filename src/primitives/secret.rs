//! `secret(name: text)`
//!
//! A secret from banister's environment, from the variable `BANISTER_SECRET_NAME`.
//!
//! NAME is the secret's name in capitals, with `_` for everything except letters and digits: `smtp-password` is in
//! `BANISTER_SECRET_SMTP_PASSWORD`.
//!
//! # Options
//! None.
//!
//! # Returns
//! A secret: it can be compared and passed on, and it is hidden in all output. A short secret or a single word is
//! hidden only beside its name.
//!
//! # Errors
//! `not_found` if the variable is not set, or empty.
//!
//! # After a crash
//! It is read again: the journal contains only its name.
//!
//! # Example
//! ```rhai
//! let kind = "";
//! try { secret("never-given"); } catch (failure) { kind = failure.kind; }
//! kind
//! // => "not_found"
//! ```

use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::primitive::{Act, Host, Primitive};
use crate::secret::{self, Secret as Kept};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct Secret;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    name: String,
}

impl Primitive for Secret {
    type Arguments = Arguments;
    type Outcome = Kept;
    const NAME: &'static str = "secret";
    const SOURCE: &'static str = include_str!("secret.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform,
        predict: |arguments, _| Ok(json!({ data::SECRET: arguments.name })),
    };
}

fn perform(arguments: &Arguments, _: &Host) -> Result<Kept> {
    let (name, variable) = (&arguments.name, variable(&arguments.name));
    match std::env::var(&variable) {
        Ok(value) if !value.is_empty() => Ok(secret::keep(name, &value)),
        _ => Err(Failure::new(Kind::NotFound, format!("the secret `{name}` is not given"))
            .help(format!("set it with `read -rs {variable} && export {variable}`, then `banister resume`"))),
    }
}

/// Hides what is given to banister as secret, before a script asks for it.
pub(crate) fn learn_environment() {
    for (variable, value) in crate::machine::env_file::environment() {
        if let Some(name) = variable.strip_prefix("BANISTER_SECRET_") {
            secret::keep(name.to_ascii_lowercase(), &value);
        }
    }
}

fn variable(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("BANISTER_SECRET_{}", name.chars().map(letter).collect::<String>())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_variable_is_named_as_a_shell_can_write_it() {
        assert_eq!(super::variable("smtp-password"), "BANISTER_SECRET_SMTP_PASSWORD");
    }
}
