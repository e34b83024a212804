//! The user's own `ssh`, and an agent at its other end.
//!
//! Host keys, agents, jump hosts and all else are those of the user's configuration. Only what makes a connection hang
//! is set here: questions, which nobody could answer in the middle of a run, and a shared master that may be dead.

use super::errors::Errors;
use super::greeting::{Greeting, Silent, Word, first_line, mark, placing, starting};
use super::lines::{self, first_of};
use super::obstacle::{Obstacle, build_there, copy_there};
use super::wire::{Behind, Hello, Speaks, Welcome};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::sha256;
use crate::site::Server;
use crate::sync::Mutex;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// See ssh_config(5). With `VERBOSE`, ssh says when it is let in.
const OPTIONS: [&str; 7] = [
    "BatchMode=yes",
    "ControlMaster=no",
    "ControlPath=none",
    "ConnectTimeout=20",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "LogLevel=VERBOSE",
];

/// How long the login shell may take until it runs our line.
const SHELL: Duration = Duration::from_secs(20);
/// How long ssh may take until it is let in: longer than it waits for the first packet, as there may be hosts in between.
const CONNECTION: Duration = Duration::from_secs(60);
/// How long an ssh that closed its streams is waited for.
const ENDING: Duration = Duration::from_secs(10);

/// The status of an ssh that has no connection, or lost it; see ssh(1).
const LOST: i32 = 255;

/// The shells that are tried. The second is for a `PATH` without the first; a restricted shell takes no path.
const SHELLS: [&str; 2] = ["sh", "/bin/sh"];

/// A running `ssh`, and its streams.
pub struct Connection {
    pub process: Process,
    pub input: ChildStdin,
    pub output: BufReader<ChildStdout>,
}

/// The process, which ends with this.
pub struct Process(Mutex<Child>);

impl Process {
    /// Whether it ended, or is about to, because there is no connection: another status is that of what ran there.
    fn lost(&self) -> bool {
        let until = Instant::now() + ENDING;
        while Instant::now() < until {
            match self.0.lock().try_wait() {
                Ok(Some(status)) => return status.code() == Some(LOST),
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Err(_) => return false,
            }
        }
        false
    }

