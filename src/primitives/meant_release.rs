//! `meant_release(server, named: text)`
//!
//! The release that a person means by a tag of the server's images.
//!
//! A tag that moves from release to release, such as `latest`, means what the registries have behind it now; with an abbreviated
//! digest, as `latest@sha256:0123456789ab`, it means the release with that digest that is installed or that the tag stands for
//! now. Any other tag is the release itself.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the release, such as `1.27.3`, or `latest@sha256:…` with all digits.
//!
//! # Errors
//! `not_found` if nothing known has that digest, or there is no such image; `unreachable` if a registry does not answer;
//! `invalid` if nothing says where the version is written.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { note(server.meant_release("latest")); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct MeantRelease;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    named: String,
}

impl Primitive for MeantRelease {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "meant_release";
    const SOURCE: &'static str = include_str!("meant_release.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform,
        // A registry says the same in a plan.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<String> {
    host.server()?.meant_release(&arguments.named, &|| host.stop.is_asked())
}
