//! What is installed on a server, as far as its files say it.

use super::Server;
use crate::book;
use crate::failure::{Failure, Kind, Result};
use crate::kind::Source;
use crate::machine::deployment::{Deployment, FORM, Place, SettingsFile, Written};
use crate::machine::env_file::Dialect;
use crate::machine::release::{LeftOut, Rules, Told};

/// What is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// As people name it: a release, or a branch and a commit.
    pub name: String,
    /// The tag, if it is a release.
    pub release: Option<String>,
    /// The commit, 40 hexadecimal digits, and the same as short as git prints it; nothing without git.
    pub commit: Option<(String, String)>,
}

impl Server {
    /// Fails with [`Kind::NotFound`] if the checkout is none, or if nothing says which version the images or the program have.
    pub fn installed(&self) -> Result<Installed> {
        if self.facts.source == Source::Files {
            return self.installed_program();
        }
        if self.facts.source == Source::Images {
            let written = self.written_version()?;
            let release = match self.floats(&written.tag) {
                true => self.installed_of(&written, &|| false)?,
                false => written.tag,
            };
            return Ok(Installed { name: release.clone(), release: Some(release), commit: None });
        }
        let position = self.open_checkout()?.position()?;
        Ok(Installed {
            name: position.name(),
            release: position.release().map(|release| release.tag().to_owned()),
            commit: Some((position.commit, position.short)),
        })
    }

    /// Whether a release is in the history of another one, or of what is named in its place. Without git nobody knows.
    pub fn has_in_history(&self, release: &str, than: &str) -> Result<bool> {
        if self.facts.source != Source::Git {
            return Ok(false);
        }
        let checkout = self.open_checkout()?;
        match checkout.commit_named_by(release) {
            Ok(commit) => checkout.has_in_history(checkout.commit_named_by(than)?, commit),
            Err(failure) if failure.kind == Kind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Its Compose files, as Compose sees them.
    pub fn deployment<'a>(&'a self, stop: &'a dyn Fn() -> bool) -> Deployment<'a> {
        Deployment {
            folder: self.make_folder(),
            environment: &self.environment,
            project: self.project.as_deref(),
            dialect: self.compose_dialect(),
            stop,
        }
    }

    /// Where the version of its images is written: `version` of its table.
    pub fn version_place(&self) -> Result<Place> {
        let table = self.own.get("version").filter(|value| !value.is_null());
        let table = table.and_then(|table| serde_json::from_value(table.clone()).ok()).ok_or_else(|| {
            let message = format!("nothing says where the version of `{}` is written", self.name);
            Failure::new(Kind::Invalid, message).help(FORM)
        })?;
        Place::of(&table)
    }

    /// The version of its images as it is written.
    pub fn written_version(&self) -> Result<Written> {
        self.version_place()?.read(&self.version_settings(), &self.deployment(&|| false).files()?)
    }

    /// The file with its settings, which Compose reads.
    pub fn version_settings(&self) -> SettingsFile {
        let path = match &self.env_file {
            Some(file) => self.path(&file.to_string_lossy()),
            None => self.make_folder().join(".env"),
        };
        SettingsFile { path, dialect: self.compose_dialect() }
    }

    /// By whose rules Compose reads its settings: `dotenv`, those of Compose 1, if `dialect` says so.
    fn compose_dialect(&self) -> Dialect {
        if self.dialect == Some(Dialect::Dotenv) { Dialect::Dotenv } else { Dialect::Compose }
    }

    /// Which tags of its images are releases.
    pub fn image_rules(&self) -> Rules {
        Rules { images: true, ..self.releases.clone() }
    }

    /// Where its project may be on a forge: `forge` of its `releases`, else the URL of the checkout's remote.
    pub fn forge_address(&self) -> Result<Option<String>> {
        match &self.releases.forge {
            Some(forge) => Ok(Some(forge.clone())),
            None if self.facts.source != Source::Git => Ok(None),
            None => Ok(self.open_checkout()?.remote_url()),
        }
    }

    /// The rules by which a release is taken automatically: without those that failed here; and why these are not known, if
    /// the server's book can't be read.
    pub fn without_failed(&self, rules: Rules) -> (Rules, Option<String>) {
        let failed = match self.state_folder().and_then(|folder| book::read(&folder)) {
            Ok(book) => book.failed,
            Err(failure) => {
                return (rules, Some(format!("which releases failed here is unknown: {failure}")));
            }
        };
        let left_out = failed.into_iter().filter_map(|failed| {
            let (release, tag, why) =
                (failed.release.parse().ok()?, failed.release.clone(), failed.to_string());
            Some(LeftOut { release, told: Told::Failed { tag, why } })
        });
        (Rules { left_out: left_out.collect(), ..rules }, None)
    }
}
