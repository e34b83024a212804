//! `banister notify`.

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::machine::notify::{Notice, Notify, When};
use crate::report::text::table;
use crate::secret::{self, Shown};
use crate::site::Site;
use serde_json::{Value, json};

/// Lists where notices of runs go, or sends a test notice to each place and says what came of it. Exit 1 if one did not take
/// it, or a part of it.
pub fn notify(context: &Context, test: bool) -> Result<u8> {
    let site = context.site()?;
    if site.notify.is_empty() {
        let message = format!("`{}` names nobody who hears of runs", site.file.display());
        return Err(Failure::new(Kind::Invalid, message).help(
            "write a table `[[notify]]` at its beginning; `banister doc notify` lists what it can say",
        ));
    }
    site.notify.iter().enumerate().for_each(|(number, place)| place.learn_secrets(number));
    let said: Vec<Option<Answer>> = match test {
        true => try_all(&site),
        false => site.notify.iter().map(|_| None).collect(),
    };
    let is_bad =
        |said: &&Option<Answer>| said.as_ref().is_some_and(|said| !said.is_taken || said.why.is_some());
    let code = u8::from(said.iter().any(|said| is_bad(&said)));
    if context.json {
        let places: Vec<Value> =
            site.notify.iter().zip(&said).map(|(place, said)| document(place, said)).collect();
        println!("{}", secret::show_value(json!(places)));
        return Ok(code);
    }
    let rows: Vec<Vec<String>> =
        site.notify.iter().zip(&said).map(|(place, said)| row(context, place, said)).collect();
    print!("{}", secret::show(&table(&rows)));
    Ok(code)
}

/// What came of a test notice.
struct Answer {
    is_taken: bool,
    /// What is wrong.
    why: Option<Shown>,
}

/// One that is slow keeps no other waiting.
fn try_all(site: &Site) -> Vec<Option<Answer>> {
    let try_one = |number: usize, place: &Notify| match place.send(&test_notice(site, number)) {
        Ok(why) => Answer { is_taken: true, why: why.map(Shown::from) },
        Err(failure) => {
            let said = failure.why.into_iter().filter(|why| !why.is_empty());
            let said: Vec<String> = [failure.message].into_iter().chain(said).collect();
            Answer { is_taken: false, why: Some(said.join(": ").into()) }
        }
    };
    std::thread::scope(|scope| {
        let places = site.notify.iter().enumerate();
        let threads: Vec<_> =
            places.map(|(number, place)| scope.spawn(move || try_one(number, place))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|said| Some(said.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))).collect()
    })
}

fn test_notice(site: &Site, number: usize) -> Notice {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let time = format!("{:.3}", jiff::Timestamp::now());
    let by = crate::person::whoami();
    Notice {
        event: When::Test,
        title: format!("{host}: a test of notices by banister").into(),
        text: format!("{by} typed `banister notify --test`; nothing has happened").into(),
        run: String::new(),
        runbook: String::new(),
        servers: site.order.clone(),
        releases: Vec::new(),
        host,
        id: format!("test.{time}.{number}"),
        time,
    }
}

fn events(place: &Notify) -> Vec<When> {
    use When::{Asked, Done, Failed, Interrupted, Refused, RolledBack, Started};
    let all = [Started, Asked, Done, Failed, Interrupted, RolledBack, Refused];
    all.into_iter().filter(|event| place.hears(*event)).collect()
}

fn document(place: &Notify, said: &Option<Answer>) -> Value {
    let mut document = json!({ "place": place.name(), "at": events(place) });
    if let Some(said) = said {
        document["taken"] = said.is_taken.into();
        document["why"] = json!(said.why);
    }
    document
}

fn row(context: &Context, place: &Notify, said: &Option<Answer>) -> Vec<String> {
    let said = match said {
        None => {
            let word = |event: When| json!(event).as_str().unwrap_or_default().to_owned();
            events(place).into_iter().map(word).collect::<Vec<_>>().join(", ")
        }
        Some(Answer { is_taken: true, why: None }) => context.style.good("took it"),
        Some(Answer { is_taken: true, why: Some(why) }) => {
            format!("{}: {why}", context.style.warn("took it, but not for all"))
        }
        Some(Answer { why, .. }) => {
            let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("{}{why}", context.style.bad("did not take it"))
        }
    };
    vec![place.name(), said]
}
