//! A git checkout: where it stands, what it could become, and what was changed in it by hand.
//!
//! Reading is done by libgit2 in this process, and moving, too, in ordinary repositories. Fetching is left to the user's own
//! git, which knows the credentials, and so is moving what only git moves rightly (see [`way`]). Nothing is remembered here between two runs, except by a checkout that was cut off half-way
//! (see [`moving`]).

mod age;
mod ahead;
mod alternates;
mod beside;
mod by_git;
mod carried;
mod check_out;
mod dirt;
mod fetch;
mod filters;
mod forms;
mod glimpse;
mod held;
mod hidden;
mod loose;
mod merge;
mod moving;
mod notes;
mod origin;
mod own;
mod own_edits;
mod place;
mod put_edits;
mod remote;
mod settings;
mod size;
mod staging;
mod status;
mod submodule_files;
mod submodules;
mod tags;
mod target;
mod tracking;
mod tree;
mod way;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository};
use serde::{Deserialize, Serialize};

use super::release::{Release, Rules, releases};
use crate::failure::{Context, Failure, Kind, Result};
use crate::output::word;

pub use ahead::Ready;
pub use carried::Which;
pub use check_out::Moved;
pub use fetch::{Fetched, without_credentials};
pub use glimpse::Glimpse;
pub use notes::{Note, Touched};
pub use own_edits::Kept;
pub use settings::{Setting, Value, settings};
pub use tags::MovedTag;
pub use target::Target;
pub use tracking::tracking;
pub use tree::inside;

/// An open checkout.
pub struct Checkout {
    repository: Repository,
    /// The folder with the files, as git sees it: absolute, links resolved.
    folder: PathBuf,
    /// Which tags are releases.
    rules: Rules,
    /// For the user's git.
    environment: BTreeMap<String, String>,
    /// Patterns of files of the repository that an administrator edits.
    edits: Vec<String>,
}

/// Where a checkout stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The commit, 40 hexadecimal digits.
    pub commit: String,
    /// The same, as short as git prints it.
    pub short: String,
    /// The branch that moves with new commits; absent if a release or a commit was checked out ("detached").
    pub branch: Option<String>,
    /// The tags on exactly this commit, releases first, the newest of them first.
    pub tags: Vec<String>,
}

impl Position {
    /// The newest release on exactly this commit.
    pub fn release(&self) -> Option<Release> {
        self.tags.first()?.parse().ok().filter(Release::has_order)
    }

    /// As a person names it: the release, else the branch and commit, else the commit.
    pub fn name(&self) -> String {
        match (self.release(), &self.branch) {
            (Some(release), _) => release.to_string(),
            (None, Some(branch)) => format!("{branch} at {}", self.short),
            (None, None) => self.short.clone(),
        }
    }
}

impl Checkout {
    /// Opens the checkout at `path`, which may be any folder in it.
    pub fn open(path: &Path) -> Result<Checkout> {
        let shown = path.display();
        if !path.exists() {
            return Err(Failure::new(Kind::NotFound, format!("the checkout `{shown}` does not exist"))
                .help("set `checkout` in site.toml to the folder that `git clone` made"));
        }
        let repository = Repository::discover(path).map_err(|error| match error.code() {
            ErrorCode::Owner => Failure::new(Kind::Refused, format!("`{shown}` belongs to another user"))
                .why(error.message())
                .help(format!(
                    "run as the owner of `{shown}`, or trust it with `git config --global --add safe.directory {shown}`"
                )),
            ErrorCode::NotFound => Failure::new(Kind::NotFound, format!("`{shown}` is not a git checkout"))
                .help("set `checkout` in site.toml to the folder that `git clone` made"),
            _ => unopened(path, &error),
        })?;
        let Some(folder) = repository.workdir().map(Path::to_path_buf) else {
            return Err(Failure::new(
                Kind::Refused,
                format!("`{shown}` is a bare repository, without files"),
            )
            .help(format!("clone it with `git clone {shown} FOLDER`, and set `checkout` to the clone")));
        };
        let folder =
            folder.canonicalize().or_fail(Kind::Refused, || format!("`{shown}` can't be entered"))?;
        let (rules, environment) = (Rules::default(), BTreeMap::new());
        Ok(Checkout { repository, folder, rules, environment, edits: Vec::new() })
    }

    /// The same, for a server that says which tags are releases.
    pub fn with(self, rules: &Rules) -> Checkout {
        Checkout { rules: rules.clone(), ..self }
    }

    /// The same, with variables for the user's git.
    pub fn in_environment(self, environment: &BTreeMap<String, String>) -> Checkout {
        Checkout { environment: environment.clone(), ..self }
    }

    /// The same, with patterns of files that are edited and keep their edits.
    pub fn with_edits(self, edits: &[String]) -> Checkout {
        Checkout { edits: edits.to_vec(), ..self }
    }

    /// The folder with the files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the checkout stands now.
    pub fn position(&self) -> Result<Position> {
        let head = self.head_commit()?;
        let branch = self.branch()?;
        self.position_of(head, branch)
    }

