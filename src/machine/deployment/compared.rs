//! What of the data that is mounted now would not be where it is, as the files of a release mean it.
//!
//! The most dangerous update passes every health check: under another name, or at another place, an application begins
//! anew beside its data.

use super::{Model, Mounted};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// What differs, a sentence each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What loses data's place.
    pub lost: Vec<String>,
    /// What is mounted besides.
    pub added: Vec<String>,
}

/// What is mounted, so that two of them can be compared.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// By its real name, and the folder in it.
    Volume(String, Option<String>),
    Anonymous,
    Path(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::Volume(name, None) => write!(out, "the volume `{name}`"),
            Source::Volume(name, Some(within)) => write!(out, "`{within}` of the volume `{name}`"),
            Source::Anonymous => write!(out, "a volume without a name"),
            Source::Path(path) => write!(out, "`{}`", path.display()),
        }
    }
}

/// Compares what is mounted `now` with `then`, the files of `release`. `is_data` says whether a mount of now may hold data.
/// A service that is gone may have its mounts in any other; one that is still there must have its own.
pub fn compare(now: &Model, then: &Model, release: &str, is_data: &dyn Fn(&Mounted) -> bool) -> Compared {
    let mut compared = Compared::default();
    if let (Some(one), Some(other)) = (&now.project, &then.project)
        && one != other
    {
        compared.lost.push(format!("the Compose project is `{one}`, in {release} `{other}`"));
    }
    let mut seen = BTreeSet::new();
    for (service, part) in &now.services {
        for mount in part.mounts.iter().filter(|mount| is_data(mount)) {
            let line = moved(then, release, service, &source(now, mount), &target(mount));
            compared.lost.extend(line);
            if let Some(line) = mount.volume.as_ref().and_then(|name| changed(now, then, release, name))
                && seen.insert(line.clone())
            {
                compared.lost.push(line);
            }
        }
    }
    for (service, part) in &then.services {
        for mount in part.mounts.iter().filter(|mount| !mount.passing && !mount.read_only) {
            let (source, target) = (source(then, mount), target(mount));
            let own = now.services.get(service).into_iter().flat_map(|part| &part.mounts);
            let had = own.into_iter().any(|it| self::target(it) == target || self::source(now, it) == source);
            if !had && !has(now, &source, &target) {
                compared.added.push(format!("`{service}` mounts {source} at `{}`", target.display()));
            }
        }
    }
    compared
}

/// What became of a mount, unless it is as it was.
fn moved(then: &Model, release: &str, service: &str, source: &Source, target: &Path) -> Option<String> {
    let at = target.display();
    let became = match then.services.get(service) {
        None if has(then, source, target) => return None,
        None => format!("and {release} has no service `{service}`"),
        Some(part) => {
            let there: Vec<(Source, PathBuf)> = part
                .mounts
                .iter()
                .filter(|it| !it.passing)
                .map(|it| (self::source(then, it), self::target(it)))
                .collect();
            let in_place = there.iter().find(|(_, other)| other == target);
            let elsewhere = there.iter().find(|(other, _)| other == source);
            match (in_place, elsewhere) {
                (Some((other, _)), _) if other == source => return None,
                (Some((other, _)), _) => format!("in {release} {other}"),
                (None, Some((_, other))) => format!("in {release} at `{}`", other.display()),
                (None, None) => format!("in {release} nothing"),
            }
        }
    };
    Some(format!("`{service}` mounts {source} at `{at}`, {became}"))
}

/// Whether another volume than before would be meant by the same name.
fn changed(now: &Model, then: &Model, release: &str, name: &str) -> Option<String> {
    let was = now.volumes.get(name)?;
    let is = then.volumes.values().find(|volume| volume.name == was.name)?;
    let whose = |external| if external { "external" } else { "the project's own" };
    if was.external != is.external {
        let (was_whose, is_whose) = (whose(was.external), whose(is.external));
        return Some(format!("the volume `{}` is {was_whose}, in {release} {is_whose}", was.name));
    }
    let names = was.driver.keys().chain(is.driver.keys());
    let differ: BTreeSet<&String> =
        names.filter(|name| was.driver.get(*name) != is.driver.get(*name)).collect();
    let differ: Vec<String> = differ.iter().map(|name| format!("`{name}`")).collect();
    // Not their values: a password may be among them.
    (!differ.is_empty())
        .then(|| format!("the volume `{}` has another {} in {release}", was.name, differ.join(", ")))
}

fn has(model: &Model, source: &Source, target: &Path) -> bool {
    let mut mounts = model.services.values().flat_map(|part| &part.mounts);
    mounts
        .any(|mount| !mount.passing && self::source(model, mount) == *source && self::target(mount) == target)
}

