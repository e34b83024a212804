//! Where releases of a program are published, and the file of one of them with its digest.

use super::sums::{Sum, sum_in};
use crate::command::{Exit, Spec, look};
use crate::failure::{Failure, Kind, Result};
use crate::machine::client::url::Url;
use crate::machine::client::{Client, Method, Question, Unknown};
use crate::machine::forge::{Asset, Listing, Project, Published, published};
use crate::machine::release::Release;
use serde_json::Value;

/// A file with checksums, and a list of versions, have no more bytes.
const LARGEST: u64 = 4 << 20;
/// Of so many versions.
const MOST: usize = 10_000;
/// So many names of files are shown.
const SHOWN: usize = 8;

/// Where releases are published.
pub struct Source<'a> {
    /// The server that is spoken of.
    pub server: &'a str,
    pub client: &'a Client<'a>,
    pub versions: Versions,
    /// The name of the file on the release page, or its URL; `{}` is the version, `{tag}` the tag.
    pub file: String,
    /// The same of the file with its SHA-256 or SHA-512. Without one, the forge's own digest counts.
    pub sha256: Option<String>,
    pub stop: &'a dyn Fn() -> bool,
}

/// What lists the versions.
pub enum Versions {
    Forge(Project),
    /// All of it, or what is at `json` in it.
    Http {
        url: Url,
        json: Option<String>,
    },
    Command {
        spec: Spec,
        json: Option<String>,
    },
}

/// A file that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub url: Url,
    /// In bytes.
    pub size: Option<u64>,
    /// In lower-case hexadecimal; nothing, if none is published.
    pub sha256: Option<String>,
    /// The same, where no SHA-256 is published.
    pub sha512: Option<String>,
    /// What says that.
    pub stated: String,
}

impl Found {
    /// Whether a digest is published.
    pub fn is_stated(&self) -> bool {
        self.sha256.is_some() || self.sha512.is_some()
    }
}

