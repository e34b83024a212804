//! The words of the formats that are stored and sent: keys and tags, taken from one of each of what there is, so that a
//! new one is here without being written down.

use banister::failure::{Failure, Kind};
use banister::internals::book::End;
use banister::internals::event::RunState;
use banister::internals::journal::{Call, Entry, Header, Outcome, Record};
use banister::internals::key::KeyBuf;
use banister::internals::reach::inquiry::Inquiry;
use banister::internals::reach::wire::{Attempt, Hello, Reply, Request, Said, Speaks, Task, Welcome, What};
use banister::internals::stop::Asked;
use banister::primitive::{Probe, Told};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn failure() -> Failure {
    let failure = Failure::new(Kind::CommandFailed, "").why("").help("");
    Failure { at: Some(String::new()), ..failure }
}

fn header() -> Header {
    Header {
        version: 1,
        run: String::new(),
        runbook: String::new(),
        parameters: Default::default(),
        servers: Vec::new(),
        site: Default::default(),
        program: String::new(),
        by: String::new(),
        by_hand: true,
        schedule: Some(String::new()),
    }
}

fn ended(result: Outcome) -> Entry {
    Entry::Ended { key: KeyBuf::default(), attempt: 0, seconds: 0.0, result }
}

/// The entry after this one; the first after nothing. The compiler names it if there is one more.
fn after(entry: Option<&Entry>) -> Option<Entry> {
    let (key, name, by) = (KeyBuf::default(), String::new(), String::new());
    let Some(entry) = entry else { return Some(Entry::Run(header())) };
    Some(match entry {
        Entry::Run(_) => Entry::Session { by, pid: 0, rollback: true },
        Entry::Session { .. } => Entry::Block { key, name, source: String::new() },
        Entry::Block { .. } => Entry::BlockEnd { key, seconds: 0.0 },
        Entry::BlockEnd { .. } => {
            let call = Call { name, arguments: Default::default() };
            Entry::Begun { key, call, attempt: 0, at: String::new() }
        }
        Entry::Begun { .. } => ended(Outcome::Done(Value::Null)),
        Entry::Ended { result: Outcome::Done(_), .. } => ended(Outcome::Failed(failure())),
        Entry::Ended { result: Outcome::Failed(_), .. } => {
            Entry::Decision { key, decision: String::new(), by }
        }
        Entry::Decision { .. } => Entry::Note { text: String::new() },
        Entry::Note { .. } => Entry::Anew { keys: Vec::new() },
        Entry::Anew { .. } => Entry::Restarted { step: name, keys: Vec::new(), by },
        Entry::Restarted { .. } => Entry::Typed { key, text: String::new(), by },
        Entry::Typed { .. } => Entry::Skip { key, name, reason: String::new(), by },
        Entry::Skip { .. } => Entry::Rollback(None),
        Entry::Rollback(_) => {
            Entry::Finished { state: RunState::Failed, failure: Some(failure()), way_back: true }
        }
        Entry::Finished { .. } => return None,
    })
}

