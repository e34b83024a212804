//! How much a repository holds.

use super::Checkout;
use crate::failure::Result;
use crate::machine::tree::{Next, walk};

/// Where git and git-lfs keep what they fetch. What is elsewhere, as in a store that several clones share, is not counted.
const STORES: [&str; 3] = ["objects", "modules", "lfs"];

impl Checkout {
    /// Bytes of its objects, of its submodules' repositories and of the files of git-lfs, as far as they are in `.git`.
    ///
    /// Fails with [`Kind::Refused`](crate::failure::Kind::Refused) if they can't be read.
    pub fn size(&self) -> Result<u64> {
        let mut bytes = 0;
        let stores = STORES.map(|store| self.repository.commondir().join(store));
        for store in stores.iter().filter(|store| store.is_dir()) {
            walk(store, &mut |found| {
                let file = found.metadata.filter(|metadata| metadata.is_file());
                bytes += file.map_or(0, |metadata| metadata.len());
                Ok(Next::Enter)
            })?;
        }
        Ok(bytes)
    }
}
