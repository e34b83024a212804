//! What differs in a checkout, as the user's git sees it: through filters, without the files that a sparse checkout leaves out,
//! and with what was changed in submodules.

use super::Checkout;
use super::dirt::Differing;
use super::held::Held;
use super::submodules::Git;
use crate::failure::{Failure, Kind, Result};
use crate::machine::bytes;
use crate::output::word;
use crate::units::Duration;
use git2::Status;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

const READ: Duration = Duration::seconds(300);

impl Checkout {
    pub(super) fn differing_by_git(&self) -> Result<Vec<Differing>> {
        let git = Git { environment: &self.environment, stop: &|| false };
        let arguments = [
            "-c",
            "core.fsmonitor=false",
            "--no-optional-locks",
            "status",
            "--porcelain=v2",
            "-z",
            "--untracked-files=all",
            "--no-renames",
        ];
        let (looked, said) = git.look_at_bytes(&self.folder, &arguments, READ)?;
        if !looked.exit.success() {
            return Err(Failure::new(
                Kind::Refused,
                format!("the changes can't be read in {}", self.shown()),
            )
            .why(looked.stderr.trim())
            .help(format!("see what git says with `git -C {} status`", word(self.folder.display()))));
        }
        Ok(said.split(|byte| *byte == 0).filter_map(|entry| read(&bytes::decoded(entry)?)).collect())
    }

    /// Names those of which nothing but the executable bit was changed.
    pub(super) fn name_modes(&self, differing: &mut [Differing]) -> Result<()> {
        let index = self.index()?;
        for differing in
            differing.iter_mut().filter(|it| it.status == Status::WT_MODIFIED && it.what.is_none())
        {
            let held = (Held::in_index(&index, &differing.path), self.held_in_folder(&differing.path)?);
            if let (Held::File { id, .. }, Held::File { id: now, .. }) = held
                && id == now
                && held.0 != held.1
            {
                differing.what = Some("mode changed");
            }
        }
        Ok(())
    }
}

/// One entry of `git status --porcelain=v2 -z`.
fn read(entry: &str) -> Option<Differing> {
    let (sort, rest) = entry.split_once(' ')?;
    let as_path = |text: &str| PathBuf::from(OsString::from_vec(bytes::encoded(text)));
    let path = |words: usize| rest.splitn(words, ' ').last().map(as_path);
    let (path, status, what) = match sort {
        "?" => (as_path(rest), Status::WT_NEW, None),
        "u" => (path(10)?, Status::CONFLICTED, None),
        "1" => {
            let mut words = rest.split(' ');
            let (flags, submodule) = (words.next()?.as_bytes(), words.next()?);
            let status = match (flags.first()?, flags.get(1)?) {
                (_, b'D') => Status::WT_DELETED,
                (b'.', b'M') => Status::WT_MODIFIED,
                (b'.', b'T') => Status::WT_TYPECHANGE,
                (_, b'M' | b'T') => Status::WT_MODIFIED | Status::INDEX_MODIFIED,
                (b'D', _) => Status::INDEX_DELETED,
                _ => Status::INDEX_MODIFIED,
            };
            (path(8)?, status, in_submodule(submodule))
        }
        _ => return None,
    };
    Some(Differing { path, status, what })
}

/// What the four letters say of a submodule: another commit, edits, untracked files.
fn in_submodule(letters: &str) -> Option<&'static str> {
    let letters = letters.strip_prefix('S')?.as_bytes();
    Some(match letters {
        [_, b'M', _] => "edited inside",
        [b'C', ..] => "at another commit",
        [_, _, b'U'] => "untracked files inside",
        _ => "changed",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_with_all_of_its_path() {
        let ids = "1111111 2222222";
        let entry = format!("1 .M S.M. 160000 160000 160000 {ids} a lib");
        let read = read(&entry).unwrap();
        assert_eq!((read.path.to_str(), read.what), (Some("a lib"), Some("edited inside")));
        assert!(super::read("# branch.oid 1").is_none() && super::read("").is_none());
        assert_eq!(super::read("? new file").unwrap().path.to_str(), Some("new file"));
    }
}
