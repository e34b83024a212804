//! Login shells of every sort at the other end, and what their settings do.

use super::Elsewhere;
use crate::support::sshd::Network;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A server whose user has a login shell that can be changed, in a mount namespace that ends with its sshd. None where this
/// user may make none.
fn with_shells() -> Option<Elsewhere> {
    if !Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: another login shell needs root, for a list of users of its own");
        return None;
    }
    let host = |network: &Network| {
        let users = network.bin().with_file_name("passwd");
        fs::write(&users, users_with("/bin/sh")).unwrap();
        let script = format!("mount --bind {} /etc/passwd && exec \"$@\"", users.display());
        network.host_behind("far", &["unshare", "-m", "sh", "-c", &script, "sh"], "127.0.0.1")
    };
    let elsewhere = Elsewhere::on(host);
    elsewhere.host.put_program();
    elsewhere.runbook(r#"fn main() { this_server().make("config"); }"#);
    Some(elsewhere)
}

/// This machine's list of users, with that shell for the first, who is root.
fn users_with(shell: &str) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let (root, others) = users.split_once('\n').unwrap();
    let (root, _) = root.rsplit_once(':').unwrap();
    format!("{root}:{shell}\n{others}")
}

/// In the same file: it is the one that is mounted.
fn set_shell(elsewhere: &Elsewhere, shell: &str) {
    fs::write(elsewhere.network.bin().with_file_name("passwd"), users_with(shell)).unwrap();
}

const NOISE: &str = "printf 'Willkommen!\\nno newline \\033[1;31m\\007'\n";

#[test]
fn any_login_shell_that_prints_leads_to_the_agent() {
    let Some(elsewhere) = with_shells() else { return };
    let ash = elsewhere.network.bin().join("ash");
    std::os::unix::fs::symlink("/bin/busybox", &ash).unwrap();
    let home = elsewhere.host.home();
    let shells = [
        ("/bin/bash", ".bashrc"),
        ("/bin/rbash", ".bashrc"),
        ("/bin/dash", ".profile"),
        ("/bin/zsh", ".zshenv"),
        ("/usr/bin/fish", ".config/fish/config.fish"),
        ("/bin/mksh", ".mkshrc"),
        ("/bin/tcsh", ".tcshrc"),
        (ash.to_str().unwrap(), ".profile"),
    ];
    let mut tried = 0;
    for (shell, settings) in shells {
        if !Path::new(shell).exists() {
            eprintln!("SKIPPED: {shell} is not installed");
            continue;
        }
        let settings = home.join(settings);
        fs::create_dir_all(settings.parent().unwrap()).unwrap();
        fs::write(&settings, NOISE).unwrap();
        set_shell(&elsewhere, shell);
        let shown = elsewhere.banister(&["lock", "show"]);
        assert_eq!((shown.code, shown.out.as_str()), (Some(0), "web: free\n"), "{shell}: {shown:?}");
        let said = elsewhere.banister(&["run", "try"]);
        assert_eq!(said.code, Some(0), "{shell}: {said:?}");
        fs::remove_file(settings).unwrap();
        tried += 1;
    }
    assert_eq!(elsewhere.trace(), "config begin\nconfig end\n".repeat(tried));
    assert!(tried > 2, "only {tried} shells are installed");

    set_shell(&elsewhere, "/bin/bash");
    fs::write(home.join(".bashrc"), "PATH=/nowhere\n").unwrap();
    let shown = elsewhere.banister(&["lock", "show"]);
    assert_eq!(shown.out, "web: free\n", "a broken PATH: {shown:?}");
}

#[test]
fn a_user_without_a_shell_is_said_with_the_words_of_that_machine() {
    let Some(elsewhere) = with_shells() else { return };
    set_shell(&elsewhere, "/usr/sbin/nologin");
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in
        ["the login shell on `web` runs no command", "This account is currently not available", "chsh -s"]
    {
        assert!(said.err.contains(words), "{words}: {said:?}");
    }
    assert_eq!((elsewhere.trace().as_str(), elsewhere.world.records()), ("", 0));
}

/// What is sent to a shell that is not ours would be run by it.
fn nothing_is_sent_to(settings: &str, says: &str) {
    let elsewhere = Elsewhere::new();
    elsewhere.runbook(r#"fn main() { this_server().make("config"); }"#);
    let heard = elsewhere.host.home().join("heard");
    let settings = settings.replace("HEARD", &heard.display().to_string());
    fs::write(elsewhere.host.home().join(".bashrc"), settings).unwrap();
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the login shell on `web`") && said.err.contains(says), "{said:?}");
    assert!(said.err.contains(".bashrc"), "{said:?}");
    // At the end of what it reads, which comes when it is left, a shell goes on with nothing.
    assert_eq!(fs::read_to_string(&heard).unwrap_or_default().trim(), "");
    assert_eq!((elsewhere.trace().as_str(), elsewhere.world.records()), ("", 0));
}

#[test]
fn a_shell_that_asks_is_sent_nothing() {
    nothing_is_sent_to(
        "printf 'Your name? '\nread -r name; echo \"$name\" >HEARD\n",
        "it printed `Your name?`",
    );
}

#[test]
fn a_shell_that_starts_another_one_is_sent_nothing() {
    nothing_is_sent_to("echo Menu; exec cat >HEARD\n", "it printed `Menu`");
}

#[test]
fn a_shell_that_prints_without_an_end_is_left() {
    nothing_is_sent_to(
        "while :; do echo 'Willkommen auf dem Server!'; done\n",
        "it printed `Willkommen auf dem",
    );
}
