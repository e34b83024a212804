//! What `docker` shows and does of images, volumes and networks.

use super::engine::{self, Order};
use super::format::render;
use super::image::{self, Image};
use super::words::Words;
use crate::failure::{Failure, Kind, Result};
use crate::output;
use crate::practice::world::{World, make_folder, write};
use serde_json::json;

/// The image with this name or identity.
pub fn find_image(world: &World, name: &str) -> Result<Image> {
    image::find(world, name).ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("Error response from daemon: No such image: {name}"))
    })
}

/// Deletes the images that no name and no container needs.
pub fn prune_images(world: &World) -> Result<()> {
    let named = image::names(world);
    let used = engine::order(world, &Order::List)?;
    for image in image::all(world) {
        let kept = named.values().any(|id| *id == image.id)
            || used.iter().any(|container| container.spec.image_id == image.id);
        if !kept {
            image::remove(world, &image.id);
            output::line(format_args!("deleted: {}", image.id));
        }
    }
    Ok(())
}

/// `docker images`.
pub fn images(world: &World, words: &Words) -> Result<()> {
    let template = words.option(&["--format"]).unwrap_or("{{.Repository}}\t{{.Tag}}\t{{.ID}}");
    for (name, id) in image::names(world) {
        let (repository, tag) = name.rsplit_once(':').unwrap_or((&name, "latest"));
        if words.names.first().is_some_and(|wanted| wanted != repository && *wanted != name) {
            continue;
        }
        let short = if words.flag(&["--no-trunc"]) { &id } else { &id["sha256:".len()..][..12] };
        let row = json!({ "Repository": repository, "Tag": tag, "ID": short, "Size": "20MB" });
        output::line(if words.flag(&["-q", "--quiet"]) {
            short.to_string()
        } else {
            render(template, &row)?
        });
    }
    Ok(())
}

/// `docker rmi`.
pub fn remove_images(world: &World, words: &Words) -> Result<()> {
    for name in &words.names {
        let image = find_image(world, name)?;
        if image::untag(world, name) {
            output::line(format_args!("Untagged: {}", image::full_name(name)));
        }
        if !image::names(world).values().any(|id| *id == image.id) {
            image::remove(world, &image.id);
            output::line(format_args!("Deleted: {}", image.id));
        }
    }
    Ok(())
}

/// Whether a volume or network fits a filter. Compose calls a volume `PROJECT_VOLUME`, and labels it with both.
fn fits(name: &str, (key, wanted): (&str, &str)) -> bool {
    let named = name.split_once('_');
    match (key, wanted.strip_prefix("com.docker.compose.").and_then(|label| label.split_once('='))) {
        ("name", _) => name.contains(wanted),
        ("label", Some(("project", project))) => named.is_some_and(|(own, _)| own == project),
        ("label", Some(("volume", volume))) => named.is_some_and(|(_, own)| own == volume),
        _ => false,
    }
}

/// Volumes and networks: a folder or a file each.
pub fn entries(world: &World, kind: &str, command: &str, words: &Words) -> Result<i32> {
    let folder = world.path(if kind == "volume" { "volumes" } else { "networks" });
    let there = |name: &str| folder.join(name).exists();
    match command {
        "ls" | "list" => {
            let found = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names.retain(|name| words.filters().all(|filter| fits(name, filter)));
            let template = match (words.option(&["--format"]), words.flag(&["-q", "--quiet"])) {
                (Some(template), _) => template,
                (None, true) => "{{.Name}}",
                (None, false) => "{{.Driver}}\t{{.Name}}",
            };
            for name in names {
                output::line(render(template, &json!({ "Name": name, "Driver": "local", "Labels": "" }))?);
            }
        }
        "create" => {
            let name = words.names.first().cloned().unwrap_or_default();
            if kind == "network" && there(&name) {
                let message = format!("Error response from daemon: network with name {name} already exists");
                return Err(Failure::new(Kind::Refused, message));
            }
            match kind {
                "volume" => make_folder(&folder.join(&name).join("_data"))?,
                _ => write(&folder.join(&name), "")?,
            }
            output::line(name);
        }
        "rm" | "remove" => {
            for name in &words.names {
                let path = folder.join(name);
                if !there(name) || !world.owns(&path) {
                    return Err(Failure::new(Kind::NotFound, format!("Error: No such {kind}: {name}")));
                }
                let gone = if kind == "volume" {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
                gone.map_err(|error| {
                    Failure::new(Kind::Refused, format!("{name} can't be removed")).why(error)
                })?;
                output::line(name);
            }
        }
        other => {
            return Err(Failure::new(
                Kind::Invalid,
                format!("docker: '{kind} {other}' is not a docker command."),
            ));
        }
    }
    Ok(0)
}
