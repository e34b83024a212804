//! `published_file(server, release: text)`
//!
//! The file of a release, as `asset` and `sha256` in site.toml name it, and what is published of it. Nothing is fetched but the
//! list of releases and the checksums.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `name` and `url` (text), `size` (a size, or `()` if nothing says it), `sha256` (text of 64 digits, or `()` if none is
//! published), `sha512` (text of 128 digits, or `()`), and `stated`, what says it.
//!
//! # Errors
//! `not_found` if there is no such release, or if it has no such file, or if there are checksums and none of it; `refused` if two
//! digests are published that differ; `unreachable` if the forge or the list does not answer; `invalid` if nothing says
//! where releases are published, or what the file is called.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { note(server.published_file("v14.0.3").url); }
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::client::Limits;
use crate::primitive::{Act, Host, Primitive};
use crate::units::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct PublishedFile;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    name: String,
    url: String,
    /// Tagged as a size.
    size: Value,
    sha256: Option<String>,
    sha512: Option<String>,
    stated: String,
}

impl Primitive for PublishedFile {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "published_file";
    const SOURCE: &'static str = include_str!("published_file.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform,
        // A forge says the same in a plan.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let client = server.release_client(Limits::default(), &stop)?;
    let found = server.release_source(&client, &stop)?.find(&server.release_named(&arguments.release)?)?;
    Ok(Outcome {
        name: found.name,
        url: found.url.to_string(),
        size: found.size.map_or(Value::Null, |bytes| json!({ data::SIZE: Size(bytes) })),
        sha256: found.sha256,
        sha512: found.sha512,
        stated: found.stated,
    })
}
