//! Whatever stands in a script, in `site.toml` or in a file that lies on a bundled one: it is told, and ends nothing. No
//! text makes the program panic, hang, or run out of its stack.

mod texts;

use crate::support::chance::{self, Chance};
use banister::data::{self, Arguments};
use banister::failure::{Failure, Kind, Result};
use banister::internals::lock::Holder;
use banister::internals::person::{Answer, Person};
use banister::internals::primitive::Given;
use banister::internals::reach::inquiry::Inquiry;
use banister::internals::reach::planner::Planner;
use banister::internals::reach::{Held, Reach};
use banister::internals::script::check::Check;
use banister::internals::script::layers::{Folder, Layers, Text};
use banister::internals::script::plan::explore::explore;
use banister::internals::script::runbook::Runbook;
use banister::internals::session;
use banister::internals::site::{Server, Site};
use banister::internals::stop::{Asked, Stop};
use banister::primitive::{Host, Probe, Sort, Told};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use texts::text;

/// What the program has on the thread that it begins with.
const STACK: usize = 8 << 20;

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nendpoint = \"https://example.org/\"\n\
    environment = { HOME = \"/nowhere\" }\nbranch = \"main\"\ntargets = { configure = \"config\", build = \"build\" }\n\
    health = [\"http://127.0.0.1:1/\", { name = \"x\", tcp = \"localhost:1\" }]\nhealthy = { within = \"5m\", stable = \"2s\" }\n\
    maintenance = { begin = [\"true\"], end = [\"true\"] }\nbackup = [\"~/data\"]\ndumps = { db = [\"true\"] }\n\
    keep = { count = 7, age = \"30d\" }\nrecipients = [\"age1x\"]\nfree_space = \"2GB\"\n\n\
    [servers.lab]\nssh = \"ops@lab\"\nkind = \"hoss\"\ncheckout = \"~/hoss\"\n";

/// A machine that has nothing, and is not touched.
pub struct Nowhere;

impl Reach for Nowhere {
    fn perform(&self, given: &Given, host: &Host) -> Result<Value> {
        match given.primitive.sort() {
            Sort::Session => given.accepted()?.perform(host),
            _ => Ok(data::unknown(given.primitive.name())),
        }
    }

    fn predict(&self, given: &Given, _: &Host) -> Result<Value> {
        Ok(data::unknown(given.primitive.name()))
    }

    fn after_crash(&self, _: &Given, _: &Host) -> Result<Probe<Value>> {
        Ok(Probe::GoOn)
    }

    fn end(&self, _: &Host) -> Result<()> {
        Ok(())
    }

    fn ask(&self, given: &Given, _: &dyn Person) -> Result<(Value, Option<Answer>)> {
        Ok((data::unknown(given.primitive.name()), None))
    }

    fn hold(&self, _: &Server, _: Holder, _: &Stop, _: &dyn Fn(Told)) -> Result<Option<Box<dyn Held>>> {
        Ok(None)
    }

    fn inquire(&self, _: &Server, _: &Inquiry) -> Result<Value> {
        Err(Failure::new(Kind::NotFound, "there is nothing"))
    }
}

/// The bundled scripts.
fn bundled() -> Vec<String> {
    let layers = Layers::of_site(None, "");
    let texts = [Folder::Runbooks, Folder::Stdlib].into_iter().flat_map(|folder| {
        layers
            .list(folder)
            .into_iter()
            .map(move |(name, _)| Layers::bundled_text(folder, &name).unwrap().to_owned())
    });
    texts.collect()
}

fn kinds() -> [String; 2] {
    ["hoss".to_owned(), "plain".to_owned()]
}

/// Looks through a script, and plans it if nothing is wrong in it.
fn script(site: &Arc<Site>, text: &str) {
    let layers = Arc::new(Layers::of_site(None, "plain"));
    let mut check = Check::new(&layers, &kinds());
    check.runbook(Text::new("fuzzed.rhai".into(), text.to_owned()));
    for finding in check.end().1 {
        assert!(!finding.message.is_empty() && !finding.help.is_empty(), "{finding:?}");
        let lines = text.lines().count().max(1);
        assert!(finding.source != "fuzzed.rhai" || finding.line <= lines + 1, "{finding:?}");
        finding.excerpt();
        finding.place();
    }
    if let Ok(runbook) = Runbook::from_text(layers, "fuzzed", text)
        && runbook.check().is_ok()
    {
        plan(site, &runbook);
    }
}

