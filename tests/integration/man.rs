//! The manual page.

use crate::support;

use std::io::Write;
use std::process::{Command, Stdio};
use support::{World, said};

fn page() -> String {
    let said = World::new().banister(&["man"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    said.out
}

#[test]
fn it_has_every_section_and_every_command() {
    let page = page();
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
    assert_eq!(
        sections,
        [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "COMMANDS",
            "RUNBOOKS",
            "\"EXIT STATUS\"",
            "FILES",
            "ENVIRONMENT",
            "\"SEE ALSO\""
        ]
    );
    let help = World::new().banister(&["--help"]).out;
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let lines = commands.lines().filter_map(|line| line.strip_prefix("  "));
    let names = lines.filter_map(|line| line.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !["", "help"].contains(name)).collect();
    assert!(names.len() > 10, "{help}");
    for name in names {
        assert!(page.contains(&format!(".SS \"banister {name}")), "{name}: {page}");
    }
    assert!(page.contains(".SS update-linked") && page.contains("\\-\\-wait\\-idle"), "{page}");
}

/// Where groff is installed it must read the page without a word, and set it.
#[test]
fn groff_sets_it_without_a_warning() {
    let mut groff = Command::new("groff");
    groff
        .args(["-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=100n"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    groff.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut groff = match groff.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        groff => groff.unwrap(),
    };
    let mut input = groff.stdin.take().unwrap();
    let page = page();
    let writer = std::thread::spawn(move || input.write_all(page.as_bytes()));
    let said = said(groff.wait_with_output().unwrap());
    writer.join().unwrap().unwrap();
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for told in [
        "banister - Runs update runbooks for self-hosted servers",
        "banister run [OPTIONS] <RUNBOOK>",
        "--on-failure WHAT",
        "Default: ask. One of: ask, stop, rollback.",
        "130    interrupted, and resumable",
        "BANISTER_STATE",
        "The release to install",
    ] {
        let found = said.out.to_lowercase().contains(&told.to_lowercase());
        assert!(found, "`{told}` is not in it:\n{}", said.out);
    }
}
