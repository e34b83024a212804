//! Hosts on loopback, each with a real sshd, keys of its own, and a home of its own.

pub use crate::support::program::stripped as program;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A folder with a user's key, an `ssh` that reads the configuration there, and what hosts need.
#[derive(Clone)]
pub struct Network {
    folder: PathBuf,
    /// More lines for what each sshd reads.
    pub more: String,
}

/// A machine that answers ssh; ended when this is dropped.
pub struct Host {
    pub name: String,
    #[allow(dead_code, reason = "the bench tells it to other programs")]
    pub port: u16,
    folder: PathBuf,
    /// What starts its sshd.
    before: Vec<String>,
    sshd: Child,
}

impl Network {
    pub fn new(folder: &Path) -> Network {
        let network = Network { folder: folder.join("network"), more: String::new() };
        fs::create_dir_all(network.bin()).unwrap();
        key(&network.key());
        let config = network.config();
        fs::write(&config, "").unwrap();
        // OpenSSH takes a user's home from the list of users, and not from the environment.
        let ssh = network.bin().join("ssh");
        fs::write(&ssh, format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", config.display())).unwrap();
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
        network
    }

    /// What the user's ssh reads.
    pub fn config(&self) -> PathBuf {
        self.folder.join("config")
    }

    /// The user's own key.
    pub fn key(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// To be first in `PATH`.
    pub fn bin(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// The same command through the user's ssh, and with the program that is to be sent to hosts.
    pub fn command(&self, before: &Command) -> Command {
        let mut command = Command::new(program());
        command.args(before.get_args()).env_clear();
        command.envs(before.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = before.get_current_dir() {
            command.current_dir(folder);
        }
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.bin().display()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A host, known to the user's ssh by its name.
    pub fn host(&self, name: &str) -> Host {
        self.host_behind(name, &[], "127.0.0.1")
    }

    /// A host at that address, whose sshd is started by that program and its arguments.
    pub fn host_behind(&self, name: &str, before: &[&str], address: &str) -> Host {
        let folder = self.folder.join(name);
        fs::create_dir_all(folder.join("home")).unwrap();
        key(&folder.join("host_key"));
        let port = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            listener.local_addr().unwrap().port()
        };
        let shown = folder.display();
        let path = std::env::var("PATH").unwrap();
        fs::write(
            folder.join("sshd_config"),
            format!(
                "Port {port}\nListenAddress {address}\nHostKey {shown}/host_key\nPidFile none\nUsePAM no\n\
                 StrictModes no\nMaxStartups 1000\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                 Subsystem sftp internal-sftp\n\
                 AuthorizedKeysFile {}/key.pub\nSetEnv HOME={shown}/home PATH={path} TMPDIR={}\n{}",
                self.folder.display(),
                std::env::temp_dir().display(),
                self.more
            ),
        )
        .unwrap();
        let public = fs::read_to_string(folder.join("host_key.pub")).unwrap();
        let known = self.folder.join("known_hosts");
        let others = fs::read_to_string(&known).unwrap_or_default();
        fs::write(&known, format!("{others}[{address}]:{port} {public}")).unwrap();
        let config = self.config();
        let others = fs::read_to_string(&config).unwrap();
        fs::write(
            &config,
            // The exchange of keys that OpenSSH prefers takes a quarter of what these tests take.
            format!(
                "{others}Host {name}\n  HostName {address}\n  Port {port}\n  IdentityFile {0}/key\n  \
                 IdentitiesOnly yes\n  UserKnownHostsFile {0}/known_hosts\n  StrictHostKeyChecking yes\n  Ciphers ^aes128-gcm@openssh.com\n  \
                 KexAlgorithms ^curve25519-sha256\n",
                self.folder.display()
            ),
        )
        .unwrap();
        let before: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        let sshd = start(&folder, &before);
        let host = Host { name: name.into(), folder, port, before, sshd };
        host.wait();
        host
    }
}

impl Host {
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Puts the program where an earlier connection left it, so that not each test sends it anew.
    pub fn put_program(&self) {
        static DIGEST: OnceLock<String> = OnceLock::new();
        let digest = DIGEST.get_or_init(|| {
            let said = Command::new("sha256sum").arg(program()).output().unwrap();
            String::from_utf8(said.stdout).unwrap()[..64].to_owned()
        });
        let folder = self.home().join(".local/state/banister/agent").join(digest);
        let put = "mkdir -p \"$1\" && cp \"$2\" \"$1/banister\" && stat -c '%s %i %z' \"$1/banister\" >\"$1/checked\"";
        let put = Command::new("sh").args(["-c", put, "sh"]).arg(folder).arg(program()).status();
        assert!(put.unwrap().success());
    }

    /// The process of its sshd.
    pub fn pid(&self) -> u32 {
        self.sshd.id()
    }

    /// Ends the server with all its sessions, as a machine that goes down; what runs detached goes on.
    pub fn stop(&mut self) {
        self.cut();
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }

    pub fn start(&mut self) {
        self.sshd = start(&self.folder, &self.before);
        self.wait();
    }

    /// Kills the processes of all sessions, as a network that drops them.
    pub fn cut(&self) {
        for session in children(self.sshd.id()) {
            kill(session);
            children(session).into_iter().for_each(kill);
        }
    }

    /// Stops the processes of all sessions for good: they neither answer nor end.
    pub fn hang(&self) {
        for session in children(self.sshd.id()) {
            signal("-STOP", session);
            children(session).into_iter().for_each(|pid| signal("-STOP", pid));
        }
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        let log = self.folder.join("sshd.log");
        while !fs::read_to_string(&log).unwrap_or_default().contains("Server listening on") {
            assert!(Instant::now() < until, "sshd does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(folder: &Path, before: &[String]) -> Child {
    // As root, sshd wants this folder.
    let _ = fs::create_dir("/run/sshd");
    let log = fs::File::create(folder.join("sshd.log")).unwrap();
    let words: Vec<&str> =
        before.iter().map(String::as_str).chain(["/usr/sbin/sshd", "-D", "-e", "-f"]).collect();
    let mut sshd = Command::new(words[0]);
    sshd.args(&words[1..]).arg(folder.join("sshd_config"));
    sshd.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("sshd is not installed: run tests/run")
}

fn key(path: &Path) {
    let mut keygen = Command::new("ssh-keygen");
    let made = keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(made.success());
}

/// The sshd processes that a process of sshd started; what runs for the user is none.
fn children(pid: u32) -> Vec<u32> {
    let said = Command::new("pgrep").args(["-x", "sshd", "-P", &pid.to_string()]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

fn kill(pid: u32) {
    signal("-9", pid);
}

fn signal(signal: &str, pid: u32) {
    let _ = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
}
