//! What the registries of the images say: which versions there are, and the digests of their images.

use super::{Standing, Versioned};
use crate::command::{Spec, look};
use crate::failure::{Failure, Kind, Result};
use crate::machine::client::{Client, Limits, Unknown};
use crate::machine::registry::{Image, Registry};
use crate::output::word;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How registries are asked.
pub struct Registries<'a> {
    /// The home in which `docker login` left credentials.
    pub home: PathBuf,
    pub environment: &'a BTreeMap<String, String>,
    /// Registries, with their ports, that may be asked without encryption.
    pub insecure: Vec<String>,
    pub stop: &'a dyn Fn() -> bool,
}

/// The versions that there are.
#[derive(Debug, Default)]
pub struct Versions {
    /// Those of which all images have a tag.
    pub tags: BTreeSet<String>,
    /// Why there may be more, a sentence each.
    pub notes: Vec<String>,
}

impl Registries<'_> {
    /// Fails with [`Kind::Unreachable`] if a registry does not say it, and with [`Kind::NotFound`] if it has no such image.
    pub fn versions(&self, images: &[Versioned]) -> Result<Versions> {
        let mut notes = Vec::new();
        let mut common: Option<BTreeSet<String>> = None;
        self.ask(|registry| {
            for versioned in images {
                let image: Image = versioned.name.parse()?;
                let tags = registry.tags(&image).map_err(|unknown| unreachable(&versioned.name, unknown))?;
                let tags = tags.ok_or_else(|| missing(&versioned.name))?;
                if let Some(why) = tags.missing {
                    notes.push(format!("there may be more tags of {}: {why}", versioned.name));
                }
                let own =
                    tags.tags.iter().filter_map(|tag| versioned.version(tag)).map(str::to_owned).collect();
                common = Some(match common.take() {
                    None => own,
                    Some(others) => others.intersection(&own).cloned().collect(),
                });
            }
            Ok(())
        })?;
        Ok(Versions { tags: common.unwrap_or_default(), notes })
    }

    /// The digest of each image, `sha256:` and 64 digits; nothing if there is no such image. Fails as above.
    pub fn digests(&self, images: &[String]) -> Result<BTreeMap<String, Option<String>>> {
        let mut digests = BTreeMap::new();
        self.ask(|registry| {
            for name in images {
                let digest = registry.digest(&name.parse()?).map_err(|unknown| unreachable(name, unknown))?;
                digests.insert(name.clone(), digest.map(|digest| digest.as_str().to_owned()));
            }
            Ok(())
        })?;
        Ok(digests)
    }

    /// The digest of each image behind a tag that moves: that of the one that is here, if the tag still stands for it. Fails as
    /// above.
    pub fn behind(&self, images: &[Standing]) -> Result<Vec<String>> {
        let mut digests = Vec::new();
        self.ask(|registry| {
            for here in images {
                let (name, image): (_, Image) = (&here.image, here.image.parse()?);
                let silent = |unknown| silent(name, unknown);
                let digest = registry.digest(&image).map_err(silent)?.ok_or_else(|| missing(name))?;
                let is_same = match here.is(digest.as_str()) || here.digest().is_none() {
                    true => here.is(digest.as_str()),
                    // An index also changes with the images of other platforms.
                    false => {
                        let own = registry.digests_for(&image, &here.platform()).map_err(silent)?;
                        own.iter().any(|digest| here.is(digest.as_str()))
                    }
                };
                digests.push(match here.digest() {
                    Some(known) if is_same => known,
                    _ => digest.as_str().to_owned(),
                });
            }
            Ok(())
        })?;
        Ok(digests)
    }

    /// When the youngest of these images was made, or why that is not known.
    pub fn made(&self, images: &[String]) -> std::result::Result<Timestamp, String> {
        let mut youngest = None;
        let mut unknown = None;
        let asked = self.ask(|registry| {
            for name in images {
                match registry.created(&name.parse()?) {
                    Ok(Some(created)) => youngest = youngest.max(Some(created)),
                    Ok(None) => unknown = Some(format!("its registry has no image `{name}`")),
                    Err(why) => unknown = Some(why.to_string()),
                }
            }
            Ok(())
        });
        asked.map_err(|failure| failure.to_string())?;
        unknown.map_or(youngest.ok_or_else(|| "it has no images".to_owned()), Err)
    }

    fn ask(&self, with: impl FnOnce(&mut Registry) -> Result<()>) -> Result<()> {
        let authorities = self.environment.get("SSL_CERT_FILE").map(PathBuf::from);
        let client =
            Client::new(authorities.as_deref(), self.insecure.clone(), Limits::default(), self.stop)?;
        let folder = self.environment.get("DOCKER_CONFIG").map(PathBuf::from);
        let config = folder.unwrap_or_else(|| self.home.join(".docker")).join("config.json");
        let helper = |program: &str, action: &str, input: &str| self.helper(program, action, input);
        with(&mut Registry::new(&client, &config, &helper))
    }

    /// Runs a program that keeps credentials; nothing if it knows none.
    fn helper(&self, program: &str, action: &str, input: &str) -> Result<Option<String>> {
        let line = format!("printf %s {} | {} {}", word(input), word(program), word(action));
        let mut spec = Spec::new(["sh", "-c", &line], Path::new("/"));
        spec.environment = self.environment.clone();
        spec.within = Some(super::WITHIN);
        let looked = look(&spec, self.stop)?;
        Ok(looked.exit.success().then_some(looked.stdout))
    }
}

fn unreachable(image: &str, unknown: Unknown) -> Failure {
    let help = unknown.help.clone();
    let failure = Failure::new(
        Kind::Unreachable,
        format!("the registry of `{image}` does not say which tags there are"),
    );
    let failure = failure.why(unknown);
    failure.help(
        help.unwrap_or_else(|| {
            "see whether it can be reached; if it needs credentials: `docker login`".into()
        }),
    )
}

/// Of a tag that moves.
fn silent(image: &str, unknown: Unknown) -> Failure {
    let message = format!("the registry of `{image}` does not say what the tag stands for");
    Failure { message, ..unreachable(image, unknown) }
}

fn missing(image: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("its registry has no image `{image}`"))
        .help("correct the image in the Compose file, or its registry; if it is private: `docker login`")
}
