//! What commands of the administrator's print.

use super::{Drilled, Group, Restored, Store};
use crate::command::{Exit, Spec, feed};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::Content;
use crate::machine::backup::asked::Asked;
use crate::machine::backup::gathered::{Gathered, Workshop};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::files::{hexadecimal, open, private_folder, write_private_durably};
use crate::machine::part::Part;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Outputs of commands.
pub struct Outputs;

impl Store for Outputs {
    fn group(&self) -> Group {
        Group::Outputs
    }

    fn take(&self, asked: &Asked, workshop: &Workshop, gathered: &mut Gathered) -> Result<()> {
        for (name, spec) in &asked.outputs {
            let content = Content::Output(workshop.output(name, spec)?);
            gathered.add(Part::Output { name: name.clone() }, content);
        }
        Ok(())
    }

    fn drill(&self, unpacked: &Unpacked, place: &Place, drilled: &mut Drilled) -> Result<()> {
        for name in parts(unpacked) {
            match place.dumps.get(name).and_then(|dump| dump.drill.as_ref()) {
                Some(command) => run(command, name, unpacked, place)?,
                None => {
                    let why = "no command in `dumps` of site.toml tries it (`drill`)";
                    drilled.untried.push(format!("{name}: {why}"));
                }
            }
        }
        Ok(())
    }

    /// What no command loads is kept, in a folder beside the backups.
    fn put_back(&self, unpacked: &Unpacked, place: &Place, done: &mut Restored) -> Result<()> {
        for name in parts(unpacked) {
            match place.dumps.get(name).and_then(|dump| dump.load.as_ref()) {
                Some(command) => {
                    // Two names that differ in a slash must not be taken for one.
                    let mark = unpacked.folder.join("loaded").join(hexadecimal(&Sha256::digest(name)));
                    if !mark.exists() {
                        run(command, name, unpacked, place)?;
                        private_folder(&unpacked.folder.join("loaded"))?;
                        write_private_durably(&mark, b"")?;
                    }
                    done.names.push(name.to_owned());
                }
                None => done.kept.push(keep(unpacked, name)?),
            }
        }
        Ok(())
    }

    /// Nothing of it was moved aside.
    fn drop_aside(&self, _: &Unpacked, _: &Place) -> Result<()> {
        Ok(())
    }
}

fn parts(unpacked: &Unpacked) -> impl Iterator<Item = &str> {
    unpacked.parts.iter().filter_map(|part| match part {
        Part::Output { name } => Some(name.as_str()),
        _ => None,
    })
}

/// Gives an output to a command. What that says of an error may hold rows, so it is in a file, and in no message.
fn run(command: &[String], name: &str, unpacked: &Unpacked, place: &Place) -> Result<()> {
    let mut spec = Spec::new(command.iter().cloned(), place.folder);
    spec.environment = place.environment.clone();
    let looked = feed(&spec, &open(&unpacked.path(name))?, None, place.stop)?;
    if looked.exit == Exit::Status(0) {
        return Ok(());
    }
    let said = unpacked.folder.join("stderr");
    write_private_durably(&said, looked.stderr.as_bytes())?;
    let program = command.first().map_or("", String::as_str);
    let message = format!("`{program}` for `{name}` failed ({})", looked.exit);
    Err(Failure::new(Kind::CommandFailed, message)
        .why(format!("what it wrote to stderr is in `{}`", said.display())))
}

/// Moves an output to where it stays: `ARCHIVE-outputs/NAME`. An attempt that was cut off may have done so.
fn keep(unpacked: &Unpacked, name: &str) -> Result<PathBuf> {
    let archive = unpacked.archive.file_name().unwrap_or_default().to_string_lossy();
    let beside = unpacked.folder.parent().unwrap_or(Path::new("/")).join(format!("{archive}-outputs"));
    let (from, to) = (unpacked.path(name), beside.join(name));
    let failed = || format!("`{name}` can't be kept in `{}`", beside.display());
    private_folder(to.parent().unwrap_or(&beside))?;
    if from.exists() {
        std::fs::rename(&from, &to).or_fail(Kind::Refused, failed)?;
    }
    match to.exists() {
        true => Ok(to),
        false => Err(Failure::new(Kind::NotFound, failed()).help("start the restore again")),
    }
}
