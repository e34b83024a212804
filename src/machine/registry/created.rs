//! When an image was made, as its configuration says.

use super::digest::Digest;
use crate::machine::client::json::Loose;
use crate::machine::client::{Answer, Asked, Unknown};
use jiff::Timestamp;
use serde::Deserialize;

/// Of a configuration, as much is read, in bytes.
pub(super) const LARGEST_CONFIGURATION: u64 = 4 << 20;
/// Builds that are to give the same bytes each time name an instant long ago.
const EARLIEST: &str = "2000-01-01T00:00:00Z";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    created: Loose,
}

/// Reads a configuration that was asked for by its digest.
pub(super) fn created(answer: &Answer, by: &Digest) -> Asked<Timestamp> {
    let authority = answer.url.authority();
    if answer.status != 200 {
        return Err(Unknown::new(format!(
            "`{authority}` answered {} instead of an image's configuration",
            answer.status
        )));
    }
    if Digest::of(&answer.body) != *by {
        return Err(Unknown::new(format!("`{authority}` answered a configuration that has another digest")));
    }
    let configuration: Configuration = serde_json::from_slice(&answer.body)
        .map_err(|_| Unknown::new(format!("`{authority}` answered a configuration that can't be read")))?;
    let created = configuration.created.text().and_then(|text| text.parse::<Timestamp>().ok());
    let earliest = EARLIEST.parse::<Timestamp>().ok();
    created
        .filter(|created| Some(*created) > earliest)
        .ok_or_else(|| Unknown::new("its configuration does not say when it was made"))
}
