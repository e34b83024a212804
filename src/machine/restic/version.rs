//! What the restic that is installed here can do.

use super::Repository;
use crate::failure::Result;

/// From this version on `restore --sparse` makes holes.
const SPARSE: (u64, u64) = (0, 15);

impl Repository {
    /// Whether its `restore` makes holes in files.
    pub fn restores_holes(&self, stop: &dyn Fn() -> bool) -> Result<bool> {
        let said = self.ask(&["version"], "the version of `restic` can't be read", stop)?;
        Ok(numbers(&said).is_some_and(|version| version >= SPARSE))
    }
}

/// The first two numbers of `restic 0.14.0 compiled with go1.19.8 on linux/amd64`.
fn numbers(said: &str) -> Option<(u64, u64)> {
    let mut numbers = said.split_whitespace().nth(1)?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_left_to_a_version_that_makes_them() {
        for (said, makes) in [
            ("restic 0.14.0 compiled with go1.19.8 on linux/amd64", false),
            ("restic 0.15.0 compiled with go1.20 on linux/amd64", true),
            ("restic 0.18.0 compiled with go1.24.4 on linux/amd64", true),
            ("restic 1.0.0", true),
            ("restic v0", false),
            ("", false),
        ] {
            assert_eq!(numbers(said).is_some_and(|version| version >= SPARSE), makes, "{said}");
        }
    }
}
