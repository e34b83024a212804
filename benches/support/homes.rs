//! The same run with its home here and at the server: its start, a step, an event on its way to the screen, memory.

use crate::World;
use crate::measure::{either, median, timed};
use crate::sshd::Host;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub fn homes(world: &World, host: &Host) {
    println!("a run with its home here, and at the server over ssh on loopback:");
    for home in ["here", "server"] {
        let (rounds, steps) = either((9, 100), (1, 3));
        let run = |count: u32| {
            let runbook = format!(
                "fn main() {{ let s = this_server(); for n in 0..{count} {{ step `Step ${{n}}` {{ s.run([\"true\"]); }} }} }}"
            );
            write(world, home, &runbook);
            begin(world, Stdio::null()).wait().expect("banister");
            timed(rounds, || assert!(begin(world, Stdio::null()).wait().expect("banister").success()))
        };
        let none = run(0);
        let each = run(steps).saturating_sub(none) / steps;
        println!(
            "  {home}: a run that does nothing {none:.0?}, a step with a command {each:.1?}; {rounds} rounds"
        );
        events(world, host, home);
    }
}

fn write(world: &World, home: &str, runbook: &str) {
    world.site(1, |_| Some("h0".to_owned()), "", runbook);
    let site = world.folder.join("site.toml");
    let text = fs::read_to_string(&site).expect("a file");
    fs::write(site, text.replace("home = \"here\"", &format!("home = {home:?}"))).expect("a file");
}

fn begin(world: &World, out: Stdio) -> Child {
    let mut command: Command = world.banister(&["run", "try", "--abandon"]);
    command.stdout(out).env_remove("BANISTER_FOREGROUND").spawn().expect("banister")
}

/// How long an event takes from the file of the run to the output of who looks on, and what memory all of them have.
fn events(world: &World, host: &Host, home: &str) {
    let count = either(100, 5);
    let runbook = format!(
        "fn main() {{ let s = this_server(); for n in 0..{count} {{ s.run([\"sleep\", \"0.05\"]); note(`note number ${{n}}.`); }} }}"
    );
    write(world, home, &runbook);
    let states = [world.folder.join("state"), host.home().join(".local/state/banister")];
    let before: Vec<PathBuf> = states.iter().flat_map(|state| runs(state)).collect();
    let mut child = begin(world, Stdio::piped());
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let seen = std::thread::spawn(move || -> Vec<(String, Instant)> {
        let lines = out.lines().map_while(Result::ok).filter_map(|line| number(&line));
        lines.map(|number| (number, Instant::now())).collect()
    });
    let mut written: Vec<(String, Instant)> = Vec::new();
    let (mut file, mut memory): (Option<PathBuf>, Vec<String>) = (None, Vec::new());
    while child.try_wait().expect("it is ours").is_none() {
        if file.is_none() {
            let new = states.iter().flat_map(|state| runs(state)).find(|run| !before.contains(run));
            file = new.map(|run| run.join("events/000001.jsonl"));
        }
        let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let numbers: Vec<String> = text.lines().filter_map(number).collect();
        written.extend(numbers.into_iter().skip(written.len()).map(|number| (number, Instant::now())));
        if memory.is_empty() && written.len() > count / 2 {
            memory = of_all(world.folder);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let seen = seen.join().expect("it reads");
    let mut late: Vec<Duration> = written
        .iter()
        .filter_map(|(number, at)| {
            seen.iter()
                .find(|(other, _)| other == number)
                .map(|(_, seen)| seen.saturating_duration_since(*at))
        })
        .collect();
    assert!(!late.is_empty(), "nothing was seen");
    late.sort();
    let (all, last) = (late.len(), late[late.len() - 1]);
    println!(
        "    an event to the screen {:.1?}, 95 of 100 within {:.1?}, at most {last:.1?}; {all} events",
        median(late.clone()),
        late[all * 95 / 100]
    );
    println!("    memory: {}", memory.join(", "));
}

fn number(line: &str) -> Option<String> {
    let rest = line.split_once("note number ")?.1;
    rest.split_once('.').map(|(number, _)| number.to_owned())
}

fn runs(state: &Path) -> Vec<PathBuf> {
    fs::read_dir(state.join("runs")).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// What the processes of the program are called that play a part in a run.
const PARTS: [&str; 5] = ["run", "run-here", "watch-run", "home", "agent"];

/// What each process of the program has now, by the part that it plays.
fn of_all(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("it is there").flatten();
    let mut found: Vec<String> = entries
        .filter_map(|entry| {
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let is_ours = String::from_utf8_lossy(&environment).contains(folder.to_str()?);
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let words: Vec<&str> = line.split('\0').collect();
            let is_program = PARTS.contains(words.get(1)?);
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            let size: f64 = size.split_whitespace().next()?.parse().ok()?;
            (is_ours && is_program)
                .then(|| format!("{} {:.1} MB", words.get(1).unwrap_or(&""), size / 1024.0))
        })
        .collect();
    found.sort();
    found
}
