//! Volumes of a Compose project: read as a tar, and exchanged in steps that can be cut off anywhere.
//!
//! A volume is reached by a container that lives for the moment: without a network, with the image of a service that
//! mounts the volume, so that nothing is fetched. Where that has not the programs that are needed, as many images of a single
//! program have not, another image of the machine is taken.

use super::compose::{Docker, Mount, Project, Service, VOLUME};
use crate::command::{Exit, Spec, look};
use crate::failure::{Failure, Kind, Result};
use crate::machine::files::hexadecimal;
use crate::sync::Mutex;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

const PROJECT: &str = "com.docker.compose.project";

/// How the names of containers begin that work in a volume.
const HELPER: &str = "banister-volume-";

/// What must go well in an image.
const ABLE: &str = "tar -cf - --exclude=* . >/dev/null 2>&1 && for it in mv mkdir rmdir stat chown chmod sync; do \
                    command -v $it >/dev/null || exit 1; done";
/// How many images are tried.
const MOST_TRIED: usize = 30;
/// What is said where none of them has it.
pub const NEEDED: &str = "a volume is read by a container with `sh`, `stat` and a `tar` that knows `--exclude`, and no image on \
                          this machine has them: fetch one, as with `docker pull debian:stable-slim`, then try it again";

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Docker's name for it.
    pub name: String,
    /// The image whose programs reach it.
    image: String,
}

impl Volume {
    /// A failure to read it, with what would help if its image can't.
    pub fn unread(&self, failure: Failure, docker: &Docker) -> Failure {
        match docker.is_able(self) {
            Ok(false) => failure.why(format!("in a container of the image `{}`", self.image)).help(NEEDED),
            _ => failure,
        }
    }
}

/// A container that runs and mounts a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    /// Whether it may write to the volume.
    pub writes: bool,
}

