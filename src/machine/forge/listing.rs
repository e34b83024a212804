//! Releases as a forge lists them, with the files that they have.

use super::project::Project;
use super::read;
use crate::machine::client::json::{List, Loose};
use crate::machine::client::url::Url;
use crate::machine::client::{Asked, Client, Unknown};
use crate::machine::files::is_sha256;
use crate::machine::release::Release;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeSet;

/// So often a forge is asked for one list.
const REQUESTS: usize = 5;
/// Of so many releases: with all that GitHub says of each file, a hundred may be too long for a page.
const ON_A_PAGE: usize = 30;
/// In bytes.
const LARGEST_PAGE: u64 = 16 << 20;
/// No release has more files.
const MOST_FILES: usize = 1_000;

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub tag: String,
    /// When it was published.
    pub at: Option<Timestamp>,
    /// Whether the forge calls it a prerelease, whatever its tag is.
    pub is_trial: bool,
    pub assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    pub name: String,
    pub url: Url,
    /// In bytes.
    pub size: Option<u64>,
    /// As the forge itself computed it, in lower-case hexadecimal.
    pub sha256: Option<String>,
}

/// What a forge lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub releases: Vec<Published>,
    /// Why there may be more.
    pub missing: Option<Unknown>,
}

/// Asks for the releases, page after page, until `until` is among them. What a first page does not say is unknown; what
/// the others do not say is missing.
pub fn published(client: &Client, project: &Project, until: &Release) -> Asked<Listing> {
    let mut listing = Listing::default();
    let mut url = project.page_of(ON_A_PAGE);
    let mut seen = BTreeSet::new();
    while let Some(page) = url.take() {
        if seen.len() == REQUESTS {
            let why = format!("it has more pages of releases than the {REQUESTS} that are read");
            listing.missing = Some(Unknown::new(why));
            break;
        }
        match read::<Listed>(client, &page, LARGEST_PAGE) {
            Ok((listed, next)) => {
                listing.releases.extend(listed.into_iter().filter_map(|one| one.published(client, &page)));
                url = next;
            }
            Err(unknown) if seen.is_empty() => return Err(unknown),
            Err(unknown) => listing.missing = Some(unknown),
        }
        seen.insert(page);
        if listing.releases.iter().any(|one| is_reached(&one.tag, until)) {
            break;
        }
        if url.as_ref().is_some_and(|next| seen.contains(next)) {
            listing.missing = Some(Unknown::new("it lists its releases in a circle"));
            break;
        }
    }
    Ok(listing)
}

/// Whether a tag is that release, or what it was built of has that tag.
fn is_reached(tag: &str, until: &Release) -> bool {
    let bare = |text: &str| text.strip_prefix('v').unwrap_or(text).to_owned();
    let (tag, until) = (bare(tag), bare(until.tag()));
    tag == until || until.strip_prefix(&tag).is_some_and(|rest| rest.starts_with('+'))
}

/// What is read of a release. GitHub, Gitea and Forgejo have the same names; GitLab has others for some.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    tag_name: Loose,
    draft: Loose,
    prerelease: Loose,
    upcoming_release: Loose,
    published_at: Loose,
    released_at: Loose,
    assets: Assets,
}

/// A list; on GitLab an object with one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Assets {
    List(List<File, MOST_FILES>),
    Links { links: List<File, MOST_FILES> },
    Other(serde::de::IgnoredAny),
}

impl Default for Assets {
    fn default() -> Assets {
        Assets::Other(serde::de::IgnoredAny)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    name: Loose,
    size: Loose,
    digest: Loose,
    browser_download_url: Loose,
    direct_asset_url: Loose,
    url: Loose,
}

impl Listed {
    /// Nothing, if it is none that anybody can have.
    fn published(self, client: &Client, page: &Url) -> Option<Published> {
        if self.draft == Loose::Flag(true) || self.upcoming_release == Loose::Flag(true) {
            return None;
        }
        let at = self.published_at.text().or(self.released_at.text());
        let files = match self.assets {
            Assets::List(files) | Assets::Links { links: files } => files.kept,
            Assets::Other(_) => Vec::new(),
        };
        Some(Published {
            tag: self.tag_name.text()?,
            at: at.and_then(|at| at.parse().ok()),
            is_trial: self.prerelease == Loose::Flag(true),
            assets: files.into_iter().filter_map(|file| file.asset(client, page)).collect(),
        })
    }
}

impl File {
    fn asset(self, client: &Client, page: &Url) -> Option<Asset> {
        let address =
            self.browser_download_url.text().or(self.direct_asset_url.text()).or(self.url.text())?;
        let digest = self.digest.text().and_then(|digest| digest.strip_prefix("sha256:").map(str::to_owned));
        let url = page.join(&address).filter(|url| client.may_follow(page, url))?;
        let sha256 = digest.filter(|digest| is_sha256(digest)).map(|digest| digest.to_ascii_lowercase());
        Some(Asset { name: self.name.text()?, url, size: self.size.number(), sha256 })
    }
}
