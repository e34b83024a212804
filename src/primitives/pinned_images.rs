//! `pinned_images(server, release: text)`
//!
//! The images of a release such as `latest@sha256:…`, whose tag moves from release to release.
//!
//! # Options
//! None.
//!
//! # Returns
//! An array of maps, by the names of the images: `name` (as the Compose files name it, `"ghcr.io/a/b:latest"`), `image` (the same
//! image by its digest, `"ghcr.io/a/b@sha256:…"`, or by its id, if it was made on this machine) and `here` (whether this machine
//! has it). Empty for a release whose tag is a version.
//!
//! # Errors
//! `refused` if the Compose files name more or fewer images than the release has; `not_found` or `unreachable` if there is no
//! `docker`, or its daemon does not answer; `invalid` if nothing says where the version is written.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { note(`${server.pinned_images("1.28.0").len()} images are pinned`); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Host, Primitive};
use crate::site::PinnedImage;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct PinnedImages;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

#[derive(Serialize, Deserialize)]
pub struct Pinned {
    name: String,
    image: String,
    here: bool,
}

impl Primitive for PinnedImages {
    type Arguments = Arguments;
    type Outcome = Vec<Pinned>;
    const NAME: &'static str = "pinned_images";
    const SOURCE: &'static str = include_str!("pinned_images.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform,
        // Which images a machine has is no part of what a plan changes.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<Pinned>> {
    let images = host.server()?.pinned_images(&arguments.release, &|| host.stop.is_asked())?;
    let plain = |it: PinnedImage| Pinned { name: it.name, image: it.image, here: it.here };
    Ok(images.into_iter().map(plain).collect())
}
