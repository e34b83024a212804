//! Where the text of runbooks and modules comes from: the site's folder first, then what the program brings.

use crate::failure::{Context, Failure, Kind, Result};
use crate::kind::{FILE as KIND_FILE, STDLIB};
use crate::machine::files::{sha256_of, write_durably};
pub use crate::output::nearest::{distance, nearest};
use crate::script::text::outline::outline;
use crate::sync::Mutex;
use include_dir::{Dir, include_dir};
use kinds::Kinds;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub mod hooks;
pub mod kinds;
pub mod merge;
mod problems;
mod read;
pub mod releases;
pub mod several;
mod stale;

static RUNBOOKS: Dir = include_dir!("$CARGO_MANIFEST_DIR/runbooks");
/// What releases ask for is bundled with the kind of server whose releases they are.
static NO_RELEASES: Dir = Dir::new("", &[]);

/// The module by which texts that are written here call functions of modules that have the same names. No file is
/// called so.
pub const APART: &str = "$apart";

/// The folder in that of a run for bundled texts that a site's file lies on.
const BASE: &str = "base";

/// A script's text and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// A path, `bundled:update.rhai`, or both for a site's file that lies on a bundled one (see `source`).
    pub source: String,
    pub text: String,
    /// The files that lie on another one, by their source and as they stand there; none, if this is one file.
    pub own: Vec<(String, String)>,
    /// Of files that lie on another one; nothing else can have any.
    pub problems: Vec<Problem>,
}

impl Text {
    pub fn new(source: String, text: String) -> Text {
        Text { source, text, own: Vec::new(), problems: Vec::new() }
    }
}

/// What is wrong in how a site's file lies on a bundled one, at a place of the site's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub source: String,
    /// From 1, as the column, which is in characters.
    pub line: usize,
    pub column: usize,
    pub message: String,
    pub help: String,
    /// The line as it stands there.
    pub text: String,
    /// Of what was overridden and has changed since.
    pub versions: Option<Versions>,
}

/// Something bundled as it was, and as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versions {
    pub before: String,
    pub now: String,
}

impl Problem {
    /// A problem at a byte of a site's file.
    pub fn at(site: &Text, place: usize, message: String, help: String) -> Problem {
        let line = site.text[..place].matches('\n').count() + 1;
        let start = site.text[..place].rfind('\n').map_or(0, |at| at + 1);
        let column = site.text[start..place].chars().count() + 1;
        let text = site.text[start..].lines().next().unwrap_or_default().to_owned();
        Problem { source: site.source.clone(), line, column, message, help, text, versions: None }
    }
}

/// The folders of scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    Runbooks,
    Stdlib,
    /// Only of a site.
    Releases,
}

impl Folder {
    /// What it is called in a site.
    pub fn name(self) -> &'static str {
        match self {
            Folder::Runbooks => "runbooks",
            Folder::Stdlib => "stdlib",
            Folder::Releases => "releases",
        }
    }

    fn bundled(self) -> &'static Dir<'static> {
        match self {
            Folder::Runbooks => &RUNBOOKS,
            Folder::Stdlib => &STDLIB,
            Folder::Releases => &NO_RELEASES,
        }
    }
}

/// The layers of one site, for servers of one kind or of several.
#[derive(Debug, Default)]
pub struct Layers {
    /// The folder of `site.toml`, or of the text that a run kept.
    folder: Option<PathBuf>,
    /// What `import "kind"` means.
    kinds: Kinds,
    /// Whether the bundled text is looked at.
    bundled: bool,
    /// What was read, by `runbooks/update.rhai`.
    used: Mutex<BTreeMap<String, Text>>,
}

impl Layers {
    /// The site's scripts over the bundled ones. `kinds` are those of the servers.
    pub fn of_site(folder: Option<&Path>, kinds: impl Into<Kinds>) -> Layers {
        Layers {
            folder: folder.map(Path::to_owned),
            kinds: kinds.into(),
            bundled: true,
            used: Mutex::default(),
        }
    }

