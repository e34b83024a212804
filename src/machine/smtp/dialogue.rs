//! What is said to a mail server, and what it answers.

use super::wire::Wire;
use super::{Letter, Login, MailServer};
use crate::failure::{Failure, Kind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

/// No line of an answer is longer, in bytes; the standard says 512.
const LONGEST_LINE: usize = 4096;
/// No answer has more lines.
const MOST_LINES: usize = 256;
/// What of an answer is shown to people, in letters.
const SHOWN: usize = 300;

/// A connection to a mail server that has greeted.
pub struct Dialogue<'a> {
    server: &'a MailServer,
    wire: Wire,
    /// What was received and not read yet.
    received: Vec<u8>,
    /// What the server can do, a line each, in capitals.
    abilities: Vec<String>,
}

/// An answer.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    fn is_good(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// For people. It may repeat a password, which is hidden where it is shown.
    fn said(&self) -> String {
        let text: String = self.lines.join(" ").chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        format!("{} {text}", self.code).trim_end().to_owned()
    }
}

impl<'a> Dialogue<'a> {
    /// Connects, is greeted, and speaks TLS from then on. Only to this machine a server may have none.
    pub fn begin(server: &'a MailServer, until: Instant) -> Result<Dialogue<'a>> {
        let unheard = |error| explain(server, error);
        let wire = Wire::connect(&server.host, server.port, until).map_err(unheard)?;
        let mut dialogue = Dialogue { server, wire, received: Vec::new(), abilities: Vec::new() };
        if server.is_tls_first {
            dialogue.wire.encrypt(&server.host).map_err(unheard)?;
        }
        dialogue.good("to the greeting", |dialogue| dialogue.answer())?;
        dialogue.hello()?;
        if dialogue.wire.is_tls() {
            return Ok(dialogue);
        }
        if !dialogue.can("STARTTLS") {
            if server.is_loopback() {
                return Ok(dialogue);
            }
            let why = "it does not offer STARTTLS; nothing is sent to another machine in the clear";
            return Err(server
                .failed(Kind::Refused, why)
                .help("where it speaks TLS at once, write `smtps://`"));
        }
        dialogue.say("STARTTLS")?;
        // What somebody in between added after the answer must not be taken for what the server says in secret.
        if !dialogue.received.is_empty() {
            return Err(server.failed(Kind::Refused, "it says more than was asked before TLS begins"));
        }
        dialogue.wire.encrypt(&server.host).map_err(unheard)?;
        dialogue.hello()?;
        Ok(dialogue)
    }

    /// Proves who sends, by PLAIN or LOGIN.
    pub fn log_in(&mut self, login: &Login) -> Result<()> {
        let offered = self.abilities.iter().find_map(|line| line.strip_prefix("AUTH"));
        let offered: Vec<String> =
            offered.into_iter().flat_map(|line| line.split([' ', '=']).map(str::to_owned)).collect();
        let has = |way: &str| offered.iter().any(|offered| offered == way);
        if has("PLAIN") {
            let proof = BASE64.encode(format!("\0{}\0{}", login.user, login.password));
            self.prove(&format!("AUTH PLAIN {proof}"))?;
        } else if has("LOGIN") {
            for line in ["AUTH LOGIN".to_owned(), BASE64.encode(&login.user)] {
                let reply = self.ask(&line)?;
                if reply.code != 334 {
                    let why = format!("{} to the password", reply.said());
                    return Err(self.server.failed(Kind::Refused, why));
                }
            }
            self.prove(&BASE64.encode(&login.password))?;
        } else {
            let why = "it takes no password: it offers neither AUTH PLAIN nor AUTH LOGIN";
            return Err(self.server.failed(Kind::Refused, why));
        }
        Ok(())
    }

    /// Says a part of the proof, which a failure must not show.
    fn prove(&mut self, line: &str) -> Result<Reply> {
        self.good("to the password", |dialogue| dialogue.ask(line))
    }

    /// Sends the message. See [`MailServer::hand_over`].
    pub fn hand_over(&mut self, letter: &Letter) -> Result<Vec<String>> {
        self.say(&format!("MAIL FROM:<{}>", letter.from))?;
        let mut refused = Vec::new();
        for to in letter.to {
            let reply = self.ask(&format!("RCPT TO:<{to}>"))?;
            match reply.is_good() {
                true => {}
                false if reply.code >= 500 => refused.push(format!("{to}: {}", reply.said())),
                // Later it may take it.
                false => return Err(self.server.failed(Kind::Refused, format!("{to}: {}", reply.said()))),
            }
        }
        if refused.len() == letter.to.len() {
            // For good: it would say the same again.
            return Err(self.server.failed(Kind::Invalid, refused.join("; ")));
        }
        let reply = self.ask("DATA")?;
        if reply.code != 354 {
            return Err(self.server.failed(Kind::Refused, format!("{} to `DATA`", reply.said())));
        }
        let mut text = String::new();
        for line in letter.message.lines() {
            // A line that is a dot ends the message.
            let dot = if line.starts_with('.') { "." } else { "" };
            text.extend([dot, line, "\r\n"]);
        }
        self.say(&format!("{text}."))?;
        Ok(refused)
    }

    /// Says goodbye. Nothing depends on the answer.
    pub fn end(&mut self) {
        _ = self.wire.write_all(b"QUIT\r\n").and_then(|()| self.wire.flush());
        self.wire.close();
    }

    fn hello(&mut self) -> Result<()> {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || ['.', '-'].contains(&c));
        let name = if is_name { name } else { "localhost".to_owned() };
        let reply = self.say(&format!("EHLO {name}"))?;
        self.abilities = reply.lines.iter().map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    fn can(&self, word: &str) -> bool {
        self.abilities.iter().any(|line| line.split(' ').next() == Some(word))
    }

    /// Says something, and fails unless the answer is good.
    fn say(&mut self, line: &str) -> Result<Reply> {
        let about = line.lines().next().map(|line| format!("to `{line}`")).unwrap_or_default();
        self.good(&about, |dialogue| dialogue.ask(line))
    }

    fn good(&mut self, about: &str, ask: impl FnOnce(&mut Self) -> Result<Reply>) -> Result<Reply> {
        let reply = ask(self)?;
        match reply.is_good() {
            true => Ok(reply),
            false => Err(self.server.failed(Kind::Refused, format!("{} {about}", reply.said()))),
        }
    }

    fn ask(&mut self, line: &str) -> Result<Reply> {
        let written = self.wire.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| self.wire.flush());
        written.map_err(|error| explain(self.server, error))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Reply> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        loop {
            let line = self.line()?;
            let (code, rest) = line.split_at_checked(3).unwrap_or_default();
            let code = code.parse().ok().filter(|code| (200..600).contains(code));
            let Some(code) = code.filter(|code| reply.lines.is_empty() || *code == reply.code) else {
                return Err(self.server.failed(Kind::Refused, "its answer is not one of a mail server"));
            };
            reply.code = code;
            reply.lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if !rest.starts_with('-') {
                return Ok(reply);
            }
            if reply.lines.len() >= MOST_LINES {
                return Err(self.server.failed(Kind::Refused, "its answer does not end"));
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.received.len() > LONGEST_LINE {
                return Err(self.server.failed(Kind::Refused, "a line of its answer does not end"));
            }
            let mut bytes = [0; 1024];
            match self.wire.read(&mut bytes) {
                Ok(0) => return Err(self.server.failed(Kind::Unreachable, "it closed the connection")),
                Ok(count) => self.received.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(explain(self.server, error)),
            }
        }
    }
}

fn explain(server: &MailServer, error: std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::TimedOut => server.failed(Kind::TimedOut, "it did not answer in time"),
        ErrorKind::ConnectionRefused => server.failed(Kind::Unreachable, "connection refused"),
        ErrorKind::UnexpectedEof => server.failed(Kind::Unreachable, "it closed the connection"),
        _ if error.to_string().contains("lookup address") => {
            server.failed(Kind::Unreachable, "there is no such host")
        }
        _ => server.failed(Kind::Unreachable, error),
    }
}
