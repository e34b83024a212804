//! A runbook over servers that are not there, with its scripts as texts that can be spoilt.

use super::generate::Mutation;
use super::model::Model;
use super::played::Played;
use super::stand_in::{Found, StandIn};
use super::tokens::{Sort, closing, tokens};
use banister::failure::Result;
use banister::internals::event::Event;
use banister::internals::journal::Header;
use banister::internals::journal::run::OpenRun;
use banister::internals::person::{Answer, Form, Person, Question};
use banister::internals::script::check;
use banister::internals::script::layers::Layers;
use banister::internals::script::runbook::{OnFailure, Runbook};
use banister::internals::session::{self, Direction, Parts, Session};
use banister::internals::site::Site;
use banister::internals::stop::Stop;
use serde_json::json;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A runbook with its parameters, and the servers that it is about.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub name: &'static str,
    runbook: &'static str,
    kind: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    /// What the table of the server has besides.
    table: &'static str,
    /// The text of a runbook of the site's own.
    own: &'static str,
}

const TABLE: &str = "targets = { configure = \"config\" }\nhealth = [\"https://gateway.test\"]\nkeep = { count = 1 }\n\
    maintenance = { begin = [\"closed\"], end = [\"open\"] }\nfree_space = \"1GB\"\nbackup = [\"data\"]\n\
    idle = [{ name = \"requests\", command = [\"true\"] }]\n";

const fn case(name: &'static str, runbook: &'static str, kind: &'static str, table: &'static str) -> Case {
    Case { name, runbook, kind, parameters: &[], table, own: "" }
}

const OLD: &[(&str, &str)] = &[("backup", "/kept/a of 0.2.9")];
const OLDER: &[(&str, &str)] = &[("backup", "/kept/a of 0.2.10")];

/// Those that come to most of what the program brings, and what sites write.
pub const CASES: [Case; 13] = [
    Case { own: include_str!("deploy.rhai"), ..case("a site's deployment", "deploy", "plain", TABLE) },
    Case {
        own: include_str!("tenants.rhai"),
        parameters: &[("tenant", "acme"), ("keep", "true")],
        ..case("a site's tenants", "tenants", "plain", TABLE)
    },
    case("update of a plain server", "update", "plain", TABLE),
    case("update of Mastodon", "update", "mastodon", "free_space = \"1GB\"\n"),
    case("update of Hoss behind a page", "update", "hoss", "maintenance = \"page\"\n"),
    case("backup of a plain server", "backup", "plain", TABLE),
    case("prune of a plain server", "prune", "plain", TABLE),
    Case { parameters: OLD, ..case("restore of a plain server", "restore", "plain", TABLE) },
    Case { parameters: OLD, ..case("restore of Hoss", "restore", "hoss", "") },
    Case { parameters: OLDER, ..case("rollback of a plain server", "rollback", "plain", TABLE) },
    Case { parameters: OLD, ..case("drill of a plain server", "drill", "plain", TABLE) },
    case("linked update, plain", "update-linked", "plain", TABLE),
    case("linked update, Hoss", "update-linked", "hoss", ""),
];

/// The scripts of a run, by `runbooks/update.rhai`.
pub type Texts<'a> = BTreeMap<&'a str, Cow<'a, str>>;

pub struct Scene {
    pub case: Case,
    folder: TempDir,
    site: Arc<Site>,
    header: Header,
    pub texts: BTreeMap<String, String>,
    /// What the run does if nothing is spoilt.
    pub whole: Played,
    /// The blocks of each script.
    blocks: BTreeMap<String, Vec<Range<usize>>>,
    /// Those that its run comes to, by script and where they begin.
    reached: BTreeSet<(String, usize)>,
}

