//! What a tag stands for: one image, or an index of images for several platforms.

use super::digest::Digest;
use super::platform::Platform;
use crate::machine::client::json::{List, Loose};
use crate::machine::client::{Answer, Asked, Unknown, excerpt};
use serde::Deserialize;

/// Of an index, as many entries are looked at.
const MOST_ENTRIES: usize = 1_000;

/// A manifest, as far as it tells whether something is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// As an engine has it in `RepoDigests`.
    pub digest: Digest,
    /// Of an index: which image is for which platform. Attestations are none.
    pub entries: Option<Vec<(Platform, Digest)>>,
    /// Of a single image: what says when and how it was made.
    pub config: Option<Digest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    media_type: Loose,
    #[serde(default)]
    manifests: List<Entry, MOST_ENTRIES>,
    #[serde(default)]
    config: Entry,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    digest: Loose,
    platform: Option<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    os: Loose,
    architecture: Loose,
    variant: Loose,
}

impl Manifest {
    /// The digest of what a machine of that platform runs: an index changes with any of its entries, and this only with
    /// its own. Nothing if the index has none for it; of a single image it is its own, whichever platform it is for.
    pub fn digest_for(&self, platform: &Platform) -> Option<&Digest> {
        match &self.entries {
            None => Some(&self.digest),
            Some(entries) => entries.iter().find(|(known, _)| known == platform).map(|(_, digest)| digest),
        }
    }
}

/// The digest in a registry's answer to `HEAD`; nothing if it has to be asked for the manifest itself.
pub(super) fn digest_in(answer: &Answer) -> Option<Digest> {
    is_index(&answer.content_type()).filter(|_| answer.status == 200)?;
    Digest::parse(answer.header("docker-content-digest")?)
}

/// Reads a manifest. `by` is the digest by which it was asked for, if it was.
pub(super) fn manifest(answer: &Answer, by: Option<&Digest>) -> Asked<Manifest> {
    let authority = answer.url.authority();
    let sort = answer.content_type();
    let Some(is_index) = is_index(&sort) else {
        let sort = excerpt(&sort);
        return Err(Unknown::new(format!(
            "`{authority}` answered no manifest, but something else (`{sort}`)"
        )));
    };
    let digest = Digest::of(&answer.body);
    let named = answer.header("docker-content-digest");
    if named.is_some_and(|named| named != digest.as_str()) || by.is_some_and(|by| *by != digest) {
        return Err(Unknown::new(format!("`{authority}` answered a manifest that has another digest")));
    }
    let broken = || Unknown::new(format!("`{authority}` answered a manifest that can't be read"));
    let body: Body = serde_json::from_slice(&answer.body).map_err(|_| broken())?;
    // One may be read as the other where they are taken for granted.
    if body.media_type.text().is_some_and(|named| named != sort) {
        return Err(Unknown::new(format!("`{authority}` answered a manifest of two types")));
    }
    if !is_index {
        let config = body.config.digest.text().and_then(|config| Digest::parse(&config));
        return Ok(Manifest { digest, entries: None, config });
    }
    if body.manifests.dropped > 0 {
        return Err(Unknown::new(format!(
            "`{authority}` answered an index of more than {MOST_ENTRIES} images"
        )));
    }
    let entries = body.manifests.kept.into_iter().filter_map(|entry| {
        let digest = Digest::parse(&entry.digest.text()?)?;
        let platform = entry.platform?;
        let (os, architecture) = (platform.os.text()?, platform.architecture.text()?);
        Some((Platform::new(&os, &architecture, &platform.variant.text().unwrap_or_default()), digest))
    });
    Ok(Manifest { digest, entries: Some(entries.collect()), config: None })
}

/// Whether this type is that of an index; nothing if it is none of the four.
fn is_index(content_type: &str) -> Option<bool> {
    match content_type {
        "application/vnd.oci.image.index.v1+json"
        | "application/vnd.docker.distribution.manifest.list.v2+json" => Some(true),
        "application/vnd.oci.image.manifest.v1+json"
        | "application/vnd.docker.distribution.manifest.v2+json" => Some(false),
        _ => None,
    }
}
