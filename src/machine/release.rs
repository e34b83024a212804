//! Names of releases, and their order.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::failure::{Failure, Kind};

/// A release as its tag names it: `0.2.13` or `v0.2.13`. Ordered by version, number by number, so 0.2.9 is before
/// 0.2.10; how the tag is spelt plays no part in it.
#[derive(Clone, Debug)]
pub struct Release {
    tag: String,
    version: semver::Version,
}

impl Release {
    /// The tag, as it is spelt in the repository.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The version, without a `v`.
    pub fn version(&self) -> &semver::Version {
        &self.version
    }

    /// Whether it is a trial such as `1.2.0-rc.1`, which nobody gets who has not asked for it by name.
    pub fn is_pre_release(&self) -> bool {
        !self.version.pre.is_empty()
    }
}

impl FromStr for Release {
    type Err = Failure;

    fn from_str(tag: &str) -> Result<Release, Failure> {
        let wrong = |why: &dyn fmt::Display| {
            Failure::new(Kind::Invalid, format!("`{tag}` is not a release"))
                .why(why)
                .help("write it as its tag does, with three numbers: `0.2.13` or `v0.2.13`")
        };
        let version = tag.strip_prefix('v').unwrap_or(tag);
        let version = semver::Version::parse(version).map_err(|error| wrong(&error))?;
        Ok(Release { tag: tag.to_string(), version })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.tag)
    }
}

// Build metadata (`+…`) plays no part in precedence, as semver.org item 10 has it.
impl Ord for Release {
    fn cmp(&self, other: &Release) -> Ordering {
        self.version.cmp_precedence(&other.version)
    }
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Release) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Release {
    fn eq(&self, other: &Release) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Release {}

impl Serialize for Release {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.tag)
    }
}

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Release, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The tags that are releases, oldest first. Other tags are left out.
pub fn releases<'a>(tags: impl IntoIterator<Item = &'a str>) -> Vec<Release> {
    let mut found: Vec<Release> = tags.into_iter().filter_map(|tag| tag.parse().ok()).collect();
    found.sort();
    found
}

/// The newest release that is not a trial.
pub fn newest(releases: &[Release]) -> Option<&Release> {
    releases.iter().filter(|release| !release.is_pre_release()).max()
}

/// The releases an update passes: after `from`, up to and with `to`, oldest first. Trials are left out unless the
/// update goes to one.
pub fn between<'a>(releases: &'a [Release], from: &Release, to: &Release) -> Vec<&'a Release> {
    let mut passed: Vec<&Release> = releases
        .iter()
        .filter(|release| *release > from && *release <= to)
        .filter(|release| !release.is_pre_release() || *release == to)
        .collect();
    passed.sort();
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(tag: &str) -> Release {
        tag.parse().unwrap()
    }

    #[test]
    fn releases_are_ordered_by_number_and_other_tags_are_left_out() {
        let found = releases(["0.2.10", "nightly", "v0.2.9", "1.0", "0.3.0-rc.1", "0.2.11", "2024-01-01"]);
        let tags: Vec<&str> = found.iter().map(Release::tag).collect();
        assert_eq!(tags, ["v0.2.9", "0.2.10", "0.2.11", "0.3.0-rc.1"]);
        assert_eq!(newest(&found).unwrap().tag(), "0.2.11");
    }

    #[test]
    fn only_trials_means_no_newest() {
        assert!(newest(&releases(["1.0.0-beta"])).is_none());
    }

    #[test]
    fn an_update_passes_what_lies_after_from_up_to_the_target() {
        let all = releases(["0.2.9", "0.2.10", "0.2.11", "0.2.12-rc.1", "0.2.12", "0.2.13"]);
        let tags = |from, to| -> Vec<&str> {
            between(&all, &release(from), &release(to)).into_iter().map(Release::tag).collect()
        };
        assert_eq!(tags("0.2.9", "0.2.12"), ["0.2.10", "0.2.11", "0.2.12"]);
        assert_eq!(tags("0.2.11", "0.2.12-rc.1"), ["0.2.12-rc.1"]);
        assert!(tags("0.2.12", "0.2.12").is_empty());
        assert!(tags("0.2.12", "0.2.9").is_empty());
    }

    #[test]
    fn a_v_makes_no_difference_to_what_release_it_is() {
        assert_eq!(release("v1.2.3"), release("1.2.3"));
        assert_eq!(release("v1.2.3").to_string(), "v1.2.3");
        assert!("v".parse::<Release>().is_err());
        assert!("".parse::<Release>().is_err());
    }

    #[test]
    fn a_release_is_stored_as_its_tag() {
        let json = serde_json::to_string(&release("v1.2.3")).unwrap();
        assert_eq!(json, "\"v1.2.3\"");
        assert_eq!(serde_json::from_str::<Release>(&json).unwrap().tag(), "v1.2.3");
    }
}
