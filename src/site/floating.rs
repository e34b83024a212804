//! Tags that move, such as `latest`: what is installed is known by the digests of the images, and what is newer by those that
//! their registries have now.

use super::Server;
use crate::failure::{Failure, Kind, Result};
use crate::kind::Source;
use crate::machine::deployment::{Standing, Versioned, Written};
use crate::machine::registry::is_tag;
use crate::machine::release::{Release, choose, pinned, pinned_name, releases, young};
use crate::output::digest::{SHOWN, shortened};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// An abbreviated digest has at least so many digits.
const SHORTEST: usize = 7;

/// A release's image with a tag that moves.
pub struct PinnedImage {
    /// As the Compose files name it: `ghcr.io/a/b:latest`.
    pub name: String,
    /// By what it is pulled: `ghcr.io/a/b@sha256:…`; the id of one that was made here.
    pub image: String,
    /// Whether this machine has it.
    pub here: bool,
}

/// What of a tag that moves is newer.
pub struct Newer {
    /// The release; the installed one, if nothing is newer, or nothing that may be taken.
    pub release: String,
    /// What a person should know, a sentence each.
    pub notes: Vec<String>,
}

impl Server {
    /// Whether it is a tag of its images that moves from release to release.
    pub fn floats(&self, tag: &str) -> bool {
        self.facts.source == Source::Images
            && tag.parse::<Release>().is_ok_and(|release| release.floats(&self.releases))
    }

    /// The images of this tag, as they are here.
    fn standing(&self, tag: &str, stop: &dyn Fn() -> bool) -> Result<(Vec<Versioned>, Vec<Standing>)> {
        let images = self.versioned(stop)?;
        let standing = self.deployment(stop).standing(&images, tag)?;
        Ok((images, standing))
    }

    /// What is installed of a tag that moves, as `latest@sha256:…`; the tag alone, if no image of it is here.
    pub fn installed_of(&self, written: &Written, stop: &dyn Fn() -> bool) -> Result<String> {
        let (_, standing) = self.standing(&written.tag, stop)?;
        let digests: Option<Vec<String>> = standing.iter().map(Standing::digest).collect();
        Ok(pinned_name(&written.tag, &digests.unwrap_or_default()))
    }

    /// What its registries have now behind a tag that moves. `installed` is what [`Server::installed_of`] gave.
    pub fn newer_of(&self, tag: &str, installed: &str, stop: &dyn Fn() -> bool) -> Result<Newer> {
        let (images, standing) = self.standing(tag, stop)?;
        let registries = self.registries(stop);
        let newest = pinned_name(tag, &registries.behind(&standing)?);
        let mut notes: Vec<String> = self.higher(tag, stop)?.into_iter().collect();
        if newest == installed {
            return Ok(Newer { release: newest, notes });
        }
        let born = registries.made(&by_digest(&images, &newest));
        let made = born
            .as_ref()
            .map_or("at an unknown time".to_owned(), |made| made.strftime("%Y-%m-%d").to_string());
        notes.insert(0, format!("newer image behind `{tag}` ({}, made {made})", digests(&newest)));
        let release: Release = newest.parse()?;
        let (rules, unknown) = self.without_failed(self.image_rules());
        notes.extend(unknown);
        let now = Timestamp::now();
        let against = match (rules.leaves_out(&release), rules.min_age) {
            _ if rules.excludes(&release) => Some("`not` in site.toml excludes it".to_owned()),
            (Some(told), _) => Some(told.to_string()),
            (None, Some(least)) => young(&newest, least, now, born).map(|told| told.to_string()),
            (None, None) => None,
        };
        let is_taken = against.is_none();
        notes.extend(against);
        Ok(Newer { release: if is_taken { newest } else { installed.to_owned() }, notes })
    }

    /// What is told of a tag with a higher number, which is another major: nobody gets that who has not asked for it.
    fn higher(&self, tag: &str, stop: &dyn Fn() -> bool) -> Result<Option<String>> {
        let release = self.image_release(tag)?;
        if !release.has_order() {
            return Ok(None);
        }
        let versions = self.versions(stop)?;
        let offered = releases(versions.tags.iter().map(String::as_str));
        let choice = choose(Some(&release), &offered, &self.image_rules(), &|_, _| None);
        Ok(choice.newest.map(|higher| {
            format!("`{higher}` has a higher number than `{tag}`, and is only taken with `--to {higher}`")
        }))
    }

    /// The release that a person means: a tag that moves is what it stands for now, and an abbreviated digest one that is
    /// installed or that the tag stands for now. Anything else is what it is.
    ///
    /// Fails with [`Kind::NotFound`] if nothing known has that digest.
    pub fn meant_release(&self, named: &str, stop: &dyn Fn() -> bool) -> Result<String> {
        let (tag, short) = match named.split_once('@') {
            Some((tag, short)) => (tag, Some(short)),
            None => (named, None),
        };
        if self.facts.source != Source::Images || pinned(named).is_some() || !is_tag(tag) || !self.floats(tag)
        {
            return Ok(named.to_owned());
        }
        let (_, standing) = self.standing(tag, stop)?;
        let own: Option<Vec<String>> = standing.iter().map(Standing::digest).collect();
        let own = own.map(|own| pinned_name(tag, &own));
        if let Some(own) = own.as_ref().filter(|own| short.is_some_and(|short| begins(own, short))) {
            return Ok(own.clone());
        }
        let now = pinned_name(tag, &self.registries(stop).behind(&standing)?);
        match short {
            None => Ok(now),
            Some(short) if begins(&now, short) => Ok(now),
            Some(_) => {
                let message =
                    format!("`{named}` is neither what `{tag}` stands for now, nor what is installed");
                Err(Failure::new(Kind::NotFound, message)
                    .why(format!("it stands for {}", shortened(&now)))
                    .help("give an older one with all 64 digits of its digest, as `banister backup list --json` has it"))
            }
        }
    }

