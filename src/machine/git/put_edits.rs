//! Edited files in the folder: as the repository has them while the checkout is moved, and edited again after it.

use super::Checkout;
use super::own_edits::Edit;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{beside, remove_half_written, rewrite_durably, sync_folder_of};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

impl Checkout {
    pub(super) fn reset_files(&self, edits: &[Edit]) -> Result<()> {
        let names: Vec<u8> =
            edits.iter().flat_map(|edit| [edit.path.as_os_str().as_bytes(), b"\0"].concat()).collect();
        // Git takes one of the two at a time.
        for watched in ["--no-skip-worktree", "--no-assume-unchanged"] {
            self.git_takes(&["update-index", watched, "-z", "--stdin"], &names)?;
        }
        self.git_takes(&["checkout-index", "--quiet", "--force", "--index", "-z", "--stdin"], &names)
    }

    pub(super) fn put_edits(&self, edits: &[Edit], content: impl Fn(&Edit) -> &Vec<u8>) -> Result<()> {
        edits.iter().try_for_each(|edit| self.put_edit(edit, content(edit)))
    }

    fn put_edit(&self, edit: &Edit, content: &[u8]) -> Result<()> {
        let full = self.folder.join(&edit.path);
        let is_there = full.symlink_metadata().is_ok_and(|found| match edit.is_link() {
            true => found.is_symlink(),
            false => found.is_file(),
        });
        if !is_there {
            let kept = self.edits_folder();
            return Err(Failure::new(Kind::Refused, format!("`{}` is no file any more", full.display()))
                .why(format!("its edits are in `{}`", kept.display())));
        }
        if edit.is_link() {
            let failed = || format!("`{}` can't be made", full.display());
            remove_half_written(&full)?;
            let new = beside(&full, "new")?;
            return symlink(OsStr::from_bytes(content), &new)
                .and_then(|()| std::fs::rename(&new, &full))
                .and_then(|()| sync_folder_of(&full))
                .or_fail(Kind::Refused, failed);
        }
        rewrite_durably(&full, content)?;
        let failed = || format!("the mode of `{}` can't be set", full.display());
        let mode = std::fs::Permissions::from_mode(edit.mode & 0o7777);
        std::fs::set_permissions(&full, mode).or_fail(Kind::Refused, failed)
    }
}
