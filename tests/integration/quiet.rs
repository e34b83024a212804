//! An update that holds users off: as long as it works they get a page and nothing else, and afterwards the server,
//! also if it failed, was killed or was given up.

use crate::sweep::round;

use banister::failure::Failure;
use banister::internals::machine::http::{Request, Response};
use round::{Round, Thin, count, named_places, shared, side_by_side};
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server whose users get a page meanwhile.
fn with_page() -> Round {
    let round = Round::new();
    round.set("within = \"20s\"", "within = \"10s\"");
    let site = fs::read_to_string(round.practice().site()).unwrap();
    fs::write(round.practice().site(), format!("{site}maintenance = \"page\"\n")).unwrap();
    round
}

/// What a user gets. Of the user interface, since a person who only looks at it is no use that an update asks about.
fn ask(round: &Round) -> Result<Response, Failure> {
    Request::get(format!("{}/ui/", round.practice().endpoint())).send()
}

fn is_page(answer: &Response) -> bool {
    answer.status == 503 && answer.body.contains("Please try again in a few minutes")
}

/// What users got while `work` was done, one after the other, the same only once: "page" or a status. From 0.2.11 on the
/// proxy itself is another one: while it is made anew nobody gets anything.
fn meanwhile(round: &Round, work: impl FnOnce()) -> Vec<String> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let user = scope.spawn(|| {
            let mut seen: Vec<String> = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let Ok(answer) = ask(round) else { continue };
                let word = if is_page(&answer) { "page".into() } else { answer.status.to_string() };
                if seen.last() != Some(&word) {
                    seen.push(word);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        work();
        // Whoever asks now gets what there is from now on.
        std::thread::sleep(Duration::from_millis(50));
        over.store(true, Ordering::Relaxed);
        user.join().unwrap()
    })
}

/// First the server, then the page alone, then the server again. There is a moment in which the page's container runs and
/// does not listen yet, and one in which it does not any more and the proxy has not noticed.
fn assert_quiet(seen: &[String]) {
    let mut words: Vec<&str> = seen.iter().map(String::as_str).collect();
    for moment in [["200", "502", "page"], ["page", "502", "200"]] {
        if let Some(at) = words.windows(3).position(|three| three == moment) {
            words.remove(at + 1);
        }
    }
    assert_eq!(words, ["200", "page", "200"], "{seen:?}");
}

/// The container of the page, if there is one, running or not.
fn container(round: &Round) -> String {
    let mut docker = Command::new(round.practice().dir().join("bin/docker"));
    docker.args(["ps", "--all", "--quiet", "--filter", "name=banister-page"]);
    let listed = docker.envs(round.practice().environment()).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    String::from_utf8(listed.stdout).unwrap()
}

fn assert_open(round: &Round, place: &str) {
    assert_eq!(container(round), "", "{place}");
    assert_eq!(ask(round).unwrap().status, 200, "{place}");
}

#[test]
fn users_get_a_page_from_before_the_outage_until_the_new_release_is_healthy() {
    let round = with_page();
    let plan = round.banister(&["plan", "update"]);
    assert!(plan.out.contains("users of practice get a page from now on, until it is healthy"), "{plan:?}");
    assert_open(&round, "after a plan");
    let seen = meanwhile(&round, || {
        let said = round.banister(&["run", "update", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    });
    assert_quiet(&seen);
    let seen_by_users = record(&round, "<h1>Maintenance</h1>\",\"http\"");
    assert!(seen_by_users < record(&round, "\"target\":\"up\""), "the outage began without the page");
    assert_open(&round, "afterwards");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.14");
}

#[test]
fn users_get_the_page_until_the_old_release_is_back() {
    let round = with_page();
    round.practice().switch("crash-loop", true).unwrap();
    let seen = meanwhile(&round, || {
        let said = round.banister(&["run", "update", "--yes", "--to", "0.2.16"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let page = ask(&round).unwrap();
        assert!(is_page(&page), "{page:?}");
        // Programs are told when to ask again, and nothing keeps the page.
        let header = |name: &str| page.headers.get(name).map(String::as_str);
        assert_eq!((header("retry-after"), header("cache-control")), (Some("60"), Some("no-store")));
        let said = round.banister(&["resume", "--rollback", "--yes"]);
        assert!(said.out.contains("was rolled back"), "{said:?}");
    });
    assert_quiet(&seen);
    assert_open(&round, "afterwards");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
}

/// Where the newest run's journal has this text first.
fn record(round: &Round, text: &str) -> usize {
    let journal = round.journals().pop().unwrap();
    journal.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {journal}"))
}

#[test]
fn an_update_that_is_killed_while_users_are_held_off_ends_like_one_that_is_not() {
    let undisturbed = with_page();
    let said = undisturbed.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let expected = undisturbed.world();
    let (first, last) = (record(&undisturbed, "\"--label\""), record(&undisturbed, "Back up again"));
    // Before the page there is only a look at where the proxy is.
    let journal = undisturbed.journals().pop().unwrap();
    let until: String = journal.split_inclusive('\n').take(last + 1).collect();
    let places = named_places(&until, first - 2);
    let places = shared(&places, Thin::tidy());
    drop(undisturbed);
    side_by_side(&places, |places| {
        let round = with_page();
        let said = round.killed_at(&["run", "update", "--yes"], &["resume", "--yes"], places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        let places = format!("{places:?}");
        round.assert_is(&expected, &places);
        assert_open(&round, &places);
    });
    let kills: usize = places.iter().map(Vec::len).sum();
    count(&format!("killed at {kills} places while users were held off: 0 worlds differ"));
}

#[test]
fn the_page_of_a_run_that_was_given_up_is_taken_away_by_the_next() {
    let round = with_page();
    assert_eq!(round.banister(&["run", "update", "--yes"]).code, Some(0));
    let shown = record(&round, "\"target\":\"up\"");
    drop(round);
    let round = with_page();
    let said = round.crash(&["run", "update", "--yes"], &format!("before {shown}"));
    assert_eq!(said.code, Some(-9), "{said:?}");
    assert!(is_page(&ask(&round).unwrap()));
    // What it left is not what runs: the next can only say so.
    let said = round.banister(&["run", "update", "--yes", "--abandon=it is taken away"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("maintenance mode is turned off"), "{said:?}");
    assert_open(&round, "afterwards");
}
