//! Following a command to its end, whoever started it and whatever died since.

use super::exit::Exit;
use super::line::Lines;
use super::log::{Piece, Reader, tail};
use super::mark::{Survivor, processes_with_mark};
use super::process::ended;
use super::state::{Seen, look, void};
use super::{cancel, lock, start};
use crate::failure::Result;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often the log is read. Being told of each write would cost fifteen times the work for a large log.
const TICK: Duration = Duration::from_millis(50);
/// How soon to look again while the lock is busy and no living supervisor signed it.
const SOON: Duration = Duration::from_millis(5);

/// Where in the output to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Start,
    /// With what is written from now on: an earlier follower has shown the rest.
    Now,
    /// With the last line, and then with what is written from now on: an earlier follower has shown what there was then, and
    /// the command may be silent for long.
    Last,
}

/// What the caller wants, asked at least every 50 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Go on following.
    Go,
    /// Stop following; the command goes on.
    Leave,
    /// End the command with all that it started, and follow it to that end.
    Cancel,
}

/// How following ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    Ended(Exit),
    /// See [`super::State::CutOff`].
    CutOff {
        survivors: Vec<Survivor>,
    },
    /// It did not run and never will: it was set aside, or cancelled before it began.
    Void,
    /// The caller left; the command goes on.
    Left,
}

/// Follows a command that was started, in this process or an earlier one, and hands out its output line by line as
/// [`super::line`] cleans it, with secrets in it. If nothing began yet, because a supervisor died too early, another one
/// is started. Fails as [`super::start`] does.
pub fn follow(
    folder: &Path,
    from: From,
    attention: &dyn Fn() -> Attention,
    on_line: &mut dyn FnMut(&str),
) -> Result<Followed> {
    let mut output = Output::new(folder, from);
    if from == From::Last {
        tail(folder, 1, &|line| line.to_owned()).iter().for_each(|line| on_line(line));
    }
    let mut begun = 0;
    loop {
        let wanted = attention();
        let seen = look(folder)?;
        let process = match &seen {
            Seen::Ended(exit) => {
                output.finish(on_line);
                return Ok(Followed::Ended(exit.clone()));
            }
            Seen::CutOff => {
                output.finish(on_line);
                return Ok(Followed::CutOff { survivors: processes_with_mark(folder) });
            }
            Seen::Void => return Ok(Followed::Void),
            _ if wanted == Attention::Leave => return Ok(Followed::Left),
            Seen::NotBegun => {
                match wanted {
                    Attention::Cancel => drop(void(folder)?),
                    _ if begun == start::TRIES => return Err(start::hopeless(folder)),
                    _ => start::begin(folder)?,
                }
                begun += 1;
                continue;
            }
            Seen::Held => lock::signer(folder).and_then(|supervisor| supervisor.open()),
            Seen::Alone(command) => command.open(),
        };
        let Some(process) = process else {
            std::thread::sleep(SOON);
            continue;
        };
        let mut asked = false;
        while !ended(&process, TICK) {
            output.show(on_line);
            match attention() {
                Attention::Go => {}
                Attention::Leave => return Ok(Followed::Left),
                Attention::Cancel if asked => {}
                Attention::Cancel => {
                    match &seen {
                        Seen::Alone(command) => cancel::end_alone(folder, command)?,
                        _ => drop(cancel::ask(folder)),
                    }
                    asked = true;
                }
            }
        }
    }
}

/// The output that is still to be shown.
struct Output<'a> {
    folder: &'a Path,
    /// None until the log exists.
    reader: Option<Reader>,
    lines: Lines,
    grown: Instant,
}

impl<'a> Output<'a> {
    fn new(folder: &'a Path, from: From) -> Output<'a> {
        let mut reader = Reader::open(folder).ok();
        if let (From::Now | From::Last, Some(reader)) = (from, &mut reader) {
            reader.skip();
        }
        Output { folder, reader, lines: Lines::default(), grown: Instant::now() }
    }

    /// Shows what there is, up to the size that the log has now: a daemon that the command left may write for ever.
    fn show(&mut self, on_line: &mut dyn FnMut(&str)) {
        if self.reader.is_none() {
            self.reader = Reader::open(self.folder).ok();
        }
        let Some(reader) = &mut self.reader else { return };
        let mut buffer = vec![0; 64 << 10];
        let until = reader.size();
        let mut nothing_new = true;
        while reader.offset() < until {
            match reader.read(&mut buffer) {
                Ok(Piece::Bytes(read)) => self.lines.push(&buffer[..read], on_line),
                Ok(Piece::LeftOut(size)) => {
                    self.lines.interrupt(true, on_line);
                    on_line(&format!("… {size} of output are not shown here …"));
                }
                Ok(Piece::End) | Err(_) => break,
            }
            nothing_new = false;
        }
        if nothing_new {
            self.lines.silent(self.grown.elapsed(), on_line);
        } else {
            self.grown = Instant::now();
        }
    }

    fn finish(&mut self, on_line: &mut dyn FnMut(&str)) {
        self.show(on_line);
        self.lines.interrupt(false, on_line);
    }
}
