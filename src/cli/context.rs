//! What every command needs: the site, the state folder, how to print.

use super::arguments::{Answers, Cli, Color, Global};
use crate::command::{Spec, look};
use crate::event::Listener;
use crate::failure::{Failure, Kind, Result};
use crate::home::parcel;
use crate::home::remembered::{self, Remembered};
use crate::home::wire::Caller;
use crate::journal::run::{self, Glance};
use crate::output::word;
use crate::person::{Answer, Nobody, Person, Prepared, Question};
use crate::reach::Reach;
use crate::reach::inquiry;
use crate::reach::routes::Routes;
use crate::reach::talk;
use crate::report::prompt::Terminal;
use crate::report::text::Style;
use crate::script::check;
use crate::script::layers::Layers;
use crate::script::layers::kinds::Kinds;
use crate::script::runbook::Runbook;
use crate::site::{self, Server, Site};
use crate::sync::Mutex;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Who looks on from elsewhere.
pub struct Attended {
    pub person: Arc<dyn Person>,
    pub listener: Arc<dyn Listener>,
}

/// Who typed the command on another machine, if this process is the home of a run and they look on from there.
pub struct Abroad {
    pub caller: Caller,
    /// They themselves.
    pub person: Arc<dyn Person>,
    /// The name that a new run has.
    pub run: Option<String>,
    /// The run that is to be followed, and from which session on.
    pub viewed: Mutex<Option<(String, u64)>>,
}

/// See the module.
pub struct Context {
    pub state: PathBuf,
    pub style: Style,
    /// Whether a person looks at standard output.
    pub live: bool,
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub given_site: Option<PathBuf>,
    pub given_server: Option<String>,
    /// Hears what happens in a run, after the report did.
    pub witness: Option<Arc<dyn Listener>>,
    /// The ways to the servers, once they were asked for.
    pub routes: OnceLock<Arc<dyn Reach>>,
    /// Who hears and is asked in the place of the terminal.
    pub attended: Option<Attended>,
    pub abroad: Option<Arc<Abroad>>,
    /// What to type after a run, if that is not what its end asks for.
    pub next: Option<String>,
}

impl Context {
    pub fn new(cli: &Cli) -> Result<Context> {
        let Global { site, server, json, quiet, verbose, color } = &cli.global;
        if *json {
            crate::output::speak_json();
        }
        let terminal = std::io::stdout().is_terminal();
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let state = state_folder()?;
        crate::secret::use_key_of(&state);
        crate::person::ask_system(user_name);
        Ok(Context {
            state,
            style: Style { color },
            live: terminal && !*json && std::env::var("TERM").is_ok_and(|term| term != "dumb"),
            json: *json,
            quiet: *quiet,
            verbose: *verbose > 0,
            given_site: site.clone(),
            given_server: server.clone(),
            witness: None,
            routes: OnceLock::new(),
            attended: None,
            abroad: None,
            next: None,
        })
    }

    /// A command to type next, for the same site and server as this one.
    pub fn command(&self, words: &str) -> String {
        let (site, server) = match &self.abroad {
            Some(abroad) => (&abroad.caller.site, &abroad.caller.server),
            None => (&self.given_site, &self.given_server),
        };
        let site = site.iter().map(|site| format!(" --site {}", word(site.display())));
        let server = server.iter().map(|server| format!(" --server {}", word(server)));
        ["banister ".to_owned(), words.to_owned()].into_iter().chain(site).chain(server).collect()
    }

    /// The site, found and read.
    pub fn site(&self) -> Result<Site> {
        Site::load(&site::find(self.given_site.as_deref())?)
    }

    /// The site, if there is one.
    pub fn site_if_any(&self) -> Result<Option<Site>> {
        match site::find(self.given_site.as_deref()) {
            Ok(file) => Site::load(&file).map(Some),
            Err(failure) if self.given_site.is_some() => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// The ways to the servers of the site that this command is about: one connection to each, however often it is asked.
    pub fn reach(&self, site: &Site) -> Arc<dyn Reach> {
        self.routes.get_or_init(|| Arc::new(Routes::of(site))).clone()
    }

    /// The servers that a command is about: the named one, or all.
    pub fn servers<'a>(&self, site: &'a Site) -> Result<Vec<&'a Server>> {
        match &self.given_server {
            Some(name) => Ok(vec![site.server(name)?]),
            None => Ok(site.servers.values().collect()),
        }
    }