    /// Ends the connection from this side.
    pub fn end(&self) {
        let mut child = self.0.lock();
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// This program, as an agent is made of it.
struct Program {
    sha256: String,
    bytes: u64,
}

/// Connects to the server, and puts this program there if it is missing.
///
/// Fails with [`Kind::Unreachable`] if there is no connection, or no shell at its other end; with [`Kind::Refused`] if there
/// can be no agent.
pub fn connect(server: &Server) -> Result<Connection> {
    let hello = Hello::of(server).and_then(|hello| {
        serde_json::to_string(&hello).or_fail(Kind::Bug, || "a server is not plain data".into())
    })?;
    connect_to(server, &Part { name: "agent", hello })
}

/// What the program is to be there.
pub struct Part {
    /// The command.
    pub name: &'static str,
    /// The first line that it hears; it answers with a [`Welcome`].
    pub hello: String,
}

/// The same for another part than the agent's.
pub fn connect_to(server: &Server, part: &Part) -> Result<Connection> {
    let mut first = None;
    for shell in SHELLS {
        match connect_by(shell, server, part) {
            Ok(connection) => return Ok(connection),
            Err((failure, true)) => _ = first.get_or_insert(failure),
            Err((failure, false)) => return Err(failure),
        }
    }
    Err(first.unwrap_or_else(|| Failure::new(Kind::Bug, "no shell was tried")))
}

/// The same by that shell. A failure says whether another one may be there.
fn connect_by(shell: &str, server: &Server, part: &Part) -> std::result::Result<Connection, (Failure, bool)> {
    let begin = || -> Result<_> {
        let script = match &server.agent {
            Some(agent) => starting(part.name, agent),
            None => program().map(|program| placing(part.name, &program.sha256, program.bytes))?,
        };
        Ok((script, mark()?))
    };
    let (script, mark) = begin().map_err(|failure| (failure, false))?;
    let (mut connection, errors) =
        start(server, &first_line(shell, &mark)).map_err(|failure| (failure, false))?;
    let Connection { process, input, output } = &mut connection;
    let mut greeting = Greeting { input, output, mark, noise: Vec::new() };
    let begun = Instant::now();
    let until = || errors.is_in().map_or(begun + CONNECTION, |at| at + SHELL);
    let found = greeting.find_mark(until);
    let (failure, obstacle, is_open) = match found {
        Ok(()) => match agree(&mut greeting, process, server, &script, &part.hello) {
            Ok(()) => return Ok(connection),
            Err((failure, obstacle)) => (failure, obstacle, false),
        },
        Err(silent) => {
            let is_lost = match silent {
                Silent::Ended => process.lost(),
                Silent::Late => errors.is_in().is_none(),
                Silent::Noisy => false,
            };
            match is_lost {
                true if silent == Silent::Late => {
                    let late = format!("ssh got no connection within {}s", CONNECTION.as_secs());
                    (unreachable(server).why(late), Obstacle::Connection, false)
                }
                true => (unreachable(server), Obstacle::Connection, false),
                false => (no_shell(server, &silent), Obstacle::Shell, silent == Silent::Ended),
            }
        }
    };
    let noise = first_of(&greeting.noise);
    connection.process.end();
    Err((obstacle.explain(failure, server, &errors.lines(), &noise), is_open))
}

/// Starts ssh with this line for the login shell.
fn start(server: &Server, line: &str) -> Result<(Connection, Errors)> {
    let destination = server.ssh.as_deref().unwrap_or_default();
    let mut ssh = Command::new("ssh");
    crate::command::secrets().iter().for_each(|name| _ = ssh.env_remove(name));
    ssh.args(OPTIONS.iter().flat_map(|option| ["-o", option])).args(["-T", "--", destination, line]);
    // Ctrl-C is for banister, which ends what it does there; ssh would only drop the connection.
    ssh.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ssh.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(Kind::NotFound, "there is no program `ssh`")
            .help("install it: `apt install openssh-client`"),
        _ => Failure::new(Kind::Unreachable, "`ssh` can't be started").why(error),
    })?;
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let process = Process(Mutex::new(child));
    let (Some(input), Some(output), Some(errors)) = streams else {
        return Err(Failure::new(Kind::Bug, "ssh has no streams"));
    };
    Ok((Connection { process, input, output: BufReader::new(output) }, Errors::of(errors)))
}

fn unreachable(server: &Server) -> Failure {
    Failure::new(Kind::Unreachable, format!("`{}` can't be reached", server.name))
}

fn no_shell(server: &Server, silent: &Silent) -> Failure {
    let name = &server.name;
    let message = match silent {
        Silent::Ended => format!("the login shell on `{name}` runs no command"),
        Silent::Late => format!("the login shell on `{name}` has run no command for {}s", SHELL.as_secs()),
        Silent::Noisy => format!("the login shell on `{name}` prints, and runs no command"),
    };
    Failure::new(Kind::Unreachable, message)
}

