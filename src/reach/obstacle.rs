//! What keeps banister from a server, as a person can mend it: the reasons that were given there or by ssh, and what to type.
//!
//! ssh's own words are in English wherever it runs, and so are those of the placing.

use super::known_hosts;
use crate::failure::{Failure, Kind};
use crate::output::{clean, quoted, word};
use crate::site::Server;

/// So many lines of what was said are shown, the last ones.
const SHOWN: usize = 10;

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Obstacle {
    /// Before ssh is let in, or it lost its way.
    Connection,
    /// In the login shell.
    Shell,
    /// In the folder where the program is put.
    Place,
    /// On the disk of that folder.
    Room,
    /// In what runs there as an agent.
    Agent,
    /// In starting a program there.
    Start,
}

impl Obstacle {
    /// The failure for what the placing says: a word, and what belongs to it. `bytes` is the length of this program.
    pub fn said(server: &Server, what: &str, rest: &str, bytes: u64) -> (Failure, Obstacle) {
        let name = &server.name;
        let refused = |message: String| Failure::new(Kind::Refused, message);
        let put = || refused(format!("the agent can't be put on `{name}`"));
        match what {
            "room" => {
                let (free, folder) = rest.split_once(' ').unwrap_or(("", rest));
                let folder = clean::line(folder);
                let free = free.parse::<u64>().ok().map(|kilobytes| kilobytes.saturating_mul(1024));
                match free.filter(|free| *free < bytes) {
                    Some(free) => {
                        let why = format!(
                            "the program takes {} MB, and `{folder}` there has {} MB free",
                            bytes.div_ceil(1_000_000),
                            free / 1_000_000
                        );
                        let look = format!(
                            "ssh {} {}",
                            destination(server),
                            word(format!("df -h {}", word(&folder)))
                        );
                        let help =
                            format!("make room on that disk: `{look}` shows it; or {}", elsewhere(server));
                        (put().why(why).help(help), Obstacle::Room)
                    }
                    None => (put().why(format!("its folder there is `{folder}`")), Obstacle::Room),
                }
            }
            "closed" => {
                let failure =
                    refused(format!("no program can be started from `{}` on `{name}`", clean::line(rest)))
                        .why("the disk is mounted with `noexec`, or its rights forbid it");
                (failure.help(elsewhere(server)), Obstacle::Place)
            }
            "start" => {
                let libc = Some(clean::line(rest)).filter(|libc| !libc.is_empty());
                let libc = libc.map_or_else(|| "another C library".into(), |libc| format!("`{libc}`"));
                let failure = refused(format!("this banister can't be started on `{name}`"));
                (failure.why(format!("the machine has {libc}")).help(build_there(server)), Obstacle::Start)
            }
            "gone" => {
                let agent = server.agent.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
                let failure = refused(format!("there is no `{agent}` on `{name}`"));
                let help = format!("{}, or remove `agent` of `{name}` from site.toml", copy_there(server));
                (failure.help(help), Obstacle::Agent)
            }
            "copy" => (put().why("the copy differs from the original"), Obstacle::Place),
            other => (put().why(clean::line(other)), Obstacle::Place),
        }
    }

