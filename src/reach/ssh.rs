//! The user's own `ssh`, and an agent at its other end.
//!
//! Host keys, agents, jump hosts and all else are those of the user's configuration. Only what makes a connection hang
//! is set here: questions, which nobody could answer in the middle of a run, and a shared master that may be dead.

use super::wire::{Hello, Welcome};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::sha256;
use crate::output::quoted;
use crate::site::Server;
use crate::sync::Mutex;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// See ssh_config(5).
const OPTIONS: [&str; 6] = [
    "BatchMode=yes",
    "ControlMaster=no",
    "ControlPath=none",
    "ConnectTimeout=20",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];

/// The status of an ssh that has no connection, or lost it; see ssh(1).
const LOST: i32 = 255;

/// What runs there first: it becomes the agent, if the right one is there, else says so and takes it from its input.
/// `$1` is the digest of the program, `$2` its length. A digest takes a tenth of a second, so it is noted of which file it
/// was made: whoever changes a file changes the time of its last change, too.
const BEGIN: &str = r#"
umask 077
folder="${BANISTER_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/banister}/agent/$1"
program="$folder/banister"
digest() { { sha256sum || shasum -a 256; } 2>/dev/null <"$1" | cut -c 1-64; }
state() { stat -c '%s %i %z' "$program" 2>/dev/null; }
is_checked() { [ -s "$folder/checked" ] && [ "$(cat "$folder/checked")" = "$(state)" ]; }
if ! is_checked && [ "$(digest "$program")" != "$1" ]; then
    echo "missing $(uname -s) $(uname -m)"
    read -r answer && [ "$answer" = send ] || exit 1
    fresh="$folder/new.$$"
    trap "rm -f \"$fresh\"" EXIT
    find "$folder" -name 'new.*' -mmin +60 -exec rm -f {} + 2>/dev/null
    mkdir -p "$folder" && head -c "$2" >"$fresh" && chmod 700 "$fresh" && sync || exit 1
    if [ "$(digest "$fresh")" != "$1" ]; then echo "the copy differs from the original" >&2; exit 1; fi
    mv -f "$fresh" "$program" || exit 1
    trap - EXIT
fi
is_checked || state >"$folder/checked"
echo ready
exec "$program" agent
"#;

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
        let mut child = self.0.lock();
        child.wait().is_ok_and(|status| status.code() == Some(LOST))
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
/// Fails with [`Kind::Unreachable`] if there is no connection, with [`Kind::Refused`] if there can be no agent.
pub fn connect(server: &Server) -> Result<Connection> {
    let destination = server.ssh.as_deref().unwrap_or_default();
    let command = match &server.agent {
        Some(agent) => format!("echo ready; exec {} agent", quoted(&agent.display().to_string())),
        None => {
            let program = program()?;
            format!("sh -c {} sh {} {}", quoted(BEGIN), program.sha256, program.bytes)
        }
    };
    let mut ssh = Command::new("ssh");
    crate::command::secrets().iter().for_each(|name| _ = ssh.env_remove(name));
    ssh.args(OPTIONS.iter().flat_map(|option| ["-o", option])).args(["-T", "--", destination, &command]);
    // Ctrl-C is for banister, which ends what it does there; ssh would only drop the connection.
    ssh.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ssh.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(Kind::NotFound, "there is no program `ssh`")
            .help("install it: `apt install openssh-client`"),
        _ => Failure::new(Kind::Unreachable, "`ssh` can't be started").why(error),
    })?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Failure::new(Kind::Bug, "ssh has no streams"));
    };
    let process = Process(Mutex::new(child));
    let mut connection = Connection { process, input, output: BufReader::new(output) };
    let (said, listening) = listen(errors);
    match greet(&mut connection, server) {
        Ok(()) => Ok(connection),
        Err(failure) => {
            connection.process.end();
            let _ = listening.join();
            let said = said.lock();
            Err(explained(failure, server, &said))
        }
    }
}

/// Reads what ssh, and what runs there before the agent, says of errors: its last lines.
fn listen(errors: ChildStderr) -> (Arc<Mutex<Vec<String>>>, JoinHandle<()>) {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = said.clone();
    let listening = std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(io::Result::ok) {
            let mut lines = lines.lock();
            lines.push(line.trim().to_owned());
            if lines.len() > 10 {
                lines.remove(0);
            }
        }
    });
    (said, listening)
}

