//! Which backups of a server are old.

use super::{FILE, Server};
use crate::failure::{Failure, Kind, Result};
use crate::kind::Fits;
use crate::machine::archive::DataSource;
use crate::machine::backup::prune::{Aging, look};
use crate::machine::backup::{FORM, Fit, Keep};
use jiff::Timestamp;

impl Server {
    /// Looks through its backups: those in `folder`, else where the site has them. What `given` says holds in the
    /// place of what the site says.
    pub fn aging(&self, folder: Option<&str>, given: Keep) -> Result<Aging> {
        let keep = match given.is_empty() {
            true => self.keep.ok_or_else(|| {
                let message = format!("nothing says which backups of `{}` stay", self.name);
                Failure::new(Kind::Invalid, message).help(format!(
                    "write `keep = {{ count = 7, age = \"30d\" }}` or {FORM} into its table in `{FILE}`, or give \
                     `count`, `age` or another rule"
                ))
            })?,
            false => given,
        };
        keep.check()?;
        let folder = self.folder_of_backups(folder);
        look(&folder, &self.name, &keep, &self.fit(), &|source| self.may_be_empty(source), Timestamp::now())
    }

    /// Whether a backup may hold nothing of it.
    pub fn may_be_empty(&self, source: &DataSource) -> bool {
        self.may_be_empty.iter().any(|written| match source.as_volume() {
            Some(volume) => written == volume,
            None => self.path(written) == self.path(source.written()),
        })
    }

    /// Into which releases its backups fit.
    fn fit(&self) -> Fit {
        if self.facts.fits == Fits::Any {
            return Fit::Any;
        }
        Fit::FirstTwoNumbers(self.installed().ok().and_then(|installed| installed.release))
    }
}
