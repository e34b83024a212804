//! How a repository is opened.

use crate::command::{Exit, Spec, look};
use crate::failure::{Failure, Kind, Result};
use crate::secret;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where the password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// The first line of a file.
    File(PathBuf),
    /// What a command prints.
    Command(Vec<String>),
}

impl Password {
    /// The variable by which restic learns it, and its value. `said` keeps what the command printed.
    pub(super) fn variable(
        &self,
        said: &OnceLock<String>,
        environment: &BTreeMap<String, String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(String, String)> {
        match self {
            Password::File(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    let message =
                        format!("the password of the repository can't be read from `{}`", file.display());
                    crate::machine::files::unreadable(error, message)
                        .help("correct `repository_password_file` in `site.toml`")
                })?;
                if text.trim().is_empty() {
                    let message = format!("the password file `{}` is empty", file.display());
                    return Err(Failure::new(Kind::Refused, message)
                        .help("write the password of the repository into it"));
                }
                Ok(("RESTIC_PASSWORD_FILE".into(), file.display().to_string()))
            }
            Password::Command(command) => {
                if said.get().is_none() {
                    let asked = ask(command, environment, stop)?;
                    secret::keep("password of the repository", &asked);
                    _ = said.set(asked);
                }
                Ok(("RESTIC_PASSWORD".into(), said.get().cloned().unwrap_or_default()))
            }
        }
    }

    /// How it is given on restic's command line, for people.
    pub fn as_option(&self) -> String {
        match self {
            Password::File(file) => format!("--password-file {}", file.display()),
            Password::Command(command) => format!("--password-command '{}'", command.join(" ")),
        }
    }
}

fn ask(
    command: &[String],
    environment: &BTreeMap<String, String>,
    stop: &dyn Fn() -> bool,
) -> Result<String> {
    let program = command.first().map_or("", String::as_str);
    let help = "correct `repository_password_command` in `site.toml`";
    let mut spec = Spec::new(command.iter().cloned(), "/");
    spec.environment = environment.clone();
    let looked = look(&spec, stop).map_err(|failure| match failure.kind {
        Kind::Interrupted => failure,
        _ => failure.help(help),
    })?;
    if looked.exit != Exit::Status(0) {
        let message =
            format!("`{program}`, which prints the password of the repository, failed ({})", looked.exit);
        let lines: Vec<&str> = looked.stderr.trim_end().lines().collect();
        let last = lines[lines.len().saturating_sub(3)..].iter();
        return Err(last
            .fold(Failure::new(Kind::CommandFailed, message), |failure, line| failure.why(line))
            .help(help));
    }
    match looked.stdout.trim() {
        "" => {
            let message =
                format!("`{program}`, which prints the password of the repository, printed nothing");
            Err(Failure::new(Kind::Refused, message).help(help))
        }
        password => Ok(password.to_owned()),
    }
}
