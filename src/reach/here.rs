//! Acts on this machine, in this process.

use super::inquiry::{CheckedOut, Inquiry, Noted, plain};
use super::{Held, Reach, holding, orphans};
use crate::book;
use crate::command::{self, Attention, From};
use crate::failure::Result;
use crate::lock::{self, Holder};
use crate::machine::backup::{Adopted, Card, adopt, catalogue, verify};
use crate::machine::part::Part;
use crate::person::{Answer, Person};
use crate::primitive::{Given, Host, Probe, Told};
use crate::secret::{forget_raw, in_failure};
use crate::site::Server;
use crate::stop::{Asked, Stop};
use serde_json::Value;

/// This machine.
pub struct Here;

/// Ends the commands of the run in this folder that still run, with all that they started.
pub fn end_commands(run: &std::path::Path) -> Result<()> {
    holding::end_all(run)
}

impl Reach for Here {
    fn perform(&self, given: &Given, host: &Host) -> Result<Value> {
        match given.accepted().and_then(|call| call.perform(host)) {
            Ok(value) => Ok(forget_raw(value, given.arguments)),
            Err(failure) => Err(in_failure(failure, &|text| forget_raw(text, given.arguments))),
        }
    }

    fn predict(&self, given: &Given, host: &Host) -> Result<Value> {
        given.accepted()?.predict(host)
    }

    fn after_crash(&self, given: &Given, host: &Host) -> Result<Probe<Value>> {
        given.accepted()?.after_crash(host)
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

    fn ask(&self, given: &Given, person: &dyn Person) -> Result<(Value, Option<Answer>)> {
        let call = given.accepted()?;
        let answer = person.ask(&call.question()?)?;
        Ok((forget_raw(call.answered(&answer)?, given.arguments), Some(answer)))
    }

    fn hold(
        &self,
        server: &Server,
        holder: Holder,
        _: &Stop,
        _: &dyn Fn(Told),
    ) -> Result<Option<Box<dyn Held>>> {
        holding::hold(server, holder).map(Some)
    }

    fn inquire(&self, server: &Server, inquiry: &Inquiry) -> Result<Value> {
        match inquiry {
            Inquiry::CheckedOut => {
                let installed = server.installed()?;
                plain(&CheckedOut {
                    name: installed.name,
                    commit: installed.commit.map(|(commit, _)| commit),
                })
            }
            Inquiry::Lock => plain(&lock::look(&server.state_folder()?)?),
            Inquiry::ReleaseLock { force } => plain(&holding::release(server, *force)?),
            Inquiry::Book => {
                let folder = server.state_folder()?;
                let book = holding::told(server)?;
                let orphans = orphans::of(server)?.into_iter().map(|(_, orphan)| orphan).collect();
                let overdue = Some(book.overdue());
                plain(&Noted { book, ended: book::ended(&folder)?.pop(), orphans, overdue })
            }
            Inquiry::EndOf { run } => {
                let folder = server.state_folder()?;
                let is_open = book::read(&folder)?.open(run).is_some();
                let end = if is_open { None } else { book::end_of(&folder, run)? };
                plain(&end)
            }
            Inquiry::Took { runbook } => plain(&book::took(&server.state_folder()?, runbook)?),
            Inquiry::MayHold { holder } => plain(&holding::may_resume(server, holder)?),
            Inquiry::Abandon { holder, run, reasons, reason, end } => {
                plain(&holding::abandon(server, holder.clone(), run, (reasons, reason), *end)?)
            }
            Inquiry::Dismiss { name, by, reason } => {
                plain(&book::dismiss(&server.state_folder()?, name, by, reason)?)
            }
            Inquiry::EndOrphans => plain(&orphans::end(server)?),
            Inquiry::Backups { folder: asked } => {
                let folder = server.folder_of_backups(asked.as_deref());
                server.check_backups_there(&folder)?;
                // Who names a folder wants what is known here.
                let Adopted { unreadable, missing } = match (asked, &server.access()?.repository) {
                    (None, Some(repository)) => adopt(repository, &folder, &server.name, &|| false)?,
                    _ => Adopted::default(),
                };
                let mut cards = catalogue(&folder)?;
                cards.iter_mut().for_each(|card| card.missing = missing.contains(&card.path));
                cards.extend(unreadable);
                plain(&cards)
            }
            Inquiry::VerifyBackup { path } => {
                let check = |parts: &[Part]| server.check_places(parts, path);
                plain(&verify(Card::of(path)?, &server.access()?, &check)?)
            }
        }
    }
}
