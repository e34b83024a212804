//! Where the version of a project is written: a setting in its `.env`, or the tag of an image in its Compose files. Only
//! those letters are changed; all else stays byte by byte.

use super::SettingsFile;
use super::half::{self, Edit};
use crate::failure::{Failure, Kind, Result};
use crate::machine::bytes;
use crate::machine::registry::{Image, is_tag};
use crate::machine::yaml;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where it is, as `version` in `site.toml` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The setting of this name.
    Setting(String),
    /// The tag of the images of these services, which is one, and of all with the same images and tag.
    Services(Vec<String>),
}

/// The version as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub tag: String,
    /// The images that the tag belongs to, if they are known here.
    pub images: Vec<Named>,
    /// Where it stands.
    pub files: Vec<PathBuf>,
}

/// An image as it is written in a Compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub written: String,
    /// The same without its tag.
    pub name: String,
}

impl Named {
    fn at(&self, tag: &str) -> String {
        format!("{}:{tag}", self.name)
    }
}

/// How `version` is written, for people.
pub const FORM: &str = "write `version = { setting = \"APP_VERSION\" }` for a setting in `.env`, or \
                        `version = { service = \"app\" }` for the tag of an image in the Compose file";

impl Place {
    /// From the table in `site.toml`.
    pub fn of(table: &BTreeMap<String, String>) -> Result<Place> {
        let (setting, service) = (table.get("setting"), table.get("service"));
        match (setting, service, table.len()) {
            (Some(name), None, 1) if !name.is_empty() => Ok(Place::Setting(name.clone())),
            // With blanks between them.
            (None, Some(names), 1) if !names.is_empty() => {
                Ok(Place::Services(names.split_whitespace().map(str::to_owned).collect()))
            }
            _ => {
                Err(Failure::new(Kind::Invalid, "`version` in site.toml has one of `setting` and `service`")
                    .help(FORM))
            }
        }
    }

    /// The version now. `env_file` is the `.env`, and `files` are the Compose files. Fails with [`Kind::NotFound`] if there is
    /// none, and with [`Kind::Refused`] if it is not written as it is.
    pub fn read(&self, env_file: &SettingsFile, files: &[PathBuf]) -> Result<Written> {
        match self {
            Place::Setting(name) => {
                let value = match env_file.open(&BTreeMap::new())? {
                    Some(file) => file.get(name)?,
                    None => None,
                };
                let shown = env_file.path.display();
                let tag = value.ok_or_else(|| {
                    Failure::new(Kind::NotFound, format!("there is no version `{name}` in `{shown}`"))
                        .help(format!("write the tag that runs into it, such as `{name}=1.2.3`"))
                })?;
                match is_tag(&tag) {
                    true => Ok(Written { tag, images: Vec::new(), files: vec![env_file.path.clone()] }),
                    false => Err(Failure::new(
                        Kind::Refused,
                        format!("`{name}` in `{shown}` is no tag of an image"),
                    )
                    .help(format!("write the tag that runs into it, such as `{name}=1.2.3`"))),
                }
            }
            Place::Services(names) => written_images(names, files),
        }
    }

    /// Fails as [`Place::write`] would, and changes nothing.
    pub fn try_to_write(&self, env_file: &SettingsFile, files: &[PathBuf], to: &str) -> Result<()> {
        let now = self.read(env_file, files)?;
        if now.tag == to {
            return Ok(());
        }
        match self {
            Place::Setting(name) => match env_file.open(&BTreeMap::new())? {
                Some(file) => file.would_change(name, to).map(drop),
                None => Ok(()),
            },
            Place::Services(_) => files.iter().try_for_each(|file| replaced(file, &now.images, to).map(drop)),
        }
    }

