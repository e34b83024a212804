//! Faults turned on and off on a practice server: their switches, and what of them is no switch.

use crate::failure::Result;
use crate::practice::origin;
use crate::practice::world::fault::{self, Fault, Reach};
use crate::practice::world::{World, write};
use std::path::PathBuf;

/// Turns a fault on for the releases that `reach` names.
pub fn turn_on(world: &World, fault: &Fault, reach: Reach) -> Result<()> {
    if let Some(version) = fault.release {
        origin::add(world, version)?;
    }
    match fault.name {
        "dirty-checkout" => {
            let path = edited_file(world);
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            // As an editor does: without it, the edit alone could be carried over.
            write(&path.with_extension("yaml.orig"), &text)?;
            write(&path, text.replace("level: INFO", "level: DEBUG"))?;
        }
        "fetch" => {
            _ = std::fs::rename(world.origin(), hidden_origin(world));
        }
        _ => {}
    }
    fault::switch_on(world, fault.name, reach, None)
}

/// Turns a fault off.
pub fn turn_off(world: &World, fault: &Fault) -> Result<()> {
    fault::switch_off(world, fault.name);
    match (fault.name, fault.release) {
        ("dirty-checkout", _) => {
            let path = edited_file(world);
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            _ = std::fs::remove_file(path.with_extension("yaml.orig"));
            write(&path, text.replace("level: DEBUG", "level: INFO"))
        }
        ("fetch", _) => {
            _ = std::fs::rename(hidden_origin(world), world.origin());
            Ok(())
        }
        (_, Some(version)) => origin::remove(world, version),
        _ => Ok(()),
    }
}

/// What the fault `dirty-checkout` edits: a file that administrators do edit.
fn edited_file(world: &World) -> PathBuf {
    world.checkout().join("server/ingress/traefik.yaml")
}

fn hidden_origin(world: &World) -> PathBuf {
    world.path("origin-away.git")
}
