//! `untag_images(server, names: array)`
//!
//! Removes names of images, such as those of `tag_images`. An image is removed with its last name, if no container uses
//! it.
//!
//! # Options
//! None.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `not_found` if there is no `docker`; `unreachable` if its daemon does not answer; `command_failed` if it refuses,
//! for instance because a container uses the image under its last name. A missing name is no error.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let core = server.services(#{ service: "core" })[0];
//! let tagged = server.tag_images(#{ "example-kept/core:then": core.image });
//! server.untag_images(tagged.names);
//! ```

use crate::data::ServerName;
use crate::failure::{Kind, Result};
use crate::machine::compose::Docker;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct UntagImages;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    names: Vec<String>,
}

impl Primitive for UntagImages {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "untag_images";
    const SOURCE: &'static str = include_str!("untag_images.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    let stop = || host.stop.is_asked();
    let docker =
        Docker { environment: &host.server()?.environment, within: Duration::seconds(60), stop: &stop };
    // All at once; if that is not well, one after the other, to tell what is gone already from what can't be removed.
    if arguments.names.is_empty() || docker.untag(&arguments.names).is_ok() {
        return Ok(());
    }
    for name in &arguments.names {
        match docker.untag(std::slice::from_ref(name)) {
            Err(failure) if failure.kind == Kind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}
