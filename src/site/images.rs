//! Which versions of its images there are, for servers whose releases are tags of images.

use super::Server;
use crate::failure::{Failure, Kind, Result};
use crate::machine::deployment::{Registries, Versioned, Versions};
use crate::machine::release::Release;
use jiff::Timestamp;

impl Server {
    /// The images that its version moves.
    pub fn versioned(&self, stop: &dyn Fn() -> bool) -> Result<Vec<Versioned>> {
        let (place, settings) = (self.version_place()?, self.version_settings());
        let deployment = self.deployment(stop);
        let written = place.read(&settings, &deployment.files()?)?;
        deployment.versioned(&place, &written, &settings, None)
    }

    /// The versions that the registries of its images have.
    pub fn versions(&self, stop: &dyn Fn() -> bool) -> Result<Versions> {
        self.registries(stop).versions(&self.versioned(stop)?)
    }

    /// When the youngest image of a version was made, or why that is not known.
    pub fn image_made(
        &self,
        version: &str,
        stop: &dyn Fn() -> bool,
    ) -> std::result::Result<Timestamp, String> {
        let images = self.versioned(stop).map_err(|failure| failure.to_string())?;
        let images: Vec<String> = images.iter().map(|image| image.at(version)).collect();
        self.registries(stop).made(&images)
    }

    pub fn registries<'a>(&'a self, stop: &'a dyn Fn() -> bool) -> Registries<'a> {
        let insecure = self.own.get("insecure_registries").and_then(|list| list.as_array());
        let insecure = insecure.into_iter().flatten().filter_map(|host| host.as_str().map(str::to_owned));
        Registries { home: self.home(), environment: &self.environment, insecure: insecure.collect(), stop }
    }

    /// A version as a release. Fails with [`Kind::Invalid`] if it can't be one.
    pub fn image_release(&self, tag: &str) -> Result<Release> {
        tag.parse().map_err(|failure: Failure| Failure { kind: Kind::Invalid, ..failure })
    }
}
