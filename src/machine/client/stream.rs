//! An answer that is read piece by piece: a file that is too large for memory.

use super::fault::Fault;
use super::url::Url;
use super::{Asked, Client, REDIRECTS, TICK, Unknown, again_and_again};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, Request};

/// In bytes.
const PIECE: usize = 64 << 10;
/// So many are read before one is used.
const AHEAD: usize = 4;
/// A server that sends nothing for so long has died.
const SILENCE: Duration = Duration::from_secs(60);

/// An answer whose body is still to be read.
pub struct Stream {
    pub status: u16,
    pub headers: HeaderMap,
    /// Who answered: another one than was asked after a redirect.
    pub url: Url,
    pieces: Receiver<io::Result<Vec<u8>>>,
}

impl Client<'_> {
    /// Asks for a file, without its first `from` bytes where the server can do that, and follows redirects, also to other
    /// servers. Its body may take as long as all questions of the client together.
    pub fn open(&self, url: &Url, from: u64) -> Asked<Stream> {
        self.check_beginning(url)?;
        let mut asked = url.clone();
        for _ in 0..=REDIRECTS {
            let stream = self.open_once(&asked, from).map_err(|fault| fault.unknown)?;
            match self.redirected(&asked, stream.status, stream.header("location"))? {
                Some(next) => asked = next,
                None => return Ok(stream),
            }
        }
        Err(again_and_again(url))
    }

    fn open_once(&self, url: &Url, from: u64) -> Result<Stream, Fault> {
        let left = self.until.saturating_duration_since(Instant::now());
        let authority = url.authority();
        if left.is_zero() {
            return Err(Fault::lasting(format!("`{authority}` was not asked: there was no time left")));
        }
        let agent = if url.is_loopback() { &self.direct } else { &self.outside };
        let mut request = Request::builder().method("GET").uri(url.to_string()).header("accept", "*/*");
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let request = request.body(()).map_err(|error| Fault::lasting(error.to_string()))?;
        let request = agent.configure_request(request).timeout_global(Some(left));
        let request = request.timeout_recv_response(Some(self.limits.answer)).build();
        let answer = agent.run(request).map_err(|error| Fault::of(error, &authority))?;
        let (head, body) = answer.into_parts();
        let encoding = head.headers.get("content-encoding").map(|value| value.as_bytes());
        if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
            return Err(Fault::lasting(format!(
                "`{authority}` answered compressed, which was not asked for"
            )));
        }
        // Whoever waits for a piece must be able to stop waiting.
        let (sender, pieces) = sync_channel(AHEAD);
        let mut body = body.into_reader();
        thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let read = body.read(&mut piece);
                let is_last = !matches!(read, Ok(1..));
                let read = read.map(|length| {
                    piece.truncate(length);
                    piece
                });
                // Nobody waits for it any more.
                if sender.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Stream { status: head.status.as_u16(), headers: head.headers, url: url.clone(), pieces })
    }
}

impl Stream {
    /// A header's value; `None` if it is not there, or is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece of the body; nothing at its end. `stop` ends the wait for it.
    pub fn next(&self, stop: &dyn Fn() -> bool) -> Asked<Option<Vec<u8>>> {
        let authority = self.url.authority();
        let until = Instant::now() + SILENCE;
        while !stop() {
            match self.pieces.recv_timeout(TICK) {
                Ok(Ok(piece)) => return Ok(Some(piece).filter(|piece| !piece.is_empty())),
                Ok(Err(error)) => return Err(Fault::of(error.into(), &authority).unknown),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(Unknown::new(format!("`{authority}` sent nothing for a minute")));
                }
            }
        }
        Err(Unknown::new(format!("`{authority}` was not read to its end: interrupted")))
    }
}
