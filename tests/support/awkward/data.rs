//! What lies in a server's data that no archive of a tidy world has.

use super::{Awkward, Thing, people};
use crate::support::python::python;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The name of the file that is written to all the time.
pub const LIVE: &str = "live.sqlite";

const WRITER: &str = r#"
import sqlite3, sys, time
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute("PRAGMA journal_mode=WAL")
base.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, text TEXT)")
n = 0
while True:
    base.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 500,))
    n += 1
    if n % 50 == 0:
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    time.sleep(0.02)
"#;

/// What a world's data need while it is there.
#[derive(Default)]
pub struct Data {
    /// A folder, and where it is mounted for each call of the program.
    pub mounts: Vec<(PathBuf, PathBuf)>,
    writer: Option<Child>,
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Some(writer) = &mut self.writer {
            let _ = writer.kill();
            let _ = writer.wait();
        }
    }
}

impl Data {
    /// Puts the things into `data`; what they lead to is beside it, in `folder`.
    pub fn put(&mut self, awkward: &Awkward, data: &Path, folder: &Path) {
        if awkward.has(Thing::Links) {
            let outside = folder.join("outside");
            fs::create_dir_all(&outside).unwrap();
            fs::write(outside.join("kept"), "outside").unwrap();
            symlink("nowhere", data.join("dangling")).unwrap();
            symlink("/etc/hostname", data.join("absolute")).unwrap();
            symlink(&outside, data.join("out")).unwrap();
            symlink("config.yaml", data.join("within")).unwrap();
        }
        if awkward.has(Thing::Socket) {
            // The name of a socket is short: from a folder with a long one it can't be reached.
            let short = tempfile::Builder::new().prefix("s").tempdir_in("/tmp").unwrap();
            UnixListener::bind(short.path().join("s")).unwrap();
            let moved = Command::new("mv").arg(short.path().join("s")).arg(data.join("agent.sock")).status();
            assert!(moved.unwrap().success());
        }
        if awkward.has(Thing::Mount) {
            let other = folder.join("nas");
            fs::create_dir_all(&other).unwrap();
            fs::write(other.join("scan"), "of a nas").unwrap();
            fs::create_dir(data.join("mounted")).unwrap();
            self.mounts.push((other, data.join("mounted")));
        }
    }

    /// Begins to write, as the user of the world, once the world is the user's.
    pub fn write(&mut self, awkward: &Awkward, data: &Path) {
        if !awkward.has(Thing::Sqlite) {
            return;
        }
        let words = [people::before(awkward), vec![python().into()]].concat();
        let mut writer = Command::new(&words[0]);
        writer.args(&words[1..]).args(["-c", WRITER]).arg(data.join(LIVE)).current_dir("/");
        let writer = writer.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.writer = Some(writer);
        let until = Instant::now() + Duration::from_secs(20);
        while !data.join(format!("{LIVE}-wal")).exists() {
            assert!(Instant::now() < until, "nobody writes to {LIVE}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What SQLite says of a copy of the file that is written to all the time.
pub fn check(data: &Path) -> String {
    let program = "import sqlite3, sys\nbase = sqlite3.connect(sys.argv[1], timeout=20)\n\
                   print(base.execute('PRAGMA integrity_check').fetchone()[0])";
    let mut command = Command::new(python());
    let output = command.args(["-c", program]).arg(data.join(LIVE)).output().unwrap();
    format!("{LIVE}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
