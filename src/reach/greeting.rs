//! The first words on a connection, up to where a shell that is ours becomes the agent.
//!
//! What answers first is a login shell, of any sort and with any settings: it may print, ask, or start another one. So one
//! line that every shell understands has it say a mark that nobody else can know, and nothing is sent before that: what a
//! foreign shell reads, it runs. Then each side waits for the other's word, as a program there may read ahead.
//!
//! ```text
//! here                                  there
//!                                       whatever the login shell prints
//!                                       MARK
//! length of the script, the script
//!                                       MARK missing Linux x86_64
//! send, the program
//!                                       MARK ready
//! ```

use super::lines;
use crate::failure::{Context, Failure, Kind, Result};
use crate::output::quoted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

/// So much is read while the mark is looked for, and so much of a line.
const MOST: usize = 64 << 10;
/// So many lines of others are passed over between those with the mark.
const OTHERS: usize = 1000;
/// How long the other side may take for its next word. It may have to write the program to a slow disk.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long it may take nothing of what is sent.
const STALLED: Duration = Duration::from_secs(60);
/// So much can be written to a pipe that takes something, without waiting.
const PIECE: usize = 4096;
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

const PLACE: &str = include_str!("place.sh");

/// For a program that is there: `program` is put before this.
const START: &str = r#"
mark=$1
say() { printf '%s\n' "$mark $*"; }
[ -e "$program" ] || { say stuck gone; exit 1; }
[ -x "$program" ] || { say stuck closed "$program"; exit 1; }
say ready
exec "$program" "$part"
"#;

/// Streams of a connection on which the greeting is said.
pub struct Greeting<'a> {
    pub input: &'a mut ChildStdin,
    pub output: &'a mut BufReader<ChildStdout>,
    pub mark: String,
    /// What came and was not for us: of the login shell, or of what it started.
    pub noise: Vec<u8>,
}

/// What the other side says.
#[derive(Debug, PartialEq)]
pub enum Word {
    Ready,
    /// There is no program; the machine, as `uname -sm` says it.
    Missing(String),
    /// There can be no agent: which obstacle, and what belongs to it.
    Stuck(String, String),
    /// It ended.
    Nothing,
}

/// Why no mark came.
#[derive(Debug, PartialEq)]
pub enum Silent {
    /// What ran there ended, or the connection did.
    Ended,
    /// It did not come in time.
    Late,
    /// Too much else came.
    Noisy,
}

