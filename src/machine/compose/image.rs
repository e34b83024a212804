//! An image that the engine has, as `docker image inspect` describes it.

use super::{Docker, refusal};
use crate::failure::{Kind, Result};
use serde::Deserialize;

/// An image of this machine. Docker Engine API, `GET /images/{name}/json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LocalImage {
    /// `sha256:` and 64 digits.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// `ghcr.io/a/b@sha256:…`, of each registry that it came from; none if it was made here.
    #[serde(deserialize_with = "list")]
    repo_digests: Vec<String>,
    pub os: String,
    pub architecture: String,
    pub variant: String,
    /// In bytes, unpacked.
    pub size: u64,
}

/// An id as Docker writes it: Podman leaves out what sort of digest it is.
pub(super) fn whole_id(id: String) -> String {
    let is_bare = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_bare { format!("sha256:{id}") } else { id }
}

fn id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    String::deserialize(deserializer).map(whole_id)
}

/// An older engine has `null` for an empty list.
fn list<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    Option::<Vec<String>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl LocalImage {
    /// One of which only the id is known.
    pub fn of_id(id: &str) -> LocalImage {
        LocalImage { id: id.to_owned(), ..LocalImage::default() }
    }

    /// The names with digests by which registries know it.
    pub fn repo_digests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.repo_digests.iter().filter_map(|it| it.split_once('@'))
    }
}

impl Docker<'_> {
    /// An image by its name or its id; nothing if there is none.
    pub fn local_image(&self, name: &str) -> Result<Option<LocalImage>> {
        let looked = self.run(["image", "inspect", name].map(String::from).into())?;
        let told: std::result::Result<Vec<LocalImage>, _> = serde_json::from_str(&looked.stdout);
        match told.ok().and_then(|mut told| told.pop()) {
            Some(image) => Ok(Some(image)),
            None => match refusal(&looked) {
                failure if failure.kind == Kind::NotFound => Ok(None),
                failure => Err(failure),
            },
        }
    }
}
