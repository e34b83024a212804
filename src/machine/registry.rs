//! Registries of images: which tags there are, and what a tag stands for.
//!
//! Only lists and manifests are read, and nothing is ever changed; images are pulled by the engine. What a registry did not
//! say is [`Unknown`](super::client::Unknown), which is another answer than that there is nothing.

mod access;
mod challenge;
mod created;
mod credentials;
mod digest;
mod image;
mod manifest;
mod platform;
mod refusal;
mod tags;

use super::client::url::Url;
use super::client::{Answer, Asked, Client, Method, Question, Unknown};
use access::Access;
use created::{LARGEST_CONFIGURATION, created};
use jiff::Timestamp;
use manifest::{digest_in, manifest};
use refusal::{Refusal, refusal};
use std::collections::BTreeSet;
use std::path::Path;
use tags::Reading;

pub use credentials::{Login, RunHelper, login};
pub use digest::Digest;
pub use image::{Image, is_tag};
pub use manifest::Manifest;
pub use platform::Platform;
pub use tags::Tags;

/// The four types of what a tag may stand for. With fewer of them a registry answers with something else that it made of
/// it, which has another digest, or with nothing.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// In bytes.
const LARGEST_PAGE: u64 = 4 << 20;
/// In bytes.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// All registries, as one client asks them.
pub struct Registry<'a> {
    access: Access<'a>,
}

impl<'a> Registry<'a> {
    /// `config` is Docker's `config.json`, which need not be there; `run` starts a helper that keeps credentials.
    pub fn new(client: &'a Client<'a>, config: &Path, run: RunHelper<'a>) -> Registry<'a> {
        Registry { access: Access::new(client, config, run) }
    }

    /// The tags of an image's repository. Nothing if there is no such repository.
    pub fn tags(&mut self, image: &Image) -> Asked<Option<Tags>> {
        let mut url = self.url(image, "tags/list?n=1000")?;
        let mut reading = Reading::default();
        loop {
            let asked = self.ask(image, Method::Get, &url, "application/json", LARGEST_PAGE);
            let next = asked.and_then(|answer| Ok(reading.add(&url, &answer)?));
            url = match next {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(Some(reading.tags)),
                Err(Refusal::Absent) if reading.is_first() => return Ok(None),
                Err(Refusal::Unknown(unknown)) if reading.is_first() => return Err(unknown),
                // What was listed is there, whatever the rest is.
                Err(refusal) => {
                    let missing = match refusal {
                        Refusal::Absent => {
                            Unknown::new(format!("`{}` no longer has a page that it named", image.host))
                        }
                        Refusal::Unknown(unknown) => unknown,
                    };
                    return Ok(Some(Tags { missing: Some(missing), ..reading.tags }));
                }
            };
        }
    }

    /// The digest of what an image's tag stands for now, as an engine has it in `RepoDigests`. Nothing if there is no such
    /// image. A registry that counts pulls does not count this one.
    pub fn digest(&mut self, image: &Image) -> Asked<Option<Digest>> {
        let url = self.url(image, &format!("manifests/{}", image.by()))?;
        let question = question(Method::Head, &url, MANIFESTS, LARGEST_MANIFEST);
        let answer = self.access.ask(image, &question)?;
        match digest_in(&answer) {
            Some(digest) => Ok(Some(digest)),
            // An answer to `HEAD` can't say why there is no manifest, and some registries know no `HEAD`.
            None => Ok(self.manifest(image)?.map(|manifest| manifest.digest)),
        }
    }

    /// All digests by which an engine may know what an image's tag stands for on a platform now: that of the index, of its
    /// entry and of what is in that. None if there is no such image.
    pub fn digests_for(&mut self, image: &Image, platform: &Platform) -> Asked<BTreeSet<Digest>> {
        let mut digests = BTreeSet::new();
        let Some(mut manifest) = self.manifest(image)? else { return Ok(digests) };
        digests.insert(manifest.digest.clone());
        if manifest.entries.is_some() {
            let Some(own) = manifest.digest_for(platform).cloned() else { return Ok(digests) };
            digests.insert(own.clone());
            let one = Image { digest: Some(own), ..image.clone() };
            let Some(of_one) = self.manifest(&one)? else { return Ok(digests) };
            manifest = of_one;
        }
        digests.extend(manifest.config);
        Ok(digests)
    }

    /// What an image's tag stands for now. Nothing if there is no such image. It counts as a pull.
    pub fn manifest(&mut self, image: &Image) -> Asked<Option<Manifest>> {
        let url = self.url(image, &format!("manifests/{}", image.by()))?;
        match self.ask(image, Method::Get, &url, MANIFESTS, LARGEST_MANIFEST) {
            Ok(answer) => manifest(&answer, image.digest.as_ref()).map(Some),
            Err(Refusal::Absent) => Ok(None),
            Err(Refusal::Unknown(unknown)) => Err(unknown),
        }
    }

    /// When an image was made, as its configuration says; of an index that of this machine's platform, or its first. Nothing if
    /// there is no such image.
    pub fn created(&mut self, image: &Image) -> Asked<Option<Timestamp>> {
        let Some(mut manifest) = self.manifest(image)? else { return Ok(None) };
        if let Some(entries) = &manifest.entries {
            let own = manifest.digest_for(&Platform::of_this_machine());
            let digest = own.or(entries.first().map(|(_, digest)| digest)).cloned();
            let one = Image { digest, ..image.clone() };
            let Some(of_one) = self.manifest(&one)? else { return Ok(None) };
            manifest = of_one;
        }
        let digest = manifest.config.ok_or_else(|| Unknown::new("its manifest names no configuration"))?;
        let url = self.url(image, &format!("blobs/{digest}"))?;
        let question = question(Method::Get, &url, "*/*", LARGEST_CONFIGURATION);
        created(&self.access.ask(image, &question)?, &digest).map(Some)
    }

    fn url(&self, image: &Image, rest: &str) -> Asked<Url> {
        let server = self.access.server(image);
        let url = server.and_then(|server| server.at(format!("/v2/{}/{rest}", image.repository)));
        url.ok_or_else(|| Unknown::new(format!("`{}` is no registry", image.host)))
    }

    fn ask(
        &mut self,
        image: &Image,
        method: Method,
        url: &Url,
        accept: &str,
        largest: u64,
    ) -> Result<Answer, Refusal> {
        let answer = self.access.ask(image, &question(method, url, accept, largest))?;
        if answer.status == 200 { Ok(answer) } else { Err(refusal(&answer)) }
    }
}

fn question<'a>(method: Method, url: &'a Url, accept: &'a str, largest: u64) -> Question<'a> {
    Question { method, url, accept, credential: None, largest }
}