    /// Writes another version, and gives the files that changed: none if it is written there already. All are checked before
    /// the first is changed, and the one that [`Place::read`] reads is changed last: a power cut in between leaves a version
    /// that is not written everywhere yet, and reads so. The next call undoes that first, by what `note` says, a file that is
    /// there only in between.
    pub fn write(
        &self,
        env_file: &SettingsFile,
        files: &[PathBuf],
        to: &str,
        note: &Path,
    ) -> Result<Vec<PathBuf>> {
        if !is_tag(to) {
            return Err(Failure::new(
                Kind::Invalid,
                format!("`{}` is no tag of an image", to.escape_debug()),
            ));
        }
        half::undo(note)?;
        let now = self.read(env_file, files)?;
        if now.tag == to {
            return Ok(Vec::new());
        }
        let service = match self {
            Place::Setting(name) => {
                let Some(mut file) = env_file.open(&BTreeMap::new())? else { return Ok(Vec::new()) };
                let changed = file.set(name, to)?;
                return Ok(changed.then(|| env_file.path.clone()).into_iter().collect());
            }
            Place::Services(services) => services.first().map_or("", String::as_str),
        };
        let (mut edited, mut last) = (Vec::new(), Vec::new());
        for file in files.iter().rev() {
            let Some(after) = replaced(file, &now.images, to)? else { continue };
            let is_read = last.is_empty() && images(file)?.contains_key(service);
            let edit = Edit { file: file.clone(), before: bytes::read(file)?, after };
            if is_read { &mut last } else { &mut edited }.push(edit);
        }
        edited.append(&mut last);
        half::write(note, &edited)?;
        Ok(edited.into_iter().map(|edit| edit.file).collect())
    }
}

/// The images of the services in a file, as they are written there.
pub(super) fn images(file: &Path) -> Result<BTreeMap<String, String>> {
    let whole = yaml::read(file)?;
    let services = whole.get("services").and_then(Value::as_object).into_iter().flatten();
    let image =
        |(name, service): (&String, &Value)| Some((name.clone(), service.get("image")?.as_str()?.to_owned()));
    Ok(services.filter_map(image).collect())
}

/// The version of these services, which have one tag.
fn written_images(services: &[String], files: &[PathBuf]) -> Result<Written> {
    let mut all = Vec::new();
    for file in files {
        all.push((file.clone(), images(file)?));
    }
    let mut found: Option<Written> = None;
    for service in services {
        let (tag, image) = written_image(service, &all)?;
        let written =
            found.get_or_insert_with(|| Written { tag: tag.clone(), images: Vec::new(), files: Vec::new() });
        if written.tag != tag {
            let names = services.join(" ");
            let message = format!("the images of `{names}` have the tags `{}` and `{tag}`", written.tag);
            return Err(Failure::new(Kind::Refused, message)
                .help("services that move together have one tag; name those of the application in `version` in site.toml"));
        }
        if !written.images.contains(&image) {
            written.images.push(image);
        }
    }
    let mut found = found.ok_or_else(|| {
        Failure::new(Kind::Invalid, "`service` of `version` in site.toml names none").help(FORM)
    })?;
    let has = |images: &BTreeMap<String, String>| {
        images.values().any(|other| found.images.iter().any(|image| image.written == *other))
    };
    found.files = all.iter().filter(|(_, images)| has(images)).map(|(file, _)| file.clone()).collect();
    Ok(found)
}

/// The tag of a service's image, and the image. One without a tag has the tag `latest`.
fn written_image(service: &str, all: &[(PathBuf, BTreeMap<String, String>)]) -> Result<(String, Named)> {
    let Some(image) = all.iter().rev().find_map(|(_, images)| images.get(service)) else {
        let known: Vec<&str> = all.iter().flat_map(|(_, images)| images.keys().map(String::as_str)).collect();
        let message = format!("no Compose file names an image of the service `{service}`");
        return Err(Failure::new(Kind::NotFound, message)
            .help(format!("correct `version` in site.toml; services with an image: {}", known.join(", "))));
    };
    let refused = |why: &str, help: &str| {
        Err(Failure::new(Kind::Refused, format!("the version can't be read from `image: {image}`"))
            .why(why)
            .help(help))
    };
    if image.contains('$') {
        return refused(
            "it has a setting in it",
            "name that setting: `version = { setting = \"NAME\" }` in site.toml",
        );
    }
    let parsed: Image = image.parse()?;
    if parsed.digest.is_some() {
        return refused(
            "it is fixed by a digest",
            "write it without `@sha256:…`: the digests of releases are recorded",
        );
    }
    // A colon before a slash is that of a port.
    let tagged = image.rsplit_once(':').filter(|(_, tag)| is_tag(tag));
    let (name, tag) = tagged.unwrap_or((image.as_str(), "latest"));
    Ok((tag.to_owned(), Named { written: image.clone(), name: name.to_owned() }))
}

