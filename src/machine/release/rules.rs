//! What a site says about the tags of a server.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::passed::Stops;
use super::pattern::Pattern;
use super::{Release, Told};
use crate::units::Duration;

/// Which tags count, as the table of a server says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// How tags look, such as `version/{n}.{n}.{n}`: no other tag is a release.
    pub tags: Option<Pattern>,
    /// Releases that are only installed if they are named, such as `"2.7.0"` or `"v1.9*"`; with or without their `v`.
    pub not: Vec<Pattern>,
    /// Whether trials such as `1.2.0-rc.1` are installed. One that is installed is followed by the next in any case.
    pub trials: bool,
    /// Which of them must be installed before later ones.
    pub stops: Option<Stops>,
    /// How old a release must be to be taken automatically.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_age: Option<Duration>,
    /// The address of the project on a forge whose pages say what is new in its releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forge: Option<String>,
    /// What sort of forge that is, if nothing else says it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub sort: Option<Forge>,
    /// Whether the tags are those of an image: then only those with as many numbers as the installed one count.
    #[serde(skip)]
    pub images: bool,
    /// What is not taken automatically on this server, as one that failed there.
    #[serde(skip)]
    pub left_out: Vec<LeftOut>,
}

/// A sort of forge: each answers at other addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    Github,
    /// Forgejo answers as Gitea does.
    #[serde(alias = "forgejo")]
    Gitea,
    Gitlab,
}

/// A release that is only taken if it is named, and what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub release: Release,
    pub told: Told,
}

impl Rules {
    /// Whether a tag looks as the site says.
    pub fn fits(&self, release: &Release) -> bool {
        self.tags.as_ref().is_none_or(|pattern| pattern.fits(release.tag()))
    }

    /// Whether the site says that it must not be installed.
    pub fn excludes(&self, release: &Release) -> bool {
        let tag = release.tag();
        let other = tag.strip_prefix('v').map(str::to_owned).unwrap_or_else(|| format!("v{tag}"));
        self.not.iter().any(|pattern| pattern.fits(tag) || pattern.fits(&other))
    }

    /// What is told of a release that is not taken automatically, if it is none. Another tag of the same version is none,
    /// either.
    pub fn leaves_out(&self, release: &Release) -> Option<&Told> {
        let is_it = |left: &&LeftOut| {
            left.release == *release || left.release.compare(release) == Some(Ordering::Equal)
        };
        self.left_out.iter().find(is_it).map(|left| &left.told)
    }

    /// Of these releases those that may be installed on the way to `to`: for [`super::between`] and [`super::stops`].
    pub fn allowed(&self, releases: &[Release], to: &Release) -> Vec<Release> {
        let has_shape = |release: &Release| !self.images || release.has_shape_of(to);
        // What was named is checked by itself.
        let is_meant = |release: &Release| release == to || !self.excludes(release);
        let is_allowed = |release: &&Release| self.fits(release) && is_meant(release) && has_shape(release);
        releases.iter().filter(is_allowed).cloned().collect()
    }
}

/// Which of the tags on one commit is the installed release: one that looks as the site says and has an order, the
/// newest of the plainest series: of `latest`, `v4` and `v4.0.1` the last. None, if none has an order.
pub fn installed<'a>(tags: impl IntoIterator<Item = &'a str>, rules: &Rules) -> Option<Release> {
    let releases = tags.into_iter().filter_map(|tag| tag.parse::<Release>().ok());
    releases.filter(|release| rules.fits(release) && release.has_order()).max_by(Release::list_order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_tags_on_a_commit_the_plainest_is_the_release() {
        let named = |tags: &[&str], rules: &Rules| {
            installed(tags.iter().copied(), rules).map(|release| release.tag().to_owned())
        };
        let any = Rules::default();
        assert_eq!(named(&["latest", "v4", "v4.0.1"], &any).unwrap(), "v4.0.1");
        assert_eq!(named(&["v1.0.0-rc.2", "v1.0.0"], &any).unwrap(), "v1.0.0");
        assert_eq!(named(&["helm-2.1.0", "12.1-0"], &any).unwrap(), "12.1-0");
        assert_eq!(named(&["develop-20250609", "6.4.3"], &any).unwrap(), "6.4.3");
        assert_eq!(named(&["latest"], &any), None);
        let of = Rules { tags: Some("nextest-runner-{}".parse().unwrap()), ..Rules::default() };
        assert_eq!(
            named(&["cargo-nextest-0.9.98", "nextest-runner-0.80.0"], &of).unwrap(),
            "nextest-runner-0.80.0"
        );
    }

    #[test]
    fn a_v_makes_no_difference_to_what_is_excluded() {
        let rules =
            Rules { not: vec!["2.7.0".parse().unwrap(), "v1.9*".parse().unwrap()], ..Rules::default() };
        let excludes = |tag: &str| rules.excludes(&tag.parse().unwrap());
        assert!(excludes("2.7.0") && excludes("v2.7.0") && excludes("v1.9.3") && excludes("1.9"));
        assert!(!excludes("2.7.01") && !excludes("1.8"));
    }
}
