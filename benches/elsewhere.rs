//! What servers on other machines cost, over real OpenSSH on loopback, beside two peers.
//!
//! `tests/run --bench` measures. The peers are ansible-core and pyinfra from PyPI, put into `target/peers`; without
//! them, what is measured with them is left out. `cargo test --bench elsewhere` only tries one short round.

#[path = "support/homes.rs"]
mod homes;
#[path = "support/measure.rs"]
mod measure;
#[path = "../tests/support/program.rs"]
mod program;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/support/sshd.rs"]
mod sshd;
/// Where what the tests share is looked for.
mod support {
    pub(crate) use crate::program;
}

use measure::{either, peak, ratio, succeed, timed};
use sshd::{Host, Network};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Commands of the comparison, on each host.
const COMMANDS: usize = 20;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let network = Network::new(folder.path());
    let hosts: Vec<Host> = (0..either(10, 2)).map(|n| network.host(&format!("h{n}"))).collect();
    let world = World { folder: folder.path(), network: &network, hosts: hosts.len() };
    homes::homes(&world, &hosts[0]);
    round_trip(&world);
    backups(&world);
    hundred(&world);
    peers(&world, &hosts);
}

/// Where sites are made, one after the other.
struct World<'a> {
    folder: &'a Path,
    network: &'a Network,
    hosts: usize,
}

impl World<'_> {
    /// A site of servers that are `ssh`, or here, and a runbook called `try`.
    fn site(&self, servers: usize, ssh: impl Fn(usize) -> Option<String>, more: &str, runbook: &str) {
        // Runs work on this machine, unless it is said otherwise.
        let mut site = "home = \"here\"\n".to_owned();
        for n in 0..servers {
            let checkout = self.folder.join(format!("s{n}"));
            if !checkout.exists() {
                fs::create_dir(&checkout).expect("a folder");
                fs::write(checkout.join("file"), "content").expect("a file");
                let me = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
                for words in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "Begin"]] {
                    let mut git = Command::new("git");
                    git.args(me).args(words).current_dir(&checkout);
                    succeed(git);
                }
            }
            let ssh = ssh(n).map(|host| format!("ssh = {host:?}\n")).unwrap_or_default();
            site += &format!("[servers.s{n}]\n{ssh}kind = \"plain\"\ncheckout = {checkout:?}\n{more}\n");
        }
        fs::write(self.folder.join("site.toml"), site).expect("a file");
        fs::create_dir_all(self.folder.join("runbooks")).expect("a folder");
        fs::write(self.folder.join("runbooks/try.rhai"), runbook).expect("a file");
    }

    fn banister(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        let path = std::env::var("PATH").unwrap_or_default();
        command.args(arguments).current_dir(self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("PATH", format!("{}:{path}", self.network.bin().display()));
        command.env("BANISTER_STATE", self.folder.join("state")).env("HOME", self.folder);
        command
    }

    fn run(&self, arguments: &[&str]) {
        let status = self.banister(&[&["run", "try", "--abandon"], arguments].concat()).status();
        assert!(status.expect("banister").success());
    }
}

/// Once before, so that the agent is there, and files are in memory.
fn warm(rounds: usize, mut work: impl FnMut()) -> Duration {
    work();
    timed(rounds, work)
}

fn round_trip(world: &World) {
    // Calls of the loop whose time is shared out among them.
    let (calls, rounds) = either((500, 5), (5, 1));
    let loops = |calls: u32| {
        format!("fn main() {{ let s = this_server(); for n in 0..{calls} {{ s.free_space(\"/\"); }} }}")
    };
    let each = |ssh: bool| {
        let time = |calls| {
            world.site(1, |_| ssh.then(|| "h0".to_owned()), "", &loops(calls));
            warm(rounds, || world.run(&[]))
        };
        time(calls).saturating_sub(time(0)) / calls
    };
    let (here, there) = (each(false), each(true));
    println!("a call of a primitive, {calls} in a loop, medians of {rounds} rounds:");
    println!("  here {here:?}, over ssh {there:?}: {:?} more", there.saturating_sub(here));
}

fn backups(world: &World) {
    let runbook = "import \"kind\" as kind;\nfn main() { parallel(linked_servers(), |server| { \
                   kind::back_up(server, \"\", kind::parts(server)) }); }";
    let (seconds, rounds) = either(("3", 3), ("0.1", 1));
    let more = format!(
        "backup = [\"file\"]\ndumps = {{ \"dump\" = [\"sh\", \"-c\", \"sleep {seconds}; echo dumped\"] }}"
    );
    let hosts = world.hosts;
    world.site(hosts, |n| Some(format!("h{n}")), &more, runbook);
    let one = warm(rounds, || world.run(&["--server", "s0"]));
    let all = warm(rounds, || world.run(&[]));
    println!("backups whose dump takes {seconds} s, medians of {rounds} rounds:");
    println!("  of one server {one:?}, of {hosts} at once {all:?}: {:.2} times", ratio(all, one));
}