impl Source<'_> {
    /// The releases, down to the one with this name at least. Fails with [`Kind::Unreachable`] if they can't be had.
    pub fn list(&self, until: &Release) -> Result<Listing> {
        let plain = |tags: Vec<String>| {
            let one = |tag| Published { tag, ..Published::default() };
            Listing { releases: tags.into_iter().map(one).collect(), missing: None }
        };
        match &self.versions {
            Versions::Forge(project) => {
                published(self.client, project, until).map_err(|why| self.unknown(&why))
            }
            Versions::Http { url, json } => {
                let text = self.text(url).map_err(|why| self.unknown(&why))?;
                let text = text.ok_or_else(|| self.unknown(&Unknown::new(format!("there is no `{url}`"))))?;
                self.tags(&text, json.as_deref()).map(plain)
            }
            Versions::Command { spec, json } => {
                let looked = look(spec, self.stop)?;
                if looked.exit != Exit::Status(0) {
                    let why = format!("`{}` {}", spec.arguments.join(" "), looked.exit);
                    let failure = self.unknown(&Unknown::new(why));
                    return Err(looked.stderr.lines().rev().take(3).fold(failure, Failure::why));
                }
                self.tags(&looked.stdout, json.as_deref()).map(plain)
            }
        }
    }

    /// The file of a release. Fails with [`Kind::NotFound`] if there is no such release, or if it has no such file or none
    /// with checksums; with [`Kind::Refused`] if what is published contradicts itself.
    pub fn find(&self, release: &Release) -> Result<Found> {
        let listing = self.list(release)?;
        let Some(published) = listing.releases.iter().find(|one| one.tag == release.tag()) else {
            return Err(self.no_release(release, &listing));
        };
        let asset = self.asset(&self.file, release, published)?;
        let own = asset.sha256.clone();
        let (sum, stated) = match &self.sha256 {
            Some(pattern) => {
                let sums = self.asset(pattern, release, published)?;
                let sum = self.digest(&sums, &asset.name)?;
                // Of another sort it can't be compared before the file is there.
                let is_other = |own: &String| matches!(&sum, Sum::Sha256(digest) if digest != own);
                if let Some(own) = own.filter(is_other) {
                    let message = format!("two digests are published of `{}`", asset.name);
                    return Err(Failure::new(Kind::Refused, message)
                        .why(format!("`{}` says {sum}", sums.name))
                        .why(format!("the release page says sha256:{own}"))
                        .help("nothing was touched; ask the project, or leave the release out: `releases = { not = [\"…\"] }`"));
                }
                (Some(sum), format!("`{}`", sums.name))
            }
            None => (own.map(Sum::Sha256), "the release page".to_owned()),
        };
        let (sha256, sha512) = match sum {
            Some(Sum::Sha256(digest)) => (Some(digest), None),
            // The page's own counts, too.
            Some(Sum::Sha512(digest)) => (asset.sha256.clone(), Some(digest)),
            None => (None, None),
        };
        Ok(Found { name: asset.name, url: asset.url, size: asset.size, sha256, sha512, stated })
    }

    fn asset(&self, pattern: &str, release: &Release, published: &Published) -> Result<Asset> {
        let filled = pattern.replace("{tag}", release.tag()).replace("{}", release.version());
        if !filled.contains("://") {
            let known = published.assets.iter().find(|asset| asset.name == filled);
            return known.cloned().ok_or_else(|| self.no_file(&filled, release, published));
        }
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~+/@".contains(letter);
        let url = Url::parse(&filled).filter(|_| release.tag().chars().all(is_plain));
        let url = url.ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("`{filled}` is no URL"))
                .help("nothing was touched; write it as `https://example.org/{}/app-linux` in site.toml")
        })?;
        let path = url.path().split('?').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let known = published.assets.iter().find(|asset| asset.url == url);
        Ok(known.cloned().unwrap_or(Asset { name, url, size: None, sha256: None }))
    }

    fn digest(&self, sums: &Asset, name: &str) -> Result<Sum> {
        let none = |why: String| {
            let message = format!("`{}` says no SHA-256 and no SHA-512 of `{name}`", sums.name);
            Failure::new(Kind::NotFound, message)
                .why(why)
                .help("nothing was touched; correct `asset` and `sha256` in site.toml")
        };
        let text = self.text(&sums.url).map_err(|why| self.unknown(&why))?;
        let text = text.ok_or_else(|| none(format!("there is no `{}`", sums.url)))?;
        sum_in(&text, name).ok_or_else(|| {
            let first = text.lines().next().unwrap_or_default();
            none(format!("it begins with `{}`", crate::machine::client::excerpt(first)))
        })
    }

    /// Nothing, if there is no such page.
    fn text(&self, url: &Url) -> std::result::Result<Option<String>, Unknown> {
        let question =
            Question { method: Method::Get, url, accept: "*/*", credential: None, largest: LARGEST };
        let answer = self.client.ask(&question)?;
        match answer.status {
            200 => Ok(Some(String::from_utf8_lossy(&answer.body).into_owned())),
            404 | 410 => Ok(None),
            status => Err(Unknown::new(format!("`{}` answered {status}", answer.url.authority()))),
        }
    }

    /// The versions in an answer: the first word of each line, or what is at a place in JSON.
    fn tags(&self, text: &str, json: Option<&str>) -> Result<Vec<String>> {
        let Some(place) = json else {
            let words = text.lines().filter_map(|line| line.split_whitespace().next());
            return Ok(words.take(MOST).map(str::to_owned).collect());
        };
        let all: Option<Value> = serde_json::from_str(text).ok();
        let there = place.split('.').filter(|name| !name.is_empty()).try_fold(all.as_ref(), |value, name| {
            let value = value?;
            Some(value.get(name).or_else(|| value.get(name.parse::<usize>().ok()?)))
        });
        let list = match there.flatten() {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).take(MOST).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        match list.is_empty() {
            false => Ok(list),
            true => Err(self.unknown(&Unknown::new(format!("the answer has no versions at `{place}`")))),
        }
    }

    fn unknown(&self, why: &Unknown) -> Failure {
        let failure =
            Failure::new(Kind::Unreachable, format!("the releases of `{}` are unknown", self.server));
        failure.why(why).help(why.help.clone().unwrap_or_else(|| {
            "nothing was touched; try again later, or correct `releases` or `versions` in site.toml".into()
        }))
    }

    fn no_release(&self, release: &Release, listing: &Listing) -> Failure {
        let is_same = |tag: &str| {
            tag.parse::<Release>()
                .is_ok_and(|other| other.compare(release) == Some(std::cmp::Ordering::Equal))
        };
        let near = listing.releases.iter().map(|one| one.tag.as_str()).find(|tag| is_same(tag));
        let (meant, to) = match near {
            Some(near) => (format!("; did you mean `{near}`?"), format!(" --to {near}")),
            None => Default::default(),
        };
        let message = format!("there is no release `{release}` of {}{meant}", self.server);
        let failure = Failure::new(Kind::NotFound, message).help(format!(
            "nothing was touched; see what an update would install: `banister plan update{to} --server {}`",
            self.server
        ));
        listing.missing.iter().fold(failure, Failure::why)
    }

    fn no_file(&self, name: &str, release: &Release, published: &Published) -> Failure {
        let failure = Failure::new(Kind::NotFound, format!("`{release}` has no file `{name}`"));
        let mut names: Vec<&str> = published.assets.iter().map(|asset| asset.name.as_str()).collect();
        let more = names.len().saturating_sub(SHOWN);
        names.truncate(SHOWN);
        let failure = match names.is_empty() {
            true => failure.why("it has no files"),
            false if more > 0 => failure.why(format!("it has {} and {more} more", names.join(", "))),
            false => failure.why(format!("it has {}", names.join(", "))),
        };
        failure.help(
            "nothing was touched; correct `asset` and `sha256` in site.toml, or wait until it is published",
        )
    }
}

/// What is installed as one of the series that is offered: a program may say of what it was built, as `14.0.2+gitea-1.22.0`.
pub fn among(installed: &Release, offered: &[Release]) -> Release {
    let has_series = |release: &Release| offered.iter().any(|other| other.family() == release.family());
    let plain = installed.tag().split('+').next().and_then(|plain| plain.parse::<Release>().ok());
    match plain.filter(|plain| !has_series(installed) && has_series(plain)) {
        Some(plain) => plain,
        None => installed.clone(),
    }
}
