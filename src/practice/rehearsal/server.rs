//! The server of a rehearsal: a practice server, or a simple one.

use super::original::Original;
use super::simple::Simple;
use crate::failure::Result;
use crate::machine::git::Checkout;
use crate::practice::server::Practice;
use std::path::{Path, PathBuf};

pub enum Server {
    Hoss(Box<Practice>),
    Simple(Simple),
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Server::Hoss(practice) = self {
            let _ = practice.stop();
        }
    }
}

impl Server {
    pub fn create(original: &Original, site: &Path, program: &Path) -> Result<Server> {
        if original.kind() != "hoss" {
            return Ok(Server::Simple(Simple::create(site, &original.table)?));
        }
        let practice = Practice::create(site, program, &[])?;
        practice.end_with_me()?;
        Ok(Server::Hoss(Box::new(practice)))
    }

    pub fn checkout(&self) -> PathBuf {
        match self {
            Server::Hoss(practice) => practice.checkout(),
            Server::Simple(simple) => simple.checkout(),
        }
    }

    pub fn release(&self) -> Result<String> {
        Ok(Checkout::open(&self.checkout())?.position()?.name())
    }

    pub fn is_healthy(&self) -> Result<bool> {
        match self {
            Server::Hoss(practice) => Ok(practice.discover().is_ok()),
            Server::Simple(simple) => Ok(!simple.has_fault("health")),
        }
    }

    pub fn made(&self) -> Result<Vec<String>> {
        match self {
            Server::Hoss(practice) => {
                let lines = practice.trace()?;
                let begun = lines.iter().filter(|line| line.tool == "make" && line.event == "start");
                Ok(begun.map(|line| line.args.join(" ")).collect())
            }
            Server::Simple(simple) => simple.made(),
        }
    }

    pub fn switch(&self, fault: &str, on: bool) -> Result<()> {
        match self {
            Server::Hoss(practice) => practice.switch(fault, on),
            Server::Simple(simple) => simple.switch(fault, on),
        }
    }
}
