//! Where a search service has its repositories: on this machine, and as its container sees it. What there is belongs to
//! the service's user, who is seldom the one who runs this.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::Place;
use crate::machine::compose::Docker;
use crate::machine::tree::{copy_path as copy, remove};
use rustix::process::{getegid, geteuid};
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

/// Where a service may have repositories.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    container: String,
    /// On this machine.
    folder: PathBuf,
    /// In its container.
    inside: String,
}

impl Ground {
    /// What the container mounts there counts, whatever was written elsewhere: settings may have changed since.
    pub(super) fn find(place: &Place, service: &str, folder: &str, inside: &str) -> Result<Ground> {
        let container = place.docker().service(place.project, service)?;
        let inside = inside.trim_end_matches('/').to_owned();
        let mounted =
            container.mounts.iter().find(|mount| mount.sort == "bind" && mount.destination == inside);
        let folder = mounted.map_or_else(|| (place.path)(folder), |mount| PathBuf::from(&mount.source));
        Ok(Ground { container: container.id, folder, inside })
    }

    pub(super) fn outside(&self, repository: &str) -> PathBuf {
        self.folder.join(repository)
    }

    pub(super) fn inside(&self, repository: &str) -> String {
        format!("{}/{repository}", self.inside)
    }

    /// Removes a repository: through the container what only the service, or root, may remove.
    pub(super) fn clear(&self, docker: &Docker, repository: &str) -> Result<()> {
        let folder = self.outside(repository);
        let failed = || format!("`{}` can't be removed", folder.display());
        match remove(&folder) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let removed = self.as_root(docker, &["rm", "-rf", "--", &self.inside(repository)]);
                removed.map_err(|failure| Failure { message: failed(), ..failure })?;
                // The container may see another folder there than the one on this machine.
                match folder.symlink_metadata() {
                    Ok(_) => Err(error).or_fail(Kind::Refused, failed),
                    Err(_) => Ok(()),
                }
            }
            removed => removed.or_fail(Kind::Refused, failed),
        }
    }

    /// Copies a snapshot to where the service reads it, as the owner of the folder around it.
    pub(super) fn hand_over(&self, docker: &Docker, from: &Path, repository: &str) -> Result<()> {
        let to = self.outside(repository);
        let failed = || format!("the snapshot can't be put into `{}`", to.display());
        self.clear(docker, repository)?;
        let owner = self.folder.metadata().or_fail(Kind::Refused, failed)?;
        let is_ours = (owner.uid(), owner.gid()) == (geteuid().as_raw(), getegid().as_raw());
        if is_ours || geteuid().is_root() {
            let given = copy(from, &to).and_then(|()| give(&to, owner.uid(), owner.gid()));
            return given.or_fail(Kind::Refused, failed);
        }
        // Only root can give it to the service's user, and the folder may be root's: Docker makes it where it is missing.
        let inside = self.inside(repository);
        let source = format!("{}/.", from.display());
        let target = format!("{}:{inside}", self.container);
        let handed = || -> Result<()> {
            docker.run_spec(&docker.spec(["cp", source.as_str(), target.as_str()]))?;
            let script = r#"chown -R "$(stat -c %u:%g "$1")" "$2" && chmod -R u+rwX,g+rX "$2""#;
            self.as_root(docker, &["sh", "-c", script, "sh", &self.inside, &inside])
        };
        handed().map_err(|failure| Failure { message: failed(), ..failure })
    }

    fn as_root(&self, docker: &Docker, command: &[&str]) -> Result<()> {
        let words = ["exec", "--user", "0:0", self.container.as_str()].into_iter();
        docker.run_spec(&docker.spec(words.chain(command.iter().copied()))).map(drop)
    }
}

fn give(path: &Path, owner: u32, group: u32) -> io::Result<()> {
    lchown(path, Some(owner), Some(group))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), owner, group)?;
        }
    }
    Ok(())
}
