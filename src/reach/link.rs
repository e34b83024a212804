//! One connection to an agent: requests out, answers in, and a beat in between.

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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How often it is looked whether a person asked to stop.
const TICK: Duration = Duration::from_millis(50);
/// A link's threads do little.
const STACK: usize = 128 << 10;

/// The connection is gone, and nobody knows what became of what was asked.
#[derive(Debug)]
pub struct Lost;

pub struct Link {
    process: Process,
    input: Mutex<ChildStdin>,
    shared: Arc<Shared>,
    next: AtomicU64,
}

/// What the thread that reads shares with those that ask.
#[derive(Default)]
struct Shared {
    waiting: Mutex<HashMap<u64, Sender<Said>>>,
    is_lost: AtomicBool,
    heard: Mutex<Option<Instant>>,
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
        self.shared.waiting.lock().insert(id, sender);
        // After the entry was made: whoever loses the connection forgets all entries.
        self.send(id, what)?;
        let mut passed_on = Asked::Nothing;
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(Said::Told(told)) => tell(told),
                Ok(Said::Done(value)) => return Ok(Ok(value)),
                Ok(Said::Failed(failure)) => return Ok(Err(failure)),
                Err(RecvTimeoutError::Disconnected) => return Err(Lost),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let asked = stop.asked();
            if asked > passed_on {
                passed_on = asked;
                self.send(0, What::Stop { id, asked })?;
            }
        }
    }

    fn send(&self, id: u64, what: What) -> std::result::Result<(), Lost> {
        let mut text = serde_json::to_vec(&Request { id, what }).map_err(|_| Lost)?;
        text.push(b'\n');
        let mut input = self.input.lock();
        let sent = input.write_all(&text).and_then(|()| input.flush());
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
        !self.is_lost() && self.send(0, What::Beat).is_ok()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.process.end();
    }
}

impl Shared {
    fn read(&self, output: impl BufRead) {
        for line in output.lines() {
            let Some(reply) = line.ok().and_then(|line| serde_json::from_str::<Reply>(&line).ok()) else {
                break;
            };
            *self.heard.lock() = Some(Instant::now());
            let mut waiting = self.waiting.lock();
            let is_last = !matches!(reply.said, Said::Told(_));
            if let Some(sender) = waiting.get(&reply.id) {
                let _ = sender.send(reply.said);
            }
            if is_last {
                waiting.remove(&reply.id);
            }
        }
        self.lose();
    }

    /// Whoever waits is told by the end of the channel.
    fn lose(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
        self.waiting.lock().clear();
    }
}
