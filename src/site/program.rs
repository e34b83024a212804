//! The program of a server that is one file, and where its releases are published.

use super::{Installed, Server};
use crate::command::{Exit, Spec, look};
use crate::failure::{Failure, Kind, Result};
use crate::machine::client::url::Url;
use crate::machine::client::{Client, Limits};
use crate::machine::forge::Project;
use crate::machine::program_file::{Kept, Source, Versions, digest};
use crate::machine::release::{Release, mentioned};
use crate::machine::roots;
use crate::units::Duration;
use serde_json::Value;
use std::path::PathBuf;

/// How long a program may take to say its version.
const SAYING: Duration = Duration::seconds(30);
const LISTING: Duration = Duration::seconds(60);
const FORGE: &str = "write `releases = { forge = \"https://codeberg.org/OWNER/NAME\" }` in site.toml, with `type` for a forge \
                     of your own, or `versions`: see `banister doc versions`";

impl Server {
    /// The file that a release replaces: `file` of its table.
    pub fn program_file(&self) -> Result<PathBuf> {
        let file = self.own_text("file").ok_or_else(|| {
            let message = format!("nothing says which file a release of `{}` replaces", self.name);
            Failure::new(Kind::Invalid, message)
                .help("name it in its table in site.toml: `file = \"/usr/local/bin/app\"`")
        })?;
        Ok(self.path(file))
    }

    /// What is kept of it here.
    pub fn kept_files(&self) -> Result<Kept> {
        Ok(Kept::within(self.state_folder()?))
    }

    /// What is installed: what is known of the file by its digest, else what the program says of itself.
    pub(super) fn installed_program(&self) -> Result<Installed> {
        let file = self.program_file()?;
        let name = match self.kept_files()?.release_of(&digest(&file)?.0)? {
            Some(known) => known,
            None => self.said_version(&file.to_string_lossy())?,
        };
        Ok(Installed { name: name.clone(), release: Some(name), commit: None })
    }

    fn said_version(&self, file: &str) -> Result<String> {
        let words = self.own.get("version").and_then(|version| version.get("command"));
        let words = words.and_then(words_of).unwrap_or_else(|| vec![file.to_owned(), "--version".to_owned()]);
        let mut spec = Spec::new(&words, &self.checkout);
        (spec.within, spec.environment) = (Some(SAYING), self.environment.clone());
        let looked = look(&spec, &|| false)?;
        let said = format!("{}\n{}", looked.stdout, looked.stderr);
        if let (Exit::Status(0), Some(version)) = (&looked.exit, mentioned(&said)) {
            return Ok(version.to_owned());
        }
        let message = format!("nothing says which release `{file}` is");
        let failure = Failure::new(Kind::NotFound, message);
        let failure = match looked.exit {
            Exit::Status(0) => failure.why(format!("`{}` prints no version", words.join(" "))),
            exit => failure.why(format!("`{}` {exit}", words.join(" "))),
        };
        Err(failure.help(
            "say how to ask it in site.toml: `version = { command = [\"/usr/local/bin/app\", \"version\"] }`",
        ))
    }

    /// What asks for its releases.
    pub fn release_client<'a>(&self, limits: Limits, stop: &'a dyn Fn() -> bool) -> Result<Client<'a>> {
        Client::new(roots::named(&self.environment).as_deref(), [], limits, stop)
    }

    /// Where its releases are published. Fails with [`Kind::Invalid`] if its table does not say it.
    pub fn release_source<'a>(
        &'a self,
        client: &'a Client<'a>,
        stop: &'a dyn Fn() -> bool,
    ) -> Result<Source<'a>> {
        let file = self.asset()?.to_owned();
        let sha256 = self.own_text("sha256").map(str::to_owned);
        let versions = self.listed_versions()?;
        Ok(Source { server: &self.name, client, versions, file, sha256, stop })
    }

    /// Where the program of a release is in its packed file: `packed` of its table, with the version in it; nothing, if the file
    /// is the program itself.
    pub fn packed_in(&self, release: &Release) -> Option<String> {
        let packed = self.own_text("packed")?;
        Some(packed.replace("{tag}", release.tag()).replace("{}", release.version()))
    }

    /// Fails with [`Kind::Invalid`] if its table does not say where its releases are published.
    pub fn check_release_source(&self) -> Result<()> {
        self.asset()?;
        self.listed_versions().map(drop)
    }

    fn asset(&self) -> Result<&str> {
        self.own_text("asset").ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("nothing says which file of a release `{}` is", self.name))
                .help("name it in its table in site.toml: `asset = \"app-{}-linux-amd64\"`, where `{}` is the version")
        })
    }

    fn listed_versions(&self) -> Result<Versions> {
        if let Some(table) = self.own.get("versions").filter(|table| !table.is_null()) {
            let text = |name: &str| table.get(name).and_then(Value::as_str);
            let json = text("json").map(str::to_owned);
            if let Some(words) = table.get("command").and_then(words_of) {
                let mut spec = Spec::new(words, &self.checkout);
                (spec.within, spec.environment) = (Some(LISTING), self.environment.clone());
                return Ok(Versions::Command { spec, json });
            }
            let url = text("http").and_then(Url::parse).ok_or_else(|| {
                Failure::new(Kind::Invalid, format!("`versions` of `{}` has no `http` or `command`", self.name))
                    .help("write it as `versions = { http = \"https://example.org/version.json\", json = \"latest\" }`")
            })?;
            return Ok(Versions::Http { url, json });
        }
        let message = || format!("nothing says where releases of `{}` are published", self.name);
        let forge = self
            .releases
            .forge
            .as_deref()
            .ok_or_else(|| Failure::new(Kind::Invalid, message()).help(FORGE))?;
        let project = Project::at(forge, self.releases.sort).ok_or_else(|| {
            Failure::new(Kind::Invalid, message())
                .why(format!("`{forge}` is no project of a known forge"))
                .help(FORGE)
        })?;
        Ok(Versions::Forge(project))
    }

    /// What it is, as a release. Fails with [`Kind::Invalid`] if it can't be one.
    pub fn release_named(&self, tag: &str) -> Result<Release> {
        tag.parse().map_err(|failure: Failure| Failure { kind: Kind::Invalid, ..failure })
    }

    fn own_text(&self, key: &str) -> Option<&str> {
        self.own.get(key)?.as_str()
    }
}

fn words_of(value: &Value) -> Option<Vec<String>> {
    let words = value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned));
    words.collect::<Option<Vec<_>>>().filter(|words| !words.is_empty())
}
