//! A practice server in a site file.

use crate::failure::Result;
use crate::practice::world::{self, World, start};
use serde_json::Value;
use std::path::Path;

/// The site file of a world with one server.
pub fn write(world: &World) -> Result<()> {
    let head =
        "# A practice server, made by `banister demo`. Nothing outside of this folder belongs to it.\n";
    world::write(&world.site(), format!("{head}{}", table(world, "practice")?))
}

/// The table of a server in a site file.
pub fn table(world: &World, name: &str) -> Result<String> {
    let quoted = |text: &str| Value::from(text).to_string();
    let path = |path: &Path| quoted(&path.display().to_string());
    let [(_, home), (_, search)] = start::environment(world);
    Ok(format!(
        "[servers.{name}]\n\
         # What sort of server it is: how it is built, backed up and asked for its health.\n\
         kind = \"hoss\"\n\
         # The git checkout it is built from.\n\
         checkout = {}\n\
         # Where it answers.\n\
         endpoint = {}\n\
         # Variables for every command that acts on this server. A server in daily use seldom needs any; this one\n\
         # has a home of its own, and its own `docker`, `docker-compose`, `make` and `sudo` first in PATH.\n\
         environment = {{ HOME = {}, PATH = {} }}\n\
         # A practice server starts within seconds, or not at all.\n\
         healthy = {{ within = \"20s\", stable = \"2s\" }}\n",
        path(&world.checkout()),
        quoted(&world.endpoint()?),
        quoted(&home.to_string_lossy()),
        quoted(&search.to_string_lossy()),
    ))
}
