//! What an agent says that is another program.

use crate::support::World;
use banister::data::Arguments;
use banister::internals::reach::agent::serve;
use banister::internals::reach::wire::{Hello, Reply, Request, Said, Task, What};
use banister::internals::site::Site;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// What an agent writes, kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether this is the process of the test alone.
const ALONE: &str = "BANISTER_TEST_AGENT";

#[test]
fn an_agent_that_is_another_program_says_what_it_lacks_and_how_that_is_mended() {
    // An agent has the key of its process.
    if std::env::var_os(ALONE).is_none() {
        let name = "agent::an_agent_that_is_another_program_says_what_it_lacks_and_how_that_is_mended";
        let mut again = Command::new(std::env::current_exe().unwrap());
        let again = again.args(["--exact", name, "--nocapture"]).env(ALONE, "yes").output().unwrap();
        assert!(again.status.success(), "{again:?}");
        return;
    }
    let world = World::new();
    let site = Site::load(&world.path().join("site.toml")).unwrap();
    let task = Task {
        primitive: "log_release".into(),
        arguments: Arguments::new(),
        attempt: None,
        step: "Log".into(),
        secrets: Default::default(),
    };
    let lines = [
        serde_json::to_string(&Hello::of(site.server("web").unwrap()).unwrap()).unwrap(),
        serde_json::to_string(&Request { id: 1, what: What::Perform(task) }).unwrap(),
    ];
    let kept = Kept::default();
    let state: PathBuf = world.path().join("state");
    serve(&state, Cursor::new(lines.join("\n") + "\n"), kept.clone()).unwrap();
    // It answers in a thread of its own.
    let reply = loop {
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        if let Some(line) = text.lines().nth(1).filter(|_| text.ends_with('\n')) {
            break serde_json::from_str::<Reply>(line).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let Said::Failed(failure) = reply.said else { panic!("{reply:?}") };
    assert_eq!(failure.message, "the program that is `agent` on `web` has no primitive `log_release`");
    assert!(failure.help.unwrap().contains("remove `agent` from site.toml"));
}