/// The text of a file with another tag in all the places where these images are written; nothing if they are nowhere there.
fn replaced(file: &Path, images: &[Named], tag: &str) -> Result<Option<String>> {
    let before = bytes::read(file)?;
    let mut text = before.clone();
    for image in images {
        text = replaced_in(&text, file, &image.written, &image.at(tag))?;
    }
    Ok((text != before).then_some(text))
}

/// The same of one of them in a text, which is that of the file.
fn replaced_in(text: &str, file: &Path, from: &str, to: &str) -> Result<String> {
    let (mut new, mut at) = (String::with_capacity(text.len()), 0);
    for (place, _) in text.match_indices(from) {
        if is_image(text, place, from.len()) {
            new.push_str(&text[at..place]);
            new.push_str(to);
            at = place + from.len();
        }
    }
    new.push_str(&text[at..]);
    let mut meant = yaml::parse(text)?;
    exchange(&mut meant, from, to);
    // Whatever was found must be what was meant, and nothing else.
    if yaml::parse(&new).ok().as_ref() != Some(&meant) {
        let message = format!("the image `{from}` can't be changed alone in `{}`", file.display());
        return Err(Failure::new(Kind::Refused, message)
            .help("write each as `image: NAME:TAG` on a line of its own; nothing was changed"));
    }
    Ok(new)
}

/// Whether what is at a place is the whole value of `image`, and no comment.
fn is_image(text: &str, place: usize, length: usize) -> bool {
    let line = text[..place].rfind('\n').map_or(0, |end| end + 1);
    let before = &text[line..place];
    let after = text[place + length..].chars().next();
    let ends = after.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}'));
    let key = before.trim_end_matches(['"', '\'']).trim_end();
    // An anchor may stand before it.
    let key = match key.rsplit_once(' ') {
        Some((key, anchor)) if anchor.starts_with('&') => key.trim_end(),
        _ => key,
    };
    let named = key.strip_suffix(':').map(|key| key.trim_end().trim_end_matches(['"', '\'']));
    !before.contains('#') && ends && named.is_some_and(|key| key.ends_with("image"))
}

