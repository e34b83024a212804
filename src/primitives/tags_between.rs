//! `tags_between(server, from: text, to: text, #{ stops: bool = false })`
//!
//! The versions after `from`, up to and including `to`, that the registries of the server's images have.
//!
//! # Options
//! - `stops`: whether only those are meant that must be installed on the way, as `stops` of `releases` in site.toml says.
//!   Default: no.
//!
//! # Returns
//! Array of text, oldest first, with `to` and without `from`; empty if `to` is not newer. If the two can't be compared by their
//! numbers, only `to`, as far as it is there; also of a tag that moves, as `latest@sha256:…`. Of stops, without `to`.
//!
//! # Errors
//! `unreachable` if a registry does not answer; `not_found` if it has no such image; `invalid` if nothing says where the
//! version is written.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { note(`passes ${server.tags_between("1.27.0", "1.28.0")}`); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::release::{between, pinned, releases, stops};
use crate::primitive::{Act, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct TagsBetween;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    from: String,
    to: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stops: bool,
}

impl Primitive for TagsBetween {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "tags_between";
    const SOURCE: &'static str = include_str!("tags_between.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform,
        // A registry says the same in a plan.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let server = host.server()?;
    // What a tag stood for in between nobody knows.
    if pinned(&arguments.to).is_some() {
        let is_passed = !arguments.stops && arguments.from != arguments.to;
        return Ok(is_passed.then(|| arguments.to.clone()).into_iter().collect());
    }
    let (from, to) = (server.image_release(&arguments.from)?, server.image_release(&arguments.to)?);
    let versions = server.versions(&|| host.stop.is_asked())?;
    let rules = server.image_rules();
    let allowed = rules.allowed(&releases(versions.tags.iter().map(String::as_str)), &to);
    let name = |release: &crate::machine::release::Release| release.tag().to_owned();
    if arguments.stops {
        let Some(rule) = &rules.stops else { return Ok(Vec::new()) };
        return Ok(stops(&allowed, &from, &to, rule)?.into_iter().map(name).collect());
    }
    Ok(match between(&allowed, &from, &to) {
        Some(passed) => passed.into_iter().map(name).collect(),
        None => versions.tags.get(&arguments.to).cloned().into_iter().collect(),
    })
}
