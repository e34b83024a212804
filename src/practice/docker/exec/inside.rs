//! What a program in a container sees.

use crate::practice::docker::container::Mount;
use crate::practice::world::World;
use std::collections::BTreeMap;

/// What a program in a container sees.
pub struct Inside<'a> {
    pub world: &'a World,
    pub service: &'a str,
    pub environment: BTreeMap<String, String>,
    pub mounts: &'a [Mount],
}
