//! Releases of tags that move, such as `latest@sha256:…`: the tag, and the digest of each image that it stood for.

use super::{Release, Rules, Why};

/// A tag with the digests of its images, in the order of the images' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned<'t> {
    pub tag: &'t str,
    /// Each `sha256:` and 64 digits.
    pub digests: Vec<&'t str>,
}

/// A counter of builds is soon longer.
const LONGEST_MAJOR: usize = 2;

impl Release {
    /// Whether it is a tag that moves from release to release: a name such as `latest`, or a single number such as
    /// `16-alpine`. A site that says how tags look may say that a number alone is a version.
    pub fn floats(&self, rules: &Rules) -> bool {
        match &self.reading {
            Err(why) => matches!(why, Why::Moving | Why::NoNumber) && pinned(&self.tag).is_none(),
            Ok(_) if rules.tags.is_some() && rules.fits(self) => false,
            Ok(reading) => {
                let number = reading.numbers.first().map(ToString::to_string).unwrap_or_default();
                reading.shape() == (1, 0) && !reading.is_trial() && number.len() <= LONGEST_MAJOR
            }
        }
    }
}

/// Reads such a release; nothing if it is another.
pub fn pinned(release: &str) -> Option<Pinned<'_>> {
    let (tag, digests) = release.split_once('@')?;
    let digests: Vec<&str> = digests.split('+').collect();
    let is_digest = |digest: &&str| {
        let digits = digest.strip_prefix("sha256:").unwrap_or_default();
        digits.len() == 64
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    (!tag.is_empty() && digests.iter().all(is_digest)).then_some(Pinned { tag, digests })
}

/// The release of a tag whose images have these digests; the tag alone, if there are none.
pub fn pinned_name(tag: &str, digests: &[String]) -> String {
    if digests.is_empty() { tag.to_owned() } else { format!("{tag}@{}", digests.join("+")) }
}

/// What is written where the version is: the tag of such a release, and any other release as it is.
pub fn written_tag(release: &str) -> &str {
    pinned(release).map_or(release, |pinned| pinned.tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_single_number_move_and_a_version_does_not() {
        let floats = |tag: &str, tags: Option<&str>| {
            let rules = Rules { tags: tags.map(|tags| tags.parse().unwrap()), ..Rules::default() };
            tag.parse::<Release>().unwrap().floats(&rules)
        };
        for tag in ["latest", "stable", "main", "16-alpine", "7", "v3", "lts", "release", "fpm", "pg16"] {
            assert!(floats(tag, None), "{tag}");
        }
        for tag in [
            "1.2",
            "v1.2.3-alpine",
            "2024-11",
            "20240102",
            "107",
            "b4567",
            "sha-1a2b3c4",
            "18beta1",
            "9457-1",
        ] {
            assert!(!floats(tag, None), "{tag}");
        }
        assert!(!floats("16-alpine", Some("{n}-alpine")) && floats("16", Some("{n}-alpine")));
    }

    #[test]
    fn a_release_of_several_images_has_all_their_digests() {
        let digests = ["a", "b"].map(|digit| format!("sha256:{}", digit.repeat(64)));
        let name = pinned_name("release", &digests);
        let read = pinned(&name).unwrap();
        assert_eq!((read.tag, read.digests), ("release", digests.iter().map(String::as_str).collect()));
        let release: Release = name.parse().unwrap();
        assert_eq!((release.why(), release.version()), (Some(Why::Moving), name.as_str()));
        assert_eq!(release.file_name(), "release@aaaaaaaaaaaa+bbbbbbbbbbbb");
        assert!(!release.floats(&Rules::default()));
        assert_eq!((written_tag(&name), written_tag("v1.2")), ("release", "v1.2"));
        for text in ["latest@sha256:12", "latest", "@sha256:", &name[..name.len() - 1]] {
            assert_eq!(pinned(text), None);
        }
        assert!("latest@sha256:12".parse::<Release>().is_err());
    }
}
