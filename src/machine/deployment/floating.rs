//! Tags that move, such as `latest`: which images of this machine they stand for.

use super::{Deployment, Model, Versioned, WITHIN};
use crate::failure::Result;
use crate::machine::compose::{Docker, LocalImage, Project};
use crate::machine::registry::{Image, Platform};
use std::collections::BTreeSet;

/// An image with a tag that moves, as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// As it is written: `ghcr.io/a/b:latest`.
    pub image: String,
    /// What the containers have; without containers what the name stands for. Nothing if it is not here.
    here: Option<LocalImage>,
}

impl Standing {
    /// That of its registry; its id, if it was made here. Nothing if it is not here.
    pub fn digest(&self) -> Option<String> {
        let here = self.here.as_ref()?;
        let own = here.repo_digests().filter(|(name, _)| is_named(&self.image, name));
        // Of several, which have the same in them, always the same one.
        Some(own.map(|(_, digest)| digest).min().unwrap_or(&here.id).to_owned())
    }

    /// Whether a digest is one of those that it is known by.
    pub fn is(&self, digest: &str) -> bool {
        let is_known = |here: &LocalImage| {
            here.id == digest
                || here.repo_digests().any(|(name, own)| own == digest && is_named(&self.image, name))
        };
        self.here.as_ref().is_some_and(is_known)
    }

    /// What it runs on; that of this machine, if it is not here.
    pub fn platform(&self) -> Platform {
        match &self.here {
            Some(here) => Platform::new(&here.os, &here.architecture, &here.variant),
            None => Platform::of_this_machine(),
        }
    }
}

impl Deployment<'_> {
    /// These images with a tag that moves, in their order.
    pub fn standing(&self, images: &[Versioned], tag: &str) -> Result<Vec<Standing>> {
        let docker = self.docker();
        let mut found = Vec::new();
        for image in images.iter().map(|image| image.at(tag)) {
            let ids: BTreeSet<String> = self.running(&image)?.into_iter().map(|(_, id)| id).collect();
            let named = docker.local_image(&image)?;
            // Where an update was cut off, some have the old one: what was meant is what the name stands for.
            let is_meant = |named: &LocalImage| ids.is_empty() || ids.contains(&named.id);
            let here = match (named.filter(is_meant), ids.first()) {
                (Some(named), _) => Some(named),
                // Its image may be gone although it runs.
                (None, Some(id)) => docker.local_image(id)?.or_else(|| Some(LocalImage::of_id(id))),
                (None, None) => None,
            };
            found.push(Standing { image, here });
        }
        Ok(found)
    }

    /// The containers of the project that have this image, by their names, each with the id of the image that it runs.
    pub fn running(&self, image: &str) -> Result<Vec<(String, String)>> {
        let project = match self.name()? {
            Some(name) => Project::Named(name),
            None => Project::In(self.folder.clone()),
        };
        let found = self.docker().services(&project, None)?.into_iter();
        let own = found.filter(|service| is_same(&service.image_name, image));
        Ok(own.map(|service| (service.name, service.image)).collect())
    }

    /// Marks the services that have such an image: it is moved for all of them at once, wherever their image is written.
    pub fn mark_floating(&self, model: &mut Model, images: &[Versioned], tag: &str) {
        let moved: Vec<String> = images.iter().map(|image| image.at(tag)).collect();
        for service in model.services.values_mut().filter(|service| !service.built) {
            service.floating = moved.iter().any(|image| is_same(image, &service.image));
            service.versioned |= service.floating;
            service.left_behind &= !service.floating;
        }
    }

    /// An image of this machine, by its name with a tag or a digest, or by its id.
    pub fn local_image(&self, name: &str) -> Result<Option<LocalImage>> {
        self.docker().local_image(name)
    }

    fn docker(&self) -> Docker<'_> {
        Docker { environment: self.environment, within: WITHIN, stop: self.stop }
    }
}

/// Whether a name without tag and digest is that of an image: `docker.io/library/a` is `a`.
fn is_named(image: &str, name: &str) -> bool {
    let read = |text: &str| text.parse::<Image>().ok().map(|image| (image.host, image.repository));
    read(image).is_some_and(|image| read(name) == Some(image))
}

fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| text.parse::<Image>().ok();
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_the_digest_of_its_own_registry() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let told = serde_json::json!({
            "Id": digest("c"), "Os": "linux", "Architecture": "amd64",
            "RepoDigests": [format!("lan:5000/a@{}", digest("9")), format!("a@{}", digest("b")), format!("a@{}", digest("a"))],
        });
        let here: LocalImage = serde_json::from_value(told).unwrap();
        let standing = Standing { image: "docker.io/library/a:latest".into(), here: Some(here) };
        assert_eq!(standing.digest(), Some(digest("a")));
        assert!(["a", "b", "c"].iter().all(|known| standing.is(&digest(known))));
        assert!(!standing.is(&digest("9")), "it is that of another registry");
        let made: LocalImage =
            serde_json::from_value(serde_json::json!({ "Id": digest("c"), "RepoDigests": null })).unwrap();
        let standing = Standing { image: "a:latest".into(), here: Some(made) };
        assert_eq!(standing.digest(), Some(digest("c")));
    }
}
