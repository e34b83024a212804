//! Every secret of a server's settings is a canary: whatever is run, and however it ends, none of them is seen in what
//! is printed, in journals and logs, on a command line or in a file's name.

use crate::sweep::round;

use banister::internals::practice::Practice;
use banister::internals::secret::named_like_a_secret;
use round::Round;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Secrets by what the site says, not by their names.
const DECLARED: [&str; 2] = ["MINIO_ROOT_USER", "LDAP_ORGANISATION"];

/// Names by which a service is told apart or left out; what they hold can be read in any browser.
const PUBLIC: [&str; 1] = ["RECAPTCHA_SITE_KEY"];

/// Each canary has its own number: one test sees the processes of another.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// The canaries, each in every form in which it can be seen.
struct Canaries(Vec<(String, Vec<String>)>);

impl Canaries {
    /// Puts one into each secret of the server's settings, and into secrets that only an admin could have added.
    fn put_into(practice: &Practice) -> Canaries {
        let path = practice.hoss().join(".env");
        let mut canaries = Vec::new();
        let before = fs::read_to_string(&path).unwrap();
        let added = ["NEW_PASSWORD", "CANARY_TOKEN", "RECAPTCHA_SECRET_KEY"];
        let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
        lines.retain(|line| !added.iter().any(|name| line.starts_with(&format!("{name}="))));
        lines.extend(added.iter().map(|name| format!("{name}=")));
        for line in &mut lines {
            let name = line.split('=').next().unwrap().to_owned();
            let is_secret = named_like_a_secret(&name) || DECLARED.contains(&name.as_str());
            if is_secret && !PUBLIC.contains(&name.as_str()) {
                // Characters that look different when they are encoded.
                let value = format!("canary-{}-3f9c+/=~ea", NEXT.fetch_add(1, Ordering::Relaxed));
                *line = format!("{name}={value}");
                canaries.push(value);
            }
        }
        assert!(canaries.len() >= 11, "{lines:#?}");
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        Canaries(canaries.into_iter().map(|value| (value.clone(), forms(&value))).collect())
    }

    fn found_in(&self, text: &str) -> Option<&str> {
        let is_in = |forms: &[String]| forms.iter().any(|form| text.contains(form.as_str()));
        self.0.iter().find(|(_, forms)| is_in(forms)).map(|(value, _)| value.as_str())
    }

    /// The first file below a folder that holds one, or is called like one. Folders in `but` are not opened; the names in
    /// them are looked at.
    fn found_below(&self, folder: &Path, but: &[&Path]) -> Option<String> {
        let mut folders = vec![(folder.to_owned(), but.contains(&folder))];
        while let Some((folder, is_closed)) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if let Some(found) = self.found_in(&entry.file_name().to_string_lossy()) {
                    return Some(format!("{found} is the name of {}", path.display()));
                }
                if path.is_dir() && !path.is_symlink() {
                    folders.push((path.clone(), is_closed || but.contains(&path.as_path())));
                    continue;
                }
                let content = if is_closed { Vec::new() } else { fs::read(&path).unwrap_or_default() };
                if let Some(found) = self.found_in(&String::from_utf8_lossy(&content)) {
                    return Some(format!("{found} is in {}", path.display()));
                }
            }
        }
        None
    }
}

/// As it is, in base64 (at each of three alignments, and as it stands in addresses), and encoded for URLs. Made by other
/// programs than the one that is tested.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    for shift in 0..3 {
        let mut base64 = Command::new("base64");
        let mut child = base64.arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let bytes = ["x".repeat(shift), value.to_owned()].concat();
        child.stdin.take().unwrap().write_all(bytes.as_bytes()).unwrap();
        let encoded = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        // What depends on the bytes beside it is left out.
        let middle = encoded[(shift * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned();
        forms.push(middle.replace('+', "-").replace('/', "_"));
        forms.push(middle);
    }
    let encode = "import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=''), end='')";
    let output = Command::new(crate::support::python::python()).args(["-c", encode, value]).output().unwrap();
    forms.push(String::from_utf8(output.stdout).unwrap());
    assert!(forms.iter().all(|form| form.len() > value.len() / 2), "{forms:?}");
    forms
}

/// Looks at the command line of every process, again and again.
struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<String>>,
}

impl Watch {
    fn begin() -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    seen.insert(String::from_utf8_lossy(&line).replace('\0', " "));
                }
                std::thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        Watch { is_over, thread }
    }

    /// Every command line that was seen.
    fn end(self) -> BTreeSet<String> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A server whose secrets are canaries, running with them.