impl Scene {
    pub fn new(case: Case) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display();
        let names: &[&str] = if case.runbook == "update-linked" { &["gateway", "one"] } else { &["gateway"] };
        let table = |name: &&str| {
            format!(
                "[servers.{name}]\nkind = \"{}\"\ncheckout = \"checkout\"\nendpoint = \"https://{name}.test\"\n\
                 environment = {{ HOME = \"{home}\" }}\n{}\n",
                case.kind, case.table
            )
        };
        fs::write(folder.path().join("site.toml"), names.iter().map(table).collect::<String>()).unwrap();
        if !case.own.is_empty() {
            fs::create_dir(folder.path().join("runbooks")).unwrap();
            fs::write(folder.path().join(format!("runbooks/{}.rhai", case.runbook)), case.own).unwrap();
        }
        let site = Arc::new(Site::load(&folder.path().join("site.toml")).unwrap());
        let parameter = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), if *value == "true" { json!(true) } else { json!(value) })
        };
        let parameters = case.parameters.iter().map(parameter).collect();
        let servers = names.iter().map(|name| (*name).to_owned()).collect();
        let header = session::header(&site, case.runbook, parameters, servers);
        let mut scene = Scene {
            case,
            site,
            header,
            texts: BTreeMap::new(),
            whole: Played { failure: None, calls: Vec::new(), steps: Vec::new(), blocks: Vec::new() },
            blocks: BTreeMap::new(),
            reached: BTreeSet::new(),
            folder,
        };
        scene.read();
        let whole: Texts = scene.all(None);
        assert!(!scene.is_found(&whole), "{}: {:?}", case.name, scene.findings(&whole));
        let played = scene.play(&whole);
        assert_eq!(played.failure, None, "{}", case.name);
        scene.mark();
        scene.whole = played;
        scene
    }

    /// The texts of all that the runbook reads.
    fn read(&mut self) {
        let layers = Arc::new(Layers::of_site(Some(self.site.folder()), self.case.kind));
        Runbook::load(layers.clone(), self.case.runbook).unwrap().check().unwrap();
        layers.keep(self.folder.path()).unwrap();
        for path in layers.digests().into_keys() {
            let text = fs::read_to_string(self.folder.path().join("script").join(&path)).unwrap();
            self.blocks.insert(path.clone(), blocks(&text));
            self.texts.insert(path, text);
        }
    }

    /// Runs it once with a number printed in each block, to see which it comes to.
    fn mark(&mut self) {
        let mut texts = self.all(None);
        let mut starts = Vec::new();
        for (path, text) in &self.texts {
            let mut marked = text.clone();
            let blocks = &self.blocks[path];
            for block in blocks.iter().rev() {
                marked.insert_str(block.start, &format!(" print(\"@{}\"); ", starts.len()));
                starts.push((path.clone(), block.start));
            }
            texts.insert(path, marked.into());
        }
        let played = self.play(&texts);
        drop(texts);
        self.reached = played.blocks.into_iter().map(|number| starts[number].clone()).collect();
    }

    fn all(&self, spoilt: Option<&Mutation>) -> Texts<'_> {
        let mut texts: Texts =
            self.texts.iter().map(|(path, text)| (path.as_str(), Cow::from(text.as_str()))).collect();
        if let Some(mutation) = spoilt
            && let Some((path, _)) = self.texts.get_key_value(&mutation.path)
        {
            texts.insert(path, mutation.text.clone().into());
        }
        texts
    }

    pub fn reads(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }

    /// How much there is to be checked.
    pub fn letters(&self) -> usize {
        self.texts.values().map(String::len).sum()
    }

    pub fn spoil(&self, mutation: &Mutation) -> Texts<'_> {
        self.all(Some(mutation))
    }

    /// Whether its run comes to the block in which something was spoilt.
    pub fn comes_to(&self, mutation: &Mutation) -> bool {
        let around = self.blocks[&mutation.path].iter().filter(|block| block.contains(&mutation.at));
        let innermost = around.map(|block| block.start).max();
        innermost.is_some_and(|start| self.reached.contains(&(mutation.path.clone(), start)))
    }

    /// The scripts as files, which is how a run keeps them.
    fn written(&self, texts: &Texts) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in texts {
            let file = folder.path().join("script").join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text.as_bytes()).unwrap();
        }
        folder
    }

    fn findings(&self, texts: &Texts) -> Vec<String> {
        let folder = self.written(texts);
        let layers = Layers::of_run(folder.path(), self.case.kind);
        let Ok(text) = layers.runbook(self.case.runbook) else { return vec!["it can't be read".into()] };
        check::check(&layers, &text)
            .iter()
            .map(|finding| format!("{}: {}", finding.place(), finding.message))
            .collect()
    }

    /// Whether the check has anything to say.
    pub fn is_found(&self, texts: &Texts) -> bool {
        !self.findings(texts).is_empty()
    }

    /// Begins a run, and works on it until it ends.
    pub fn play(&self, texts: &Texts) -> Played {
        let folder = self.written(texts);
        let layers = Arc::new(Layers::of_run(folder.path(), self.case.kind));
        let run = OpenRun::create(folder.path(), "run").unwrap();
        let path = run.path.clone();
        let kinds = self.site.servers.values().map(|server| (server.name.clone(), server.kind.clone()));
        let standin = Arc::new(StandIn::new(Model::new(kinds), Found::GoOn));
        let told = Arc::new(Mutex::new((Vec::new(), Vec::new())));
        let listener = {
            let told = told.clone();
            Arc::new(move |event: &Event| match event {
                Event::StepStarted { name, .. } => told.lock().unwrap().0.push(name.clone()),
                Event::Printed { text } => {
                    let number =
                        text.as_str().strip_prefix('@').and_then(|number| number.parse::<usize>().ok());
                    told.lock().unwrap().1.extend(number);
                }
                _ => {}
            })
        };
        let parts = Parts {
            site: self.site.clone(),
            header: self.header.clone(),
            stop: Arc::new(Stop::new()),
            reach: standin.clone(),
            listener,
            person: Arc::new(Agrees),
            stepwise: false,
        };
        let session = Arc::new(Session::begin(parts, Some(run), Direction::On).unwrap());
        let result = Runbook::load(layers, self.case.runbook)
            .and_then(|runbook| runbook.run(&session, &session.header.parameters, None, OnFailure::Stop));
        let failure = result.clone().err();
        drop(session.finish(result, path));
        let seen = standin.seen();
        assert_eq!(seen.faults, Vec::<String>::new(), "{}", self.case.name);
        let performed = seen.performed.iter().map(|performed| performed.call.clone());
        let calls = performed.chain(seen.asked.iter().cloned()).collect();
        let (steps, blocks) = std::mem::take(&mut *told.lock().unwrap());
        Played { failure, calls, steps, blocks }
    }
}

/// The blocks of a text, from behind their first bracket on.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let all = tokens(text);
    let opens = all.iter().enumerate().filter(|(_, token)| token.sort == Sort::Sign && token.text == "{");
    opens.map(|(n, token)| token.end..all[closing(&all, n)].start + 1).collect()
}

/// A person who says yes to everything.
struct Agrees;

impl Person for Agrees {
    fn ask(&self, question: &Question) -> Result<Answer> {
        let text = match question.form {
            Form::Confirm | Form::Done => "yes",
            Form::Line { .. } => "a reason",
            Form::Choice { .. } => "stop",
        };
        Ok(Answer { text: text.into(), by: "somebody".into() })
    }
}
