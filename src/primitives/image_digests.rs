//! `image_digests(server, version: text)`
//!
//! The digests of the images that a version of the server has, as their registries report them now. Nothing is pulled.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map from each image, as `"ghcr.io/a/b:1.2"`, to its digest, as `"sha256:…"`; `()` if there is no such image. Of a release
//! such as `latest@sha256:…` each is named as `"ghcr.io/a/b@sha256:…"`; one that this machine has is not asked for.
//!
//! # Errors
//! `unreachable` if a registry does not answer; `invalid` if nothing says where the version is written; `refused` if the
//! version can't be written there as it stands.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { note(`${server.image_digests("1.28.0")}`); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::release::{pinned, written_tag};
use crate::primitive::{Act, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

pub struct ImageDigests;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    version: String,
}

impl Primitive for ImageDigests {
    type Arguments = Arguments;
    type Outcome = BTreeMap<String, Option<String>>;
    const NAME: &'static str = "image_digests";
    const SOURCE: &'static str = include_str!("image_digests.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform,
        // A registry says the same in a plan.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<BTreeMap<String, Option<String>>> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let files = server.deployment(&stop).files()?;
    let tag = written_tag(&arguments.version);
    server.version_place()?.try_to_write(&server.version_settings(), &files, tag)?;
    if pinned(&arguments.version).is_some() {
        return server.pinned_digests(&arguments.version, &stop);
    }
    let images: Vec<String> =
        server.versioned(&stop)?.iter().map(|image| image.at(&arguments.version)).collect();
    server.registries(&stop).digests(&images)
}
