//! What an update passes, and where it must stop.

use crate::failure::Kind;
use crate::machine::release::passed::Stops;
use crate::machine::release::{Release, Rules, between, releases, stops};

fn release(tag: &str) -> Release {
    tag.parse().unwrap()
}

fn passed(all: &str, from: &str, to: &str) -> Option<String> {
    let all = releases(all.split_whitespace());
    let found = between(&all, &release(from), &release(to))?;
    Some(found.into_iter().map(Release::tag).collect::<Vec<_>>().join(" "))
}

fn stopped(all: &str, from: &str, to: &str, rule: &str) -> String {
    let all = releases(all.split_whitespace());
    let rule: Stops = serde_json::from_str(rule).unwrap();
    let found = stops(&all, &release(from), &release(to), &rule).unwrap();
    found.into_iter().map(Release::tag).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_update_passes_what_lies_after_from_up_to_the_target() {
    let all = "0.2.9 0.2.10 0.2.11 0.2.12-rc.1 0.2.12 0.2.13 develop-3 latest 0.2.11-alpine";
    assert_eq!(passed(all, "0.2.9", "0.2.12").unwrap(), "0.2.10 0.2.11 0.2.12");
    assert_eq!(passed(all, "0.2.11", "0.2.12-rc.1").unwrap(), "0.2.12-rc.1");
    assert_eq!(passed(all, "0.2.12", "0.2.12").unwrap(), "");
    assert_eq!(passed(all, "0.2.12", "0.2.9").unwrap(), "");
    assert_eq!(passed(all, "0.2.12", "develop-3"), None);
    assert_eq!(passed(all, "main", "0.2.12"), None);
}

#[test]
fn a_version_with_two_tags_is_passed_once() {
    assert_eq!(passed("6.4.2 6.4.3 v6.4.3 v6.5.0 6.5.0", "6.4.2", "v6.5.0").unwrap(), "v6.4.3 v6.5.0");
    assert_eq!(passed("6.4.3 v6.4.3", "6.4.2", "6.4.3").unwrap(), "6.4.3");
}

#[test]
fn authentik_stops_at_the_last_of_each_minor() {
    let all = "version/2024.8.1 version/2024.8.6 version/2024.10.1 version/2024.10.5 version/2024.12.0-rc1 \
               version/2024.12.3 version/2025.2.0 version/2025.2.4";
    assert_eq!(
        stopped(all, "version/2024.8.1", "version/2025.2.0", "\"each_minor\""),
        "version/2024.8.6 version/2024.10.5 version/2024.12.3"
    );
    assert_eq!(stopped(all, "version/2024.12.3", "version/2025.2.4", "\"each_minor\""), "");
}

#[test]
fn nextcloud_stops_at_the_last_of_each_major() {
    let all = "31.0.1-apache 31.0.9-apache 32.0.0-apache 32.0.3-apache 33.0.1-apache 33.0.2RC1-apache 33.0.2";
    assert_eq!(
        stopped(all, "31.0.1-apache", "33.0.1-apache", "\"each_major\""),
        "31.0.9-apache 32.0.3-apache"
    );
}

#[test]
fn gitlab_stops_at_the_last_of_some_minors() {
    let all = "17.5.1-ee.0 17.5.4-ee.0 17.6.0-ee.0 17.8.0-ee.0 17.8.7-ee.0 17.11.3-ee.0 18.2.1-ee.0 18.3.0-ee.0 \
               17.8.9-ce.0 18.0.0-ee.0";
    let rule = r#"["{n}.2", "{n}.5", "{n}.8", "{n}.11"]"#;
    assert_eq!(stopped(all, "17.5.4-ee.0", "18.3.0-ee.0", rule), "17.8.7-ee.0 17.11.3-ee.0 18.2.1-ee.0");
    assert_eq!(stopped(all, "17.5.1-ee.0", "17.6.0-ee.0", rule), "17.5.4-ee.0");
}

#[test]
fn sentry_stops_at_the_releases_of_a_list() {
    let all = "23.6.2 23.11.0 24.1.0 24.8.0 25.5.1 25.5.2 26.5.1 26.8.0";
    let rule = r#"["9.1.2", "23.6.2", "23.11.0", "24.8.0", "25.5.1", "26.5.1", "27.1.0"]"#;
    assert_eq!(stopped(all, "23.6.2", "26.8.0", rule), "23.11.0 24.8.0 25.5.1 26.5.1");
    assert_eq!(stopped(all, "26.5.1", "26.8.0", rule), "");
}

#[test]
fn a_stop_that_is_gone_is_said() {
    let all = releases(["24.1.0", "26.8.0"]);
    let rule = |entry: &str| Stops::Listed(vec![entry.into()]);
    let stops = |to: &str, entry: &str| stops(&all, &release("24.1.0"), &release(to), &rule(entry));
    assert_eq!(stops("26.8.0", "25.5.1").unwrap_err().kind, Kind::NotFound);
    assert_eq!(stops("26.8.0", "develop-25").unwrap_err().kind, Kind::Invalid);
    assert_eq!(stops("26.8.0-alpine", "25.5.1").unwrap_err().kind, Kind::Refused);
}

#[test]
fn what_the_site_excludes_is_no_stop() {
    let all = releases(["17.5.4", "17.8.6", "17.8.7", "18.0.0", "17.8"]);
    let rules = Rules { not: vec!["17.8.7".parse().unwrap()], images: true, ..Rules::default() };
    let to = release("18.0.0");
    let allowed = rules.allowed(&all, &to);
    let found = stops(&allowed, &release("17.5.4"), &to, &Stops::EachMinor).unwrap();
    assert_eq!(found.into_iter().map(Release::tag).collect::<Vec<_>>(), ["17.8.6"]);
}
