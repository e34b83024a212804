//! `docker-compose build`: makes an image of each service's folder, and shows it as a build is shown.

use super::file::{Build, Project};
use crate::failure::{Failure, Kind, Result};
use crate::output;
use crate::practice::docker::image::{self, Image};
use crate::practice::world::World;
use crate::practice::world::fault;
use std::time::Duration;

/// What the build of one service takes.
const TIME: Duration = Duration::from_millis(60);

/// Builds the images of these services, one after the other; stops at the first that fails.
pub fn build(world: &World, project: &Project, services: &[String]) -> Result<()> {
    for name in services {
        if let Some(build) = project.build(name) {
            build_one(world, project, name, &build)?;
        } else {
            output::line(format_args!("{name} uses an image, skipping"));
        }
    }
    Ok(())
}

fn build_one(world: &World, project: &Project, name: &str, build: &Build) -> Result<()> {
    output::line(format_args!("Building {name}"));
    let image = Image::of_folder(name, &build.folder, &build.arguments)?;
    let dockerfile = std::fs::read_to_string(build.folder.join("Dockerfile")).map_err(|_| {
        Failure::new(Kind::NotFound, format!("Service '{name}' failed to build : no Dockerfile"))
    })?;
    let steps: Vec<&str> =
        dockerfile.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())).collect();
    for (index, step) in steps.iter().enumerate() {
        output::line(format_args!("#{} [{name} {}/{}] {step}", index + 4, index + 1, steps.len()));
        std::thread::sleep(TIME / steps.len() as u32);
    }
    if let Some(seconds) = image.program["build"]["seconds"].as_u64() {
        // A number in the switch of this fault overrides the release's.
        let seconds = fault::strikes(world, "slow-build", "", seconds).unwrap_or(seconds);
        for second in 1..=seconds {
            std::thread::sleep(Duration::from_secs(1));
            output::line(format_args!("#{} [{name}] compiling, {second} of {seconds}", steps.len() + 4));
        }
    }
    if let Some(message) = image.program["build"]["fails"].as_str() {
        output::line(format_args!("#{} ERROR: {message}", steps.len() + 4));
        return Err(Failure::new(
            Kind::CommandFailed,
            format!("Service '{name}' failed to build : Build failed"),
        ));
    }
    let tag = project.image(name);
    image::store(world, &image, &tag)?;
    output::line(format_args!(
        "#{} writing image {}\n#{} naming to {tag}",
        steps.len() + 4,
        image.id,
        steps.len() + 5
    ));
    Ok(())
}
