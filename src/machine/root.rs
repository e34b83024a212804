//! What a user of the docker group does as root, in a container: what containers wrote belongs to other users.
//!
//! Everything is tried as whoever runs this first; a container is only started where that is not permitted.

use super::compose::{Docker, Project};
use super::tree;
use crate::command::Spec;
use crate::failure::{Context, Failure, Kind, Result};
use crate::output::word;
use rustix::process::{getegid, geteuid};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

impl Docker<'_> {
    /// Removes what is at `path`, whoever wrote it. `project` has containers, of whose images one is used.
    ///
    /// Fails with [`Kind::Refused`] if something is mounted in it, or it can't be removed.
    pub fn remove(&self, path: &Path, project: &Project) -> Result<()> {
        let failed = || format!("`{}` can't be removed", path.display());
        match tree::remove(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied && !geteuid().is_root() => {
                // The container would see what is mounted there, and remove that, too.
                if let Some(mounted) = mounted_below(path).or_fail(Kind::Refused, failed)? {
                    return Err(Failure::new(Kind::Refused, failed())
                        .why(format!("`{mounted}` in it is a mount, and was not touched")));
                }
                let removed = self.as_root(path, project, "rm", &["-rf", "--"]);
                removed.map_err(|failure| {
                    let tried = failure.why.iter().fold(Failure::new(Kind::Refused, failed()), Failure::why);
                    tried
                        .why(failure.message)
                        .why(error)
                        .help(format!("remove it: sudo rm -rf -- {}", word(path.display())))
                })
            }
            removed => removed.or_fail(Kind::Refused, failed),
        }
    }

    /// Gives a file or folder an owner.
    pub fn give(&self, path: &Path, owner: u32, group: u32, project: &Project) -> Result<()> {
        let failed = || format!("`{}` can't be given to {owner}:{group}", path.display());
        let found = path.symlink_metadata().or_fail(Kind::Refused, failed)?;
        if (found.uid(), found.gid()) == (owner, group) {
            return Ok(());
        }
        let is_ours = (owner, group) == (geteuid().as_raw(), getegid().as_raw());
        match lchown(path, Some(owner), Some(group)) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied && !is_ours => {
                let owner = format!("{owner}:{group}");
                let given = self.as_root(path, project, "chown", &["-h", &owner, "--"]);
                given.map_err(|failure| Failure { message: failed(), ..failure })
            }
            given => given.or_fail(Kind::Refused, failed),
        }
    }

    /// Runs a program on something of this machine, in a container that sees the folder around it and nothing else.
    fn as_root(&self, path: &Path, project: &Project, program: &str, arguments: &[&str]) -> Result<()> {
        let (Some(around), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Failure::new(Kind::Invalid, format!("`{}` has no name", path.display())));
        };
        let image = self.some_image(project)?;
        let mount = format!("type=bind,{},target=/around,bind-nonrecursive=true", field(around));
        let inner = Path::new("/around").join(name).to_string_lossy().into_owned();
        let fixed =
            ["run", "--rm", "--network", "none", "--user", "0:0", "--mount", &mount, "--entrypoint", program];
        let words = fixed.into_iter().chain([image.as_str()]).chain(arguments.iter().copied());
        let spec: Spec = self.spec(words.chain([inner.as_str()]));
        self.run_spec(&spec).map(drop)
    }

    /// An image that is here: that of any container of the project.
    fn some_image(&self, project: &Project) -> Result<String> {
        let services = self.services(project, None)?;
        services.into_iter().map(|service| service.image).find(|image| !image.is_empty()).ok_or_else(|| {
            Failure::new(Kind::NotFound, "no container is there, of whose image one could be started as root")
        })
    }
}

/// The source of a mount, as `docker run --mount` reads it: a line of comma-separated values.
fn field(path: &Path) -> String {
    format!("\"source={}\"", path.to_string_lossy().replace('"', "\"\""))
}

/// Something that is mounted at a path, or below it.
fn mounted_below(path: &Path) -> std::io::Result<Option<String>> {
    let path = path.canonicalize()?;
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped);
    Ok(points.into_iter().find(|point| Path::new(point).starts_with(&path)))
}

/// A path as the kernel writes it: blanks, tabs, line ends and backslashes as octal numbers.
fn unescaped(written: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(written.to_owned(), |text, (escape, is)| text.replace(escape, is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_commas_and_quotes_is_one_field() {
        assert_eq!(field(Path::new("/a,b \"c\"")), "\"source=/a,b \"\"c\"\"\"");
    }

    #[test]
    fn what_is_mounted_below_a_path_is_known() {
        assert_eq!(mounted_below(Path::new("/proc")).unwrap().as_deref(), Some("/proc"));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(mounted_below(folder.path()).unwrap(), None);
        assert_eq!(unescaped("/a\\040b\\134"), "/a b\\");
    }
}