fn server() -> (Round, Canaries) {
    let round = Round::new();
    let practice = round.practice();
    round.set("kind = \"hoss\"", &format!("kind = \"hoss\"\nsecrets = {DECLARED:?}"));
    let canaries = Canaries::put_into(practice);
    let mut up = Command::new(practice.dir().join("bin/make"));
    up.args(["up", "DETACH=true"]).current_dir(practice.checkout().join("server"));
    let output = up.envs(practice.environment()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    practice.wait_for("0.2.10").unwrap();
    (round, canaries)
}

#[test]
fn a_canary_that_is_let_out_is_found_in_every_place_and_form() {
    let (round, canaries) = server();
    let folder = tempfile::tempdir().unwrap();
    let none: [&Path; 0] = [];
    assert_eq!(canaries.found_below(folder.path(), &none), None);
    for (value, forms) in &canaries.0 {
        for form in forms {
            assert_eq!(canaries.found_in(&format!("user:{form}@host")), Some(value.as_str()));
            let file = folder.path().join("log");
            fs::write(&file, format!("password {form}.\n")).unwrap();
            assert!(canaries.found_below(folder.path(), &none).unwrap().contains(" is in "));
            assert_eq!(canaries.found_below(folder.path(), &[folder.path()]), None);
            fs::remove_file(&file).unwrap();
            if !form.contains('/') {
                let named = folder.path().join(format!("backup-{form}"));
                fs::write(&named, "").unwrap();
                assert!(
                    canaries.found_below(folder.path(), &[folder.path()]).unwrap().contains(" is the name ")
                );
                fs::remove_file(&named).unwrap();
            }
        }
    }
    // The settings themselves hold them, and so the search of the server must find them there.
    assert!(canaries.found_below(&round.practice().hoss(), &none).is_some());

    let watch = Watch::begin();
    let (value, _) = &canaries.0[0];
    assert!(Command::new("sh").args(["-c", "sleep 0.3; :", value]).status().unwrap().success());
    assert!(watch.end().iter().any(|line| canaries.found_in(line) == Some(value)));
}

#[test]
fn no_canary_is_seen_whatever_is_run() {
    let (round, canaries) = server();
    let practice = round.practice();
    let watch = Watch::begin();
    let say = |arguments: &[&str], code: i32| {
        let said = round.banister(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        let text = format!("{}{}", said.out, said.err);
        assert_eq!(canaries.found_in(&text), None, "{arguments:?}: {text}");
        text
    };
    say(&["run", "update", "--yes", "--json"], 0);
    say(&["run", "backup", "--yes", "-v"], 0);
    say(&["backup", "drill", "--yes", "-v"], 0);
    say(&["backup", "restore", "--yes", "-v"], 0);
    say(&["backup", "verify"], 0);
    say(&["backup", "list", "--json"], 0);
    practice.switch("build", true).unwrap();
    say(&["plan", "update", "-v"], 0);
    let said = say(&["run", "update", "--yes", "-v"], 1);
    assert!(said.contains("undefined: quota"), "{said}");
    for arguments in
        [&["show"][..], &["show", "--json"], &["status"], &["status", "--json"], &["runs"], &["lock", "show"]]
    {
        say(arguments, 0);
    }
    say(&["resume", "--rollback", "--yes", "--json"], 0);
    // A script that asks for them on purpose, and a command that prints them.
    let runbooks = practice.dir().join("runbooks");
    fs::create_dir(&runbooks).unwrap();
    let script = "//! Prints.\nfn main() {\n    let server = this_server();\n    \
                  note(`${server.read_env(\"POSTGRES_PASSWORD\")}`);\n    \
                  note(`${server.run([\"cat\", \"../.hoss/.env\"]).lines}`);\n}\n";
    fs::write(runbooks.join("prints.rhai"), script).unwrap();
    let told = say(&["run", "prints", "-v"], 0);
    assert!(told.contains("NEW_PASSWORD=‹secret›"), "{told}");

    let lines = watch.end();
    // It saw what was to be seen.
    for part in [" __supervise ", "make build", "pg_dump"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part} was not seen: {lines:#?}");
    }
    for line in lines {
        assert_eq!(canaries.found_in(&line), None, "{line}");
    }
    assert_hidden(&round, &canaries);
}

/// None is in a file of the state or in a file's name; the files that hold some are for their owner alone.
fn assert_hidden(round: &Round, canaries: &Canaries) {
    let practice = round.practice();
    let state = round.state();
    let logs = fs::read_dir(state.join("runs")).unwrap().flat_map(|run| {
        let logs = fs::read_dir(run.unwrap().path().join("logs")).into_iter().flatten().flatten();
        logs.map(|log| log.path().join("log")).filter(|log| log.exists()).collect::<Vec<_>>()
    });
    let mut printed = 0;
    for log in logs {
        let mode = log.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", log.display());
        // What a command printed is kept as it was, for its owner alone. Only `cat` printed any.
        if canaries.found_in(&String::from_utf8_lossy(&fs::read(&log).unwrap())).is_some() {
            printed += 1;
            fs::remove_file(&log).unwrap();
        }
    }
    assert_eq!(printed, 1, "the log of `cat`");
    assert_eq!(canaries.found_below(&state, &[]), None);
    // The rest of the server is its own; there, names are looked at, and what was called.
    let world = practice.dir();
    assert_eq!(canaries.found_below(world, &[world]), None);
    let trace = fs::read_to_string(world.join("trace.jsonl")).unwrap();
    assert_eq!(canaries.found_in(&trace), None);
    assert_eq!(canaries.found_below(&practice.checkout(), &[]), None);
    let backups: Vec<_> = fs::read_dir(practice.hoss().join("backup/backups")).unwrap().flatten().collect();
    assert!(backups.len() >= 6, "{backups:?}");
    for backup in backups {
        let path = backup.path();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
        if path.display().to_string().ends_with(".card.json") {
            assert_eq!(canaries.found_in(&fs::read_to_string(&path).unwrap()), None, "{}", path.display());
        }
    }
}