/// A mark that nobody can know before.
pub fn mark() -> Result<String> {
    let mut chance = [0; 16];
    rustix::rand::getrandom(&mut chance, rustix::rand::GetRandomFlags::empty())
        .or_fail(Kind::Refused, || "there are no random numbers".into())?;
    Ok(chance.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What the login shell is given: one line without anything that a shell understands in its own way. `shell` is the name of
/// the shell that takes over.
pub fn first_line(shell: &str, mark: &str) -> String {
    format!(
        "{shell} -c 'PATH=\"${{PATH:+$PATH:}}/usr/local/bin:/usr/bin:/bin\"; export PATH; printf \"\\n%s\\n\" \"$1\"; \
         read -r n && eval \"$(head -c \"$n\")\"' sh {mark}"
    )
}

/// The script that starts this program's copy, which has that digest and length, as what it is to be there.
pub fn placing(part: &str, sha256: &str, bytes: u64) -> String {
    format!("part={part} digest={sha256} bytes={bytes}\n{PLACE}")
}

/// The script that starts a program which somebody installed there.
pub fn starting(part: &str, program: &Path) -> String {
    format!("part={part} program={}\n{START}", quoted(&program.display().to_string()))
}

impl Greeting<'_> {
    /// Waits for the mark. `until` is asked again and again: how long it waits may depend on what ssh says meanwhile.
    pub fn find_mark(&mut self, until: impl Fn() -> Instant) -> std::result::Result<(), Silent> {
        let mark = format!("\n{}\n", self.mark).into_bytes();
        loop {
            let before = self.noise.len();
            let Some(piece) = self.piece(&until)? else { return Err(Silent::Ended) };
            let piece = piece.to_vec();
            self.noise.extend_from_slice(&piece);
            // It may have begun in an earlier piece.
            let from = before.saturating_sub(mark.len());
            if let Some(at) = find(&self.noise[from..], &mark) {
                let end = from + at + mark.len();
                self.output.consume(end - before);
                self.noise.truncate(from + at);
                return Ok(());
            }
            self.output.consume(piece.len());
            if self.noise.len() > MOST {
                return Err(Silent::Noisy);
            }
        }
    }

    /// Has the shell there run this script.
    pub fn run(&mut self, script: &str) -> bool {
        self.send(format!("{}\n{script}", script.len()).as_bytes())
    }

    /// Sends the program. If it can't be sent whole, the other side says why. Fails with [`Kind::Refused`] if it can't be
    /// read.
    pub fn send_program(&mut self, mut program: impl Read) -> Result<()> {
        let failed = || "this program can't be read".to_owned();
        let mut takes = self.send(b"send\n");
        let mut buffer = vec![0; 256 << 10];
        while takes {
            let read = program.read(&mut buffer).or_fail(Kind::Refused, failed)?;
            if read == 0 {
                break;
            }
            takes = self.send(&buffer[..read]);
        }
        Ok(())
    }

    /// The next word; lines without the mark are passed over. Fails with [`Kind::Unreachable`] if none comes.
    pub fn word(&mut self) -> Result<Word> {
        for _ in 0..OTHERS {
            let Some(line) = self.line()? else { return Ok(Word::Nothing) };
            let line = String::from_utf8_lossy(&line).into_owned();
            let Some(word) = line.strip_prefix(&self.mark) else { continue };
            let (word, rest) = word.trim().split_once(' ').unwrap_or((word.trim(), ""));
            return Ok(match word {
                "ready" => Word::Ready,
                "missing" => Word::Missing(rest.into()),
                "stuck" => {
                    let (obstacle, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                    Word::Stuck(obstacle.into(), rest.trim().into())
                }
                _ => continue,
            });
        }
        Err(Failure::new(Kind::Unreachable, "what runs there prints without an end"))
    }

    /// The next line without its end; none after the last whole one. Fails with [`Kind::Unreachable`] if it does not come in
    /// time, or has no end.
    pub fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let until = Instant::now() + PATIENCE;
        let late = |_| {
            let message = format!("what runs there has said nothing for {}s", PATIENCE.as_secs());
            Failure::new(Kind::Unreachable, message)
        };
        let mut line = Vec::new();
        loop {
            let Some(piece) = self.piece(&|| until).map_err(late)? else { return Ok(None) };
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(piece.len());
            line.extend_from_slice(&piece[..taken]);
            self.output.consume(end.map_or(taken, |end| end + 1));
            if end.is_some() {
                return Ok(Some(line));
            }
            if line.len() > MOST {
                let message = "what runs there prints a line without an end";
                let said = format!("it begins with `{}`", lines::first_of(&line));
                return Err(Failure::new(Kind::Unreachable, message).why(said));
            }
        }
    }

    /// Sends all of it; false if nobody takes it.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        let mut taken = Instant::now();
        let mut pieces = bytes.chunks(PIECE);
        let mut next = pieces.next();
        while let Some(piece) = next {
            let mut ready = [PollFd::new(&self.input, PollFlags::OUT)];
            let is_ready = match poll(&mut ready, Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => false,
                Ok(_) => true,
                Err(_) => return false,
            };
            if is_ready {
                if self.input.write_all(piece).is_err() {
                    return false;
                }
                taken = Instant::now();
                next = pieces.next();
            } else if taken.elapsed() > STALLED {
                return false;
            }
        }
        self.input.flush().is_ok()
    }

    /// What has come, at least a byte; none at the end.
    fn piece(&mut self, until: &dyn Fn() -> Instant) -> std::result::Result<Option<&[u8]>, Silent> {
        while self.output.buffer().is_empty() {
            let pipe = self.output.get_ref().as_fd();
            match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) if Instant::now() > until() => return Err(Silent::Late),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                _ => break,
            }
        }
        match self.output.fill_buf() {
            Ok([]) | Err(_) => Ok(None),
            Ok(piece) => Ok(Some(piece)),
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
