//! Two forms of a file: as git stores it, and as it is in a folder where a commit is checked out. Line ends, an encoding,
//! `$Id$` and filters make them differ, so what is compared or merged must be in the same one.
//!
//! Git itself converts, in a temporary folder with an index and objects of its own: the repository is only read.

use super::Checkout;
use crate::command::{self, Looked, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::temporary;
use crate::output::word;
use crate::units::Duration;
use git2::{Index, Oid};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const CONVERT: Duration = Duration::seconds(300);

/// A file in one of its forms.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    /// From the checkout's folder.
    pub path: &'a Path,
    pub content: &'a [u8],
    pub executable: bool,
}

impl Checkout {
    /// Files of a folder where `commit` is checked out, as git stores them. This repository knows the commit.
    pub(super) fn stored(&self, commit: Oid, files: &[Form]) -> Result<Vec<Vec<u8>>> {
        let place = Place::new(self, commit)?;
        for file in files {
            let full = place.tree.join(file.path);
            let failed = || format!("`{}` can't be written", full.display());
            std::fs::create_dir_all(full.parent().unwrap_or(&place.tree)).or_fail(Kind::Refused, failed)?;
            std::fs::write(&full, file.content).or_fail(Kind::Refused, failed)?;
            let mode = if file.executable { 0o755 } else { 0o644 };
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&full, mode).or_fail(Kind::Refused, failed)?;
        }
        place.git(&["update-index", "--add", "-z", "--stdin"], &place.names(files))?;
        let failed =
            |error: git2::Error| self.failed("the index of a temporary folder can't be read", &error);
        let index = Index::open_ext(&place.index, self.repository.object_format()).map_err(failed)?;
        let mut contents = Vec::new();
        for file in files {
            let entry = index.get_path(file.path, 0).ok_or_else(|| {
                Failure::new(Kind::Refused, format!("git does not store `{}`", file.path.display()))
            })?;
            contents.push(place.read(entry.id)?);
        }
        Ok(contents)
    }

    /// Stored files as they are in a folder where `commit` is checked out.
    pub(super) fn written(&self, commit: Oid, files: &[Form]) -> Result<Vec<Vec<u8>>> {
        let place = Place::new(self, commit)?;
        let mut entries = Vec::new();
        for file in files {
            let id = place.git(&["hash-object", "-w", "--no-filters", "--stdin"], file.content)?.stdout;
            let mode = if file.executable { "100755" } else { "100644" };
            entries.extend(format!("{mode} {}\t", id.trim()).into_bytes());
            entries.extend([file.path.as_os_str().as_bytes(), b"\0"].concat());
        }
        place.git(&["update-index", "-z", "--index-info"], &entries)?;
        place.git(&["checkout-index", "--force", "-z", "--stdin"], &place.names(files))?;
        let read = |file: &Form| {
            let full = place.tree.join(file.path);
            std::fs::read(&full).or_fail(Kind::Refused, || format!("`{}` can't be read", full.display()))
        };
        files.iter().map(read).collect()
    }
}

/// A temporary folder for files of a commit.
struct Place<'a> {
    checkout: &'a Checkout,
    tree: PathBuf,
    index: PathBuf,
    objects: PathBuf,
    _removed: TempDir,
}

impl Place<'_> {
    fn new(checkout: &Checkout, commit: Oid) -> Result<Place<'_>> {
        let failed = || "files can't be converted in a temporary folder".to_owned();
        let made = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
        let folder = made.path();
        let (tree, index, objects) = (folder.join("tree"), folder.join("index"), folder.join("objects"));
        std::fs::create_dir(&tree).or_fail(Kind::Refused, failed)?;
        std::fs::create_dir_all(objects.join("info")).or_fail(Kind::Refused, failed)?;
        let known = checkout.repository.commondir().join("objects");
        let known = known.canonicalize().or_fail(Kind::Refused, failed)?;
        std::fs::write(objects.join("info/alternates"), [known.as_os_str().as_bytes(), b"\n"].concat())
            .or_fail(Kind::Refused, failed)?;
        let place = Place { checkout, tree, index, objects, _removed: made };
        place.git(&["read-tree", &commit.to_string()], b"")?;
        Ok(place)
    }

    fn names(&self, files: &[Form]) -> Vec<u8> {
        files.iter().flat_map(|file| [file.path.as_os_str().as_bytes(), b"\0"].concat()).collect()
    }

    fn spec(&self, arguments: &[&str]) -> Spec {
        let store = self.checkout.repository.path();
        let (store, tree) = (store.display().to_string(), self.tree.display().to_string());
        let settings = ["core.safecrlf=false", "core.sparseCheckout=false", "core.fsmonitor=false"];
        let mut all = vec!["git", "--git-dir", &store, "--work-tree", &tree];
        all.extend(settings.iter().flat_map(|setting| ["-c", setting]));
        all.extend(arguments);
        let mut spec = Spec::new(all, &self.tree);
        spec.environment = self.checkout.environment.clone();
        let own = [("GIT_INDEX_FILE", &self.index), ("GIT_OBJECT_DIRECTORY", &self.objects)];
        spec.environment.extend(own.map(|(name, path)| (name.to_owned(), path.display().to_string())));
        spec.within = Some(CONVERT);
        spec
    }

    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<Looked> {
        let failed = || "git can't be given files".to_owned();
        let mut given = temporary(failed)?;
        given.write_all(input).or_fail(Kind::Refused, failed)?;
        let looked = command::feed(&self.spec(arguments), &given, None, &|| false)?;
        if looked.exit.success() { Ok(looked) } else { Err(self.unconverted(&looked)) }
    }

    fn read(&self, id: Oid) -> Result<Vec<u8>> {
        let failed = || "git can't be read".to_owned();
        let mut file = temporary(failed)?;
        let spec = self.spec(&["cat-file", "blob", &id.to_string()]);
        let looked = command::look_into(&spec, &file, &|| false)?;
        if !looked.exit.success() {
            return Err(self.unconverted(&looked));
        }
        let mut content = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut content)).or_fail(Kind::Refused, failed)?;
        Ok(content)
    }

    fn unconverted(&self, looked: &Looked) -> Failure {
        let message = format!("git can't convert edited files of the checkout {}", self.checkout.shown());
        let mut failure = Failure::new(Kind::Refused, message);
        failure.why = looked.stderr.lines().rev().take(5).map(str::to_owned).collect();
        failure.why.reverse();
        failure.why.push("nothing was touched".to_owned());
        let folder = word(self.checkout.folder.display());
        failure.help(format!(
            "see what converts them with `git -C {folder} check-attr --all -- FILE` and `git -C {folder} config --get-regexp '^filter\\.'`"
        ))
    }
}