    /// The images of a release of a tag that moves, in the order of their names; none of any other release.
    ///
    /// Fails with [`Kind::Refused`] if there are more or fewer images now.
    pub fn pinned_images(&self, release: &str, stop: &dyn Fn() -> bool) -> Result<Vec<PinnedImage>> {
        let Some(pinned) = pinned(release) else { return Ok(Vec::new()) };
        let images = self.versioned(stop)?;
        if images.len() != pinned.digests.len() {
            let message = format!(
                "`{}` has {} images, and the Compose files name {}",
                shortened(release),
                pinned.digests.len(),
                images.len()
            );
            return Err(Failure::new(Kind::Refused, message)
                .help("restore the Compose files of that release, which its backup holds"));
        }
        let deployment = self.deployment(stop);
        let both = images.iter().zip(pinned.digests);
        let found = both.map(|(image, digest)| {
            let (name, by_digest) = (image.at(pinned.tag), format!("{}@{digest}", image.name));
            for known in [by_digest.as_str(), digest] {
                if deployment.local_image(known)?.is_some() {
                    return Ok(PinnedImage { name, image: known.to_owned(), here: true });
                }
            }
            Ok(PinnedImage { name, image: by_digest, here: false })
        });
        found.collect()
    }

    /// Which containers have another image than such a release, a sentence each; none for any other release.
    pub fn other_images(&self, release: &str, stop: &dyn Fn() -> bool) -> Result<Vec<String>> {
        let deployment = self.deployment(stop);
        let mut others = Vec::new();
        for pinned in self.pinned_images(release, stop)? {
            let wanted = deployment.local_image(&pinned.image)?.map(|image| image.id);
            for (name, id) in deployment.running(&pinned.name)? {
                if wanted.as_ref() != Some(&id) {
                    let short = id.get(.."sha256:".len() + SHOWN).unwrap_or(&id);
                    others.push(format!("{name} runs the image {short}"));
                }
            }
        }
        Ok(others)
    }

    /// The digests of the images of such a release, as their registries report them, by the names by which they are pulled. One
    /// that this machine has need be in none.
    pub fn pinned_digests(
        &self,
        release: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<BTreeMap<String, Option<String>>> {
        let images = self.pinned_images(release, stop)?;
        let (here, away): (Vec<PinnedImage>, Vec<PinnedImage>) =
            images.into_iter().partition(|image| image.here);
        let away: Vec<String> = away.into_iter().map(|image| image.image).collect();
        let mut digests =
            if away.is_empty() { BTreeMap::new() } else { self.registries(stop).digests(&away)? };
        digests.extend(here.into_iter().map(|it| {
            let digest = it.image.rsplit('@').next().map(str::to_owned);
            (it.image, digest)
        }));
        Ok(digests)
    }
}

/// The images as they are pulled by the digests of a release.
fn by_digest(images: &[Versioned], release: &str) -> Vec<String> {
    let digests = pinned(release).map(|pinned| pinned.digests).unwrap_or_default();
    images.iter().zip(digests).map(|(image, digest)| format!("{}@{digest}", image.name)).collect()
}

/// The digests of a release, short.
fn digests(release: &str) -> String {
    let digests = pinned(release).map(|pinned| pinned.digests).unwrap_or_default();
    let short = |digest: &str| digest.get(.."sha256:".len() + SHOWN).unwrap_or(digest).to_owned();
    digests.into_iter().map(short).collect::<Vec<_>>().join(", ")
}

/// Whether a release has these digests, each of which may be abbreviated.
fn begins(release: &str, short: &str) -> bool {
    let whole = pinned(release).map(|pinned| pinned.digests).unwrap_or_default();
    let short: Vec<&str> = short.split('+').collect();
    let begins =
        |(whole, short): (&str, &str)| whole.starts_with(short) && short.len() >= "sha256:".len() + SHORTEST;
    whole.len() == short.len() && whole.into_iter().zip(short).all(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_may_be_abbreviated_as_it_is_shown() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let name = pinned_name("latest", &[digest("a"), digest("b")]);
        let short = shortened(&name).into_owned();
        assert!(begins(&name, short.split_once('@').unwrap().1));
        for other in ["sha256:aaaaaaaa", "sha256:aaaaaaaa+sha256:aaaaaaaa", "sha256:a+sha256:b", ""] {
            assert!(!begins(&name, other), "{other}");
        }
        assert_eq!(digests(&name), "sha256:aaaaaaaaaaaa, sha256:bbbbbbbbbbbb");
    }
}
