//! A rehearsal as the site's own tests work with it: their language knows nothing of practice servers.

use crate::failure::Result;
use crate::practice::Rehearsal;
use crate::script::rehearsal::Subject;
use serde_json::Value;
use std::path::PathBuf;

impl Subject for Rehearsal {
    fn banister(&self, arguments: &[&str], kill: Option<&str>) -> Result<(i32, String)> {
        let ended = self.banister(arguments, kill)?;
        Ok((ended.code, ended.said))
    }

    fn runs(&self) -> usize {
        self.runs()
    }

    fn last_run(&self) -> Result<Value> {
        self.last_run()
    }

    fn site(&self) -> PathBuf {
        self.site()
    }

    fn home(&self) -> PathBuf {
        self.home()
    }

    fn release(&self) -> Result<String> {
        self.release()
    }

    fn is_healthy(&self) -> Result<bool> {
        self.is_healthy()
    }

    fn made(&self) -> Result<Vec<String>> {
        self.made()
    }

    fn switch(&self, fault: &str, on: bool) -> Result<()> {
        self.switch(fault, on)
    }
}
