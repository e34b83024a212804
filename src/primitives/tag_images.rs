//! `tag_images(server, tags: map)`
//!
//! Gives images of the server's Docker more names, so that they are kept: an image with a name is not pruned, and a
//! build that takes its old name leaves this one.
//!
//! `tags` maps each new name to the name or the id of an image: `#{ "kept/core:1.2": "core:1.2" }`. A name of another
//! image is moved to this one.
//!
//! # Options
//! None.
//!
//! # Returns
//! - `names`: the new names, in order.
//!
//! # Errors
//! `not_found` if there is no such image, or no `docker`; `unreachable` if its daemon does not answer. Names before
//! the one that failed were given.
//!
//! # After a crash
//! All names are given again, which changes nothing where they exist.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let core = server.services(#{ service: "core" })[0];
//! let tagged = server.tag_images(#{ "example-kept/core:now": core.image });
//! server.untag_images(tagged.names);
//! tagged.names
//! // => ["example-kept/core:now"]
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::compose::Docker;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

pub struct TagImages;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    names: Vec<String>,
}

impl Primitive for TagImages {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "tag_images";
    const SOURCE: &'static str = include_str!("tag_images.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space],
        perform,
        predict: |arguments, _| Ok(json!({ "names": arguments.tags.keys().collect::<Vec<_>>() })),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let stop = || host.stop.is_asked();
    let docker =
        Docker { environment: &host.server()?.environment, within: Duration::seconds(60), stop: &stop };
    arguments.tags.iter().try_for_each(|(name, image)| docker.tag(image, name))?;
    Ok(Outcome { names: arguments.tags.keys().cloned().collect() })
}
