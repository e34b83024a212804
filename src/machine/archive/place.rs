//! Where the members of an archive may go: into its own folder, by plain names, and never through a link.
//!
//! An archive comes from outside, even one that was written here: whoever could change the file could change its
//! names. What is refused here was never written by this program nor by Hoss's own tool.

use super::manifest::{NAME, Sort, text};
use crate::failure::{Failure, Kind, Result as Checked};
use std::collections::HashMap;

/// The names that were seen so far.
#[derive(Default)]
pub(super) struct Places {
    seen: HashMap<Vec<u8>, Sort>,
}

impl Places {
    /// Takes up the next member; says why it may not be unpacked. `name` and `target` are as in the archive.
    pub fn take(&mut self, name: &[u8], sort: Sort, target: Option<&[u8]>) -> Result<(), String> {
        let shown = text(name);
        let Some(parts) = parts(name) else {
            return Err(format!("`{shown}` in it leads out of the folder it is unpacked in"));
        };
        let whole = parts.join(&b'/');
        if whole.is_empty() {
            return if sort == Sort::Folder { Ok(()) } else { Err("a member has no name".into()) };
        }
        for end in 1..parts.len() {
            match self.seen.get(&parts[..end].join(&b'/')) {
                None | Some(Sort::Folder) => {}
                Some(_) => return Err(format!("`{shown}` in it lies in something that is no folder")),
            }
        }
        if let Some(target) = target
            && leads_out(&parts.join(&b'/'), target)
        {
            return Err(format!("the link `{shown}` in it leads out, to `{}`", text(target)));
        }
        match self.seen.insert(whole, sort) {
            None => Ok(()),
            Some(Sort::Folder) if sort == Sort::Folder => Ok(()),
            Some(_) => Err(format!("`{shown}` is in it twice")),
        }
    }
}

/// The parts of a name without `.`; none if it is absolute or has `..`.
pub(super) fn parts(name: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> =
        name.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    let plain = !name.starts_with(b"/") && !parts.contains(&&b".."[..]) && !name.contains(&0);
    plain.then_some(parts)
}

/// Whether a link of this name in the archive points out of the archive's folder.
pub(super) fn leads_out(name: &[u8], target: &[u8]) -> bool {
    let mut depth = name.iter().filter(|byte| **byte == b'/').count() as i64;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    target.starts_with(b"/")
}

/// Checks a name that a member is to have: relative, without `..`, and not the manifest's.
pub(super) fn check_name(name: &str) -> Checked<()> {
    let parts: Vec<&str> = name.split('/').collect();
    let wrong = parts.iter().any(|part| ["", ".", ".."].contains(part)) || name.contains('\0');
    if wrong || name == NAME {
        return Err(Failure::new(
            Kind::Invalid,
            format!("`{}` can't be a member's name", text(name.as_bytes())),
        )
        .help("give it a relative name such as `config/settings.toml`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(members: &[(&str, Sort, Option<&str>)]) -> Result<(), String> {
        let mut places = Places::default();
        members.iter().try_for_each(|(name, sort, target)| {
            places.take(name.as_bytes(), *sort, target.map(str::as_bytes))
        })
    }

    #[test]
    fn only_plain_names_below_the_folder_are_taken() {
        let folder = ("./a/", Sort::Folder, None);
        assert!(take(&[folder, ("./a/b", Sort::File, None), ("a/c", Sort::Link, Some("../x/y"))]).is_ok());
        for name in ["/etc/passwd", "../x", "a/../../x", "a/..", ""] {
            assert!(take(&[(name, Sort::File, None)]).is_err(), "{name}");
        }
        for target in ["/etc", "../../x", "../..", "b/../../../x"] {
            assert!(take(&[folder, ("a/l", Sort::Link, Some(target))]).is_err(), "{target}");
        }
        assert!(take(&[("l", Sort::Link, Some("a")), ("l/x", Sort::File, None)]).is_err());
        assert!(take(&[("f", Sort::File, None), ("./f", Sort::File, None)]).is_err());
        assert!(take(&[folder, ("a", Sort::File, None)]).is_err());
        assert!(take(&[folder, folder]).is_ok());
    }
}