/// Up to the agent's welcome.
fn greet(connection: &mut Connection, server: &Server) -> Result<()> {
    let lost = || format!("`{}` can't be reached", server.name);
    let Connection { process, input, output } = connection;
    let mut line = || -> Result<String> {
        let mut line = String::new();
        output.read_line(&mut line).or_fail(Kind::Unreachable, lost)?;
        Ok(line.trim().to_owned())
    };
    let mut first = line()?;
    if let Some(machine) = first.strip_prefix("missing ") {
        check_machine(server, machine)?;
        let mut file =
            File::open("/proc/self/exe").or_fail(Kind::Refused, || "this program can't be read".into())?;
        // If it can't be sent whole, the other side says why.
        let _ =
            input.write_all(b"send\n").and_then(|()| io::copy(&mut file, input)).and_then(|_| input.flush());
        first = line()?;
        if first.is_empty() && process.lost() {
            return Err(Failure::new(Kind::Unreachable, lost()));
        }
        if first != "ready" {
            let message = format!("the agent can't be put on `{}`", server.name);
            return Err(Failure::new(Kind::Refused, message).help(format!(
                "give it another place there with `BANISTER_STATE`, or install banister {} there and set `agent` \
                 of `{}` in site.toml",
                env!("CARGO_PKG_VERSION"),
                server.name
            )));
        }
    }
    if first != "ready" {
        return Err(Failure::new(Kind::Unreachable, lost()));
    }
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let hello = serde_json::to_string(&Hello::of(server)?);
    let hello = hello.or_fail(Kind::Bug, || "a server is not plain data".into())?;
    // If nobody is there to read it, there is no answer either.
    let _ = input.write_all(format!("{hello}\n").as_bytes()).and_then(|()| input.flush());
    let answer = line()?;
    if answer.is_empty() && process.lost() {
        return Err(Failure::new(Kind::Unreachable, lost()));
    }
    let no_agent = || format!("there is no agent of banister on `{}`", server.name);
    let welcome: Welcome = serde_json::from_str(&answer).or_fail(Kind::Refused, no_agent)?;
    match welcome.program == program {
        true => Ok(()),
        false => {
            let message =
                format!("banister on `{}` is {}, and this one {program}", server.name, welcome.program);
            Err(Failure::new(Kind::Refused, message).help(format!(
                "install {program} there, or leave out `agent` of `{}` in site.toml",
                server.name
            )))
        }
    }
}

/// This program can run there only if the machine is of the same sort. `machine` is as `uname -sm` says it.
fn check_machine(server: &Server, machine: &str) -> Result<()> {
    let own = rustix::system::uname();
    let own = format!("{} {}", own.sysname().to_string_lossy(), own.machine().to_string_lossy());
    if machine == own {
        return Ok(());
    }
    let message = format!("`{}` is {machine}, and this banister is for {own}", server.name);
    Err(Failure::new(Kind::Refused, message).help(format!(
        "install banister {} there, and write its path as `agent` of `{}` in site.toml",
        env!("CARGO_PKG_VERSION"),
        server.name
    )))
}

/// What ssh said is the reason, and some of it can be mended.
fn explained(failure: Failure, server: &Server, said: &[String]) -> Failure {
    let destination = server.ssh.as_deref().unwrap_or_default();
    let said_to_be = |words: &str| said.iter().any(|line| line.contains(words));
    let help = match () {
        () if said_to_be("Host key verification failed") => Some(format!(
            "make sure that the key is that of the server, then accept it once by hand: `ssh {destination} true`"
        )),
        () if said_to_be("Permission denied") => Some(format!(
            "banister asks for no passwords: give the server your key, load it into ssh-agent, and try \
             `ssh -o BatchMode=yes {destination} true`"
        )),
        () if failure.kind == Kind::Unreachable => Some(format!("try it by hand: `ssh {destination} true`")),
        () => None,
    };
    let failure = said.iter().fold(failure, |failure, line| failure.why(line));
    match help {
        Some(help) if failure.help.is_none() => failure.help(help),
        _ => failure,
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
