//! What to run.

use super::inherit;
use crate::failure::{Context, Failure, Kind, Result};
use crate::secret::{self, Sameness, stored};
use crate::units;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What to run: an argument list, never a string through a shell. Stored in the command's folder, readable by its
/// owner only; nothing else of banister's own environment is written there, and secrets only by their names. Their values
/// reach the command through the environment of its supervisor, from which they are taken before it begins.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The program, looked up in `$PATH`, and its arguments.
    #[serde(with = "stored")]
    pub arguments: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
    /// Added to the environment that it inherits.
    #[serde(default, with = "stored::environment", skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Whether it inherits only what says who it runs for and where things are, such as `PATH` and `DOCKER_HOST`: for what
    /// would take any other variable for a setting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clean: bool,
    /// The time limit. The supervisor keeps it, so it holds although banister died; it counts from the start of the
    /// command and not while the machine is suspended. Without one the command may run for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<units::Duration>,
}

/// Set unless the caller or the environment say otherwise: nobody is there to answer, and the log is read as text.
const DEFAULTS: [(&str, &str); 2] = [("GIT_TERMINAL_PROMPT", "0"), ("NO_COLOR", "1")];

impl Spec {
    pub fn new<T: Into<String>>(arguments: impl IntoIterator<Item = T>, folder: impl Into<PathBuf>) -> Spec {
        Spec {
            arguments: arguments.into_iter().map(Into::into).collect(),
            folder: folder.into(),
            environment: BTreeMap::new(),
            clean: false,
            within: None,
        }
    }

    /// Reads what was written when the command in `folder` was started.
    pub fn read(folder: &std::path::Path) -> Result<Spec> {
        let failed = || format!("can't read the command in `{}`", folder.display());
        super::folder::read(folder, super::folder::SPEC)
            .or_fail(Kind::Journal, failed)?
            .ok_or_else(|| Failure::new(Kind::Journal, failed()))
    }

    /// Whether this is what the other one is, but for the values that secrets have.
    pub(super) fn is_same(&self, other: &Spec) -> bool {
        let as_stored = |spec: &Spec| serde_json::to_value(spec).and_then(serde_json::from_value::<Spec>);
        let (Ok(one), Ok(other)) = (as_stored(self), as_stored(other)) else { return false };
        let texts = |spec: &Spec| serde_json::json!([spec.arguments, spec.environment]);
        one.folder == other.folder
            && one.clean == other.clean
            && one.within == other.within
            && secret::same(&texts(&one), &texts(&other)) != Sameness::Differs
    }

    /// Its texts with a secret in them, in their order.
    pub(super) fn secrets(&self) -> Vec<String> {
        let is_marked = |text: &&String| secret::needs_encoding(&text.as_str().into());
        let is_given = |text: &&String| is_marked(text) || secret::is_value(text);
        let arguments = self.arguments.iter().filter(is_marked);
        arguments.chain(self.environment.values().filter(is_given)).cloned().collect()
    }

    /// The same with these for the texts that have secrets in them. Fails if they are not as many.
    pub(super) fn with_secrets(mut self, secrets: Vec<String>) -> Option<Spec> {
        let mut secrets = secrets.into_iter();
        for text in self.arguments.iter_mut().chain(self.environment.values_mut()) {
            if secret::has_letters(&text.as_str().into()) {
                *text = secrets.next()?;
            }
        }
        secrets.next().is_none().then_some(self)
    }

    /// The program and its arguments; [`Kind::Invalid`] if there is none.
    pub(super) fn program(&self) -> Result<(&str, &[String])> {
        match self.arguments.split_first() {
            Some((program, rest)) if !program.is_empty() => Ok((program, rest)),
            _ => Err(Failure::new(Kind::Invalid, "a command needs a program to run")),
        }
    }

    /// The variables of our environment that it does without.
    pub(super) fn needless(&self) -> Vec<OsString> {
        if self.clean { inherit::needless() } else { Vec::new() }
    }

    /// What is set on top of the inherited environment.
    pub(super) fn variables(&self) -> Vec<(OsString, OsString)> {
        let defaults = DEFAULTS.iter().filter(|(name, _)| std::env::var_os(name).is_none());
        let given = self.environment.iter().map(|(name, value)| (name.into(), value.into()));
        defaults.map(|(name, value)| (name.into(), value.into())).chain(given).collect()
    }

    /// Says why the system refused to run it. A missing folder and a missing program are the same error there.
    pub(super) fn explain(&self, error: &std::io::Error) -> String {
        let program = self.arguments.first().map_or("", String::as_str);
        if !self.folder.is_dir() {
            return format!("the folder `{}` is not there", self.folder.display());
        }
        match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no program `{program}`"),
            _ => format!("`{program}` cannot be run: {error}"),
        }
    }
}
