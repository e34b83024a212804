//! Runs at their server whose logind ends all that a user leaves behind: begun over a real login of ssh, which is then gone.

use crate::support;
use crate::support::machine::{Machine, User};
use crate::support::{Said, World};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

const RUNBOOK: &str = r#"
//! Takes a long step, and looks what secrets it has.
fn main() {
    let server = this_server();
    lock(server, "a long step");
    let mine = secret("mine");
    let own = secret("own");
    step "Long" { server.make("long"); }
    step "Look" {
        server.shell("printf '%s %s\n' \"$MINE\" \"$OWN\" | sha256sum >> ../digests", #{ environment: #{ MINE: mine, OWN: own } });
    }
}
"#;

const SSHD: &str = "Port 2222
ListenAddress 127.0.0.1
HostKey /etc/far/host_key
AuthorizedKeysFile /etc/far/key.pub
PidFile none
UsePAM yes
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 1000
SetEnv BANISTER_SECRET_OWN=of-the-server-5c1f
";

/// A machine with a desk, from which its own users are reached over ssh.
struct Far {
    machine: Machine,
    folder: String,
    /// Who works at the server.
    user: &'static str,
}

impl Far {
    fn new(user: &'static str) -> Option<Far> {
        let machine = Machine::boot()?;
        let world = World::new();
        world.write("hold", "");
        let name = world.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_owned();
        let folder = format!("/srv/{name}");
        let site = format!(
            "home = \"server\"\n\n[servers.web]\nssh = \"{user}\"\nkind = \"plain\"\ncheckout = \"{folder}/web\"\n"
        );
        let copied = Command::new("cp").arg("-a").arg(world.path()).arg(machine.path(&folder)).status();
        assert!(copied.unwrap().success());
        let desk = machine.path("/srv/desk");
        fs::create_dir_all(desk.join("runbooks")).unwrap();
        fs::write(desk.join("site.toml"), site).unwrap();
        fs::write(desk.join("runbooks/long.rhai"), RUNBOOK).unwrap();
        fs::create_dir_all(machine.path("/etc/far")).unwrap();
        fs::write(machine.path("/etc/far/sshd_config"), SSHD).unwrap();
        let config = "Host *\n  HostName 127.0.0.1\n  Port 2222\n  IdentityFile /etc/far/key\n  IdentitiesOnly yes\n  \
                      StrictHostKeyChecking no\n  UserKnownHostsFile /etc/far/known\n";
        fs::write(
            machine.path("/etc/far/config"),
            format!("Host ops\n  User ops\nHost root\n  User root\n{config}"),
        )
        .unwrap();
        let ssh = "#!/bin/sh\nexec /usr/bin/ssh -F /etc/far/config \"$@\"\n";
        fs::write(machine.path("/usr/local/bin/ssh"), ssh).unwrap();
        let logind = "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=nobody\n";
        fs::create_dir_all(machine.path("/etc/systemd/logind.conf.d")).unwrap();
        fs::write(machine.path("/etc/systemd/logind.conf.d/kill.conf"), logind).unwrap();
        let set_up = format!(
            "chmod 755 {folder} /usr/local/bin/ssh; chown -R {user}: {folder}; mkdir -p /run/sshd
             for key in host_key key; do ssh-keygen -q -t ed25519 -N '' -f /etc/far/$key; done
             systemctl restart systemd-logind
             systemd-run -q --unit=far /usr/sbin/sshd -D -f /etc/far/sshd_config"
        );
        machine.ask(User::Root, &["sh", "-ec", &set_up]);
        let far = Far { machine, folder, user };
        far.wait_for("sshd answers", || far.over_ssh("true").code == Some(0));
        Some(far)
    }

    fn over_ssh(&self, line: &str) -> Said {
        self.machine.run(User::Root, &["ssh", self.user, line])
    }

    fn command(&self, words: &[&str]) -> Command {
        let site = ["banister", "--site", "/srv/desk"];
        let mut command = self.machine.command(User::Root, &[&site, words].concat());
        command.env("BANISTER_STATE", "/srv/desk/state").env("BANISTER_SECRET_MINE", "of-the-desk-91ab");
        command
    }

    fn banister(&self, words: &[&str]) -> Said {
        support::said(self.command(words).output().unwrap())
    }

    fn read(&self, name: &str) -> String {
        self.machine.read(&format!("{}/{name}", self.folder))
    }

    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(90);
        while !is_so() {
            let asked = [
                "sh",
                "-c",
                "cat /root/.local/state/banister/runs/*/runner.log /home/ops/.local/state/banister/runs/*/runner.log; loginctl; journalctl --no-pager -n 40",
            ];
            assert!(
                Instant::now() < end,
                "{what}: {:?}\n{}\n{}",
                self.banister(&["show"]),
                self.read("trace"),
                self.machine.run(User::Root, &asked).out
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn until_logged_out(&self) {
        self.wait_for("nobody is logged in", || {
            let sessions = self.machine.run(User::Root, &["loginctl", "list-sessions", "--no-legend"]);
            sessions.code == Some(0) && sessions.out.trim().is_empty()
        });
    }

    /// What logind has ended by now is gone.
    fn kills(&self) -> bool {
        let line =
            "setsid sleep 4242 </dev/null >/dev/null 2>&1 & sleep 0.2; pgrep -fx 'sleep 4242' >/dev/null";
        assert_eq!(self.over_ssh(line).code, Some(0));
        self.until_logged_out();
        let end = Instant::now() + Duration::from_secs(5);
        let is_there = || self.machine.run(User::Root, &["pgrep", "-fx", "sleep 4242"]).code == Some(0);
        while is_there() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        !is_there()
    }

    /// Begins a run, looks on, and has whoever does go away in the middle; the run ends nevertheless.
    fn a_run_outlives_the_logout(&self) {
        let mut viewer = self.command(&["run", "long"]).spawn().unwrap();
        self.wait_for("the long step begins", || self.read("trace").contains("long begin"));
        // In the machine's own list of processes.
        self.machine.ask(User::Root, &["pkill", "-9", "-f", "^banister --site /srv/desk run long"]);
        _ = viewer.wait();
        self.machine.run(User::Root, &["pkill", "-9", "-x", "ssh"]);
        self.until_logged_out();
        // A user's manager ends ten seconds after the last logout.
        std::thread::sleep(Duration::from_secs(13));
        assert!(!self.read("trace").contains("long end"));
        let shown = self.banister(&["show", "--json"]);
        assert!(shown.out.contains(r#""state":"running""#), "{shown:?}");
        fs::remove_file(self.machine.path(&format!("{}/hold", self.folder))).unwrap();
        self.wait_for("it is done", || self.banister(&["show", "--json"]).out.contains(r#""state":"done""#));
        assert_eq!(self.read("trace").matches("long begin").count(), 1);
        let digest = self.machine.ask(
            User::Root,
            &["sh", "-c", "printf '%s %s\n' of-the-desk-91ab of-the-server-5c1f | sha256sum"],
        );
        assert_eq!(self.read("digests"), digest, "the secrets of both reach the unit");
        let kept = format!("{}/.local/state", if self.user == "root" { "/root" } else { "/home/ops" });
        let found =
            ["grep", "-rlE", "of-the-desk-91ab|of-the-server-5c1f", &kept, "/etc/systemd", "/srv/desk/state"];
        assert_eq!(self.machine.run(User::Root, &found).out, "", "and no file that outlives a boot");
    }
}

#[test]
fn a_run_of_root_outlives_the_login_over_which_it_was_begun() {
    let Some(far) = Far::new("root") else { return };
    assert!(far.kills(), "logind ends what is left behind");
    far.a_run_outlives_the_logout();
}

#[test]
fn a_run_of_a_user_outlives_the_login_once_they_linger_and_is_refused_where_they_can_not() {
    let Some(far) = Far::new("ops") else { return };
    far.machine.ask(User::Root, &["systemctl", "mask", "--runtime", "--now", "polkit.service"]);
    assert!(far.kills(), "logind ends what is left behind");
    let refused = far.banister(&["run", "long"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.err.contains("systemd there ends a run when nobody is logged in any more"),
        "{refused:?}"
    );
    assert!(
        refused.err.contains("sudo loginctl enable-linger ops`; or have runs work on your own machine"),
        "{refused:?}"
    );
    assert_eq!(far.read("trace"), "");
    let left = [
        "sh",
        "-c",
        "find /home/ops/.local/state/banister/runs /home/ops/.local/state/banister/sites /srv/desk/state/homes -type f",
    ];
    assert_eq!(far.machine.run(User::Root, &left).out, "", "nothing was begun");
    let runs = far.banister(&["runs"]);
    assert!(runs.out.contains("there are no runs yet"), "{runs:?}");

    far.machine.ask(User::Root, &["loginctl", "enable-linger", "ops"]);
    far.a_run_outlives_the_logout();
}

#[test]
fn a_user_lingers_from_the_first_run_on_where_they_may_say_so_themselves() {
    let Some(far) = Far::new("ops") else { return };
    fs::remove_file(far.machine.path(&format!("{}/hold", far.folder))).unwrap();
    let began = far.banister(&["run", "long"]);
    assert_eq!(began.code, Some(0), "{began:?}");
    assert!(began.err.contains("lingering is on now for you"), "{began:?}");
}
