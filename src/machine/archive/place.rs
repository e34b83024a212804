//! Where the members of an archive may go: into its own folder, by plain names, and never through a link.
//!
//! An archive comes from outside, even one that was written here: whoever could change the file could change its
//! names. What is refused here was never written by this program nor by a tool of the application.

use super::manifest::{NAME, Sort, text};
use crate::failure::{Failure, Kind, Result as Checked};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// The names that were seen so far: their digests, in an unnamed file, because there may be millions.
pub(super) struct Places {
    file: BufWriter<File>,
    count: u64,
    members: u64,
    /// Random: nobody can choose names with the same digests.
    keys: RandomState,
    /// The folders around the name before: those are known already.
    around: Vec<u8>,
    unkept: Option<io::Error>,
}

/// What a name was seen as. Of two equal names only folders may be both, and only a folder may be around another name.
const FOLDER: u64 = 0;
const AROUND: u64 = 1;
const OTHER: u64 = 2;
const FILE: u64 = 3;
/// Not a member: what another member is another name of.
const AGAIN: u64 = 4;
/// So many bits say what a name was seen as.
const BITS: u32 = 3;

/// How many digests are compared at once.
const AT_ONCE: u64 = 500_000;

/// A name that may not be, by the place of its member.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    Twice(u64),
    InNoFolder(u64),
    /// It is another name of what is no file before it.
    OfNoFile(u64),
}

impl Places {
    pub fn new() -> io::Result<Places> {
        let file = BufWriter::new(tempfile::tempfile()?);
        Ok(Places { file, count: 0, members: 0, keys: RandomState::new(), around: Vec::new(), unkept: None })
    }

    /// Takes up the next member; says why it may not be unpacked. `name` and `target` are as in the archive.
    pub fn take(
        &mut self,
        name: &[u8],
        sort: Sort,
        target: Option<&[u8]>,
        again: Option<&[u8]>,
    ) -> Result<(), String> {
        let shown = text(name);
        let Some(parts) = parts(name) else {
            return Err(format!("`{shown}` in it leads out of the folder it is unpacked in"));
        };
        let member = self.members;
        self.members += 1;
        let whole = parts.join(&b'/');
        if whole.is_empty() {
            return if sort == Sort::Folder { Ok(()) } else { Err("a member has no name".into()) };
        }
        if let Some(target) = target
            && leads_out(&whole, target)
        {
            return Err(format!("the link `{shown}` in it leads out, to `{}`", text(target)));
        }
        let ends: Vec<usize> = (0..whole.len()).filter(|place| whole[*place] == b'/').collect();
        for end in &ends {
            let is_known = self.around.starts_with(&whole[..*end])
                && self.around.get(*end).is_none_or(|byte| *byte == b'/');
            if !is_known {
                self.note(&whole[..*end], AROUND, member);
            }
        }
        self.around = ends.last().map(|end| whole[..*end].to_vec()).unwrap_or_default();
        self.note(
            &whole,
            match sort {
                Sort::Folder => FOLDER,
                Sort::File => FILE,
                Sort::Link => OTHER,
            },
            member,
        );
        if let Some(first) = again {
            let Some(first) = self::parts(first) else {
                return Err(format!("`{shown}` in it is another name of `{}`, which leads out", text(first)));
            };
            self.note(&first.join(&b'/'), AGAIN, member);
        }
        Ok(())
    }

    /// That a name can't be kept says nothing of the archive: it is told at the end.
    fn note(&mut self, name: &[u8], what: u64, member: u64) {
        self.count += 1;
        let digest = self.keys.hash_one(name);
        let written =
            self.file.write_all(&[digest.to_ne_bytes(), ((member << BITS) | what).to_ne_bytes()].concat());
        self.unkept = self.unkept.take().or(written.err());
    }

    /// Compares all names; the first that is there twice, or lies in something that is no folder.
    pub fn finish(mut self) -> io::Result<Option<Wrong>> {
        self.unkept.take().map_or(Ok(()), Err)?;
        self.file.flush()?;
        let mut file = self.file.into_inner()?;
        let rounds = self.count / AT_ONCE + 1;
        for round in 0..rounds {
            file.rewind()?;
            let mut reader = BufReader::new(&file);
            let mut seen: Vec<(u64, u64)> = Vec::new();
            let mut record = [0; 16];
            for _ in 0..self.count {
                reader.read_exact(&mut record)?;
                let [digest, note] =
                    [0, 8].map(|at| u64::from_ne_bytes(std::array::from_fn(|byte| record[at + byte])));
                if digest % rounds == round {
                    seen.push((digest, note));
                }
            }
            seen.sort_unstable();
            for same in seen.chunk_by(|a, b| a.0 == b.0) {
                let of = |what: u64| {
                    let is_meant = move |note: &&u64| **note & ((1 << BITS) - 1) == what;
                    same.iter().map(|(_, note)| note).filter(is_meant).map(|note| note >> BITS)
                };
                let mut single: Vec<u64> = of(OTHER).chain(of(FILE)).collect();
                single.sort_unstable();
                match (single.as_slice(), of(FOLDER).next(), of(AROUND).next()) {
                    ([_, twice, ..], ..) => return Ok(Some(Wrong::Twice(*twice))),
                    ([other], Some(folder), _) => return Ok(Some(Wrong::Twice(*other.max(&folder)))),
                    ([_], None, Some(inner)) => return Ok(Some(Wrong::InNoFolder(inner))),
                    _ => {}
                }
                let first = of(FILE).next();
                if let Some(again) = of(AGAIN).find(|again| first.is_none_or(|first| first >= *again)) {
                    return Ok(Some(Wrong::OfNoFile(again)));
                }
            }
        }
        Ok(None)
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
        let mut places = Places::new().unwrap();
        members.iter().try_for_each(|(name, sort, target)| {
            places.take(name.as_bytes(), *sort, target.map(str::as_bytes), None)
        })?;
        places.finish().unwrap().map_or(Ok(()), |wrong| Err(format!("{wrong:?}")))
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

    #[test]
    fn another_name_is_that_of_a_file_before_it() {
        let take = |members: &[(&str, Sort, Option<&str>)]| {
            let mut places = Places::new().unwrap();
            members.iter().try_for_each(|(name, sort, again)| {
                let target = (*sort == Sort::Link).then_some(&b"x"[..]);
                places.take(name.as_bytes(), *sort, target, again.map(str::as_bytes))
            })?;
            places.finish().unwrap().map_or(Ok(()), |wrong| Err(format!("{wrong:?}")))
        };
        let (first, again) = (("a/x", Sort::File, None), ("b/y", Sort::File, Some("./a/x")));
        assert_eq!(take(&[first, again, ("c", Sort::File, Some("b/y"))]), Ok(()));
        assert!(take(&[again, first]).is_err(), "of what comes later");
        assert!(take(&[again]).is_err(), "of nothing");
        assert!(take(&[("x", Sort::File, Some("x"))]).is_err(), "of itself");
        for (sort, target) in [(Sort::Folder, "a"), (Sort::Link, "a")] {
            assert!(take(&[("a", sort, None), ("y", Sort::File, Some(target))]).is_err(), "of no file");
        }
        for target in ["/etc/shadow", "../x", "a/../../x"] {
            assert!(take(&[first, ("y", Sort::File, Some(target))]).is_err(), "{target}");
        }
    }
}