/// From the mark up to the agent's welcome.
fn agree(
    greeting: &mut Greeting,
    process: &Process,
    server: &Server,
    script: &str,
    hello: &str,
) -> std::result::Result<(), (Failure, Obstacle)> {
    let lost = |failure| (failure, Obstacle::Connection);
    let silent = |failure: Failure| {
        let why =
            failure.why.iter().fold(unreachable(server).why(&failure.message), |lost, why| lost.why(why));
        lost(why)
    };
    let none = |failure| (failure, Obstacle::Agent);
    // What can't be sent is not answered either.
    greeting.run(script);
    let mut word = greeting.word().map_err(silent)?;
    if let Word::Missing(machine) = &word {
        check_machine(server, machine).map_err(none)?;
        let file =
            File::open("/proc/self/exe").or_fail(Kind::Refused, || "this program can't be read".into());
        greeting.send_program(file.map_err(none)?).map_err(none)?;
        word = greeting.word().map_err(silent)?;
    }
    match word {
        Word::Ready => {}
        Word::Stuck(what, rest) => {
            let bytes = program().map(|program| program.bytes).unwrap_or_default();
            return Err(Obstacle::said(server, &what, &rest, bytes));
        }
        Word::Nothing if process.lost() => return Err(lost(unreachable(server))),
        Word::Nothing | Word::Missing(_) => {
            let message = format!("the agent can't be put on `{}`", server.name);
            return Err((Failure::new(Kind::Refused, message), Obstacle::Place));
        }
    }
    greeting.send(format!("{hello}\n").as_bytes());
    let no_agent =
        || Failure::new(Kind::Refused, format!("there is no agent of banister on `{}`", server.name));
    let answer = match greeting.line().map_err(silent)? {
        Some(answer) => answer,
        None if process.lost() => return Err(lost(unreachable(server))),
        None => return Err(none(no_agent())),
    };
    let welcome = serde_json::from_slice::<Welcome>(&answer).map_err(|_| {
        none(no_agent().why(format!("what is there answered `{}`", lines::first_of(&answer))))
    })?;
    serves(welcome, server).map_err(none)
}

/// Whether the agent and this program understand each other; else which of them must be updated.
fn serves(welcome: Welcome, server: &Server) -> Result<()> {
    let (name, program, there) = (&server.name, env!("CARGO_PKG_VERSION"), &welcome.program);
    let there = first_of(there.as_bytes());
    let (message, help) = match (Speaks::OURS.behind(welcome.speaks), welcome.refuses) {
        (Some(Behind::Other), _) => {
            let message = format!("banister {there} on `{name}` is too old for this one, which is {program}");
            (message, copy_there(server))
        }
        (Some(Behind::This), _) => {
            let message =
                format!("this banister, {program}, is too old for the one on `{name}`, which is {there}");
            let help = format!(
                "update banister on this machine to {there}, or remove `agent` of `{name}` from site.toml: then this one is \
                 copied there"
            );
            (message, help)
        }
        (None, Some(refused)) => {
            let message =
                format!("banister {there} on `{name}` refuses to serve this one, which is {program}");
            let why = Failure::new(Kind::Refused, message).why(first_of(refused.message.as_bytes()));
            let why = refused.why.iter().fold(why, |failure, why| failure.why(first_of(why.as_bytes())));
            return Err(why.help(copy_there(server)));
        }
        (None, None) => return Ok(()),
    };
    Err(Failure::new(Kind::Refused, message).help(help))
}

/// This program can run there only if the machine is of the same sort. `machine` is as `uname -sm` says it.
fn check_machine(server: &Server, machine: &str) -> Result<()> {
    let own = rustix::system::uname();
    let own = format!("{} {}", own.sysname().to_string_lossy(), own.machine().to_string_lossy());
    if machine == own {
        return Ok(());
    }
    let message = format!("`{}` is {machine}, and this banister is for {own}", server.name);
    Err(Failure::new(Kind::Refused, message).help(build_there(server)))
}

/// Where the banister is there, as a shell of the server's user reads it; nothing if that is not known.
pub fn program_there(server: Option<&Server>) -> Option<String> {
    match server.and_then(|server| server.agent.as_ref()) {
        Some(agent) => Some(agent.display().to_string()),
        None => {
            let sha256 = &program().ok()?.sha256;
            Some(format!(
                "\"${{BANISTER_STATE:-${{XDG_STATE_HOME:-$HOME/.local/state}}/banister}}/agent/{sha256}/banister\""
            ))
        }
    }
}

/// This program's digest and length.
fn program() -> Result<&'static Program> {
    static PROGRAM: OnceLock<Result<Program>> = OnceLock::new();
    let read = || {
        let path = std::path::Path::new("/proc/self/exe");
        let failed = || "this program can't be read".to_owned();
        let bytes = path.metadata().or_fail(Kind::Refused, failed)?.len();
        Ok(Program { sha256: sha256(path)?, bytes })
    };
    PROGRAM.get_or_init(read).as_ref().map_err(Clone::clone)
}
