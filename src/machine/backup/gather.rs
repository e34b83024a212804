//! Gathers what goes into a backup.

use super::asked::Asked;
use super::gathered::{Gathered, Workshop};
use super::store::STORES;
use crate::failure::Result;
use crate::machine::archive::{Content, Member};

/// Gathers all that was asked for. What has to be kept before it can be written goes into unnamed files in the
/// workshop's folder, of which nothing stays.
pub fn gather(asked: &Asked, workshop: &Workshop) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    for store in STORES {
        if let Err(failure) = store.take(asked, workshop, &mut gathered) {
            return Err(gathered.fail(failure));
        }
    }
    for (name, text) in &asked.texts {
        let content = Content::Bytes(text.clone().into_bytes());
        gathered.members.push(Member { name: name.clone(), content });
    }
    Ok(gathered)
}
