//! What keeps banister from a server: what is said of it, and what the help leads to.

use super::Elsewhere;
use super::disk::on_disk;
use crate::support::{Said, sshd};
use sha2::{Digest, Sha256};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Runs in a world whose server can't be used: nothing is touched, and all of these words are said.
fn fails(elsewhere: &Elsewhere, expected: &[&str]) -> Said {
    elsewhere.runbook(r#"fn main() { this_server().make("config"); }"#);
    let mut said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    // Without the breaks of lines.
    said.err = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in expected {
        assert!(said.err.contains(words), "{words}: {said:?}");
    }
    assert_eq!((elsewhere.trace().as_str(), elsewhere.world.records()), ("", 0));
    said
}

/// The server is reached by this name.
fn reached_by(elsewhere: &Elsewhere, name: &str) {
    let site = elsewhere.world.read("site.toml");
    elsewhere.world.write("site.toml", &site.replace("\"far\"", &format!("\"{name}\"")));
}

/// More lines for the user's ssh.
fn configure(elsewhere: &Elsewhere, lines: &str) {
    let config = elsewhere.network.config();
    let before = fs::read_to_string(&config).unwrap();
    fs::write(config, format!("{before}{lines}")).unwrap();
}

#[test]
fn a_changed_host_key_is_said_with_its_line_and_the_command_that_removes_it() {
    let elsewhere = Elsewhere::bare();
    let known = elsewhere.world.path().join("network/known_hosts");
    let right = fs::read_to_string(&known).unwrap();
    let other = elsewhere.network.host("other");
    let others = fs::read_to_string(&known).unwrap();
    let key = others.lines().last().unwrap().split_once(' ').unwrap().1.to_owned();
    let address = right.split(' ').next().unwrap();
    fs::write(&known, format!("# The server.\n{address} {key}\n")).unwrap();
    let said = fails(
        &elsewhere,
        &[
            "line 2 of `",
            "compare the fingerprint first",
            "the fingerprint of the key sent is SHA256:",
            "(ED25519)",
        ],
    );
    let command = said.err.split("remove the earlier key (`").nth(1).unwrap().split('`').next().unwrap();
    let done = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(done.status.success(), "{command}: {done:?}");
    assert!(!fs::read_to_string(&known).unwrap().contains(&key), "{command}");
    drop(other);
}

#[test]
fn a_key_that_nobody_can_unlock_and_a_user_that_does_not_exist_are_said() {
    let elsewhere = Elsewhere::bare();
    reached_by(&elsewhere, "nobody-of-this-name@far");
    let words =
        ["Permission denied", "a user that does not exist there", "ssh-copy-id nobody-of-this-name@far"];
    fails(&elsewhere, &words);
    reached_by(&elsewhere, "far");
    let elsewhere = Elsewhere::bare();
    let key = elsewhere.network.key();
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-p", "-P", "", "-N", "a passphrase", "-f"]).arg(&key);
    assert!(keygen.output().unwrap().status.success());
    fails(&elsewhere, &["Permission denied", "passphrase into ssh-agent (`ssh-add`)"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    fails(&elsewhere, &["are too open", "`chmod 600`"]);
}

#[test]
fn a_server_that_does_not_answer_is_said_with_the_reason_of_ssh() {
    let elsewhere = Elsewhere::bare();
    configure(&elsewhere, "Host closed\n  HostName 127.0.0.1\n  Port 1\n");
    reached_by(&elsewhere, "closed");
    fails(&elsewhere, &["Connection refused", "systemctl status ssh", "`ssh -G closed`"]);
    let elsewhere = Elsewhere::bare();
    reached_by(&elsewhere, "no-such-host.invalid");
    fails(&elsewhere, &["Could not resolve hostname"]);
    // Its port is open, and nothing is said there.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = Elsewhere::bare();
    let port = silent.local_addr().unwrap().port();
    configure(&elsewhere, &format!("Host silent\n  HostName 127.0.0.1\n  Port {port}\n"));
    reached_by(&elsewhere, "silent");
    fails(&elsewhere, &["timed out", "no firewall or missing VPN"]);
}

#[test]
fn a_home_from_which_nothing_may_be_started_is_said_and_another_folder_does() {
    let Some(elsewhere) = on_disk(".local", "size=500m,noexec") else { return };
    let folder = format!("no program can be started from `{}/", elsewhere.far().display());
    fails(
        &elsewhere,
        &[&folder, "`noexec`", "set `agent` of `web` in site.toml to its path", "ssh far 'cat >/usr"],
    );
    let site = elsewhere.world.read("site.toml");
    let agent = sshd::program().display();
    elsewhere.world.write("site.toml", &format!("{site}agent = \"{agent}\"\n"));
    assert_eq!(elsewhere.banister(&["run", "try"]).code, Some(0));
    // What is not there, and what may not be started.
    elsewhere.world.write("site.toml", &format!("{site}agent = \"/opt/nowhere/banister\"\n"));
    let said = elsewhere.banister(&["lock", "show"]);
    assert!(format!("{said:?}").contains("there is no `/opt/nowhere/banister` on `web`"), "{said:?}");
}

#[test]
fn a_machine_that_can_t_start_the_program_is_said_with_both_sides() {
    let elsewhere = Elsewhere::bare();
    let tools = elsewhere.world.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let tool = |name: &str, script: &str| {
        let path = tools.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let shell = format!("PATH={}:$PATH\n", tools.display());
    fs::write(elsewhere.host.home().join(".bashrc"), shell).unwrap();
    tool("uname", "case $1 in -m) echo riscv64 ;; *) echo Linux ;; esac");
    fails(&elsewhere, &["`web` is Linux riscv64, and this banister is for Linux", "cargo install --path ."]);
    fs::remove_file(tools.join("uname")).unwrap();

    // In the place of the program comes one that the loader refuses.
    let digest: String =
        Sha256::digest(fs::read(sshd::program()).unwrap()).iter().map(|b| format!("{b:02x}")).collect();
    tool("sha256sum", &format!("cat >/dev/null; echo '{digest}  -'"));
    tool(
        "head",
        "if [ \"$1\" = -c ] && [ \"$2\" -gt 1000000 ]; then /usr/bin/head \"$@\" >/dev/null\n\
         printf '%s\\n' '#!/bin/sh' 'echo \"version \\`GLIBC_2.99'\"'\"' not found\" >&2; exit 1'\n\
         else exec /usr/bin/head \"$@\"; fi",
    );
    tool("getconf", "echo 'glibc 2.17'");
    let words =
        ["can't be started on `web`", "GLIBC_2.99", "the machine has `glibc 2.17`", "cargo install --path ."];
    fails(&elsewhere, &words);
    assert!(!elsewhere.far().join(digest).join("banister").exists(), "it is not kept");
}