    /// The text that a run kept when it began, and nothing else.
    pub fn of_run(run: &Path, kinds: impl Into<Kinds>) -> Layers {
        let folder = Some(run.join("script"));
        Layers { folder, kinds: kinds.into(), bundled: false, used: Mutex::default() }
    }

    /// The kinds of the servers.
    pub fn kinds(&self) -> &[String] {
        &self.kinds.0
    }

    /// The text of a runbook.
    pub fn runbook(&self, name: &str) -> Result<Text> {
        self.read(Folder::Runbooks, name)?.ok_or_else(|| {
            let names: Vec<String> = self.list(Folder::Runbooks).into_iter().map(|(name, _)| name).collect();
            let failure = Failure::new(Kind::Invalid, format!("there is no runbook `{name}`"));
            match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => failure.help(format!("did you mean `{near}`? List them with `banister list`")),
                None => failure.help("list them with `banister list`"),
            }
        })
    }

    /// The text of a module, as `import` names it. `kind` is the module of the servers' kind, or of all their kinds (see
    /// [`several`]), and `releases` what the files of releases say.
    pub fn module(&self, name: &str) -> Result<Option<Text>> {
        match (name, self.kinds()) {
            ("releases", kinds) => self.releases(kinds).map(Some),
            ("kind", []) => Ok(None),
            ("kind", [kind]) => self.file(kind),
            ("kind", kinds) => self.several(kinds),
            (name, _) => self.file(name),
        }
    }

    /// The text of a module that is a file.
    pub(super) fn file(&self, name: &str) -> Result<Option<Text>> {
        if let Some(release) = name.strip_prefix("releases/") {
            return self.read(Folder::Releases, release);
        }
        match self.read(Folder::Stdlib, name)? {
            Some(text) => Ok(Some(text)),
            None => self.read(Folder::Runbooks, name),
        }
    }

    /// The bundled text that the site's file was written against, as far as that is known.
    fn kept(&self, folder: Folder, name: &str) -> Result<Option<String>> {
        Ok(self.own(&kept_file(folder, name))?.map(|text| text.text))
    }

    /// The site's files that were read and lie on bundled ones that are not those which are kept, if any are.
    pub fn unkept(&self) -> Result<Vec<(Folder, String)>> {
        let used: Vec<String> = self.digests().into_keys().collect();
        let mut unkept = Vec::new();
        for path in used.iter().filter_map(|path| path.strip_prefix("base/")) {
            for folder in [Folder::Runbooks, Folder::Stdlib] {
                let file = path.strip_prefix(folder.name()).and_then(|file| file.strip_prefix('/'));
                let Some(name) = file.and_then(|file| file.strip_suffix(".rhai")) else { continue };
                if self.kept(folder, name)? != Layers::bundled_text(folder, name) {
                    unkept.push((folder, name.to_owned()));
                }
            }
        }
        Ok(unkept)
    }

    /// Keeps in the site what its file is written against from now on.
    pub fn keep_base(site: &Path, folder: Folder, name: &str) -> Result<()> {
        let file = site.join(kept_file(folder, name));
        let failed = || format!("can't write `{}`", file.display());
        std::fs::create_dir_all(file.parent().unwrap_or(site)).or_fail(Kind::Invalid, failed)?;
        let text = Layers::bundled_text(folder, name).unwrap_or_default();
        write_durably(&file, text.as_bytes())
    }

    /// The text of a file in the site's folder, or in that of the run.
    fn own(&self, path: &str) -> Result<Option<Text>> {
        let Some(file) = self.folder.as_ref().map(|site| site.join(path)).filter(|file| file.exists()) else {
            return Ok(None);
        };
        let text = script(&file)?;
        Ok(Some(Text::new(file.display().to_string(), text)))
    }

    /// SHA-256 of everything that was read so far, by `runbooks/update.rhai`.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let used = self.used.lock();
        used.iter().map(|(path, text)| (path.clone(), sha256_of(text.text.as_bytes()))).collect()
    }

    /// SHA-256 of what would be read now by the name that [`Layers::digests`] gives it.
    pub fn digest(&self, path: &str) -> Result<Option<String>> {
        if path == hooks::KEPT {
            return Ok(self.digests().remove(path));
        }
        let plain = path.strip_prefix("base/").unwrap_or(path);
        let (folder, name) = match plain.split_once('/') {
            Some(("runbooks", name)) => (Folder::Runbooks, name),
            Some(("stdlib", name)) => (Folder::Stdlib, name),
            Some(("releases", name)) => (Folder::Releases, name),
            _ => return Ok(None),
        };
        match name.strip_suffix(&format!("/{KIND_FILE}")) {
            Some(kind) => drop(self.kind_file(kind)?),
            None => drop(self.read(folder, name.strip_suffix(".rhai").unwrap_or(name))?),
        }
        Ok(self.digests().remove(path))
    }

    /// The names of all runbooks or modules, and whether each is the site's own (and not only bundled).
    pub fn list(&self, folder: Folder) -> Vec<(String, bool)> {
        let mut names = BTreeMap::new();
        let name = |path: &Path| Some(path.file_name()?.to_str()?.strip_suffix(".rhai")?.to_owned());
        if self.bundled {
            names.extend(
                folder.bundled().files().filter_map(|file| name(file.path())).map(|name| (name, false)),
            );
        }
        // A kind may have no functions of its own.
        let kind = |path: &Path| {
            Some(path.join(KIND_FILE).is_file().then_some(path)?.file_name()?.to_str()?.to_owned())
        };
        let is_stdlib = folder == Folder::Stdlib;
        let site = self.folder.iter().filter_map(|site| std::fs::read_dir(site.join(folder.name())).ok());
        let named = |path: &Path| name(path).or_else(|| kind(path).filter(|_| is_stdlib));
        names.extend(
            site.flatten().flatten().filter_map(|entry| named(&entry.path())).map(|name| (name, true)),
        );
        names.into_iter().collect()
    }

    /// The names of all scripts in a folder below one of the folders, and in the folders there.
    pub(super) fn names_below(&self, folder: Folder, below: &str) -> Result<Vec<String>> {
        let mut names = BTreeSet::new();
        let mut bundled: Vec<&Dir> =
            self.bundled.then(|| folder.bundled().get_dir(below)).flatten().into_iter().collect();
        while let Some(dir) = bundled.pop() {
            bundled.extend(dir.dirs());
            names.extend(
                dir.files().filter_map(|file| Some(file.path().to_str()?.strip_suffix(".rhai")?.to_owned())),
            );
        }
        // A run keeps what a site's file lies on in a folder of its own.
        let bases = if self.bundled { &[""][..] } else { &["", BASE] };
        for root in
            self.folder.iter().flat_map(|site| bases.iter().map(|base| site.join(base).join(folder.name())))
        {
            let mut folders = vec![root.join(below)];
            while let Some(dir) = folders.pop() {
                let failed = || format!("can't read `{}`", dir.display());
                let entries = match std::fs::read_dir(&dir) {
                    Ok(entries) => entries,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error).or_fail(Kind::Invalid, failed),
                };
                for entry in entries {
                    let path = entry.or_fail(Kind::Invalid, failed)?.path();
                    let name = path.strip_prefix(&root).ok().and_then(Path::to_str).unwrap_or_default();
                    let hidden = name.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
                    match name.strip_suffix(".rhai") {
                        _ if hidden => {}
                        None if path.is_dir() && !path.is_symlink() => folders.push(path),
                        Some(name) if path.is_file() => drop(names.insert(name.to_owned())),
                        _ => {}
                    }
                }
            }
        }
        Ok(names.into_iter().collect())
    }

    /// What the site's file of this name does to the bundled one, in the words of its text: `before("Build")`,
    /// `fn check`. Nothing if it lies on none.
    pub fn overrides(&self, folder: Folder, name: &str) -> Result<Vec<String>> {
        let own = self.own(&format!("{}/{name}.rhai", folder.name()))?;
        let (Some(own), Some(bundled)) = (own, Layers::bundled_text(folder, name)) else {
            return Ok(Vec::new());
        };
        let (own, bundled) = (outline(&own.text), outline(&bundled));
        let hooks = own.hooks.iter().map(|hook| format!("{}(\"{}\")", hook.sort.word(), hook.step));
        let functions = own.functions.iter().map(|function| {
            let is_new = !bundled.functions.iter().any(|other| other.name == function.name);
            format!("fn {}{}", function.name, if is_new { " (added)" } else { "" })
        });
        Ok(hooks.chain(functions).collect())
    }

    /// The functions of a kind that the site's files define: its own file, and those of the kinds that it extends.
    pub fn own_functions(&self, kind: &str) -> Result<Vec<String>> {
        let (mut found, mut passed) = (Vec::new(), BTreeSet::new());
        let mut next = Some(kind.to_owned());
        while let Some(kind) = next.filter(|kind| passed.insert(kind.clone())) {
            if let Some(own) = self.own(&format!("{}/{kind}.rhai", Folder::Stdlib.name()))? {
                found.extend(outline(&own.text).functions.into_iter().map(|function| function.name));
            }
            next = self.extends(&kind);
        }
        Ok(found)
    }

    /// Whether the program brings a runbook or module of this name.
    pub fn is_bundled(folder: Folder, name: &str) -> bool {
        folder.bundled().contains(format!("{name}.rhai"))
    }

    /// The text that the program brings by this name; of a kind, with what it inherits.
    pub fn bundled_text(folder: Folder, name: &str) -> Option<String> {
        match folder {
            Folder::Stdlib => Some(Layers::of_site(None, "").read(folder, name).ok()??.text),
            _ => Layers::bundled_file(folder, name).map(str::to_owned),
        }
    }

    /// The file that the program brings by this name.
    pub fn bundled_file(folder: Folder, name: &str) -> Option<&'static str> {
        folder.bundled().get_file(format!("{name}.rhai"))?.contents_utf8()
    }

    /// Keeps everything that was read so far in the run's folder.
    pub fn keep(&self, run: &Path) -> Result<()> {
        let failed = || "can't keep the text of the runbook".to_owned();
        for (path, text) in self.used.lock().iter() {
            let file = run.join("script").join(path);
            std::fs::create_dir_all(file.parent().unwrap_or(run)).or_fail(Kind::Journal, failed)?;
            std::fs::write(&file, &text.text).or_fail(Kind::Journal, failed)?;
        }
        Ok(())
    }
}

/// The text of a script. A pipe is not waited for, and what has the name of a script is not always one.
pub fn script(file: &Path) -> Result<String> {
    let failed = || format!("can't read `{}`", file.display());
    let mend = "move it away, or write it as a text file in UTF-8";
    match std::fs::metadata(file) {
        Ok(found) if found.is_dir() => {
            Err(Failure::new(Kind::Invalid, failed()).why("it is a folder").help(mend))
        }
        Ok(found) if !found.is_file() => {
            Err(Failure::new(Kind::Invalid, failed()).why("it is no regular file").help(mend))
        }
        _ => {
            let bytes = std::fs::read(file).or_fail(Kind::Invalid, failed)?;
            String::from_utf8(bytes).map_err(|error| {
                let line =
                    error.as_bytes()[..error.utf8_error().valid_up_to()].split(|b| *b == b'\n').count();
                Failure::new(Kind::Invalid, failed()).why(format!("line {line} is not UTF-8")).help(mend)
            })
        }
    }
}

/// Where a site keeps the bundled text that its file was written against.
fn kept_file(folder: Folder, name: &str) -> String {
    format!("{}/.base/{name}.rhai", folder.name())
}
