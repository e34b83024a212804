//! Pages of releases that forges have: what a project says of its releases where its repository says nothing.
//!
//! They are only read: what can't be learnt is [`Unknown`](super::client::Unknown). Which release is newer is never asked of
//! them, because they sort by date or by hand.

mod found;
mod listing;
mod page;
mod project;

use super::client::json::List;
use super::client::url::Url;
use super::client::{Answer, Asked, Client, Limits, Method, Question, Unknown, excerpt};
use super::release::Release;
use found::Found;
use page::Listed;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::time::Duration;

pub use listing::{Asset, Listing, Published, published};
pub use project::Project;

/// So often a forge is asked for one update.
const REQUESTS: usize = 3;
/// No page of a forge has more.
const MOST_ON_A_PAGE: usize = 100;
/// In bytes.
const LARGEST_PAGE: u64 = 4 << 20;
/// Of what is said of one release, as much is shown, in bytes.
const LONGEST_TEXT: usize = 16 << 10;

/// A review does not wait longer for what it can do without.
pub const LIMITS: Limits =
    Limits { connect: Duration::from_secs(5), answer: Duration::from_secs(10), all: Duration::from_secs(20) };

/// What a forge says of releases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The releases of which something is said, as they were asked for, with that.
    pub texts: Vec<(Release, String)>,
    /// Why there may be more.
    pub missing: Option<Unknown>,
}

/// Asks for the notes of releases: page after page, until all are found.
pub fn notes(client: &Client, project: &Project, wanted: &[Release]) -> Notes {
    let mut found = Found::of(wanted);
    let mut missing = None;
    let mut url = project.first_page();
    let mut seen = BTreeSet::new();
    while let Some(page) = url.take() {
        if seen.len() == REQUESTS {
            let why = format!("it has more pages of releases than the {REQUESTS} that are read");
            missing = Some(Unknown::new(why));
            break;
        }
        match read::<Listed>(client, &page, LARGEST_PAGE) {
            Ok((listed, next)) => {
                listed.into_iter().filter_map(Listed::said).for_each(|(tag, text)| found.add(&tag, text));
                url = next.filter(|_| !found.is_all());
            }
            Err(unknown) => missing = Some(unknown),
        }
        seen.insert(page);
        if url.as_ref().is_some_and(|next| seen.contains(next)) {
            missing = Some(Unknown::new("it lists its releases in a circle"));
            break;
        }
    }
    Notes { texts: found.texts(), missing }
}

fn read<T: DeserializeOwned>(client: &Client, url: &Url, largest: u64) -> Asked<(Vec<T>, Option<Url>)> {
    let answer = client.ask(&Question {
        method: Method::Get,
        url,
        accept: "application/json",
        credential: None,
        largest,
    })?;
    if answer.status != 200 {
        return Err(refused(&answer));
    }
    let authority = answer.url.authority();
    let page: List<T, MOST_ON_A_PAGE> = serde_json::from_slice(&answer.body).map_err(|_| {
        let sort = excerpt(&answer.content_type());
        Unknown::new(format!("`{authority}` answered no list of releases, but something else (`{sort}`)"))
    })?;
    // What is on this page is known, wherever the next one is.
    Ok((page.kept, answer.next_page().unwrap_or_default()))
}

fn refused(answer: &Answer) -> Unknown {
    let authority = answer.url.authority();
    match answer.status {
        403 if answer.again().is_some() || answer.header("x-ratelimit-remaining") == Some("0") => {
            answer.limited()
        }
        404 => Unknown::new(format!(
            "`{authority}` has no such project, or shows it to nobody who is not known (404)"
        )),
        status => Unknown::new(format!("`{authority}` answered {status}")),
    }
}
