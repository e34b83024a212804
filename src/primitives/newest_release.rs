//! `newest_release(server)`
//!
//! The newest release that the origin has, fetched or not.
//!
//! Tags of any shape are releases: `0.2.14`, `v2025.01.1`, `version/2024.10.5`, `v3.4.0.beta2`. Only those that look like
//! the installed one are compared, number by number; what is newer and not chosen, and what can't be compared, is reported
//! with the reason. `releases` in site.toml says which tags count. A release whose update failed on this server is left
//! out, and one that is younger than `min_age` there.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the tag, such as `0.2.14`; that of the installed release, if nothing is newer. Prereleases such as `1.0.0-rc.1`
//! are only the newest if one is installed, or if site.toml says so.
//!
//! # Errors
//! `unreachable` if the origin does not answer, with what git said; `not_found` if it has no release; `refused` if it has
//! several series of them, and nothing says which.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.newest_release()
//! // => "0.2.14"
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Failure, Kind, Result};
use crate::machine::release::{Release, Told as Said, choose_old, installed, reported};
use crate::primitive::{Act, Host, Primitive, Told};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;

pub struct NewestRelease;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for NewestRelease {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "newest_release";
    const SOURCE: &'static str = include_str!("newest_release.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[], perform, predict: |_, _| Ok(data::unknown("a query to the origin")) };
}

fn perform(_: &Arguments, host: &Host) -> Result<String> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let offered = checkout.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    let tags = checkout.position()?.tags;
    let installed = installed(tags.iter().map(String::as_str), &server.releases);
    let is_earlier = |tag: &str, than: &str| checkout.is_earlier(tag, than);
    let (rules, unknown) = server.without_failed(server.releases.clone());
    unknown.into_iter().for_each(|unknown| (host.tell)(Told::Warning(unknown.into())));
    // What the origin has and the checkout has not is only brought if its age counts.
    let fetched = OnceCell::new();
    let mut made = |release: &Release| {
        let known = || checkout.made(release.tag());
        let brought = || {
            let glimpse =
                fetched.get_or_init(|| checkout.glimpse(&server.environment, &|| host.stop.is_asked()));
            let glimpse = glimpse.as_ref().map_err(ToString::to_string)?;
            let made = glimpse.checkout.made(release.tag());
            made.ok_or_else(|| "neither the tag nor its commit has a date".to_owned())
        };
        known().map_or_else(brought, Ok)
    };
    let choice = choose_old(installed.as_ref(), &offered, rules, &is_earlier, Timestamp::now(), &mut made);
    reported(&choice.told).into_iter().for_each(|sentence| (host.tell)(Told::Note(sentence.into())));
    let newest = choice.newest.or(installed).map(|release| release.tag().to_owned());
    newest.ok_or_else(|| nothing(&server.name, &choice.told))
}

/// Nothing says what the newest release is.
fn nothing(server: &str, told: &[Said]) -> Failure {
    let unlike = told.iter().find_map(|said| match said {
        Said::Unlike { pattern, example, .. } => Some((pattern, example, said)),
        _ => None,
    });
    if let Some((pattern, example, said)) = unlike {
        let message = format!("no release of `{server}` matches `tags = \"{pattern}\"` in site.toml");
        let fits = fitting(example);
        return Failure::new(Kind::NotFound, message).why(said).help(format!(
            "write `tags = \"{fits}\"` into `releases` in site.toml to take tags such as `{example}`"
        ));
    }
    match told.first() {
        Some(said @ (Said::NoSeries { .. } | Said::Ambiguous { .. })) => {
            Failure::new(Kind::Refused, format!("nothing says which release of `{server}` is the newest"))
                .why(said)
                .help("name one with `--to`, or say which tags count with `releases` in site.toml")
        }
        _ => Failure::new(Kind::NotFound, format!("the origin of `{server}` has no release"))
            .help("follow a branch instead: set `branch` in site.toml"),
    }
}

/// A pattern that fits a tag and those that differ in their numbers.
fn fitting(tag: &str) -> String {
    let mut pattern = String::new();
    for c in tag.chars() {
        match c.is_ascii_digit() {
            true if pattern.ends_with("{n}") => {}
            true => pattern.push_str("{n}"),
            false => pattern.push(c),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_pattern_fits_tags_that_differ_in_their_numbers() {
        assert_eq!(fitting("app/v1.20.3-rc2"), "app/v{n}.{n}.{n}-rc{n}");
    }
}
