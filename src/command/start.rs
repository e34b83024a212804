//! Starting a command: write what to run, start the supervisor, and from then on be a reader like any other.

use super::folder::{self, SPEC};
use super::inherit;
use super::pause::pause;
use super::roles::{OWN_PROGRAM, SECRETS, STARTED, SUPERVISE};
use super::spec::Spec;
use super::state::{Seen, look};
use crate::failure::{Context, Failure, Kind, Result};
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// How often a supervisor that leaves without a word is replaced before something must be wrong.
pub(super) const TRIES: u32 = 20;

/// Names the program that plays the supervisor, for a process that is not `banister` itself but only uses this
/// library, as tests do. The first caller decides.
pub fn supervise_with(program: impl Into<PathBuf>) {
    PROGRAM.get_or_init(|| program.into());
}

/// The program that was named so.
pub(super) fn named() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path)
}

/// Starts a command in a folder of its own, which is made if it is not there. When it returns, the command is
/// supervised: it goes on whatever happens to this process.
///
/// May be called again with the same folder and the same spec, by several at once and after any crash: the command
/// begins only once. Fails with [`Kind::Mismatch`] if the folder holds another spec, with [`Kind::Journal`] if it
/// can't be written, with [`Kind::Refused`] if no supervisor can be started; nothing ran then.
pub fn start(folder: &Path, spec: &Spec) -> Result<()> {
    spec.program()?;
    let journal = || format!("cannot write the command's folder `{}`", folder.display());
    create(folder).or_fail(Kind::Journal, journal)?;
    pause();
    if crate::secret::is_any() {
        crate::secret::keep_key()?;
    }
    remember(folder, spec);
    // Nothing runs before `begun` is durable, and with it this is: to lose it before is to begin anew.
    if !folder::link_new(folder, SPEC, spec).or_fail(Kind::Journal, journal)? {
        let stored: Option<Spec> = folder::read(folder, SPEC).or_fail(Kind::Journal, journal)?;
        if !stored.is_some_and(|stored| stored.is_same(spec)) {
            let message = format!("`{}` belongs to another command", folder.display());
            return Err(Failure::new(Kind::Mismatch, message));
        }
    }
    pause();
    begin(folder)
}

/// Starts supervisors until the command is in the hands of one, or needs none.
pub(super) fn begin(folder: &Path) -> Result<()> {
    for _ in 0..TRIES {
        if !matches!(look(folder)?, Seen::NotBegun) {
            return Ok(());
        }
        if !folder.join(SPEC).exists() {
            return Err(Failure::new(
                Kind::Journal,
                format!("there is no command in `{}`", folder.display()),
            ));
        }
        let refused = || format!("no supervisor can be started for the command in `{}`", folder.display());
        let said = launch(folder).or_fail(Kind::Refused, refused)?;
        match said.trim() {
            STARTED => return Ok(()),
            // It was killed, or somebody else supervises, or a reader held the lock for unusually long.
            "" => std::thread::sleep(Duration::from_millis(10)),
            wrong => return Err(Failure::new(Kind::Refused, refused()).why(wrong)),
        }
    }
    Err(hopeless(folder))
}

/// The failure for a command that does not begin, however often it is tried.
pub(super) fn hopeless(folder: &Path) -> Failure {
    let message = format!("the supervisor of the command in `{}` ends before it begins", folder.display());
    Failure::new(Kind::Refused, message).why(format!("tried {TRIES} times; nothing ran"))
}

/// What commands of this process were started with, whose secrets are not in their folders.
static STARTED_WITH: Mutex<BTreeMap<PathBuf, Spec>> = Mutex::new(BTreeMap::new());

fn remember(folder: &Path, spec: &Spec) {
    if !spec.secrets().is_empty() {
        let mut all = STARTED_WITH.lock();
        all.insert(folder.to_owned(), spec.clone());
    }
}

/// The texts of the command that its folder has only by the names of secrets.
fn secrets(folder: &Path) -> io::Result<Vec<String>> {
    let known = {
        let all = STARTED_WITH.lock();
        all.get(folder).cloned()
    };
    let spec = match known {
        Some(spec) => spec,
        None => folder::read::<Spec>(folder, SPEC)?.ok_or(io::ErrorKind::NotFound)?,
    };
    let texts = spec.arguments.iter().chain(spec.environment.values());
    for text in texts {
        if let Some(lost) = crate::secret::lost_in(&text.as_str().into()).first() {
            return Err(io::Error::other(format!("the value of {} has changed since", lost.name())));
        }
    }
    Ok(spec.secrets())
}

/// Starts one supervisor, and returns what it said.
fn launch(folder: &Path) -> io::Result<String> {
    let secrets = secrets(folder)?;
    let program = PROGRAM.get().map_or(Path::new(OWN_PROGRAM), PathBuf::as_path);
    let mut supervisor = Command::new(program);
    // Only the values that its own command asks for.
    inherit::secrets().iter().for_each(|name| _ = supervisor.env_remove(name));
    supervisor.envs(inherit::core_limit().map(|limit| (inherit::CORE_LIMIT, limit)));
    if !secrets.is_empty() {
        supervisor.env(SECRETS, serde_json::to_string(&secrets)?);
    }
    let mut supervisor = supervisor
        .arg0("banister")
        .arg(SUPERVISE)
        .arg(folder.canonicalize()?)
        // It must not keep a file system busy that somebody wants to unmount.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    pause();
    let said = hear(&mut supervisor);
    // If the thread can't be started, then a zombie stays until we end; nobody else is harmed.
    let _ = std::thread::Builder::new().name("reaper".into()).spawn(move || supervisor.wait());
    said
}

/// The first line that the supervisor says. It keeps its end open, so this is not read to the end.
fn hear(supervisor: &mut Child) -> io::Result<String> {
    let mut said = Vec::new();
    let mut piece = [0; 512];
    while let (Some(stdout), false) = (&mut supervisor.stdout, said.contains(&b'\n')) {
        match stdout.read(&mut piece)? {
            0 => break,
            read => said.extend_from_slice(&piece[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Makes the folder, for its owner only, so that its name survives a power cut.
fn create(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    match folder.canonicalize()?.parent() {
        Some(parent) => folder::sync(parent),
        None => Ok(()),
    }
}