/// The same for what is asked of an agent.
fn asked_after(what: Option<&What>) -> Option<What> {
    let task = || Task {
        primitive: String::new(),
        arguments: Default::default(),
        attempt: Some(Attempt { run: String::new(), folder: String::new() }),
        step: String::new(),
        secrets: Default::default(),
    };
    let Some(what) = what else { return Some(What::Perform(task())) };
    Some(match what {
        What::Perform(_) => What::Predict(task()),
        What::Predict(_) => What::AfterCrash(task()),
        What::AfterCrash(_) => What::End(task()),
        What::End(_) => {
            What::Close { end: End { state: RunState::Done, changed: true, back: false, steps: Vec::new() } }
        }
        What::Close { .. } => What::Release,
        What::Release => What::Inquire(Inquiry::CheckedOut),
        What::Inquire(Inquiry::CheckedOut) => What::Inquire(Inquiry::Lock),
        What::Inquire(Inquiry::Lock) => What::Inquire(Inquiry::ReleaseLock { force: true }),
        What::Inquire(Inquiry::ReleaseLock { .. }) => What::Inquire(Inquiry::Book),
        What::Inquire(Inquiry::Book) => What::Inquire(Inquiry::EndOf { run: String::new() }),
        What::Inquire(Inquiry::EndOf { .. }) => What::Inquire(Inquiry::Took { runbook: String::new() }),
        What::Inquire(Inquiry::Took { .. }) => What::Inquire(Inquiry::MayHold { holder: holder() }),
        What::Inquire(Inquiry::MayHold { .. }) => What::Inquire(Inquiry::Abandon {
            holder: holder(),
            run: String::new(),
            reasons: Default::default(),
            reason: String::new(),
            end: false,
        }),
        What::Inquire(Inquiry::Abandon { .. }) => {
            What::Inquire(Inquiry::Dismiss { name: String::new(), by: String::new(), reason: String::new() })
        }
        What::Inquire(Inquiry::Dismiss { .. }) => What::Inquire(Inquiry::EndOrphans),
        What::Inquire(Inquiry::EndOrphans) => What::Inquire(Inquiry::Backups { folder: None }),
        What::Inquire(Inquiry::Backups { .. }) => {
            What::Inquire(Inquiry::VerifyBackup { path: Default::default() })
        }
        What::Inquire(Inquiry::VerifyBackup { .. }) => What::Stop { id: 0, asked: Asked::Finish },
        What::Stop { .. } => What::Hold { holder: holder() },
        What::Hold { .. } => What::Beat,
        What::Beat => return None,
    })
}

fn holder() -> banister::internals::lock::Holder {
    let nobody = json!({
        "run": "", "folder": "", "purpose": "", "step": "", "by": "", "from": "", "pid": 0, "since": "", "beat": "",
        "grant": 0, "before": "",
    });
    serde_json::from_value(nobody).unwrap()
}

fn said() -> Vec<Said> {
    let told = [
        Told::Progress("".into()),
        Told::Note("".into()),
        Told::Text { title: "".into(), text: "".into() },
        Told::Warning("".into()),
    ];
    told.into_iter().map(Said::Told).chain([Said::Done(Value::Null), Said::Failed(failure())]).collect()
}

/// Every key, and every word that stands for a variant.
fn gather(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
            words.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, words)),
        Value::Object(object) => object.iter().for_each(|(name, item)| {
            words.insert(name.clone());
            gather(item, words);
        }),
        _ => {}
    }
}

/// All words of the formats of journals and of the wire.
pub fn of_formats() -> Vec<String> {
    let mut values = vec![
        json!(Hello {
            program: String::new(),
            speaks: Speaks::OURS,
            name: String::new(),
            server: Value::Null
        }),
        json!(Welcome { program: String::new(), speaks: Speaks::OURS, refuses: None }),
        json!(Probe::Done(Value::Null)),
        json!([Probe::<Value>::GoOn, Probe::<Value>::Again, Probe::<Value>::Unknown(String::new())]),
        // Added behind each record.
        json!({ "sum": "" }),
    ];
    let entries = std::iter::successors(after(None), |entry| after(Some(entry)));
    values.extend(entries.map(|entry| json!(Record { n: 0, time: String::new(), entry })));
    let asked = std::iter::successors(asked_after(None), |what| asked_after(Some(what)));
    values.extend(asked.map(|what| json!(Request { id: 0, what })));
    values.extend(said().into_iter().map(|said| json!(Reply { id: 0, said })));
    values.push(json!([
        banister::data::SERVER,
        banister::data::DURATION,
        banister::data::SIZE,
        banister::data::SECRET,
    ]));
    let mut words = BTreeSet::new();
    values.iter().for_each(|value| gather(value, &mut words));
    words.extend(["server", "duration", "size", "secret"].map(str::to_owned));
    words.remove("");
    words.into_iter().collect()
}
