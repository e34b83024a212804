//! What the history, the rules of a site and missing releases make of a choice, and how it is said.

use crate::machine::release::choice::{Choice, IsAncestor};
use crate::machine::release::{Release, Rules, choose, releases};

/// As of images.
pub fn no_history(_: &str, _: &str) -> Option<bool> {
    None
}

fn chosen(installed: &str, offered: &str, rules: &Rules, is_ancestor: IsAncestor<'_>) -> Choice {
    let installed: Option<Release> = (!installed.is_empty()).then(|| installed.parse().unwrap());
    choose(installed.as_ref(), &releases(offered.split_whitespace()), rules, is_ancestor)
}

fn newest(choice: &Choice) -> &str {
    choice.newest.as_ref().map_or("", Release::tag)
}

fn said(choice: &Choice) -> Vec<String> {
    choice.told.iter().map(ToString::to_string).collect()
}

/// A history in which each tag has those before it.
fn line<'a>(tags: &'a [&'a str]) -> impl Fn(&str, &str) -> Option<bool> + 'a {
    move |one, other| {
        let place = |tag: &str| tags.iter().position(|known| *known == tag);
        Some(place(one)? <= place(other)?)
    }
}

#[test]
fn other_series_are_said_with_their_newest() {
    let offered = "develop-20250609 develop-20250610 develop-20260701 v6.6.6 v6.7.0-beta.1 v6.7.0-beta.2 latest 0.0.0 \
                   chart-fix";
    let choice = chosen("v6.0.29", offered, &Rules::default(), &no_history);
    assert_eq!(newest(&choice), "v6.6.6");
    assert_eq!(
        said(&choice),
        [
            "2 newer prereleases; the newest is `v6.7.0-beta.2`",
            "3 tags like `develop-20250609` are another series; the newest is `develop-20260701`",
            "the tag `latest` is a name that moves from release to release",
            "the tag `chart-fix` has no version number",
            "the tag `0.0.0` is a placeholder, not a version",
        ]
    );
}

#[test]
fn a_higher_number_in_the_history_of_the_installed_release_is_not_newer() {
    let history = ["2.6.0", "2.7.0", "v1.10.0", "v1.11.0"];
    let choice = chosen("v1.10.0", "2.6.0 2.7.0 v1.11.0", &Rules::default(), &line(&history));
    assert_eq!(newest(&choice), "v1.11.0");
    assert_eq!(
        said(&choice),
        ["2 tags such as `2.7.0` have higher numbers, but the installed release already contains them"]
    );
    let choice = chosen("v1.11.0", "2.7.0", &Rules::default(), &line(&history));
    assert_eq!(newest(&choice), "");
    assert_eq!(said(&choice), ["`2.7.0` has a higher number, but the installed release already contains it"]);
}

#[test]
fn of_two_tags_for_a_version_the_usual_spelling_is_taken_then_the_later_commit() {
    let any = Rules::default();
    assert_eq!(newest(&chosen("v6.4.2", "6.4.3 v6.4.3", &any, &no_history)), "v6.4.3");
    assert_eq!(newest(&chosen("6.4.2", "6.4.3 v6.4.3", &any, &no_history)), "6.4.3");
    let day = "250426-1f0c9d3aa 250426-27ec7a128";
    let history = ["240915-e1280b2fb", "250426-27ec7a128", "250426-1f0c9d3aa"];
    assert_eq!(newest(&chosen("240915-e1280b2fb", day, &any, &line(&history))), "250426-1f0c9d3aa");
    let choice = chosen("240915-e1280b2fb", day, &any, &no_history);
    assert_eq!(newest(&choice), "");
    assert_eq!(
        said(&choice),
        [
            "`250426-1f0c9d3aa` and `250426-27ec7a128` are the same version, and the history does not say which comes last; \
          choose one with `--to`"
        ]
    );
    // Of the installed day, only a later commit is newer.
    assert_eq!(newest(&chosen("250426-27ec7a128", day, &any, &line(&history))), "250426-1f0c9d3aa");
    assert_eq!(newest(&chosen("250426-1f0c9d3aa", day, &any, &line(&history))), "");
}

#[test]
fn a_tag_that_moves_with_longer_ones_is_not_chosen() {
    // 14.0 was moved to 14.0.2, which the site excludes.
    let place = |tag: &str| match tag {
        "13.0.7" => 0,
        "14.0.1" => 1,
        _ => 2,
    };
    let history = |one: &str, other: &str| Some(place(one) <= place(other));
    let rules = Rules { not: vec!["14.0.*".parse().unwrap()], ..Rules::default() };
    let choice = chosen("13.0.7", "14.0 14.0.1 14.0.2", &rules, &history);
    assert_eq!(newest(&choice), "");
    assert_eq!(
        said(&choice),
        [
            "2 newer releases are excluded by `not` in site.toml; the newest is `14.0.2`",
            "the tag `14.0` is a name that moves from release to release",
        ]
    );
    assert_eq!(newest(&chosen("13.0.7", "14.0 14.0.1 14.0.2", &Rules::default(), &history)), "14.0.2");
}

#[test]
fn a_series_that_was_given_up_leads_to_the_one_that_follows() {
    let history = ["v5.8", "v5.8.1", "release-2022.01", "release-2022.02"];
    let choice = chosen("v5.8.1", "v5.8 release-2022.01 release-2022.02", &Rules::default(), &line(&history));
    assert_eq!(newest(&choice), "");
    assert_eq!(
        said(&choice),
        [
            "no newer release in this series, but `release-2022.02` of another series comes after the installed one; \
             switch with `--to release-2022.02`",
            "2 tags like `release-2022.01` are another series; the newest is `release-2022.02`",
        ]
    );
}

#[test]
fn a_site_says_how_its_tags_look_and_which_it_does_not_want() {
    let rules = Rules {
        tags: Some("version/{n}.{n}.{n}".parse().unwrap()),
        not: vec!["version/2024.10.5".parse().unwrap()],
        ..Rules::default()
    };
    let offered = "version/2024.8.6 version/2024.10.4 version/2024.10.5 version/2025.2.0-rc1 helm-1.0.0";
    let choice = chosen("version/2024.8.6", offered, &rules, &no_history);
    assert_eq!(newest(&choice), "version/2024.10.4");
    assert_eq!(
        said(&choice),
        [
            "`version/2024.10.5` is newer, but excluded by `not` in site.toml",
            "2 tags such as `helm-1.0.0` do not match `tags = \"version/{n}.{n}.{n}\"`",
        ]
    );
    let trials = Rules { trials: true, ..Rules::default() };
    assert_eq!(newest(&chosen("1.0", "1.1-rc1 1.0.1", &trials, &no_history)), "1.1-rc1");
}

#[test]
fn what_is_installed_may_have_no_place_in_an_order() {
    let choice = chosen("latest", "1.2.3 1.2.4", &Rules::default(), &no_history);
    assert_eq!(newest(&choice), "");
    assert_eq!(
        said(&choice),
        [
            "the installed `latest` is a name that moves from release to release, so no release is known to be newer",
            "2 tags like `1.2.3` are another series; the newest is `1.2.4`",
        ]
    );
}

#[test]
fn without_an_installed_release_the_usual_series_is_taken() {
    let any = Rules::default();
    let without = |offered: &str| newest(&chosen("", offered, &any, &no_history)).to_owned();
    assert_eq!(without("v1.2 v1.10 v1.11-rc1 latest"), "v1.10");
    assert_eq!(without("helm-2.1.0 12.1-0 12.0-0 nightly-1 nightly-2 nightly-3"), "12.1-0");
    assert_eq!(without("app-1.0 app-1.1 app-1.2 2.0"), "app-1.2");
    assert_eq!(without("1.0 1.1 1.0-fpm 1.1-fpm 1.0-apache 1.1-apache"), "1.1");
    assert_eq!(without("v1.0 1.1 v1.1 v0.9"), "v1.1");
    assert_eq!(without("nightly-1 nightly-2"), "");
    assert_eq!(without("1.0-rc1 latest"), "");
    let choice = chosen("", "a-1 a-2 b-1 b-2", &any, &no_history);
    assert_eq!(newest(&choice), "");
    assert!(said(&choice)[0].starts_with("there are 2 series of tags"), "{:?}", said(&choice));
}

#[test]
fn an_image_keeps_its_count_of_numbers() {
    let rules = Rules { images: true, ..Rules::default() };
    let choice = chosen("15.3", "15.4 15.3.1 15.5.1 15.6.2", &rules, &no_history);
    assert_eq!(newest(&choice), "15.4");
    assert_eq!(
        said(&choice),
        ["2 newer tags are written with another count of numbers; the newest is `15.6.2`"]
    );
}