    /// The one server that a command is about: the named one, or the only one.
    pub fn server<'a>(&self, site: &'a Site) -> Result<&'a Server> {
        match self.servers(site)?.as_slice() {
            [only] => Ok(only),
            _ => Err(Failure::new(Kind::Invalid, "it is not clear which server is meant")
                .help("name it with `--server NAME`")),
        }
    }

    /// What a run is made of: the site, the names of the servers, and the runbook, in which no mistake was found.
    pub fn prepare(&self, runbook: &str) -> Result<(Arc<Site>, Vec<String>, Runbook)> {
        let site = Arc::new(self.site()?);
        self.servers_with_checkouts(&site, self.reach(&site).as_ref())?;
        self.prepare_scripts(site, runbook)
    }

    /// The same, without a look at the servers.
    pub fn prepare_scripts(
        &self,
        site: Arc<Site>,
        runbook: &str,
    ) -> Result<(Arc<Site>, Vec<String>, Runbook)> {
        let servers = self.servers(&site)?;
        let kinds = Kinds::of(servers.iter().copied());
        let names = servers.iter().map(|server| server.name.clone()).collect();
        let layers = Arc::new(Layers::of_site(Some(site.folder()), kinds).with_hooks(&site));
        check::refuse(&check::hooks(&layers, &site))?;
        let runbook = Runbook::load(layers, runbook)?;
        runbook.check()?;
        Ok((site, names, runbook))
    }

    /// The same, for a command that is about to act on them: their checkouts must be there.
    fn servers_with_checkouts<'a>(&self, site: &'a Site, reach: &dyn Reach) -> Result<Vec<&'a Server>> {
        let servers = self.servers(site)?;
        let found = at_once(&servers, |server| inquiry::checked_out(reach, server));
        for (server, found) in servers.iter().zip(found) {
            found.map_err(|failure| match failure.kind {
                // The site is wrong, and not what a step found.
                Kind::NotFound => Failure {
                    kind: Kind::Invalid,
                    at: Some(format!("{}, server `{}`", site.file.display(), server.name)),
                    ..failure
                },
                _ => failure,
            })?;
        }
        Ok(servers)
    }

    /// The run that is named, or the last one of the site that `wanted` holds for; of any site where there is none.
    pub fn find_run(&self, name: Option<&str>, wanted: impl Fn(&Glance) -> bool) -> Result<Option<Glance>> {
        self.find_runs(name, wanted).map(|found| found.into_iter().next())
    }

    /// The same, all that `wanted` holds for, the newest first.
    pub fn find_runs(&self, name: Option<&str>, wanted: impl Fn(&Glance) -> bool) -> Result<Vec<Glance>> {
        if let Some(name) = name {
            // A colleague's run is in a state folder of theirs.
            let named = Path::new(name);
            let is_path = name.contains('/') && named.join("journal.jsonl").exists();
            let path = if is_path {
                named.to_owned()
            } else {
                run::find(&self.state, name).map_err(|failure| self.not_here(name, failure))?
            };
            return Ok(vec![Glance::read(&path)]);
        }
        // Another site's run has to be named: its servers may be called the same.
        let site = match site::find(self.given_site.as_deref()) {
            Ok(file) => Some(file),
            Err(failure) if self.given_site.is_some() => return Err(failure),
            Err(_) => None,
        };
        let same = |run: &Path| site.as_ref().is_none_or(|site| is_same_site(run, site));
        let newest_first = run::all(&self.state)?.into_iter().rev();
        Ok(newest_first.filter(|glance| same(&glance.header.site) && wanted(glance)).collect())
    }

    /// The failure for a run that is not on this machine, for who must have its folder.
    pub fn not_here(&self, name: &str, failure: Failure) -> Failure {
        let end = format!("-{name}");
        let known = remembered::all(&self.state);
        let Some(known) = known.into_iter().find(|known| known.run == name || known.run.ends_with(&end))
        else {
            return failure;
        };
        let message = format!("the run `{}` is at its server, `{}`", known.run, known.server);
        let resume = self.command(&format!("resume {}", word(&known.run)));
        Failure::new(Kind::Invalid, message).help(format!(
            "see it with `{}`, continue it with `{resume}`, type in it there: `{}`",
            self.command(&format!("show {}", word(&known.run))),
            repl_there(&known)
        ))
    }

    /// Whether a person is there to be asked.
    pub fn is_interactive(&self) -> bool {
        if let Some(abroad) = &self.abroad {
            return abroad.caller.interactive;
        }
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !self.json
    }

    /// Whether somebody may be asked, here or elsewhere.
    pub fn is_attended(&self) -> bool {
        self.attended.is_some() || self.is_interactive()
    }

    /// Who answers questions: the command line, then the person at the terminal, if one is there.
    pub fn person(&self, answers: &Answers) -> Arc<dyn Person> {
        if let Some(attended) = &self.attended {
            return attended.person.clone();
        }
        let otherwise: Box<dyn Person> = match &self.abroad {
            _ if !self.is_interactive() => Box::new(Nobody),
            Some(abroad) => Box::new(Shared(abroad.person.clone())),
            None => Box::new(Terminal),
        };
        let queue: VecDeque<String> = answers.answer.iter().cloned().collect();
        Arc::new(Prepared { yes: answers.yes, answers: Mutex::new(queue), otherwise })
    }
}

/// The command that opens a run in a REPL at its home, where its journal is.
fn repl_there(known: &Remembered) -> String {
    let server = Site::load(&known.site).ok().and_then(|site| site.servers.get(&known.server).cloned());
    let program = talk::program_there(server.as_ref()).unwrap_or_else(|| "banister".into());
    format!("ssh -t {} {}", word(&known.ssh), word(format!("{program} repl --run {}", word(&known.run))))
}

/// Somebody who is asked by several.
struct Shared(Arc<dyn Person>);

impl Person for Shared {
    fn ask(&self, question: &Question) -> Result<Answer> {
        self.0.ask(question)
    }
}

/// The user's name, as the system knows it: users may be in a directory and not in a file.
fn user_name() -> Option<String> {
    let began = std::time::Instant::now();
    let slow = || began.elapsed() > std::time::Duration::from_secs(3);
    let looked = look(&Spec::new(["id", "-un"], "/"), &slow).ok()?;
    let name = looked.stdout.trim().to_owned();
    (looked.exit.success() && !name.chars().all(|c| c.is_ascii_digit())).then_some(name)
}

/// Whether two paths are of one `site.toml`, however they are spelled.
pub fn is_same_site(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // Each run at its home has a folder of its own.
    real(a) == real(b) || parcel::is_same(a, b)
}

pub use crate::site::state_folder;

/// Does the same for each server, all at once: most of it is waiting. The results are in the order of the servers.
pub fn at_once<T: Send>(servers: &[&Server], work: impl Fn(&Server) -> T + Sync) -> Vec<T> {
    if let [only] = servers {
        return vec![work(only)];
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = servers.iter().map(|server| scope.spawn(|| work(server))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