/// The same in the values.
fn exchange(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                match value {
                    Value::String(text) if name == "image" && text == from => *text = to.to_owned(),
                    value => exchange(value, from, to),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| exchange(value, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::env_file::Dialect;

    fn dot_env(folder: &Path) -> SettingsFile {
        SettingsFile { path: folder.join(".env"), dialect: Dialect::Compose }
    }

    fn place(words: [&str; 2]) -> Place {
        Place::of(&BTreeMap::from([(words[0].into(), words[1].into())])).unwrap()
    }

    #[test]
    fn only_the_tag_changes_and_it_comes_back_byte_by_byte() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("compose.yaml");
        let text = "# image: lan:5000/app:1.0\nx-all: &all {image: 'lan:5000/app:1.0', restart: always}\r\nservices:\n  app:\n    \
                    image:   \"lan:5000/app:1.0\"   # why\n    environment: {X: \"image: lan:5000/app:1.0\"}\n  more: *all\n  \
                    near: {image: lan:5000/app:1.0.1}\n  db:\n    image: postgres:1.0\n";
        std::fs::write(&file, text).unwrap();
        let (files, settings) = ([file.clone()], dot_env(folder.path()));
        let (app, note) = (place(["service", "app"]), folder.path().join("note"));
        let now = app.read(&settings, &files).unwrap();
        assert_eq!((now.tag.as_str(), now.images[0].name.as_str()), ("1.0", "lan:5000/app"));
        let refused = app.write(&settings, &files, "1.1", &note).unwrap_err();
        assert_eq!(refused.kind, Kind::Refused, "a text in the environment looks like an image");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

        let text = text.replace("X: \"image: lan:5000/app:1.0\"", "X: 1.0");
        std::fs::write(&file, &text).unwrap();
        assert_eq!(app.write(&settings, &files, "1.1", &note).unwrap(), files);
        let changed = std::fs::read_to_string(&file).unwrap();
        assert_eq!(changed.matches("app:1.1").count(), 2);
        assert!(changed.starts_with("# image: lan:5000/app:1.0\n") && changed.contains("app:1.0.1"));
        assert!(changed.contains("postgres:1.0\n"));
        assert!(app.write(&settings, &files, "1.1", &note).unwrap().is_empty());
        app.write(&settings, &files, "1.0", &note).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        assert_eq!(app.write(&settings, &files, "a b", &note).unwrap_err().kind, Kind::Invalid);
        assert_eq!(place(["service", "none"]).read(&settings, &files).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn images_with_one_tag_move_together_and_one_without_has_latest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("compose.yaml");
        let text = "services:\n  app: {image: lan:5000/app}\n  ml:\n    image: lan:5000/ml:latest # why\n  db: {image: db:1}\n";
        std::fs::write(&file, text).unwrap();
        let (files, settings, note) = ([file.clone()], dot_env(folder.path()), folder.path().join("note"));
        let both = place(["service", "app ml"]);
        let now = both.read(&settings, &files).unwrap();
        let names: Vec<&str> = now.images.iter().map(|image| image.name.as_str()).collect();
        assert_eq!((now.tag.as_str(), names), ("latest", vec!["lan:5000/app", "lan:5000/ml"]));
        assert!(both.write(&settings, &files, "latest", &note).unwrap().is_empty());
        both.write(&settings, &files, "1.2", &note).unwrap();
        let written = std::fs::read_to_string(&file).unwrap();
        assert_eq!(written, text.replace("app}", "app:1.2}").replace("ml:latest", "ml:1.2"));
        let mixed = place(["service", "app db"]).read(&settings, &files).unwrap_err();
        assert_eq!(mixed.kind, Kind::Refused);
    }

    #[test]
    fn a_version_that_was_written_to_one_of_two_files_is_undone_by_the_next_call_whichever_way_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["compose.yaml", "compose.override.yaml"].map(|name| folder.path().join(name));
        let (app, settings) = (place(["service", "app"]), dot_env(folder.path()));
        let note = folder.path().join("note");
        let text = |service: &str, tag: &str| format!("services:\n  {service}:\n    image: lan/app:{tag}\n");
        let both = |tag: &str| [text("app", tag), text("worker", tag)];
        let now = || files.each_ref().map(|file| std::fs::read_to_string(file).unwrap());
        for to in ["1.1", "1.0"] {
            // The power went before the one that is read.
            let edit = |n: usize| Edit {
                file: files[n].clone(),
                before: both("1.0")[n].clone(),
                after: both("1.1")[n].clone(),
            };
            std::fs::write(&note, serde_json::to_vec(&[edit(1), edit(0)]).unwrap()).unwrap();
            std::fs::write(&files[0], &both("1.0")[0]).unwrap();
            std::fs::write(&files[1], &both("1.1")[1]).unwrap();
            assert_eq!(app.read(&settings, &files).unwrap().tag, "1.0");
            app.write(&settings, &files, to, &note).unwrap();
            assert_eq!((now(), note.exists()), (both(to), false));
        }
        assert_eq!(
            app.write(&settings, &files, "1.1", &note).unwrap(),
            [files[1].clone(), files[0].clone()],
            "the one that is read is the last"
        );
    }

    #[test]
    fn a_setting_is_the_version_if_it_is_a_tag() {
        let folder = tempfile::tempdir().unwrap();
        let settings = dot_env(folder.path());
        let version = place(["setting", "VERSION"]);
        assert_eq!(version.read(&settings, &[]).unwrap_err().kind, Kind::NotFound);
        std::fs::write(&settings.path, "VERSION=\"v1.0\" # now\nA=b").unwrap();
        version.write(&settings, &[], "v1.1", &folder.path().join("note")).unwrap();
        assert_eq!(std::fs::read_to_string(&settings.path).unwrap(), "VERSION=\"v1.1\" # now\nA=b");
        std::fs::write(&settings.path, "VERSION=\n").unwrap();
        assert_eq!(version.read(&settings, &[]).unwrap_err().kind, Kind::Refused);
        for wrong in [&[("service", "a"), ("setting", "b")][..], &[], &[("tag", "a")]] {
            let table = wrong.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            assert!(Place::of(&table).is_err());
        }
    }
}
