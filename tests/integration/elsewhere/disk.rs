//! A server elsewhere whose disk is full.

use super::Elsewhere;
use crate::support::sshd::Network;
use std::process::Command;

/// A server whose state or backups lie on a disk of so many bytes. None where this user may make none.
fn small(folder: &str, size: &str) -> Option<Elsewhere> {
    on_disk(folder, &format!("size={size}"))
}

/// A server with a disk of its own, mounted so, in a mount namespace that ends with its sshd.
pub fn on_disk(folder: &str, options: &str) -> Option<Elsewhere> {
    if !Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a full disk elsewhere needs root, for a disk of its own");
        return None;
    }
    let host = |network: &Network| {
        let path = network.bin().with_file_name("far").join("home").join(folder);
        let script =
            format!("mkdir -p {0} && mount -t tmpfs -o {options} small {0} && exec \"$@\"", path.display());
        network.host_behind("far", &["unshare", "-m", "sh", "-c", &script, "sh"], "127.0.0.1")
    };
    Some(Elsewhere::on(host))
}

/// Makes room on the disk.
fn enlarge(elsewhere: &Elsewhere, folder: &str) {
    let pid = elsewhere.host.pid().to_string();
    let path = elsewhere.host.home().join(folder);
    let mut mount = Command::new("nsenter");
    mount.args(["-t", &pid, "-m", "mount", "-o", "remount,size=500m"]).arg(path);
    assert!(mount.status().unwrap().success());
}

#[test]
fn an_agent_that_finds_no_room_is_said_and_nothing_is_touched() {
    let Some(elsewhere) = small(".local", "1m") else { return };
    elsewhere.runbook(r#"fn main() { this_server().make("config"); }"#);
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the agent can't be put on `web`"), "{said:?}");
    assert!(said.err.contains("No space left on device"), "{said:?}");
    let words = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("MB, and `") && words.contains("1 MB free") && words.contains("df -h"),
        "{said:?}"
    );
    assert_eq!((elsewhere.trace().as_str(), elsewhere.world.records()), ("", 0));
    enlarge(&elsewhere, ".local");
    assert_eq!(elsewhere.banister(&["run", "try"]).code, Some(0));
    assert_eq!(elsewhere.trace(), "config begin\nconfig end\n");
}

#[test]
fn a_backup_that_finds_no_room_stops_the_run_until_there_is_some() {
    let Some(elsewhere) = small("backups", "64k") else { return };
    let site = elsewhere.world.read("site.toml");
    elsewhere.world.write("site.toml", &format!("{site}backup = [\"big\"]\n"));
    // Nothing that could be compressed.
    let made = Command::new("dd")
        .args(["if=/dev/urandom", "bs=1M", "count=1", "status=none"])
        .arg(format!("of={}", elsewhere.world.path().join("web/big").display()))
        .status();
    assert!(made.unwrap().success());
    elsewhere.runbook(
        r#"import "kind" as kind;
        fn main() {
            let server = this_server();
            server.make("config");
            server.backup("", #{ files: ["big"] });
            server.make("up");
        }"#,
    );
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("on web") && said.out.contains("banister resume"), "{said:?}");
    let list = elsewhere.banister(&["backup", "list"]);
    assert_eq!(list.out, "there are no backups yet; take one with `banister run backup`\n", "{list:?}");
    enlarge(&elsewhere, "backups");
    let said = elsewhere.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.trace(), "config begin\nconfig end\nup begin\nup end\n");
    assert!(elsewhere.banister(&["backup", "list"]).out.contains("web"));
}
