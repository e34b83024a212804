//! What can stand in a place of the command line, as this site, its runs and its backups have it. Only what this machine
//! knows: a completion that waits for another one would be worse than none.

use crate::cli::arguments::Cli;
use crate::cli::context::state_folder;
use crate::home::remembered::{self, Remembered};
use crate::journal::run;
use crate::machine::backup::catalogue;
use crate::script::layers::kinds::Kinds;
use crate::script::layers::{Folder, Layers};
use crate::script::reference;
use crate::script::runbook::Runbook;
use crate::site::{self, Server, Site};
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use std::cmp::Reverse;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// How many runs are offered, the newest first.
const RUNS: usize = 100;

/// See the module.
pub struct Candidates {
    site: Option<Arc<Site>>,
    /// The server that was named.
    server: Option<String>,
}

impl Candidates {
    /// For the site and the server that the words name.
    pub fn of(words: &[OsString]) -> Candidates {
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok();
        // An option may stand before the command or after it.
        let mut inner = matches.as_ref();
        let mut given: (Option<PathBuf>, Option<String>) = (None, None);
        while let Some(matches) = inner {
            let site = matches.try_get_one::<PathBuf>("site").ok().flatten().cloned();
            let server = matches.try_get_one::<String>("server").ok().flatten().cloned();
            given = (site.or(given.0), server.or(given.1));
            inner = matches.subcommand().map(|(_, matches)| matches);
        }
        let site = site::find(given.0.as_deref()).and_then(|file| Site::load(&file)).ok().map(Arc::new);
        Candidates { site, server: given.1 }
    }

    /// The command with candidates wherever there are some.
    pub fn offer(&self, command: Command) -> Command {
        let command = command.mut_arg("server", |argument| {
            let site = self.site.clone();
            argument.add(ArgValueCandidates::new(move || servers(site.as_deref())))
        });
        let command = self.at(command, &["run"], "runbook", Candidates::runbooks);
        let command = self.at(command, &["plan"], "runbook", Candidates::runbooks);
        let command = self.at(command, &["run"], "parameter-backup", Candidates::backups);
        let command = self.at(command, &["plan"], "parameter-backup", Candidates::backups);
        let command = self.at(command, &["customize"], "name", Candidates::bundled);
        let command = self.at(command, &["doc"], "words", Candidates::pages);
        let command = self.at(command, &["resume"], "run", Candidates::open_runs);
        let command = self.at(command, &["show"], "run", Candidates::runs);
        let command = self.at(command, &["attach"], "run", Candidates::open_runs);
        ["verify", "drill", "restore"]
            .into_iter()
            .fold(command, |command, name| self.at(command, &["backup", name], "backup", Candidates::backups))
    }

    /// The command with candidates for an argument of one of its subcommands, if that has it.
    fn at(
        &self,
        command: Command,
        path: &[&str],
        id: &str,
        candidates: fn(&Candidates) -> Vec<CompletionCandidate>,
    ) -> Command {
        if let Some((first, rest)) = path.split_first() {
            return command.mut_subcommand(*first, |inner| self.at(inner, rest, id, candidates));
        }
        if !command.get_arguments().any(|argument| argument.get_id() == id) {
            return command;
        }
        let own = Candidates { site: self.site.clone(), server: self.server.clone() };
        command.mut_arg(id, |argument: Arg| argument.add(ArgValueCandidates::new(move || candidates(&own))))
    }

    /// The servers that are meant.
    fn servers(&self) -> Vec<&Server> {
        let all = self.site.iter().flat_map(|site| site.servers.values());
        all.filter(|server| self.server.as_ref().is_none_or(|name| *name == server.name)).collect()
    }

    fn layers(&self) -> Layers {
        Layers::of_site(self.site.as_deref().map(Site::folder), Kinds::of(self.servers()))
    }

    fn runbooks(&self) -> Vec<CompletionCandidate> {
        let layers = Arc::new(self.layers());
        let candidate = |(name, _): (String, bool)| {
            let summary = Runbook::load(layers.clone(), &name).map(|runbook| runbook.summary);
            candidate(&name, summary.as_deref().unwrap_or("can't be read"))
        };
        layers.list(Folder::Runbooks).into_iter().map(candidate).collect()
    }

    /// What the program brings, runbooks and modules.
    fn bundled(&self) -> Vec<CompletionCandidate> {
        let layers = Layers::of_site(None, "");
        let of = |folder: Folder, what: &'static str| {
            layers.list(folder).into_iter().map(move |(name, _)| candidate(&name, what))
        };
        of(Folder::Runbooks, "runbook").chain(of(Folder::Stdlib, "module")).collect()
    }

    fn pages(&self) -> Vec<CompletionCandidate> {
        let pages = reference::pages(&Arc::new(self.layers()));
        let mut candidates: Vec<_> = pages.iter().map(|page| candidate(&page.name, &page.summary)).collect();
        // A runbook may be called as a primitive is.
        candidates.sort();
        candidates.dedup_by(|one, other| one.get_value() == other.get_value());
        candidates
    }

    fn runs(&self) -> Vec<CompletionCandidate> {
        runs(|_| true, |_| true)
    }

    fn open_runs(&self) -> Vec<CompletionCandidate> {
        runs(run::Glance::is_open, |known| !known.over)
    }

    /// The backups on this machine, the newest first.
    fn backups(&self) -> Vec<CompletionCandidate> {
        let here = self.servers().into_iter().filter(|server| server.ssh.is_none());
        here.flat_map(|server| {
            let cards = catalogue(&server.backup_folder()).unwrap_or_default();
            cards.into_iter().rev().map(|card| {
                let release = card.release.unwrap_or_else(|| "?".into());
                candidate(&card.name, &format!("{}, release {release}", server.name))
            })
        })
        .collect()
    }
}

fn servers(site: Option<&Site>) -> Vec<CompletionCandidate> {
    let all = site.iter().flat_map(|site| site.servers.values());
    all.map(|server| candidate(&server.name, &format!("kind {}", server.kind))).collect()
}

/// The runs that `here` holds for, and those at their servers that `there` does, the newest first.
fn runs(
    here: impl Fn(&run::Glance) -> bool,
    there: impl Fn(&Remembered) -> bool,
) -> Vec<CompletionCandidate> {
    let Ok(state) = state_folder() else { return Vec::new() };
    let told = |glance: run::Glance| {
        let servers = glance.header.servers.join(",");
        let state = glance.state.name().replace('_', " ");
        (glance.started, glance.name, format!("{} {servers}: {state}", glance.header.runbook))
    };
    let own = run::all(&state).unwrap_or_default().into_iter().filter(here).map(told);
    let known = remembered::all(&state).into_iter().filter(there);
    let theirs = known.map(|known| {
        let state = if known.over { "over" } else { "at its server" };
        (known.since, known.run, format!("{} {}: {state}", known.runbook, known.server))
    });
    let mut all: Vec<(String, String, String)> = own.chain(theirs).collect();
    all.sort_by_cached_key(|(began, ..)| Reverse(began.parse::<jiff::Timestamp>().ok()));
    all.into_iter().take(RUNS).map(|(_, name, help)| candidate(&name, &help)).collect()
}

fn candidate(value: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.to_owned().into()))
}
