//! A program at a terminal of its own, which `script`, a part of every Debian, gives it.

use super::{Said, said};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub struct Terminal {
    child: Option<Child>,
    input: ChildStdin,
    seen: Arc<Mutex<String>>,
    /// How much of what is seen was waited for already.
    at: usize,
}

impl Terminal {
    /// Starts the program with these words; `like` says in which folder and environment.
    pub fn start(like: &Command, line: &str, term: &str) -> Terminal {
        let environment: Vec<_> =
            like.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        let mut command = Command::new("script");
        let program = env!("CARGO_BIN_EXE_banister");
        command.args(["-qec", &format!("stty cols 200; exec {program} {line}"), "/dev/null"]);
        command.env_clear().envs(environment).env("TERM", term).env("SHELL", "/bin/sh");
        if let Some(folder) = like.get_current_dir() {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let seen = Arc::new(Mutex::new(String::new()));
        let sink = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = output.read(&mut buffer) {
                if read == 0 {
                    return;
                }
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        Terminal { child: Some(child), input, seen, at: 0 }
    }

    /// Types this.
    pub fn types(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits until this is seen after what was waited for before, and gives what came in between.
    pub fn sees(&mut self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let seen = self.seen.lock().unwrap().clone();
            if let Some(found) = seen[self.at..].find(text) {
                let between = seen[self.at..self.at + found].to_owned();
                self.at += found + text.len();
                return between;
            }
            assert!(Instant::now() < until, "`{text}` is not seen after: {}", &seen[self.at..]);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end; what it showed is in `out`.
    pub fn ends(mut self) -> Said {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let mut said = said(output);
        // The reader may still be at the last of it.
        std::thread::sleep(Duration::from_millis(50));
        said.out = self.seen.lock().unwrap().clone();
        said
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
