//! `digest_env(server, key: text, salt: text, #{ file: text })`
//!
//! A digest of a setting's value, to compare a secret of two servers without moving it.
//!
//! Two digests with the same salt are equal if the values are. Choose another salt for each comparison, such as
//! `now()`: then digests of different runs can't be compared. A value that is easily guessed can be guessed from its
//! digest, too.
//!
//! # Options
//! - `file`: the settings file. Default: `env_file` of the site, or of its kind. `~` is the server's home,
//!   and a relative path is in the checkout.
//!
//! # Returns
//! Text: 32 hexadecimal digits; `()` if the file does not have the setting, or it is empty.
//!
//! # Errors
//! `not_found` if there is no such file; `refused` if it can't be read, or if only make can work out the value.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let salt = now();
//! server.digest_env("SERVICE_AUTH_SECRET", salt) == server.digest_env("SERVICE_AUTH_SECRET", salt)
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::files::sha256_of;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct DigestEnv;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    key: String,
    salt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// In hexadecimal digits: half of a SHA-256 is enough to tell two values apart.
const LENGTH: usize = 32;

impl Primitive for DigestEnv {
    type Arguments = Arguments;
    type Outcome = Option<String>;
    const NAME: &'static str = "digest_env";
    const SOURCE: &'static str = include_str!("digest_env.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Settings],
        perform,
        predict: |arguments, _| {
            Ok(data::unknown(format!("the digest of `{}` of {}", arguments.key, arguments.server.name)))
        },
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Option<String>> {
    let server = host.server()?;
    let file = server.settings(arguments.file.as_deref())?;
    let value = file.get(&arguments.key)?.filter(|value| !value.is_empty());
    // The salt's length is in it, so that no part of one can be taken for a part of the other.
    let digest =
        |value: String| sha256_of(format!("{} {}{value}", arguments.salt.len(), arguments.salt).as_bytes());
    Ok(value.map(digest).map(|digest| digest.chars().take(LENGTH).collect()))
}
