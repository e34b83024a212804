//! `set_version(server, to: text)`
//!
//! Writes another version of the server's images: into `.env`, or as the tag of images in the Compose files, as `version` in
//! site.toml says.
//!
//! Only the version's own letters are changed. Everything else in the files stays byte by byte, also mode and owner, so that
//! writing the earlier version again brings the earlier files back. In Compose files all services change that have the same
//! image with the same tag. Of a release such as `latest@sha256:…` the tag is written: what it stands for on this machine is
//! for `tag_images`.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `from` and `to` (the versions), and `files` (an array of the files that were changed; empty if it was that version
//! already).
//!
//! # Errors
//! `not_found` if no version is written there; `invalid` if `to` is no tag; `refused` if the version can't be changed alone:
//! an image with a digest, or a setting in its tag. The files are not changed then.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more. Each file is always the old or the new one, never half of it.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { server.set_version("1.28.0"); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::release::written_tag;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;

pub struct SetVersion;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    to: String,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    from: String,
    to: String,
    files: Vec<PathBuf>,
}

impl Primitive for SetVersion {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "set_version";
    const SOURCE: &'static str = include_str!("set_version.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Checkout, Facet::Settings],
        perform,
        predict: |arguments, host| {
            let server = host.server()?;
            let written = server
                .version_place()?
                .read(&server.version_settings(), &server.deployment(&|| false).files()?)?;
            Ok(json!({ "from": written.tag, "to": arguments.to, "files": written.files }))
        },
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let (place, settings) = (server.version_place()?, server.version_settings());
    let files = server.deployment(&|| false).files()?;
    let from = place.read(&settings, &files)?.tag;
    let files = place.write(
        &settings,
        &files,
        written_tag(&arguments.to),
        &server.state_folder()?.join("version.json"),
    )?;
    Ok(Outcome { from, to: arguments.to.clone(), files })
}
