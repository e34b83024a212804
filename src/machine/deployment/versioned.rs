//! The images that a version moves, and which tags they have together.

use super::place::images;
use super::{Deployment, Model, Named, Place, Program, SettingsFile, Written};
use crate::failure::{Failure, Kind, Result};
use crate::machine::registry::Image;
use std::collections::BTreeSet;

/// An image whose tag has the version in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Versioned {
    /// With its registry, without its tag: `ghcr.io/a/b`.
    pub name: String,
    /// What its tag has before the version, and after it: `-cuda`.
    pub before: String,
    pub after: String,
}

impl Versioned {
    /// The image of a version.
    pub fn at(&self, version: &str) -> String {
        format!("{}:{}{version}{}", self.name, self.before, self.after)
    }

    /// The version of one of its tags; nothing if the tag is not of this sort.
    pub fn version<'t>(&self, tag: &'t str) -> Option<&'t str> {
        let version = tag.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        (!version.is_empty()).then_some(version)
    }
}

impl Deployment<'_> {
    /// Says of each service in the model whether the version moves it.
    pub fn mark(&self, model: &mut Model, place: &Place, written: &Written) -> Result<()> {
        let moved = match place {
            Place::Setting(setting) => self.referring(setting)?,
            Place::Services(_) => {
                let is_moved = |image: &String| written.images.iter().any(|moved| moved.written == *image);
                let mut moved = BTreeSet::new();
                for file in self.files()? {
                    let named = images(&file)?.into_iter().filter(|(_, image)| is_moved(image));
                    moved.extend(named.map(|(service, _)| service));
                }
                for (name, service) in &mut model.services {
                    service.left_behind = is_moved(&service.image) && !moved.contains(name);
                }
                moved
            }
        };
        for (name, service) in &mut model.services {
            service.versioned = moved.contains(name);
        }
        Ok(())
    }

    /// The services whose image refers to a setting.
    fn referring(&self, setting: &str) -> Result<BTreeSet<String>> {
        let mut services = BTreeSet::new();
        for file in self.files()? {
            let named = images(&file)?.into_iter().filter(|(_, image)| refers(image, setting));
            services.extend(named.map(|(service, _)| service));
        }
        Ok(services)
    }

    /// The images that the version moves, each once. `settings` is the `.env`; `model` is what Compose says of the folder, if it
    /// was asked already.
    ///
    /// Fails with [`Kind::NotFound`] if there are none.
    pub fn versioned(
        &self,
        place: &Place,
        written: &Written,
        settings: &SettingsFile,
        model: Option<&Model>,
    ) -> Result<Vec<Versioned>> {
        let setting = match place {
            Place::Services(_) => {
                let versioned = |image: &Named| Versioned {
                    name: image.name.clone(),
                    before: String::new(),
                    after: String::new(),
                };
                let found: BTreeSet<Versioned> = written.images.iter().map(versioned).collect();
                return Ok(found.into_iter().collect());
            }
            Place::Setting(setting) => setting,
        };
        let services = self.referring(setting)?;
        let asked;
        let model = match model {
            Some(model) => model,
            None => {
                asked = self.model(&Program::find(&self.folder, self.environment, self.stop)?)?;
                &asked
            }
        };
        let mut found = BTreeSet::new();
        for image in services.iter().filter_map(|service| Some(&model.services.get(service)?.image)) {
            let parsed: Image = image.parse()?;
            let tag = parsed.tag.clone().unwrap_or_default();
            let Some((before, after)) = tag.split_once(written.tag.as_str()) else {
                let message = format!("`{image}` does not have the version {} that is written", written.tag);
                return Err(Failure::new(Kind::Refused, message).help(format!(
                    "see which value of `{setting}` counts: that of `{}`, or one of `environment` in site.toml",
                    settings.path.display()
                )));
            };
            let name = image.rsplit_once(':').map_or(image.as_str(), |(name, _)| name).to_owned();
            found.insert(Versioned { name, before: before.to_owned(), after: after.to_owned() });
        }
        if found.is_empty() {
            let message = format!("no image in the Compose files has the setting `{setting}` in its tag");
            return Err(Failure::new(Kind::NotFound, message).help(
                "correct `version` in site.toml, or name a service: `version = { service = \"app\" }`",
            ));
        }
        Ok(found.into_iter().collect())
    }
}

/// Whether a text has a reference to a setting in it: `$NAME`, `${NAME}`, `${NAME:-1.0}`.
pub(super) fn refers(text: &str, setting: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    text.split('$').skip(1).any(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.strip_prefix(setting).is_some_and(ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_may_have_more_than_the_version() {
        let cuda = Versioned { name: "a/b".into(), before: "v".into(), after: "-cuda".into() };
        assert_eq!(cuda.at("1.2"), "a/b:v1.2-cuda");
        assert_eq!(
            (cuda.version("v1.3-cuda"), cuda.version("v1.3"), cuda.version("v-cuda")),
            (Some("1.3"), None, None)
        );
        assert!(refers("a/b:${VERSION:-release}", "VERSION") && refers("a:$VERSION", "VERSION"));
        assert!(!refers("a:${VERSION_2}", "VERSION") && !refers("a:VERSION", "VERSION"));
    }
}