    /// The failure with what was said as its reasons, and a help for them. `said` are errors, `noise` is what came before
    /// anything of ours.
    pub fn explain(self, failure: Failure, server: &Server, said: &[String], noise: &str) -> Failure {
        let destination = destination(server);
        let has = |words: &str| said.iter().any(|line| line.contains(words)) || noise.contains(words);
        if self == Obstacle::Connection
            && let Some(changed) = known_hosts::changed(said)
        {
            return changed.explain(failure, &destination);
        }
        let mut failure = failure;
        if self == Obstacle::Shell && !noise.is_empty() {
            failure = failure.why(format!("it printed `{noise}`"));
        }
        let shown: Vec<&String> = said.iter().filter(|line| !line.starts_with('@')).collect();
        for line in &shown[shown.len().saturating_sub(SHOWN)..] {
            let line = clean::line(line);
            if !failure.why.contains(&line) {
                failure = failure.why(line);
            }
        }
        if failure.help.is_some() {
            return failure;
        }
        let help = match self {
            Obstacle::Connection => of_connection(&destination, server, &has),
            Obstacle::Shell if has("not available") || has("nologin") => Some(
                "this user has no shell there: name another one in `ssh`, as `USER@HOST`, or give it one, as root there: \
                 `chsh -s /bin/sh USER`"
                    .into(),
            ),
            Obstacle::Shell => Some(format!(
                "files such as `~/.bashrc` there must not ask, or start another shell, where there is no terminal: put \
                 `case $- in *i*) ;; *) return ;; esac` at their beginning; then `ssh {destination} true </dev/null` ends at once"
            )),
            Obstacle::Room if has("No space left") || has("quota") => {
                Some(format!("make room on that disk: `ssh {destination} df -h`; or {}", elsewhere(server)))
            }
            Obstacle::Room | Obstacle::Place => Some(elsewhere(server)),
            Obstacle::Agent | Obstacle::Start => None,
        };
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

fn of_connection(destination: &str, server: &Server, has: &dyn Fn(&str) -> bool) -> Option<String> {
    let name = &server.name;
    let by_hand = format!("`ssh {destination} true`");
    let help = match () {
        () if has("Host key verification failed") => {
            format!("make sure that the key is that of the server, then accept it once by hand: {by_hand}")
        }
        () if has("bad permissions") => {
            "ssh takes no private key that others can read: `chmod 600` the file that it names".into()
        }
        () if has("Too many authentication failures") => format!(
            "ssh offered too many keys: set `IdentityFile` and `IdentitiesOnly yes` for this host in ~/.ssh/config, and try \
             {by_hand}"
        ),
        () if has("Permission denied") => format!(
            "banister asks for no passwords: give the server your key (`ssh-copy-id {destination}`), load one with a \
             passphrase into ssh-agent (`ssh-add`), and try `ssh -o BatchMode=yes {destination} true`; a user that does not \
             exist there is refused in the same way"
        ),
        () if has("Temporary failure in name resolution") => {
            format!("this machine can't resolve names now: check its network, then try {by_hand}")
        }
        () if has("Could not resolve hostname") => format!(
            "correct `ssh` of `{name}` in site.toml, or `HostName` in ~/.ssh/config: `ssh -G {destination}` shows which name \
             is used"
        ),
        () if has("Connection refused") => format!(
            "nothing listens there: check that sshd runs (`systemctl status ssh` at its console), and that the port is the \
             right one: `ssh -G {destination}` shows which is used"
        ),
        () if ["timed out", "No route to host", "Network is unreachable"].into_iter().any(has) => format!(
            "check that the machine is on, and that no firewall or missing VPN is in between, then try {by_hand}"
        ),
        () if ["Connection closed by", "Connection reset by", "kex_exchange_identification"]
            .into_iter()
            .any(has) =>
        {
            format!(
                "sshd there may block this address, or have too many connections: see `journalctl -u ssh` there, then try \
                 {by_hand}"
            )
        }
        () if ["Bad configuration option", "Bad owner or permissions"].into_iter().any(has) => {
            "correct the file that ssh names".into()
        }
        () => format!("try it by hand: {by_hand}"),
    };
    Some(help)
}

fn destination(server: &Server) -> String {
    word(server.ssh.as_deref().unwrap_or_default())
}

/// How to give the program another folder.
fn elsewhere(server: &Server) -> String {
    let name = &server.name;
    match &server.agent {
        Some(_) => format!("{}, or set `agent` of `{name}` in site.toml to another path", copy_there(server)),
        None => format!(
            "put the program into another folder, as root there if need be, and set `agent` of `{name}` in site.toml to \
             its path: `{}`",
            copying(server, "/usr/local/bin/banister")
        ),
    }
}

/// How another machine gets a program for it.
pub fn build_there(server: &Server) -> String {
    format!(
        "build banister {} on that machine (`cargo install --path .`), and set `agent` of `{}` in site.toml to the path of \
         the program there",
        env!("CARGO_PKG_VERSION"),
        server.name
    )
}

/// How the program that is the agent is replaced by this one.
pub fn copy_there(server: &Server) -> String {
    let agent = server.agent.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    format!("install this banister there: `{}`", copying(server, &agent))
}

/// Never writes into a program that runs.
fn copying(server: &Server, path: &str) -> String {
    let (fresh, path) = (word(format!("{path}.new")), word(path));
    let there = format!("cat >{fresh} && chmod 755 {fresh} && mv {fresh} {path}");
    format!("ssh {} {} <\"$(command -v banister)\"", destination(server), quoted(&there))
}
