//! The pages of a list of tags.

use super::image::is_tag;
use crate::machine::client::json::{List, Loose};
use crate::machine::client::url::Url;
use crate::machine::client::{Answer, Asked, Unknown, excerpt};
use serde::Deserialize;
use std::collections::BTreeSet;

const MOST_PAGES: usize = 20;
const MOST_TAGS: usize = 20_000;
/// Of names that are no tags, as many are kept to be shown.
const EXAMPLES: usize = 3;

/// The tags of a repository, as far as they were listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Each once. What their order is worth is not for a registry to say.
    pub tags: BTreeSet<String>,
    /// How many names were listed that are no tags.
    pub invalid: usize,
    /// The first of those, fit to be shown.
    pub examples: Vec<String>,
    /// Why there may be more tags. That none of these is new says nothing then.
    pub missing: Option<Unknown>,
}

#[derive(Deserialize)]
struct Page {
    tags: List<Loose, MOST_TAGS>,
}

/// The pages so far.
#[derive(Default)]
pub(super) struct Reading {
    pub tags: Tags,
    seen: BTreeSet<Url>,
}

impl Reading {
    /// Whether no page has been read yet.
    pub fn is_first(&self) -> bool {
        self.seen.is_empty()
    }

    /// Reads one more page, and says where the next one is.
    pub fn add(&mut self, asked: &Url, answer: &Answer) -> Asked<Option<Url>> {
        let authority = answer.url.authority();
        let page: Page = serde_json::from_slice(&answer.body).map_err(|_| {
            let sort = excerpt(&answer.content_type());
            Unknown::new(format!("`{authority}` answered no list of tags, but something else (`{sort}`)"))
        })?;
        self.seen.insert(asked.clone());
        let more = || Unknown::new(format!("`{authority}` has more tags than the {MOST_TAGS} that are read"));
        for name in page.tags.kept {
            let name = name.text().unwrap_or_default();
            if !is_tag(&name) {
                self.tags.invalid += 1;
                if self.tags.examples.len() < EXAMPLES {
                    self.tags.examples.push(excerpt(&name));
                }
            } else if self.tags.tags.len() < MOST_TAGS {
                self.tags.tags.insert(name);
            } else if !self.tags.tags.contains(&name) {
                return Err(more());
            }
        }
        if page.tags.dropped > 0 {
            return Err(more());
        }
        let next = answer.next_page()?;
        match next {
            Some(next) if self.seen.contains(&next) => {
                Err(Unknown::new(format!("`{authority}` lists its tags in a circle")))
            }
            Some(_) if self.seen.len() >= MOST_PAGES => Err(Unknown::new(format!(
                "`{authority}` has more pages of tags than the {MOST_PAGES} that are read"
            ))),
            next => Ok(next),
        }
    }
}
