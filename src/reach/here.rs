//! Acts on this machine, in this process.

use super::inquiry::{CheckedOut, Inquiry, plain};
use super::{Held, Reach};
use crate::command::{self, Attention, From};
use crate::data::Arguments;
use crate::failure::{Context, Failure, Kind, Result};
use crate::lock::{self, Holder, State};
use crate::machine::backup::{Card, catalogue, verify};
use crate::machine::git::Checkout;
use crate::person::{Answer, Person};
use crate::primitive::{AnyPrimitive, Host, Probe, Told};
use crate::secret::{forget_raw, in_failure};
use crate::site::Server;
use crate::stop::{Asked, Stop};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// This machine.
pub struct Here;

impl Reach for Here {
    fn perform(&self, primitive: &dyn AnyPrimitive, arguments: &Arguments, host: &Host) -> Result<Value> {
        let given = Value::Object(arguments.clone());
        match primitive.perform(&given, host) {
            Ok(value) => Ok(forget_raw(value, &given)),
            Err(failure) => Err(in_failure(failure, &|text| forget_raw(text, &given))),
        }
    }

    fn predict(&self, primitive: &dyn AnyPrimitive, arguments: &Arguments, host: &Host) -> Result<Value> {
        primitive.predict(&Value::Object(arguments.clone()), host)
    }

    fn after_crash(
        &self,
        primitive: &dyn AnyPrimitive,
        arguments: &Arguments,
        host: &Host,
    ) -> Result<Probe<Value>> {
        primitive.after_crash(&Value::Object(arguments.clone()), host)
    }

    fn end(&self, host: &Host) -> Result<()> {
        if !matches!(command::state(host.folder)?, command::State::Running) {
            return Ok(());
        }
        let command = command::Spec::read(host.folder)?.arguments.join(" ");
        (host.tell)(Told::Warning(format!("`{command}` is still running: ending it").into()));
        command::cancel(host.folder)?;
        let stop = || match host.stop.asked() {
            Asked::Nothing | Asked::Finish => Attention::Go,
            Asked::Leave | Asked::Cancel => Attention::Leave,
        };
        command::follow(host.folder, From::Now, &stop, &mut |_| {}).map(drop)
    }

    fn ask(
        &self,
        primitive: &dyn AnyPrimitive,
        arguments: &Arguments,
        person: &dyn Person,
    ) -> Result<(Value, Option<Answer>)> {
        let arguments = Value::Object(arguments.clone());
        let answer = person.ask(&primitive.question(&arguments)?)?;
        Ok((forget_raw(primitive.answered(&arguments, &answer)?, &arguments), Some(answer)))
    }

    fn hold(
        &self,
        server: &Server,
        holder: Holder,
        _: &Stop,
        _: &dyn Fn(Told),
    ) -> Result<Option<Box<dyn Held>>> {
        let folder = lock_folder(server)?;
        // A run that died may have left a command behind that still works on the server.
        if let State::Left(before) = lock::look(&folder)?
            && before.run != holder.run
            && let Some(running) = running_command(&before.folder)?
        {
            let message =
                format!("`{running}` of the run {} is still running on `{}`", before.run, server.name);
            return Err(Failure::new(Kind::Locked, message)
                .help(format!("wait for its end, or follow it with `banister resume {}`", before.run)));
        }
        Ok(Some(Box::new(lock::take(&folder, holder)?)))
    }

    fn inquire(&self, server: &Server, inquiry: &Inquiry) -> Result<Value> {
        match inquiry {
            Inquiry::CheckedOut => {
                let position = Checkout::open(&server.checkout)?.position()?;
                plain(&CheckedOut { name: position.name(), commit: position.commit.clone() })
            }
            Inquiry::Lock => plain(&lock::look(&lock_folder(server)?)?),
            Inquiry::ReleaseLock { force } => plain(&lock::release(&lock_folder(server)?, *force)?),
            Inquiry::Backups { folder } => {
                let folder =
                    folder.as_ref().map_or_else(|| server.backup_folder(), |folder| server.path(folder));
                plain(&catalogue(&folder)?)
            }
            Inquiry::VerifyBackup { path } => plain(&verify(Card::of(path)?, &server.keys())?),
        }
    }
}

/// Where the lock of a server lies: in the git folder of its checkout, so that it is one for all users and sites.
pub fn lock_folder(server: &Server) -> Result<PathBuf> {
    let shown = server.checkout.display();
    let repository = git2::Repository::discover(&server.checkout)
        .or_fail(Kind::NotFound, || format!("`{shown}` is not a git checkout"))
        .map_err(|failure| failure.help(format!("correct `checkout` of `{}` in site.toml", server.name)))?;
    Ok(repository.commondir().join("banister"))
}

/// A command of the run in `folder` that is still running, as it was typed.
fn running_command(folder: &Path) -> Result<Option<String>> {
    let Ok(logs) = std::fs::read_dir(folder.join("logs")) else { return Ok(None) };
    for log in logs.flatten() {
        if matches!(command::state(&log.path())?, command::State::Running) {
            return Ok(Some(command::Spec::read(&log.path())?.arguments.join(" ")));
        }
    }
    Ok(None)
}