fn source(model: &Model, mount: &Mounted) -> Source {
    match (&mount.volume, &mount.source) {
        (Some(name), _) => {
            let real = model.volumes.get(name).map_or(name, |volume| &volume.name);
            Source::Volume(real.clone(), mount.subpath.clone())
        }
        (None, Some(path)) => Source::Path(plain(Path::new(path))),
        (None, None) => Source::Anonymous,
    }
}

fn target(mount: &Mounted) -> PathBuf {
    plain(Path::new(&mount.target))
}

/// A path without `.`, `..` and a slash at its end.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::Program;
    use super::*;

    fn model(printed: &str) -> Model {
        let program = Program { words: vec!["docker".into(), "compose".into()], version: "2.40.3".into() };
        let mut model = Model::parse(printed, &program, &[]).unwrap();
        model.call(model.project.clone().unwrap(), &program);
        model
    }

    const NOW: &str = r#"{"name": "shop", "services": {
        "app": {"image": "a", "volumes": [
            {"type": "volume", "source": "media", "target": "/media"},
            {"type": "bind", "source": "/srv/shop/files", "target": "/files/"},
            {"type": "tmpfs", "target": "/tmp"}, {"type": "volume", "target": "/var/lib/app"}]},
        "db": {"image": "b", "volumes": [{"type": "volume", "source": "rows", "target": "/var/lib/db"}]}},
        "volumes": {"media": {"name": "shop_media", "driver": "local", "driver_opts": {"o": "password=hidden", "device": "//nas/a"}},
            "rows": {"name": "rows", "external": true}}}"#;

    /// What is lost when these texts are replaced.
    fn lost(changes: &[(&str, &str)]) -> Vec<String> {
        let mut then = NOW.to_owned();
        for (from, to) in changes {
            assert!(then.contains(from), "{from}");
            then = then.replace(from, to);
        }
        compare(&model(NOW), &model(&then), "2.0", &|mount| !mount.passing).lost
    }

    #[test]
    fn what_is_mounted_elsewhere_is_lost_and_what_only_looks_different_is_not() {
        assert!(lost(&[]).is_empty());
        assert!(
            lost(&[("\"/files/\"", "\"/files\""), ("/srv/shop/files", "/srv/./x/../shop/files")]).is_empty()
        );
        assert!(lost(&[("\"db\"", "\"database\"")]).is_empty(), "a service may have another name");
        assert!(lost(&[("\"tmpfs\", \"target\": \"/tmp\"", "\"tmpfs\", \"target\": \"/run\"")]).is_empty());
        assert!(lost(&[("\"media\"", "\"pictures\"")]).is_empty(), "its real name is the same");
        for (changes, expected) in [
            (
                &[("shop_media", "shop_media2")][..],
                "`app` mounts the volume `shop_media` at `/media`, in 2.0 the volume `shop_media2`",
            ),
            (
                &[("\"/media\"", "\"/data\"")],
                "`app` mounts the volume `shop_media` at `/media`, in 2.0 at `/data`",
            ),
            (
                &[("/srv/shop/files", "/srv/files")],
                "`app` mounts `/srv/shop/files` at `/files`, in 2.0 `/srv/files`",
            ),
            (
                &[("\"/var/lib/app\"", "\"/opt\"")],
                "`app` mounts a volume without a name at `/var/lib/app`, in 2.0 at `/opt`",
            ),
            (
                &[("\"db\"", "\"database\""), ("/var/lib/db", "/db")],
                "`db` mounts the volume `rows` at `/var/lib/db`, and 2.0 has no service `db`",
            ),
            (&[(", \"external\": true", "")], "the volume `rows` is external, in 2.0 the project's own"),
            (&[("//nas/a", "//nas/b")], "the volume `shop_media` has another `device` in 2.0"),
            (&[("hidden", "other")], "the volume `shop_media` has another `o` in 2.0"),
            (&[("\"shop\"", "\"shop2\"")], "the Compose project is `shop`, in 2.0 `shop2`"),
            (
                &[(", {\"type\": \"volume\", \"target\": \"/var/lib/app\"}", "")],
                "`app` mounts a volume without a name at `/var/lib/app`, in 2.0 nothing",
            ),
        ] {
            assert_eq!(lost(changes), [expected]);
        }
    }

    #[test]
    fn what_is_added_is_no_loss() {
        let then = NOW.replace(
            "{\"type\": \"tmpfs\"",
            "{\"type\": \"volume\", \"source\": \"more\", \"target\": \"/more\"}, {\"type\": \"tmpfs\"",
        );
        let compared = compare(&model(NOW), &model(&then), "2.0", &|mount| !mount.passing);
        assert_eq!(
            (compared.lost.len(), compared.added),
            (0, vec!["`app` mounts the volume `more` at `/more`".to_owned()])
        );
    }
}
