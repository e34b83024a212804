//! When releases were made.

use super::Checkout;
use jiff::Timestamp;

impl Checkout {
    /// When a tag was made, or the commit that it names; nothing if it was not fetched, or says nothing that can be.
    pub fn made(&self, tag: &str) -> Option<Timestamp> {
        let reference = self.repository.find_reference(&format!("refs/tags/{tag}")).ok()?;
        let tagged = reference.peel_to_tag().ok().and_then(|tag| Some(tag.tagger()?.when().seconds()));
        let seconds = match tagged {
            Some(seconds) => seconds,
            None => reference.peel_to_commit().ok()?.time().seconds(),
        };
        Timestamp::from_second(seconds).ok()
    }
}