fn hundred(world: &World) {
    let runbook = "fn main() { parallel(linked_servers(), |server| { for n in 0..10 { server.free_space(\"/\"); } }); }";
    let servers = either(100, 4);
    world.site(servers, |n| Some(format!("h{}", n % world.hosts)), "", runbook);
    let began = Instant::now();
    let mut child = world.banister(&["run", "try", "--abandon"]).spawn().expect("banister");
    let peak = peak(&mut child);
    println!("{servers} servers in one run, 10 calls on each: {:?}, peak {peak} MB", began.elapsed());
}

fn peers(world: &World, hosts: &[Host]) {
    let runbook = format!(
        "fn main() {{ parallel(linked_servers(), |server| {{ for n in 0..{COMMANDS} {{ server.run([\"true\"]); }} }}); }}"
    );
    let (count, rounds) = (world.hosts, either(5, 1));
    world.site(count, |n| Some(format!("h{n}")), "", &runbook);
    let own = warm(rounds, || world.run(&[]));
    println!("{COMMANDS} times `true` on each of {count} hosts, medians of {rounds} rounds (peers: 3):");
    println!("  banister {own:?}");
    // What nobody who connects with OpenSSH can be faster than.
    let floor = warm(rounds, || {
        let connect =
            |host: &Host| Command::new(world.network.bin().join("ssh")).args([&host.name, "true"]).spawn();
        for mut child in hosts.iter().map(connect).collect::<Vec<_>>().into_iter().flatten() {
            assert!(child.wait().expect("ssh").success());
        }
    });
    println!("  ssh, which only connects and does nothing {floor:?}");
    // Too much to fetch for a short round.
    if !either(true, false) {
        return;
    }
    let Some(peers) = installed() else {
        println!("  ansible and pyinfra can't be installed here");
        return;
    };
    let folder = world.folder;
    let names: Vec<String> = hosts.iter().map(|host| host.name.clone()).collect();
    let vars = format!(
        "[all:vars]\nansible_ssh_executable={}\nansible_python_interpreter=/usr/bin/python3\n",
        world.network.bin().join("ssh").display()
    );
    fs::write(folder.join("hosts.ini"), format!("{}\n{vars}", names.join("\n"))).expect("a file");
    let task = "  - command: \"true\"\n".repeat(COMMANDS);
    fs::write(folder.join("play.yaml"), format!("- hosts: all\n  gather_facts: false\n  tasks:\n{task}"))
        .expect("a file");
    let ansible = warm(3, || {
        let mut command = Command::new(peers.join("ansible-playbook"));
        command.args(["-f", "10", "-i", "hosts.ini", "play.yaml"]).current_dir(folder).env("HOME", folder);
        assert!(command.stdout(Stdio::null()).status().expect("ansible").success());
    });
    println!("  ansible {ansible:?}: {:.1} times", ratio(ansible, own));
    let user = String::from_utf8(Command::new("id").arg("-un").output().expect("id").stdout).expect("a name");
    let host = |host: &Host| {
        format!(
            "({:?}, {{\"ssh_hostname\": \"127.0.0.1\", \"ssh_port\": {}, \"ssh_user\": {:?}, \"ssh_key\": {:?}, \
             \"ssh_strict_host_key_checking\": \"no\"}})",
            host.name,
            host.port,
            user.trim(),
            world.network.key()
        )
    };
    let list: Vec<String> = hosts.iter().map(host).collect();
    fs::write(folder.join("inventory.py"), format!("hosts = [{}]\n", list.join(", "))).expect("a file");
    let lines = "server.shell(commands=[\"true\"])\n".repeat(COMMANDS);
    fs::write(folder.join("deploy.py"), format!("from pyinfra.operations import server\n{lines}"))
        .expect("a file");
    let pyinfra = warm(3, || {
        let mut command = Command::new(peers.join("pyinfra"));
        command.args(["-y", "inventory.py", "deploy.py"]).current_dir(folder).env("HOME", folder);
        assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pyinfra").success());
    });
    println!("  pyinfra {pyinfra:?}: {:.1} times", ratio(pyinfra, own));
}

/// The folder of the peers' programs.
fn installed() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    let programs = folder.join("bin");
    let done =
        |command: &mut Command| command.stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !programs.join("pyinfra").exists() {
        let made = done(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let mut pip = Command::new(programs.join("pip"));
        if !made || !done(pip.args(["install", "--quiet", "ansible-core", "pyinfra"])) {
            return None;
        }
    }
    Some(programs)
}
