//! `release_images(server, release: text, #{ compose: array })`
//!
//! The images that a release is made of, by the digests that their registries report now. Nothing is pulled.
//!
//! Where releases are tags of images, they are those that the version moves; in a git checkout, those that the Compose files of
//! the release name. These are read beside the checkout, with the settings of the server.
//!
//! # Options
//! - `compose`: what stands before the command where Docker Compose starts the server, such as `-f` and a file. Default: Compose
//!   finds its files itself.
//!
//! # Returns
//! A map:
//! - `images`: an array of maps with `name` (as it is written, `"ghcr.io/a/b:1.2"`), `image` (the same by its digest,
//!   `"ghcr.io/a/b@sha256:…"`, for `pull_image`; `()` if its registry has no such image) and `here` (whether this machine has it).
//! - `built`: an array, the services that are built from the release.
//! - `why`: why the images of the release are not known, in words; empty if they are, or if nothing runs by Docker Compose.
//!
//! # Errors
//! `unreachable` if a registry or Docker's daemon does not answer; `not_found` if there is no such release; `invalid` if nothing
//! says where the version is written.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { note(`${server.release_images("1.28.0").images.len()} images`); }
//! ```

use super::compare_mounts::model_of_release;
use crate::data::ServerName;
use crate::failure::{Kind, Result};
use crate::kind::Source;
use crate::machine::deployment::Model;
use crate::machine::registry::{Digest, Image};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::site::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct ReleaseImages;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    compose: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Outcome {
    images: Vec<Known>,
    built: Vec<String>,
    why: String,
}

/// An image of a release.
#[derive(Serialize, Deserialize)]
pub struct Known {
    name: String,
    image: Option<String>,
    here: bool,
}

impl Primitive for ReleaseImages {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "release_images";
    const SOURCE: &'static str = include_str!("release_images.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Checkout, Facet::History, Facet::Settings],
        perform: |arguments, host| found(arguments, host, false),
        predict,
    };
}

/// A plan fetches: what that will bring is read without bringing it into the checkout.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    Ok(json!(found(arguments, host, true)?))
}

fn found(arguments: &Arguments, host: &Host, is_plan: bool) -> Result<Outcome> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let (digests, built) = match server.facts.source {
        Source::Files => return Ok(Outcome::default()),
        Source::Images => (of_version(server, &arguments.release, &stop)?, Vec::new()),
        Source::Git => {
            let model = match model_of_release(server, &arguments.release, &arguments.compose, is_plan, &stop)
            {
                Ok(Some(model)) => model,
                Ok(None) => {
                    let why = "there is no container yet whose Compose files say what is meant".to_owned();
                    return Ok(Outcome { why, ..Outcome::default() });
                }
                // Files that can't be read say nothing of the images; that nobody answers says nothing of the files.
                Err(failure) if matches!(failure.kind, Kind::Invalid | Kind::CommandFailed) => {
                    return Ok(Outcome { why: failure.in_words(), ..Outcome::default() });
                }
                Err(failure) => return Err(failure),
            };
            let built = model.services.iter().filter(|(_, part)| part.built);
            let built = built.map(|(name, _)| name.clone()).collect();
            (of_model(server, &model, &stop)?, built)
        }
    };
    let deployment = server.deployment(&stop);
    let images = digests.into_iter().map(|(name, digest)| {
        let image = digest.and_then(|digest| by_digest(&name, &digest));
        let here = match &image {
            Some(image) => deployment.local_image(image)?.is_some(),
            None => false,
        };
        Ok(Known { name, image, here })
    });
    Ok(Outcome { images: images.collect::<Result<_>>()?, built, why: String::new() })
}

/// The digests of the images that the version moves, by their names.
fn of_version(
    server: &Server,
    release: &str,
    stop: &dyn Fn() -> bool,
) -> Result<BTreeMap<String, Option<String>>> {
    let pinned = server.pinned_images(release, stop)?;
    if !pinned.is_empty() {
        // One that was made here has no name with a digest, and is here.
        let fetched = pinned.into_iter().filter(|image| image.image.contains('@'));
        let digest = |image: &str| image.rsplit_once('@').map(|(_, digest)| digest.to_owned());
        return Ok(fetched.map(|image| (image.name, digest(&image.image))).collect());
    }
    let images: Vec<String> = server.versioned(stop)?.iter().map(|image| image.at(release)).collect();
    server.registries(stop).digests(&images)
}

/// The digests of the images that the services of a release have, but of those that are built, by their names.
fn of_model(
    server: &Server,
    model: &Model,
    stop: &dyn Fn() -> bool,
) -> Result<BTreeMap<String, Option<String>>> {
    let named = model.services.values().filter(|part| !part.built).map(|part| part.image.clone());
    let mut digests = BTreeMap::new();
    let mut asked = Vec::new();
    // What another service builds is in no registry.
    let made: BTreeSet<&String> =
        model.services.values().filter(|part| part.built).map(|part| &part.image).collect();
    for name in named.filter(|name| !made.contains(name)).collect::<BTreeSet<_>>() {
        match name.parse::<Image>() {
            Ok(Image { digest: Some(digest), .. }) => drop(digests.insert(name, Some(digest.to_string()))),
            Ok(_) => asked.push(name),
            Err(_) => drop(digests.insert(name, None)),
        }
    }
    digests.extend(server.registries(stop).digests(&asked)?);
    Ok(digests)
}

/// An image by its digest, with its name as it is written: not every engine takes a short one for that of Docker Hub. Nothing if
/// one of the two is of another form.
fn by_digest(name: &str, digest: &str) -> Option<String> {
    name.parse::<Image>().ok()?;
    let digest = Digest::parse(digest)?;
    let name = name.split('@').next().unwrap_or(name);
    // A colon before the last slash is that of a port.
    let name = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
    Some(format!("{name}@{digest}"))
}

#[cfg(test)]
mod tests {
    use super::by_digest;

    #[test]
    fn a_name_stays_as_it_is_written() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (name, kept) in [
            ("postgres", "postgres"),
            ("docker.io/library/postgres:16-alpine", "docker.io/library/postgres"),
            ("localhost:5000/a/b", "localhost:5000/a/b"),
            ("localhost:5000/a/b:1.2", "localhost:5000/a/b"),
            (&format!("ghcr.io/a/b:1@{digest}"), "ghcr.io/a/b"),
        ] {
            assert_eq!(by_digest(name, &digest), Some(format!("{kept}@{digest}")), "{name}");
        }
        assert_eq!((by_digest("a:b:c", &digest), by_digest("a", "sha256:1")), (None, None));
    }
}
