//! `pull_image(server, image: text)`
//!
//! Pulls an image by its digest, while the server runs: no name on this machine means anything else than before.
//!
//! A later pull of a tag that stands for this image finds all of it here. It has no name, so that `docker image prune` removes
//! it again.
//!
//! # Options
//! None. `image` is as `release_images` has it: `"ghcr.io/a/b@sha256:…"`.
//!
//! # Returns
//! A map: `image` (text) and `size` (a size, unpacked).
//!
//! # Errors
//! - `invalid` if `image` has no digest: a tag would mean another image from then on.
//! - `command_failed` or `timed_out`, after six hours, if it was not pulled; `not_found` if there is no `docker`.
//!
//! What runs is as it was.
//!
//! # After a crash
//! If it is still pulled, that is followed; otherwise it is pulled again, which brings what is missing.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" {
//!     for image in server.release_images("1.28.0").images {
//!         if !image.here && image.image != () { note(`${server.pull_image(image.image).size}`); }
//!     }
//! }
//! ```

use crate::command::Spec;
use crate::data::{self, ServerName};
use crate::failure::{Failure, Kind, Result};
use crate::machine::registry::Image;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Probe};
use crate::supervised;
use crate::units::{Duration, Size};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct PullImage;

const WITHIN: Duration = Duration::seconds(6 * 3_600);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    image: String,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    image: String,
    size: Value,
}

impl Primitive for PullImage {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "pull_image";
    const SOURCE: &'static str = include_str!("pull_image.rs");
    const ACT: Act<Self> = Act::Change {
        // As what is fetched from an origin: nothing of what is installed, and no name.
        touches: &[Facet::History],
        perform,
        predict: |arguments, _| {
            let size = data::unknown(format!("the pull of {}", arguments.image));
            Ok(json!({ "image": arguments.image, "size": size }))
        },
        after_crash: AfterCrash::Probe(probe),
    };
}

/// A pull that still runs is followed; nobody needs to know how one ended that was cut off.
fn probe(_: &Arguments, host: &Host) -> Result<Probe<Outcome>> {
    Ok(match supervised::probe(host, true)? {
        Probe::Again | Probe::Unknown(_) => Probe::Again,
        Probe::Done(_) | Probe::GoOn => Probe::GoOn,
    })
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let image = &arguments.image;
    let has_digest = image.parse::<Image>().is_ok_and(|image| image.digest.is_some());
    if !has_digest {
        return Err(Failure::new(Kind::Invalid, format!("`{image}` has no digest"))
            .help("take `image` of those that `release_images` returns"));
    }
    let server = host.server()?;
    let mut spec = Spec::new(["docker", "pull", "--quiet", image.as_str()], &server.checkout);
    spec.environment = server.environment.clone();
    spec.within = Some(WITHIN);
    supervised::perform(&spec, host)?;
    let found = server.deployment(&|| host.stop.is_asked()).local_image(image)?;
    let found = found
        .ok_or_else(|| Failure::new(Kind::CommandFailed, format!("`{image}` was pulled, and is not here")))?;
    Ok(Outcome { image: image.clone(), size: json!({ data::SIZE: Size(found.size) }) })
}