/// Plans a runbook. One that goes on for ever is interrupted, as a person would do.
fn plan(site: &Arc<Site>, runbook: &Runbook) {
    let stop = Arc::new(Stop::new());
    let header = session::header(site, "fuzzed", Arguments::new(), vec!["web".into()]);
    let planner = Arc::new(Planner::new(Arc::new(Nowhere)));
    let (done, waits) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let asked = stop.clone();
        scope.spawn(move || {
            if waits.recv_timeout(Duration::from_secs(2)).is_err() {
                asked.ask(Asked::Cancel);
            }
        });
        let planned = explore(runbook, site, &header, &planner, &stop);
        drop(done);
        if let Err(failure) = planned {
            assert_ne!(failure.kind, Kind::Bug, "{failure:?}");
        }
    });
}

/// A script as a file of a site that lies on a bundled one.
fn layer(site: &Arc<Site>, folder: &Path, chance: &mut Chance, text: &str) {
    let (place, name) = [(Folder::Runbooks, "update"), (Folder::Stdlib, "plain")][chance.below(2)];
    let file = folder.join(place.name()).join(format!("{name}.rhai"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    let layers = Arc::new(Layers::of_site(Some(folder), "plain"));
    layers.overrides(place, name).unwrap();
    let mut check = Check::new(&layers, &kinds());
    match place {
        Folder::Runbooks => check.runbook(layers.runbook(name).unwrap()),
        Folder::Stdlib | Folder::Releases => check.text(layers.module(name).unwrap().unwrap()),
    }
    for finding in check.end().1 {
        finding.excerpt();
        finding.place();
    }
    if let Ok(runbook) = Runbook::load(layers, "update")
        && runbook.check().is_ok()
    {
        plan(site, &runbook);
    }
    fs::remove_file(file).unwrap();
}

/// A `site.toml`, and what is asked of its servers.
fn site_file(folder: &Path, text: &str) {
    let file = folder.join("site.toml");
    fs::write(&file, text).unwrap();
    let Ok(site) = Site::load(&file) else { return };
    for server in site.servers.values() {
        serde_json::to_value(server).unwrap();
        server.backup_folder();
        server.make_folder();
        drop(server.checks(None));
        let layers = Layers::of_site(Some(folder), server.kind.as_str());
        drop(layers.module("kind"));
    }
}

/// So many rounds from this one on, on a stack as the program has it.
fn rounds(first: u64, count: u64) {
    let work = move || {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("site.toml"), SITE).unwrap();
        let site = Arc::new(Site::load(&folder.path().join("site.toml")).unwrap());
        let real = bundled();
        let sites = [SITE.to_owned()];
        for round in first..first + count {
            // What a round is about is known if the process ends in it.
            if std::env::var_os("BANISTER_FUZZ_TOLD").is_some() {
                eprintln!("round {round}");
            }
            let mut chance = Chance::of(round);
            match chance.below(10) {
                0..=5 => script(&site, &text(&mut chance, &real)),
                6..=7 => {
                    let text = text(&mut chance, &real);
                    layer(&site, folder.path(), &mut chance, &text);
                }
                _ => site_file(folder.path(), &text(&mut chance, &sites)),
            }
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
}

#[test]
fn no_text_ends_the_program() {
    rounds(0, if chance::is_long() { 3_000 } else { 1_500 });
}

/// A hundred thousand others.
#[test]
fn no_text_of_a_long_run_ends_the_program() {
    if !chance::is_long() {
        eprintln!("left out, but by `tests/run --long`");
        return;
    }
    let first = 3_000 + chance::seed() * 100_000;
    std::thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || rounds(first + part * 25_000, 25_000));
        }
    });
}
