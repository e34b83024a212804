//! One connection to an agent: requests out, answers in, and a beat in between. What it reads has a bound.

use super::lines::{self, Line, first_of};
use super::ssh::{Connection, Process};
use super::wire::{BEAT, Reply, Request, SILENCE, Said, What};
use crate::failure::Result;
use crate::primitive::Told;
use crate::stop::{Asked, Stop};
use crate::sync::Mutex;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How often it is looked whether a person asked to stop.
const TICK: Duration = Duration::from_millis(50);
/// A link's threads do little.
const STACK: usize = 128 << 10;
/// So many bytes of what is only told wait for whom it is told to. What comes after them is left out: it may come faster than
/// a terminal shows it.
const UNREAD: usize = 16 << 20;

/// The connection is gone, and nobody knows what became of what was asked.
#[derive(Debug)]
pub struct Lost;

pub struct Link {
    process: Process,
    input: Mutex<ChildStdin>,
    shared: Arc<Shared>,
    next: AtomicU64,
    begun: Instant,
}

/// What the thread that reads shares with those that ask.
#[derive(Default)]
struct Shared {
    waiting: Mutex<HashMap<u64, Waiting>>,
    is_lost: AtomicBool,
    /// What was read and is no message.
    nonsense: Mutex<Option<String>>,
    heard: Mutex<Option<Instant>>,
}

/// Whoever waits for an answer.
struct Waiting {
    sender: Sender<(Said, usize)>,
    /// How many bytes of what was sent wait.
    unread: Arc<AtomicUsize>,
}

impl Link {
    /// Takes over a connection on which the agent has said its welcome.
    pub fn over(connection: Connection) -> std::io::Result<Arc<Link>> {
        let Connection { process, input, output } = connection;
        let shared = Arc::new(Shared { heard: Mutex::new(Some(Instant::now())), ..Shared::default() });
        let link = Arc::new(Link {
            process,
            input: Mutex::new(input),
            shared: shared.clone(),
            next: AtomicU64::new(1),
            begun: Instant::now(),
        });
        let builder = || std::thread::Builder::new().stack_size(STACK);
        builder().name("link".into()).spawn(move || shared.read(output))?;
        let beating = Arc::downgrade(&link);
        builder().name("beat".into()).spawn(move || {
            while let Some(link) = beating.upgrade() {
                if !link.beat() {
                    break;
                }
                drop(link);
                std::thread::sleep(BEAT);
            }
        })?;
        Ok(link)
    }

    pub fn is_lost(&self) -> bool {
        self.shared.is_lost.load(Ordering::Relaxed)
    }

    /// How long ago it was made.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The first bytes of what ended the connection, if that was no message.
    pub fn nonsense(&self) -> Option<String> {
        self.shared.nonsense.lock().clone()
    }

    /// Asks, and waits for the answer, however long that takes. What a person asks of `stop` meanwhile is passed on, and
    /// what is told goes to `tell`.
    pub fn ask(
        &self,
        what: What,
        stop: &Stop,
        tell: &dyn Fn(Told),
    ) -> std::result::Result<Result<Value>, Lost> {
        let (sender, receiver) = mpsc::channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let text = match lines::written(&Request { id, what }) {
            Ok(text) => text,
            Err(too_long) => return Ok(Err(too_long)),
        };
        let unread: Arc<AtomicUsize> = Arc::default();
        self.shared.waiting.lock().insert(id, Waiting { sender, unread: unread.clone() });
        // After the entry was made: whoever loses the connection forgets all entries.
        self.send(&text)?;
        let mut passed_on = Asked::Nothing;
        loop {
            match receiver.recv_timeout(TICK) {
                Ok((Said::Told(told), bytes)) => {
                    tell(told);
                    unread.fetch_sub(bytes, Ordering::Relaxed);
                }
                Ok((Said::Done(value), _)) => return Ok(Ok(value)),
                Ok((Said::Failed(failure), _)) => return Ok(Err(failure)),
                Err(RecvTimeoutError::Disconnected) => return Err(Lost),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let asked = stop.asked();
            if asked > passed_on {
                passed_on = asked;
                self.say(What::Stop { id, asked })?;
            }
        }
    }

    /// Says what nobody waits for an answer to.
    fn say(&self, what: What) -> std::result::Result<(), Lost> {
        self.send(&lines::written(&Request { id: 0, what }).map_err(|_| Lost)?)
    }

    fn send(&self, text: &[u8]) -> std::result::Result<(), Lost> {
        let mut input = self.input.lock();
        let sent = input.write_all(text).and_then(|()| input.flush());
        if sent.is_err() || self.is_lost() {
            self.shared.lose();
            return Err(Lost);
        }
        Ok(())
    }

    /// Says that we are there; ends a connection on which nothing was heard for too long. False once it is lost.
    fn beat(&self) -> bool {
        let silent = self.shared.heard.lock().is_some_and(|heard| heard.elapsed() > SILENCE);
        if silent {
            self.shared.lose();
            self.process.end();
        }
        // While somebody sends, that is beat enough; and whoever takes nothing must not keep us from noticing.
        let is_sending = self.input.try_lock().is_none();
        !self.is_lost() && (is_sending || self.say(What::Beat).is_ok())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.process.end();
    }
}

impl Shared {
    fn read(&self, mut output: impl BufRead) {
        loop {
            let line = match lines::next(&mut output) {
                Line::Whole(line) => line,
                Line::Nonsense(said) => {
                    *self.nonsense.lock() = Some(said);
                    break;
                }
                Line::End => break,
            };
            let Ok(reply) = serde_json::from_slice::<Reply>(&line) else {
                *self.nonsense.lock() = Some(first_of(&line));
                break;
            };
            *self.heard.lock() = Some(Instant::now());
            self.hand_on(reply, line.len());
        }
        self.lose();
    }

    /// Gives a reply of so many bytes to whoever waits for it.
    fn hand_on(&self, reply: Reply, bytes: usize) {
        let mut waiting = self.waiting.lock();
        let is_last = !matches!(reply.said, Said::Told(_));
        if let Some(Waiting { sender, unread }) = waiting.get(&reply.id)
            && (is_last || unread.load(Ordering::Relaxed) < UNREAD)
        {
            unread.fetch_add(bytes, Ordering::Relaxed);
            let _ = sender.send((reply.said, bytes));
        }
        if is_last {
            waiting.remove(&reply.id);
        }
    }

    /// Whoever waits is told by the end of the channel.
    fn lose(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
        self.waiting.lock().clear();
    }
}
