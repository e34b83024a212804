//! `other_images(server, release: text)`
//!
//! Which containers have another image than a release such as `latest@sha256:…`. Some versions of Compose keep a container whose
//! tag means another image by now.
//!
//! # Options
//! None.
//!
//! # Returns
//! An array of texts, such as `"wiki_app_1 runs the image sha256:0123456789ab"`; empty for a release whose tag is a version.
//!
//! # Errors
//! As those of `pinned_images`.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { note(`${server.other_images("1.28.0").len()} containers have another image`); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct OtherImages;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

impl Primitive for OtherImages {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "other_images";
    const SOURCE: &'static str = include_str!("other_images.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Services],
        perform,
        // A plan assumes that what is started is what was meant.
        predict: |_, _| Ok(json!([])),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    host.server()?.other_images(&arguments.release, &|| host.stop.is_asked())
}