    fn head_commit(&self) -> Result<Oid> {
        let head = self.repository.head().map_err(|error| match error.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => {
                Failure::new(Kind::Refused, format!("the checkout {} has no commit yet", self.shown()))
                    .help(format!("fill it with `git -C {} pull`", word(self.folder.display())))
            }
            _ => self.unreadable("HEAD can't be read", &error),
        })?;
        let commit =
            head.peel_to_commit().map_err(|error| self.unreadable("HEAD is not a commit", &error))?;
        Ok(commit.id())
    }

    fn branch(&self) -> Result<Option<String>> {
        let head = self
            .repository
            .find_reference("HEAD")
            .map_err(|error| self.failed("HEAD can't be read", &error))?;
        let target = head.symbolic_target_bytes().map(String::from_utf8_lossy);
        Ok(target.and_then(|target| target.strip_prefix("refs/heads/").map(str::to_string)))
    }

    fn position_of(&self, commit: Oid, branch: Option<String>) -> Result<Position> {
        let mut tags: Vec<String> =
            self.tags()?.into_iter().filter(|(_, at)| *at == commit).map(|(name, _)| name).collect();
        // Releases first, newest first; then the others.
        let mut releases = releases(tags.iter().map(String::as_str));
        releases.sort_by(|a, b| self.is_release(b).cmp(&self.is_release(a)).then_with(|| b.list_order(a)));
        tags = releases.iter().map(|release| release.tag().to_owned()).collect();
        Ok(Position { commit: commit.to_string(), short: self.short(commit), branch, tags })
    }

    /// All tags of this repository and the commits they stand for.
    fn tags(&self) -> Result<BTreeMap<String, Oid>> {
        let failed = |error: git2::Error| self.failed("the tags can't be read", &error);
        let mut found = BTreeMap::new();
        for reference in self.repository.references_glob("refs/tags/*").map_err(failed)? {
            let reference = reference.map_err(failed)?;
            // A tag may stand for a file or a folder; such a one can't be checked out.
            let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) else { continue };
            if let Some(name) = name.strip_prefix("refs/tags/") {
                found.insert(name.to_string(), commit.id());
            }
        }
        Ok(found)
    }

    /// The tags this repository knows, in [`Release::list_order`]. What was not fetched is not among them.
    pub fn releases(&self) -> Result<Vec<Release>> {
        Ok(releases(self.tags()?.keys().map(String::as_str)))
    }

    /// The releases among the commits that `to` has in its history and `from` has not, in [`Release::list_order`].
    pub fn releases_after(&self, from: Oid, to: Oid) -> Result<Vec<Release>> {
        let mut found = Vec::new();
        for (tag, commit) in self.tags()? {
            if let Ok(release) = tag.parse::<Release>()
                && self.is_release(&release)
                && self.has_in_history(to, commit)?
                && !self.has_in_history(from, commit)?
            {
                found.push(release);
            }
        }
        found.sort_by(Release::list_order);
        Ok(found)
    }

    /// Whether a tag has a place in an order, and looks as the site says.
    fn is_release(&self, release: &Release) -> bool {
        release.has_order() && self.rules.fits(release)
    }

    /// Whether the commit of the first tag is that of the second, or in its history; none if one of them was not fetched.
    pub fn is_earlier(&self, tag: &str, than: &str) -> Option<bool> {
        let commit = |tag: &str| {
            self.repository.find_reference(&format!("refs/tags/{tag}")).ok()?.peel_to_commit().ok()
        };
        self.has_in_history(commit(than)?.id(), commit(tag)?.id()).ok()
    }

    /// Whether a commit is another one, or comes after it.
    pub fn has_in_history(&self, commit: Oid, earlier: Oid) -> Result<bool> {
        if commit == earlier {
            return Ok(true);
        }
        let found = self.repository.graph_descendant_of(commit, earlier);
        found.map_err(|error| self.failed("the history can't be read", &error))
    }

    /// Where the program keeps what belongs to this installation, whoever works on it.
    pub fn state_folder(&self) -> PathBuf {
        self.repository.commondir().join("banister")
    }

    fn short(&self, commit: Oid) -> String {
        let short = self.repository.find_object(commit, None).and_then(|object| object.short_id());
        match short.as_ref().map(|short| short.as_str()) {
            Ok(Ok(short)) => short.to_string(),
            _ => commit.to_string().chars().take(7).collect(),
        }
    }

    fn commit(&self, id: Oid) -> Result<git2::Commit<'_>> {
        self.repository
            .find_commit(id)
            .map_err(|error| self.failed(&format!("the commit `{id}` can't be read"), &error))
    }

    /// The folder as messages name it.
    fn shown(&self) -> String {
        format!("`{}`", self.folder.display())
    }

    /// A failure inside git's own data, which no rule of ours foresaw.
    fn failed(&self, what: &str, error: &git2::Error) -> Failure {
        Failure::new(Kind::Refused, format!("{what} in {}", self.shown()))
            .why(error.message())
            .help(format!("see what git says with `git -C {} status`", word(self.folder.display())))
    }
}

/// The refusal of a repository in a form that this program does not read.
fn unopened(path: &Path, error: &git2::Error) -> Failure {
    let (shown, said) = (path.display(), error.message());
    let failure = Failure::new(Kind::Refused, format!("the checkout `{shown}` can't be opened")).why(said);
    if said.contains("refstorage") {
        let migrate = format!("git -C {} refs migrate --ref-format=files", word(shown));
        return failure.help(format!(
            "banister does not read reftables; keep its branches and tags in files with `{migrate}`"
        ));
    }
    if said.contains("object format") {
        return failure.help("banister reads repositories with SHA-1 only; clone one of those, and set `checkout` to the clone");
    }
    failure.help(format!("see what git says with `git -C {} status`", word(shown)))
}
