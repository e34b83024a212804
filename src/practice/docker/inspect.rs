//! `docker inspect`, of containers, images, volumes and networks.

use super::engine::{Order, named, order};
use super::format::render;
use super::image;
use super::words::Words;
use crate::failure::Result;
use crate::output;
use crate::practice::world::World;
use serde_json::{Value, json};

/// Shows each thing of these names, as JSON or by a template; 1 if one is missing.
pub fn inspect(world: &World, words: &Words) -> Result<i32> {
    let kind = words.option(&["--type"]);
    let mut found = Vec::new();
    let mut missing = Vec::new();
    let containers = match kind {
        None | Some("container") => order(world, &Order::List).unwrap_or_default(),
        _ => Vec::new(),
    };
    for name in &words.names {
        let folder = |kind: &str| world.path(kind).join(name);
        let value = named(&containers, name).map(|container| container.inspect(world));
        let value = value.or_else(|| match kind {
            None | Some("image") => image::find(world, name).map(|image| image.inspect(world)),
            _ => None,
        });
        let value = value.or_else(|| match kind {
            None | Some("volume") if folder("volumes").exists() => Some(volume(world, name)),
            None | Some("network") if folder("networks").exists() => {
                Some(json!({ "Name": name, "Driver": "bridge" }))
            }
            _ => None,
        });
        match value {
            Some(value) => found.push(value),
            None => missing.push(name),
        }
    }
    match words.option(&["--format", "-f"]) {
        Some(template) => found.iter().try_for_each(|value| render(template, value).map(output::line))?,
        None => output::line(format_args!("{:#}", Value::Array(found))),
    }
    for name in &missing {
        output::complain(format_args!("Error: No such {}: {name}", kind.unwrap_or("object")));
    }
    Ok(i32::from(!missing.is_empty()))
}

fn volume(world: &World, name: &str) -> Value {
    let place = world.path("volumes").join(name).join("_data");
    json!({ "Name": name, "Driver": "local", "Mountpoint": place, "Scope": "local", "Labels": {} })
}