impl Docker<'_> {
    /// A volume of a project by its name in the Compose files, with an image that has the programs to work in it.
    pub fn volume(&self, project: &Project, volume: &str) -> Result<Volume> {
        let volume = self.own_volume(project, volume)?;
        Ok(self.with_able_image(&volume)?.unwrap_or(volume))
    }

    /// The same with its own image, whatever programs that has: to read it says best whether it has them.
    pub fn own_volume(&self, project: &Project, volume: &str) -> Result<Volume> {
        let mut names = Vec::new();
        for project in self.projects(project)? {
            let labels = [format!("label={VOLUME}={volume}"), format!("label={PROJECT}={project}")];
            let filters = labels.into_iter().flat_map(|label| ["--filter".into(), label]);
            let list = ["volume", "ls", "--quiet"].map(String::from).into_iter().chain(filters);
            let found = self.ask(list.collect())?;
            for name in found.lines().map(str::trim).filter(|name| !name.is_empty()) {
                // Podman gives those with one of the labels, and its Compose puts none of the volume's name on them.
                let is_usual = name == format!("{project}_{volume}");
                if is_usual || self.volume_labels(name)?.get(VOLUME).is_some_and(|own| own == volume) {
                    names.push(name.to_owned());
                }
            }
        }
        match names.len() {
            0 => names.push(self.mounted(project, volume)?),
            1 => {}
            _ => {
                return Err(Failure::new(Kind::Refused, format!("several volumes have the name `{volume}`"))
                    .why(names.join(", "))
                    .help("name the project that is meant: `project = \"NAME\"` in site.toml"));
            }
        }
        let name = names.remove(0);
        Ok(Volume { image: self.image_of(&name)?, name })
    }

    /// The volume with an image that has the programs to work in it: its own, else one that some container has, else any.
    pub fn with_able_image(&self, volume: &Volume) -> Result<Option<Volume>> {
        if self.is_able(volume)? {
            return Ok(Some(volume.clone()));
        }
        // Only what is there: nothing is fetched. Where there is no other, what is done with its own says why it fails.
        let list = ["image", "ls", "--no-trunc", "--quiet"].map(String::from).into();
        let listed = self.ask(list).unwrap_or_default();
        let images: BTreeSet<&str> =
            listed.lines().map(str::trim).filter(|image| !image.is_empty()).collect();
        for image in images.into_iter().take(MOST_TRIED) {
            let other = Volume { image: image.to_owned(), name: volume.name.clone() };
            if self.is_able(&other)? {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// Whether its image has them. Each is asked once.
    fn is_able(&self, volume: &Volume) -> Result<bool> {
        static KNOWN: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
        if let Some(known) = KNOWN.lock().get(&volume.image) {
            return Ok(*known);
        }
        let mut spec = self.helper(volume, ":ro", &[], &["sh", "-c", ABLE]);
        spec.within = Some(self.within);
        let looked = look(&spec, self.stop)?;
        let is_able = looked.exit.success();
        // Docker's own failure says nothing of the image; a program that is not there has another status.
        if looked.exit == Exit::Status(125) {
            return Ok(true);
        }
        KNOWN.lock().insert(volume.image.clone(), is_able);
        Ok(is_able)
    }

    /// The containers of any project that mount the volume and run.
    pub fn running_users(&self, volume: &Volume) -> Result<Vec<User>> {
        let of = |found: Service| {
            let mounts = found.mounts.iter().filter(|it| it.sort == "volume" && it.name == volume.name);
            let writes: Vec<bool> = mounts.map(|mount| mount.writable).collect();
            let name = found.name.clone();
            // One of our own is ended before another is started.
            let is_ours = name.starts_with(HELPER);
            (found.running && !is_ours && !writes.is_empty())
                .then(|| User { name, writes: writes.contains(&true) })
        };
        Ok(self.containers()?.into_iter().filter_map(of).collect())
    }

    /// The name of a volume without Compose's labels, by the containers that mount it: Compose takes one as its own that
    /// another program made under the same name.
    fn mounted(&self, project: &Project, volume: &str) -> Result<String> {
        let mut names = BTreeSet::new();
        for service in self.services(project, None)? {
            let is_meant = |mount: &&Mount| {
                let own = mount.name.strip_prefix(&service.project).and_then(|rest| rest.strip_prefix('_'));
                // One that Compose calls external has no project in its name.
                mount.sort == "volume" && (own == Some(volume) || mount.name == volume)
            };
            names.extend(service.mounts.iter().filter(is_meant).map(|mount| mount.name.clone()));
        }
        let mut names: Vec<String> = names.into_iter().collect();
        match names.len() {
            1 => Ok(names.remove(0)),
            0 => Err(Failure::new(Kind::NotFound, format!("there is no volume `{volume}` {project}"))
                .why("no volume has this name in its labels, and no container mounts one that is called so")
                .help("see what there is with `docker volume ls`")),
            _ => Err(Failure::new(Kind::Refused, format!("several volumes have the name `{volume}`"))
                .why(names.join(", "))
                .help("name the project that is meant: `project = \"NAME\"` in site.toml")),
        }
    }

    /// What a volume of a project is called in its Compose files: by its labels, or by its own name if another program
    /// made it. None for one without a name.
    pub fn called(&self, name: &str, project: &str) -> Result<Option<String>> {
        if let Some(called) = self.volume_labels(name)?.remove(VOLUME) {
            return Ok(Some(called));
        }
        let is_anonymous = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let own = name.strip_prefix(project).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name);
        Ok((!is_anonymous).then(|| own.to_owned()))
    }

    /// The image of a container that mounts the volume.
    fn image_of(&self, volume: &str) -> Result<String> {
        let filter = format!("volume={volume}");
        let list = ["ps", "--all", "--no-trunc", "--format", "{{.Image}}", "--filter", &filter];
        let images = self.ask(list.map(String::from).into())?;
        let first = images.lines().map(str::trim).find(|image| !image.is_empty());
        first.map(str::to_owned).ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("no container mounts the volume `{volume}`")).help(
                "start the server once, or create its containers, so that an image is there to reach it with",
            )
        })
    }

    /// A container that lives for the moment and has the volume; `named` are options that give it a name.
    fn helper(&self, volume: &Volume, mode: &str, named: &[&str], words: &[&str]) -> Spec {
        let mount = format!("{}:/volume{mode}", volume.name);
        let (entry, arguments) = words.split_first().unwrap_or((&"true", &[]));
        let fixed =
            ["run", "--rm", "--interactive", "--network", "none", "--user", "0:0", "--workdir", "/volume"];
        let more = ["--volume", &mount, "--entrypoint", entry, &volume.image];
        let options = fixed.into_iter().chain(named.iter().copied());
        self.spec(options.chain(more).chain(arguments.iter().copied()))
    }

    /// A shell script in the volume, alone: that of an attempt that was cut off may still work, and is ended first.
    fn work_in(&self, volume: &Volume, id: &str, script: &str) -> Result<Spec> {
        let digest = hexadecimal(&Sha256::digest(&volume.name)[..4]);
        let name = format!("{HELPER}{id}-{digest}");
        self.forget_container(&name)?;
        Ok(self.helper(volume, "", &["--name", &name], &["sh", "-c", script]))
    }

    /// Prints the volume as a tar.
    pub fn read_volume(&self, volume: &Volume) -> Spec {
        self.helper(volume, ":ro", &[], &["tar", "-cf", "-", "--exclude=.banister-*", "."])
    }

    /// Puts what a tar holds in the place of what the volume holds, which is moved aside, within the volume, under
    /// `id`. Called again after it was cut off, it goes on; called again after it is done, it does nothing.
    pub fn exchange_volume(&self, volume: &Volume, id: &str, tar: &File) -> Result<()> {
        self.feed(self.work_in(volume, id, &EXCHANGE.replace("ID", id))?, tar).map(drop)
    }

    /// Removes what [`Docker::exchange_volume`] moved aside, and what it left if it was never done.
    pub fn drop_aside(&self, volume: &Volume, id: &str) -> Result<()> {
        let script = format!("rm -rf .banister-{id}-*");
        self.run_spec(&self.work_in(volume, id, &script)?).map(drop)
    }
}

/// The states: nothing, `ready` (the new is here, whole), `in` (the old is aside), and only `old` (it is done).
const EXCHANGE: &str = "set -eu
n=.banister-ID
if [ ! -d $n-ready ] && [ ! -d $n-in ] && [ ! -d $n-old ]; then
  rm -rf $n-new; mkdir $n-new; tar -xpf - -C $n-new; sync; mv $n-new $n-ready
fi
if [ -d $n-ready ]; then
  mkdir -p $n-old
  for item in * .[!.]* ..?*; do
    case $item in .banister-*) continue ;; esac
    if [ -e \"$item\" ] || [ -L \"$item\" ]; then mv \"$item\" $n-old; fi
  done
  mv $n-ready $n-in
fi
if [ -d $n-in ]; then
  for item in $n-in/* $n-in/.[!.]* $n-in/..?*; do
    if [ -e \"$item\" ] || [ -L \"$item\" ]; then mv \"$item\" .; fi
  done
  chown $(stat -c %u:%g $n-in) .; chmod $(stat -c %a $n-in) .
  rmdir $n-in; sync
fi
";
